"""What did a detector of one concept say about every text it was tried on?"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from steering.errors import SteeringError

POSITIVE, NEGATIVE, HARD_NEGATIVE = "positive", "negative", "hard negative"
CATEGORIES = (POSITIVE, NEGATIVE, HARD_NEGATIVE)
"""AxBench's words in the column ``category``."""


def _none() -> Float[np.ndarray, " n_none"]:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class ConceptScores:
    """Scores of one concept's texts by one detector, higher meaning more likely positive; any unit.

    Attributes:
        concept: whose.
        positive: of texts that carry the concept (AxBench: 36).
        negative: of texts that do not (AxBench: 36).
        hard_negative: of texts that use a word of the concept in another sense (AxBench: 0 to 9).
        extra_negative: of texts of any kind for the imbalanced measure, as a rule 100 for every positive.
    """

    concept: str
    positive: Float[np.ndarray, " n_positive"]
    negative: Float[np.ndarray, " n_negative"]
    hard_negative: Float[np.ndarray, " n_hard_negative"] = field(default_factory=_none)
    extra_negative: Float[np.ndarray, " n_extra_negative"] = field(default_factory=_none)

    def __post_init__(self) -> None:
        if not len(self.positive) or not len(self.negative):
            raise SteeringError(
                f"'{self.concept}' has {len(self.positive)} positive and {len(self.negative)} negative texts; "
                "detection needs at least one of each."
            )
        for scores in (self.positive, self.negative, self.hard_negative, self.extra_negative):
            if not np.isfinite(scores).all():
                raise SteeringError(
                    f"A text of '{self.concept}' has a score that is not a finite number; find out which and leave it "
                    "out, or read the model in float32."
                )

    @property
    def evaluated(self) -> Float[np.ndarray, " n"]:
        """Scores of the concept's own texts: positives, negatives, hard negatives, in this order."""
        return np.concatenate([self.positive, self.negative, self.hard_negative])

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest score of the concept's own texts, which AxBench normalises by."""
        own = self.evaluated
        return float(own.min()), float(own.max())

    @classmethod
    def by_category(
        cls,
        concept: str,
        scores: Float[np.ndarray, " n"],
        categories: Sequence[str],
        *,
        extra_negative: Float[np.ndarray, " n_extra"] | None = None,
    ) -> "ConceptScores":
        """Sorts the scores of one concept's texts by AxBench's ``category``.

        Raises:
            SteeringError: an unknown category, another number of categories than scores, or a side is empty.
        """
        if len(scores) != len(categories):
            raise SteeringError(
                f"'{concept}' has {len(scores)} scores and {len(categories)} categories; give one each."
            )
        unknown = sorted(set(categories) - set(CATEGORIES))
        if unknown:
            raise SteeringError(
                f"'{concept}' has a text of the category '{unknown[0]}'; expected {', '.join(CATEGORIES)}."
            )
        kinds = np.array(list(categories), dtype=object)
        return cls(
            concept,
            scores[kinds == POSITIVE],
            scores[kinds == NEGATIVE],
            scores[kinds == HARD_NEGATIVE],
            _none() if extra_negative is None else extra_negative,
        )


def normalised(scores: ConceptScores) -> ConceptScores:
    """The same scores, min-max normalised by the concept's own texts."""
    low, high = scores.range
    parts = (scores.positive, scores.negative, scores.hard_negative, scores.extra_negative)
    return ConceptScores(scores.concept, *(min_max(part, low, high) for part in parts))


def min_max(scores: Float[np.ndarray, " n"], low: float, high: float) -> Float[np.ndarray, " n"]:
    """(score − low) / (high − low); 0 everywhere where all scores are equal, as in AxBench's evaluators."""
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))
