"""What are AxBench's numbers of concept detection, and what do they become where it cut a corner?

AxBench (arXiv 2501.17148, section 4.1) and its evaluators (axbench/evaluators/aucroc.py, hard_negative.py,
latent_stats.py). Three things to know:

* Its AUROC leaves hard negatives out: the label map of ``AUCROCEvaluator`` spells their category in ways that do not
  occur in the data. ``auroc`` is that number; ``auroc_with_hard`` counts them as the negatives they are.
* Its hard-negative number, ``macro_avg_accuracy``, is the mean of two accuracies at the Youden threshold of positives
  against negatives: the hard negatives' and the positives'. Both parts stand here by themselves.
* Its code has no evaluator for the imbalanced mode: it scores 3,600 negatives and stops there. F1 is given here at the
  best threshold, which is optimistic because it is chosen on the texts it is scored on, and at a threshold that was
  chosen on the balanced texts (or on a validation set), which is what a user would have.

Scores are min-max normalised per concept in AxBench. But for rounding, nothing changes by that except the threshold's
unit, which is given in both.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isinf, isnan, nan

import numpy as np
import pandas as pd

from steering.detection.concept_scores import ConceptScores, min_max
from steering.detection.thresholds import best_f1_threshold, cuts, f1_at, youden_threshold
from steering.errors import SteeringError
from steering.scores.auroc import auroc_of_scores
from steering.scores.average_precision import average_precision
from steering.scores.means import mean_interval


@dataclass(frozen=True, slots=True)
class Detection:
    """How well one detector finds one concept; NaN where there is nothing to measure it on.

    Attributes:
        concept: which.
        auroc: positives against negatives, hard negatives left out: AxBench's number.
        auroc_with_hard: positives against negatives and hard negatives.
        average_precision: area under precision and recall, positives against negatives.
        youden_threshold: highest threshold of the largest TPR − FPR on positives and negatives, in the score's own
            unit; infinite where the scores tell nothing apart.
        youden_threshold_normalised: the same after min-max normalisation over the concept's texts.
        positive_accuracy: share of positives at or above it.
        negative_accuracy: share of negatives below it.
        hard_negative_accuracy: share of hard negatives below it.
        macro_accuracy: mean of the positives' and the hard negatives' accuracy, AxBench's ``macro_avg_accuracy``; NaN
            where the threshold is infinite, as AxBench leaves the concept out there.
        f1: best F1 on positives and negatives.
        f1_imbalanced: best F1 on positives and the extra negatives; its threshold has seen the texts it is scored on.
        f1_imbalanced_at_threshold: F1 on the same texts at the threshold that was best on the balanced ones, or at the
            one that was passed.
        max_score: largest score of the concept's own texts, all kinds: AxBench's unit of strength for directions.
        min_score: smallest.
        n_positive: texts.
        n_negative: texts.
        n_hard_negative: texts.
        n_extra_negative: texts.
    """

    concept: str
    auroc: float
    auroc_with_hard: float
    average_precision: float
    youden_threshold: float
    youden_threshold_normalised: float
    positive_accuracy: float
    negative_accuracy: float
    hard_negative_accuracy: float
    macro_accuracy: float
    f1: float
    f1_imbalanced: float
    f1_imbalanced_at_threshold: float
    max_score: float
    min_score: float
    n_positive: int
    n_negative: int
    n_hard_negative: int
    n_extra_negative: int


@dataclass(frozen=True, slots=True)
class DetectionSummary:
    """Means over concepts, each over the concepts where the number exists.

    Attributes:
        n_concepts: how many were measured.
        auroc: mean.
        auroc_interval: 95 % of the mean over concepts, None for fewer than three.
        auroc_with_hard: mean.
        hard_negative_accuracy: mean over concepts with hard negatives.
        macro_accuracy: mean, as AxBench.
        f1: mean.
        f1_imbalanced: mean.
        f1_imbalanced_at_threshold: mean.
        n_with_hard_negatives: concepts that have any.
        n_without_macro_accuracy: concepts AxBench's hard-negative number leaves out: no hard negatives, or a detector
            that tells nothing apart. A mean over survivors, so their number belongs beside it.
    """

    n_concepts: int
    auroc: float
    auroc_interval: tuple[float, float] | None
    auroc_with_hard: float
    hard_negative_accuracy: float
    macro_accuracy: float
    f1: float
    f1_imbalanced: float
    f1_imbalanced_at_threshold: float
    n_with_hard_negatives: int
    n_without_macro_accuracy: int


def detect(scores: ConceptScores, *, threshold: float | None = None, as_axbench: bool = False) -> Detection:
    """Every number of one concept.

    Args:
        scores: of the concept's texts.
        threshold: chosen on validation texts, in the score's unit, for ``f1_imbalanced_at_threshold``; None takes the
            one with the best F1 on the concept's own positives and negatives.
        as_axbench: let rounding choose between equally good Youden thresholds, as AxBench's evaluators do; they see
            min-max normalised scores, so pass such for numbers equal to theirs to the last digit.

    Raises:
        SteeringError: the threshold is NaN.
    """
    if threshold is not None and isnan(threshold):
        raise SteeringError(f"The threshold for '{scores.concept}' is NaN; choose it on texts that have scores.")
    balanced = cuts(scores.positive, scores.negative)
    low, high = scores.range
    youden = youden_threshold(balanced, as_axbench=as_axbench)
    tells = not isinf(youden)
    positive_accuracy = float((scores.positive >= youden).mean())
    hard_accuracy = float((scores.hard_negative < youden).mean()) if len(scores.hard_negative) else nan
    given = best_f1_threshold(balanced) if threshold is None else threshold
    extra = scores.extra_negative
    return Detection(
        concept=scores.concept,
        auroc=_auroc(scores.positive, scores.negative),
        auroc_with_hard=_auroc(scores.positive, np.concatenate([scores.negative, scores.hard_negative])),
        average_precision=average_precision(
            np.concatenate([scores.positive, scores.negative]), _labels(len(scores.positive), len(scores.negative))
        ),
        youden_threshold=youden,
        youden_threshold_normalised=float(min_max(np.array([youden]), low, high)[0]) if tells else youden,
        positive_accuracy=positive_accuracy,
        negative_accuracy=float((scores.negative < youden).mean()),
        hard_negative_accuracy=hard_accuracy,
        macro_accuracy=(positive_accuracy + hard_accuracy) / 2 if tells else nan,
        f1=float(balanced.f1.max()),
        f1_imbalanced=float(cuts(scores.positive, extra).f1.max()) if len(extra) else nan,
        f1_imbalanced_at_threshold=f1_at(scores.positive, extra, given) if len(extra) else nan,
        max_score=high,
        min_score=low,
        n_positive=len(scores.positive),
        n_negative=len(scores.negative),
        n_hard_negative=len(scores.hard_negative),
        n_extra_negative=len(extra),
    )


def summarise(found: Sequence[Detection]) -> DetectionSummary:
    """Means over concepts; every concept weighs the same, however many texts it has.

    Raises:
        SteeringError: there is no concept.
    """
    if not found:
        raise SteeringError("There is no concept to take the mean over; measure at least one.")
    auroc = np.array([one.auroc for one in found])
    return DetectionSummary(
        n_concepts=len(found),
        auroc=float(auroc.mean()),
        auroc_interval=mean_interval(auroc[:, None]),
        auroc_with_hard=_mean([one.auroc_with_hard for one in found]),
        hard_negative_accuracy=_mean([one.hard_negative_accuracy for one in found]),
        macro_accuracy=_mean([one.macro_accuracy for one in found]),
        f1=_mean([one.f1 for one in found]),
        f1_imbalanced=_mean([one.f1_imbalanced for one in found]),
        f1_imbalanced_at_threshold=_mean([one.f1_imbalanced_at_threshold for one in found]),
        n_with_hard_negatives=sum(one.n_hard_negative > 0 for one in found),
        n_without_macro_accuracy=sum(isnan(one.macro_accuracy) for one in found),
    )


def detection_table(found: Sequence[Detection]) -> pd.DataFrame:
    """A row per concept, a column per number."""
    return pd.DataFrame([asdict(one) for one in found], columns=list(Detection.__dataclass_fields__))


def _labels(n_positive: int, n_negative: int) -> np.ndarray:
    return np.arange(n_positive + n_negative) < n_positive


def _auroc(positive: np.ndarray, negative: np.ndarray) -> float:
    return auroc_of_scores(np.concatenate([positive, negative]), _labels(len(positive), len(negative)))


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not isnan(value)]
    return float(np.mean(defined)) if defined else nan
