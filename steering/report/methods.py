"""What did each method do on all prompts together: success with its interval, damage beside it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from steering.errors import SteeringError
from steering.judges.score import Score
from steering.scores.means import mean_interval

if TYPE_CHECKING:
    from steering.generation.completion import Completion

LARGEST_OVERALL = 2.0
REFERENCE = "SAE"
"""The method that others are compared with."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MethodSummary:
    """One method over all prompts and samples; None is "not measured", never a bad value.

    Attributes:
        title: what the screen calls it.
        overall: mean of the judge's overall score, 0 to 2.
        interval: 95 % limits of it, Student's over prompts, cut at the ends of the scale.
        difference: overall minus the reference's, prompt by prompt.
        difference_interval: 95 % limits of that.
        concept: mean rating, 0 to 2.
        instruction: mean rating, 0 to 2.
        fluency: mean rating, 0 to 2.
        kl: mean of KL to the baseline, nats per token.
        perplexity: median, under the untouched model.
        distinct_2: mean share of distinct pairs of tokens.
        loops: completions that end in a loop.
    """

    title: str
    overall: float | None
    interval: Interval | None
    difference: float | None
    difference_interval: Interval | None
    concept: float | None
    instruction: float | None
    fluency: float | None
    kl: float | None
    perplexity: float | None
    distinct_2: float | None
    loops: int


def summarise_methods(
    titles: Sequence[str],
    n_prompts: int,
    count: int,
    completions: "Sequence[Completion]",
    scores: Sequence[Score] = (),
    *,
    reference: str = REFERENCE,
) -> tuple[MethodSummary, ...]:
    """A summary of each method.

    Args:
        titles: of the methods, in the order of the completions.
        n_prompts: prompts.
        count: samples per prompt.
        completions: methods outermost, then prompts, then samples.
        scores: one per completion, or none without a judge.
        reference: title of the method that others are compared with; none of this title, no comparison.

    Raises:
        SteeringError: the numbers do not fit together.
    """
    size = n_prompts * count
    if len(completions) != size * len(titles) or (scores and len(scores) != len(completions)):
        raise SteeringError(
            f"{len(titles)} methods, {n_prompts} prompts and {count} samples need {size * len(titles)} completions, "
            f"each with a score or none; there are {len(completions)} and {len(scores)}."
        )
    overall = [
        _overall(scores[place * size : (place + 1) * size], n_prompts, count) for place in range(len(titles)) if scores
    ]
    base = overall[list(titles).index(reference)] if scores and reference in titles else None
    found = []
    for place, title in enumerate(titles):
        part = slice(place * size, (place + 1) * size)
        receipts = [completion.receipt for completion in completions[part]]
        rated = scores[part]
        own = overall[place] if scores else None
        gap = own - base if own is not None and base is not None and title != reference else None
        found.append(
            MethodSummary(
                title=title,
                overall=None if own is None else float(own.mean()),
                interval=None if own is None else cut_interval(own, 0.0, LARGEST_OVERALL),
                difference=None if gap is None else float(gap.mean()),
                difference_interval=None if gap is None else cut_interval(gap, -LARGEST_OVERALL, LARGEST_OVERALL),
                concept=_mean([float(score.concept) for score in rated]),
                instruction=_mean([float(score.instruction) for score in rated]),
                fluency=_mean([float(score.fluency) for score in rated]),
                kl=_mean([receipt.kl for receipt in receipts]),
                perplexity=_median([receipt.perplexity for receipt in receipts]),
                distinct_2=_mean([receipt.repetition.distinct_2 for receipt in receipts]),
                loops=sum(receipt.repetition.is_looping for receipt in receipts),
            )
        )
    return tuple(found)


def cut_interval(values: Float[np.ndarray, "n_prompts n_samples"], low: float, high: float) -> Interval | None:
    """The interval of a mean, cut at the ends of its scale; None where the prompts give none."""
    found = mean_interval(values)
    return None if found is None else (max(low, found[0]), min(high, found[1]))


def _overall(scores: Sequence[Score], n_prompts: int, count: int) -> Float[np.ndarray, "n_prompts n_samples"]:
    return np.array([score.overall for score in scores]).reshape(n_prompts, count)


def _median(values: Sequence[float | None]) -> float | None:
    """One broken answer has a perplexity of thousands and would decide a mean by itself."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
