"""How are the results of a vote said in words?"""

from collections.abc import Iterator

from steering.evidence.bootstrap import Interval
from steering.votes.results import JudgeAgreement, RaterAgreement, VoteResults


def rate_text(rate: Interval | None) -> str:
    """A rate with its limits: "0.62 (0.51 to 0.72)"."""
    if rate is None:
        return "no vote"
    return f"{rate.value:.2f} ({rate.low:.2f} to {rate.high:.2f})" if rate.is_known else f"{rate.value:.2f}"


def agreement_text(agreement: RaterAgreement) -> str:
    """What is known about how far raters agree."""
    if agreement.same is None:
        return "No pair was seen by two raters yet."
    alpha = "is not defined" if agreement.alpha is None else f"= {agreement.alpha:.2f}"
    pairs = "1 pair" if agreement.n_pairs == 1 else f"{agreement.n_pairs:,} pairs"
    return (
        f"Raters agree: Krippendorff's alpha {alpha} (1 is perfect, 0 is chance); two raters said the same in "
        f"{agreement.same:.0%} of cases, on {pairs} that several saw."
    )


def judge_text(judge: JudgeAgreement | None) -> str:
    """What is known about how far people agree with the judge."""
    if judge is None:
        return "The study has no judge's scores to compare with."
    left_out = (
        f"Left out: {judge.n_people_tie:,} pairs without a majority, {judge.n_judge_tie:,} to which the judge gave one "
        "score."
    )
    if judge.share is None:
        return f"No pair was decided by people and by the judge. {left_out}"
    return (
        f"People and judge: in a share of {rate_text(judge.share)} of {judge.n_decided:,} decided pairs most people "
        f"prefer the answer with the higher overall score. {left_out}"
    )


def lines(results: VoteResults) -> Iterator[tuple[str, ...]]:
    """Everything, in cells of lines for a terminal."""
    yield "raters", str(results.n_raters), "votes", str(results.n_votes)
    yield "method", "win rate (95 %)", "votes"
    for method in results.methods:
        yield method.title, rate_text(method.rate), str(method.n_votes)
    yield "first", "second", "first wins (95 %)", "won", "lost", "tied", "same texts"
    for pair in results.pairs:
        counts = (pair.wins, pair.losses, pair.ties, pair.n_same)
        yield pair.first, pair.second, rate_text(pair.rate), *map(str, counts)
    yield (agreement_text(results.agreement),)
    yield (judge_text(results.judge),)
    for reason in results.reasons:
        yield (
            reason.chosen or "tie",
            f"against {reason.other}" if reason.chosen else reason.other,
            reason.name,
            reason.text,
        )
