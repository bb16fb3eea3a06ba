"""How often is each method preferred, how sure is that, do raters agree with each other, and with the judge?

For two methods, of S answers that are the same (ties by definition) and D that differ, of which some were voted on:

    rate = (S/2 + D · wins/votes) / (S + D),    a win 1, a tie 1/2,

so that leaving out what needs no question does not change what is measured. A method's rate is the mean over its
opponents. Prompts are resampled, with all samples of a prompt together, and raters are resampled independently of them
(the product of both weights: A. B. Owen, *The pigeonhole bootstrap*, 2007): votes on one prompt, or by one person, are
not independent of each other. With one rater the interval says nothing about other raters.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from steering.evidence.bootstrap import Interval, concept_weights, limits
from steering.evidence.protocol import DECIMALS
from steering.scores.intervals import wilson_interval
from steering.votes.agreement import krippendorff_alpha
from steering.votes.box import Votes
from steering.votes.contest import Contest
from steering.votes.vote import Vote

N_RESAMPLES = 2000
Draws = Float[np.ndarray, " n_resamples"]


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two methods against each other.

    Attributes:
        first: title of one.
        second: title of the other.
        rate: how often the first is preferred, ties half, None before the first vote; limits are not numbers where
            nothing can be said.
        wins: votes for the first.
        losses: votes for the second.
        ties: votes for neither.
        n_same: answers that are letter for letter the same; nobody was asked.
        n_different: answers that differ, voted on or not.
    """

    first: str
    second: str
    rate: Interval | None
    wins: int
    losses: int
    ties: int
    n_same: int
    n_different: int


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method against all others.

    Attributes:
        title: of the method.
        rate: mean over its opponents; 0.5 is as good as they are. None before the first vote.
        n_votes: votes that it took part in.
    """

    title: str
    rate: Interval | None
    n_votes: int


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """How far raters agree where at least two saw the same pair.

    Attributes:
        alpha: Krippendorff's, a tie halfway between the choices; None where nothing can be said.
        same: share of two raters' votes on one pair that are the same choice; None without such a pair.
        n_pairs: pairs that at least two raters voted on.
    """

    alpha: float | None
    same: float | None
    n_pairs: int


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """How often most people prefer the answer with the higher overall score.

    Attributes:
        share: of the pairs that both decide, over resampled prompts; None where there is none.
        n_decided: pairs in which people have a majority and the judge's scores differ.
        n_people_tie: voted pairs without a majority; not counted.
        n_judge_tie: pairs with a majority whose scores are equal; not counted.
    """

    share: Interval | None
    n_decided: int
    n_people_tie: int
    n_judge_tie: int


@dataclass(frozen=True, slots=True)
class Reason:
    """What a rater wrote to a vote.

    Attributes:
        prompt: that was answered.
        chosen: title of the method, None for a tie.
        other: title of the one that was not chosen; of both for a tie.
        name: of the rater, may be empty.
        text: what was written.
    """

    prompt: str
    chosen: str | None
    other: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class VoteResults:
    """All that the votes on a study say.

    Attributes:
        n_raters: people with at least one vote.
        n_votes: votes that count: the last of each rater on each pair.
        left: share of the decided votes for the answer on the left; None without one. Far from 0.5, raters were not
            reading.
        methods: in the order of the screen.
        pairs: every two methods.
        agreement: between raters.
        judge: agreement with the judge; None where the study has no scores.
        reasons: in the order of time.
    """

    n_raters: int
    n_votes: int
    left: float | None
    methods: tuple[MethodResult, ...]
    pairs: tuple[PairResult, ...]
    agreement: RaterAgreement
    judge: JudgeAgreement | None
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; a limit that is not known is null."""
        plain: dict[str, Any] = _known(asdict(self))
        return plain


def results_of(contest: Contest, votes: Votes) -> VoteResults:
    """What the votes say; those on pairs that the contest does not ask are left out.

    Args:
        contest: what was voted on.
        votes: the last votes of every rater.
    """
    asked = {(pair.item, pair.first, pair.second) for pair in contest.pairs}
    counted: dict[str, list[Vote]] = {}
    for rater, all_of_one in votes.items():
        if valid := [vote for pair, vote in all_of_one.items() if pair in asked]:
            counted[rater] = valid
    counts = _Counts(contest, counted)
    rates: dict[tuple[int, int], tuple[float, Draws]] = {}
    for methods in counts.methods:
        if (found := counts.rate(*methods)) is not None:
            rates[methods] = found
    cast = sorted((vote for of_one in counted.values() for vote in of_one), key=lambda vote: vote.at)
    decided = [vote.choice for vote in cast if vote.choice != "tie"]
    return VoteResults(
        n_raters=len(counted),
        n_votes=len(cast),
        left=decided.count("left") / len(decided) if decided else None,
        methods=tuple(_method(contest, counts, rates, place, cast) for place in range(len(contest.titles))),
        pairs=tuple(_pair(contest, counts, rates, methods, cast) for methods in counts.methods),
        agreement=_agreement(cast),
        judge=_judge(contest, counts, cast),
        reasons=tuple(_reason(contest, vote) for vote in cast if vote.reason.strip()),
    )


class _Counts:
    """Votes and wins by prompt and rater, and their resamples."""

    def __init__(self, contest: Contest, counted: dict[str, list[Vote]]) -> None:
        clusters = {cluster: place for place, cluster in enumerate(dict.fromkeys(i.cluster for i in contest.items))}
        self.cluster_of = [clusters[item.cluster] for item in contest.items]
        self.n_clusters = len(clusters)
        n_raters = len(counted)
        self.methods = list(combinations(range(len(contest.titles)), 2))
        self.same = {methods: np.zeros(self.n_clusters) for methods in self.methods}
        self.different = {methods: np.zeros(self.n_clusters) for methods in self.methods}
        self.votes = {methods: np.zeros((self.n_clusters, n_raters)) for methods in self.methods}
        self.wins = {methods: np.zeros((self.n_clusters, n_raters)) for methods in self.methods}
        for pairs, into in ((contest.same, self.same), (contest.pairs, self.different)):
            for pair in pairs:
                into[pair.first, pair.second][self.cluster_of[pair.item]] += 1
        for column, of_one in enumerate(counted.values()):
            for vote in of_one:
                item, first, second = vote.pair
                self.votes[first, second][self.cluster_of[item], column] += 1
                self.wins[first, second][self.cluster_of[item], column] += vote.win
        self.prompts = concept_weights(self.n_clusters, n_resamples=N_RESAMPLES, seed=0)
        self.raters = concept_weights(max(n_raters, 1), n_resamples=N_RESAMPLES, seed=1)

    def rate(self, first: int, second: int) -> tuple[float, Draws] | None:
        """How often the first of two methods is preferred, and the same in every resample; None without a vote."""
        key = (first, second)
        if not self.votes[key].any():
            return None
        voted = self.votes[key].any(axis=1)
        prompts = self.prompts[:, voted]
        wins = ((prompts @ self.wins[key][voted]) * self.raters).sum(axis=1)
        votes = ((prompts @ self.votes[key][voted]) * self.raters).sum(axis=1)
        same, different = self.prompts @ self.same[key], self.prompts @ self.different[key]
        # A resample without a vote says nothing, unless nothing in it differs: then all of it are ties.
        with np.errstate(invalid="ignore", divide="ignore"):
            preferred = np.where(different == 0, 0.0, different * (wins / votes))
            draws = (same / 2 + preferred) / (same + different)
        n_same, n_different = self.same[key].sum(), self.different[key].sum()
        share = self.wins[key].sum() / self.votes[key].sum()
        return float((n_same / 2 + n_different * share) / (n_same + n_different)), draws

    def n_voted(self, keys: Sequence[tuple[int, int]]) -> int:
        """Prompts with a vote on any of these pairs of methods."""
        return int(np.any([self.votes[key].any(axis=1) for key in keys], axis=0).sum())


def _interval(value: float, draws: Draws, n_prompts: int) -> Interval:
    """Limits from the resamples; where all say the same because all votes do, Wilson's over the prompts."""
    known = draws[np.isfinite(draws)]
    low = high = np.nan
    if 2 * len(known) > len(draws):
        low, high = map(float, limits(known, n_prompts))
    if np.isnan(low) and value in (0.0, 1.0):
        low, high = wilson_interval(round(value * n_prompts), n_prompts)
    return Interval(value, float(low), float(high))


def _method(
    contest: Contest,
    counts: _Counts,
    rates: dict[tuple[int, int], tuple[float, Draws]],
    place: int,
    cast: Sequence[Vote],
) -> MethodResult:
    keys = [methods for methods in rates if place in methods]
    n_votes = sum(place in (vote.left, vote.right) for vote in cast)
    if not keys:
        return MethodResult(contest.titles[place], None, n_votes)
    # The second of a pair wins where the first does not.
    ours = [rates[key] if key[0] == place else (1 - rates[key][0], 1 - rates[key][1]) for key in keys]
    value, draws = float(np.mean([rate for rate, _ in ours])), np.mean([draw for _, draw in ours], axis=0)
    return MethodResult(contest.titles[place], _interval(value, draws, counts.n_voted(keys)), n_votes)


def _pair(
    contest: Contest,
    counts: _Counts,
    rates: dict[tuple[int, int], tuple[float, Draws]],
    methods: tuple[int, int],
    cast: Sequence[Vote],
) -> PairResult:
    wins = [vote.win for vote in cast if vote.pair[1:] == methods]
    return PairResult(
        first=contest.titles[methods[0]],
        second=contest.titles[methods[1]],
        rate=_interval(*rates[methods], counts.n_voted([methods])) if methods in rates else None,
        wins=wins.count(1.0),
        losses=wins.count(0.0),
        ties=wins.count(0.5),
        n_same=int(counts.same[methods].sum()),
        n_different=int(counts.different[methods].sum()),
    )


def _by_pair(cast: Sequence[Vote]) -> dict[tuple[int, int, int], list[float]]:
    found: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    for vote in cast:
        found[vote.pair].append(vote.win)
    return found


def _agreement(cast: Sequence[Vote]) -> RaterAgreement:
    units = [values for values in _by_pair(cast).values() if len(values) > 1]
    # Which of two answers is called the first is arbitrary, so every pair is counted both ways round: alpha is then
    # the same whatever the order of the methods, and a method that always wins is not taken for chance.
    alpha = krippendorff_alpha([*units, *([1 - value for value in values] for values in units)])
    two = [a == b for values in units for a, b in combinations(values, 2)]
    return RaterAgreement(alpha, float(np.mean(two)) if two else None, len(units))


def _judge(contest: Contest, counts: _Counts, cast: Sequence[Vote]) -> JudgeAgreement | None:
    if all(score is None for item in contest.items for score in item.overall):
        return None
    agree, decided = np.zeros(counts.n_clusters), np.zeros(counts.n_clusters)
    people_tie = judge_tie = 0
    for (number, first, second), values in _by_pair(cast).items():
        item = contest.items[number]
        ours, theirs = item.overall[first], item.overall[second]
        if ours is None or theirs is None:
            continue
        people, judge = np.sign(np.mean(values) - 0.5), np.sign(round(ours - theirs, DECIMALS))
        if people == 0:
            people_tie += 1
        elif judge == 0:
            judge_tie += 1
        else:
            decided[counts.cluster_of[number]] += 1
            agree[counts.cluster_of[number]] += people == judge
    if not decided.any():
        return JudgeAgreement(None, 0, people_tie, judge_tie)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = (counts.prompts @ agree) / (counts.prompts @ decided)
    share = _interval(float(agree.sum() / decided.sum()), draws, int((decided > 0).sum()))
    return JudgeAgreement(share, int(decided.sum()), people_tie, judge_tie)


def _reason(contest: Contest, vote: Vote) -> Reason:
    left, right = contest.titles[vote.left], contest.titles[vote.right]
    chosen, other = {"left": (left, right), "right": (right, left), "tie": (None, f"{left}, {right}")}[vote.choice]
    return Reason(contest.items[vote.item].prompt, chosen, other, vote.name, vote.reason)


def _known(value: Any) -> Any:
    """Without NaN, which JSON has not."""
    if isinstance(value, dict):
        return {name: _known(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
