"""What does every threshold find, and which one is best?

A threshold predicts ``score >= threshold``. Counts are whole numbers, so that equally good thresholds are recognised as
such. With 36 positives and 36 negatives they are common, and what the chosen one finds on other texts depends on which
it is; AxBench lets the rounding of TPR − FPR decide between them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from steering.scores.calibrated_f1 import check_both_classes


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Every different score as a threshold, highest first.

    Attributes:
        threshold: falling.
        true_positives: positives at or above it.
        false_positives: negatives at or above it.
        n_positive: positives in all.
        n_negative: negatives in all.
    """

    threshold: Float[np.ndarray, " n_cuts"]
    true_positives: Int[np.ndarray, " n_cuts"]
    false_positives: Int[np.ndarray, " n_cuts"]
    n_positive: int
    n_negative: int

    @property
    def tpr(self) -> Float[np.ndarray, " n_points"]:
        """Share of positives found, from the threshold above all scores (0) to the lowest (1): the ROC curve's y."""
        return np.append(0, self.true_positives) / self.n_positive

    @property
    def fpr(self) -> Float[np.ndarray, " n_points"]:
        """Share of negatives found, beside ``tpr``: the ROC curve's x."""
        return np.append(0, self.false_positives) / self.n_negative

    @property
    def f1(self) -> Float[np.ndarray, " n_cuts"]:
        """F1 = 2 TP / (TP + FP + P) of every threshold."""
        return 2 * self.true_positives / (self.true_positives + self.false_positives + self.n_positive)


def cuts(positive: Float[np.ndarray, " n_positive"], negative: Float[np.ndarray, " n_negative"]) -> Cuts:
    """Count what every threshold finds among positives and negatives.

    Raises:
        SteeringError: there are no positives or no negatives.
    """
    check_both_classes(len(positive), len(negative))
    threshold = np.unique(np.concatenate([positive, negative]))[::-1]
    return Cuts(
        threshold,
        len(positive) - np.searchsorted(np.sort(positive), threshold, side="left"),
        len(negative) - np.searchsorted(np.sort(negative), threshold, side="left"),
        len(positive),
        len(negative),
    )


def youden_threshold(found: Cuts, *, as_axbench: bool = False) -> float:
    """The threshold of the largest J = TPR − FPR (Youden 1950), the highest of equally good ones.

    Args:
        found: what every threshold finds.
        as_axbench: let rounding decide between equally good ones, exactly as ``np.argmax(tpr - fpr)`` does on
            scikit-learn's ``roc_curve``, which leaves out thresholds on a straight line.

    Returns:
        Infinity where no threshold finds a larger share of positives than of negatives: it predicts nothing.
    """
    if as_axbench:
        corner = np.ones(len(found.threshold), dtype=bool)
        corner[1:-1] = (np.diff(found.true_positives, 2) != 0) | (np.diff(found.false_positives, 2) != 0)
        rounded = found.true_positives[corner] / found.n_positive - found.false_positives[corner] / found.n_negative
        place = int(rounded.argmax())
        return float(found.threshold[corner][place]) if rounded[place] > 0 else float("inf")
    j = found.true_positives * found.n_negative - found.false_positives * found.n_positive
    best = int(j.argmax())
    return float(found.threshold[best]) if j[best] > 0 else float("inf")


def best_f1_threshold(found: Cuts) -> float:
    """The threshold of the largest F1, the lowest of equally good ones (``LatentStatsEvaluator`` in AxBench)."""
    f1 = found.f1
    return float(found.threshold[np.flatnonzero(f1 == f1.max())[-1]])


def f1_at(
    positive: Float[np.ndarray, " n_positive"], negative: Float[np.ndarray, " n_negative"], threshold: float
) -> float:
    """F1 of a threshold that was chosen elsewhere; 0 where it finds no positive."""
    true, false = int((positive >= threshold).sum()), int((negative >= threshold).sum())
    return 2 * true / (true + false + len(positive))
