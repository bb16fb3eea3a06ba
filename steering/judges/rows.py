"""What goes into a judge in bulk, and what comes out?"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from steering.judges.rubric import COUNTED_AS_ZERO, MISSING, OUTCOMES, Outcome, Rating
from steering.judges.score import Score


@dataclass(frozen=True, slots=True)
class RowToJudge:
    """A completion to be rated.

    Attributes:
        concept: what it should carry.
        prompt: the instruction it answers.
        text: the completion.
        sample: number of this judgement; a judge with a temperature is asked again for another number, and the same
            number gives the stored reply.
    """

    concept: str
    prompt: str
    text: str
    sample: int = 0


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A completion and what the judge said.

    Attributes:
        row: as it was given.
        score: None where a rating is missing because no reply came, none came to its end, or the run was stopped;
            never a guess.
        ratings: concept, instruction, fluency with how each came about; none from a judge that reads no replies, such
            as the world's ground truth.
    """

    row: RowToJudge
    score: Score | None
    ratings: tuple[Rating, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a batch; stands beside every table that rests on it.

    Attributes:
        n_rows: completions given.
        n_scored: completions with a score.
        outcomes: number of ratings by outcome, every outcome named.
        n_cached: ratings whose reply was in the cache, or shared with the same question about another completion.
        prompt_tokens: read by the judge in this batch.
        completion_tokens: written by the judge in this batch.
    """

    n_rows: int
    n_scored: int
    outcomes: dict[Outcome, int]
    n_cached: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def n_ratings(self) -> int:
        """Ratings that were wanted."""
        return sum(self.outcomes.values())

    @property
    def n_counted_as_zero(self) -> int:
        """Ratings that are 0 because the reply was no rating."""
        return sum(self.outcomes[outcome] for outcome in COUNTED_AS_ZERO)

    @property
    def n_missing(self) -> int:
        """Ratings that do not exist."""
        return sum(self.outcomes[outcome] for outcome in MISSING)

    def sentence(self) -> str:
        """For the screen and the log."""
        parts = [f"{self.n_scored} of {self.n_rows} completions judged"]
        names: dict[Outcome, str] = {
            "unparsable": "unparsable replies counted as 0",
            "out_of_range": "replies out of range counted as 0",
            "refused": "refusals counted as 0",
            "cut_off": "replies cut off, which rate nothing",
            "failed": "requests failed",
            "stopped": "ratings not asked for because the run was stopped",
        }
        parts += [f"{self.outcomes[outcome]} {words}" for outcome, words in names.items() if self.outcomes[outcome]]
        if self.n_cached:
            parts.append(f"{self.n_cached} of {self.n_ratings} ratings from the cache")
        return "; ".join(parts) + "."


def tally(judged: Iterable[JudgedRow]) -> Tally:
    """Count what became of a batch."""
    rows = list(judged)
    ratings = [rating for row in rows for rating in row.ratings]
    counts = Counter(rating.outcome for rating in ratings)
    return Tally(
        n_rows=len(rows),
        n_scored=sum(row.score is not None for row in rows),
        outcomes={outcome: counts[outcome] for outcome in OUTCOMES},
        n_cached=sum(rating.cached for rating in ratings),
        prompt_tokens=sum(rating.prompt_tokens for rating in ratings),
        completion_tokens=sum(rating.completion_tokens for rating in ratings),
    )
