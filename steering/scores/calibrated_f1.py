"""How well does "the feature fires at least this often" find a label, if the label were rare?"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array

from steering.errors import SteeringError
from steering.scores.columns import positives, sorted_columns

DEFAULT_PI0 = 1e-3
"""Prior of the label for which F1 is computed; Jørgensen & Hansen end there after tuning (arXiv 2605.31183)."""

Rate = TypeVar("Rate", float, np.ndarray)


def calibrated_f1(tpr: Rate, fpr: Rate, *, pi0: float = DEFAULT_PI0) -> Rate:
    r"""F1c = 2 TPR / (1 + TPR + lam FPR),  lam = (1 − pi0) / pi0.

    F1 of the data reweighted so that the label has prior ``pi0``: positives weigh pi0/pi, negatives (1−pi0)/(1−pi).
    Siblini et al. 2020 ("Master your metrics with calibration", arXiv 1909.02827) write it with counts,
    2TP / (2TP + c FP + FN) with c = pi(1−pi0) / (pi0(1−pi)); dividing by the number of positives gives this form, which
    no longer depends on how many positives and negatives happen to be in the set. Jørgensen & Hansen score features
    with it (arXiv 2605.31183).

    At pi0 = 1e-3: (TPR 1, FPR 1e-4) → 0.95; (1, 1e-3) → 0.67; (1, 1e-2) → 0.17; (0.5, 0) → 0.67; (0.1, 0) → 0.18.

    Args:
        tpr: share of positives that are found, 0 to 1.
        fpr: share of negatives that are found, 0 to 1.
        pi0: the prior to calibrate to, strictly between 0 and 1.

    Returns:
        F1c in [0, 1]; 0 where nothing is found.

    Raises:
        SteeringError: ``pi0`` is not strictly between 0 and 1.
    """
    if not 0 < pi0 < 1:
        raise SteeringError(f"pi0 is {pi0!r}; it is a probability strictly between 0 and 1. The default is 0.001.")
    return 2 * tpr / (1 + tpr + (1 - pi0) / pi0 * fpr)


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """The best threshold of every feature for every label.

    The predictor of a cell is ``frequency >= tau``. A feature that never fires on a positive of the label has
    ``best = 0``, no counts, and ``tau = inf``: it predicts nothing. Where two thresholds are equally good, tau is the
    higher one. A label without positives or without negatives is undefined: its column of ``best`` is NaN.

    Attributes:
        best: largest F1c over all thresholds.
        tau: the threshold that attains it, a positive firing frequency.
        tp: positives at or above tau.
        fp: negatives at or above tau.
        n_positive: examples with the label.
        n_negative: examples without it.
        pi0: the prior F1c was calibrated to.
    """

    best: Float[np.ndarray, "d_sae n_labels"]
    tau: Float[np.ndarray, "d_sae n_labels"]
    tp: Int[np.ndarray, "d_sae n_labels"]
    fp: Int[np.ndarray, "d_sae n_labels"]
    n_positive: Int[np.ndarray, " n_labels"]
    n_negative: Int[np.ndarray, " n_labels"]
    pi0: float

    @property
    def defined(self) -> Bool[np.ndarray, " n_labels"]:
        """Which labels have both positives and negatives."""
        return (self.n_positive > 0) & (self.n_negative > 0)

    def of(self, features: Int[np.ndarray, " n_features"], label: int) -> "Sweep":
        """The cells of some features for one label, so that the others can be forgotten."""
        rows, one = features, slice(label, label + 1)
        return Sweep(
            best=self.best[rows, one], tau=self.tau[rows, one], tp=self.tp[rows, one], fp=self.fp[rows, one],
            n_positive=self.n_positive[one], n_negative=self.n_negative[one], pi0=self.pi0,
        )  # fmt: skip

    def f1c(self, label: int) -> Float[np.ndarray, " d_sae"]:
        """F1c of every feature for one label in float64, from the counts (``best`` is float32).

        Raises:
            SteeringError: the label is undefined.
        """
        if not self.defined[label]:
            raise SteeringError(f"Label {label} has {self.n_positive[label]} positives and {self.n_negative[label]} "
                                "negatives; a score needs at least one of each.")  # fmt: skip
        return calibrated_f1(
            self.tp[:, label] / self.n_positive[label], self.fp[:, label] / self.n_negative[label], pi0=self.pi0
        )


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """What given thresholds find on given examples.

    Attributes:
        tp: positives at or above the threshold.
        fp: negatives at or above it.
        n_positive: positives among the examples.
        n_negative: negatives among the examples.
        pi0: the prior for ``f1c``.
    """

    tp: Int[np.ndarray, " n_features"]
    fp: Int[np.ndarray, " n_features"]
    n_positive: int
    n_negative: int
    pi0: float

    @property
    def tpr(self) -> Float[np.ndarray, " n_features"]:
        """Share of positives found."""
        return self.tp / self.n_positive

    @property
    def fpr(self) -> Float[np.ndarray, " n_features"]:
        """Share of negatives found."""
        return self.fp / self.n_negative

    @property
    def f1c(self) -> Float[np.ndarray, " n_features"]:
        """Calibrated F1 of the given thresholds."""
        return calibrated_f1(self.tpr, self.fpr, pi0=self.pi0)


def sweep(frequency: csc_array, labels: Bool[np.ndarray, "n_examples n_labels"], *, pi0: float = DEFAULT_PI0) -> Sweep:
    """Max over tau > 0 of F1c(frequency >= tau), exactly, for every feature and label.

    F1c can only peak where a tie group that contains a positive ends: letting in more negatives lowers it. So each
    column is sorted once, and F1c is evaluated once for every stored entry of a positive example.

    Args:
        frequency: ``[n_examples d_sae]`` firing frequencies, 0 where nothing is stored.
        labels: which example carries which label; everything without a label is a negative of it.
        pi0: the prior to calibrate to.

    Raises:
        SteeringError: shapes disagree, ``pi0`` is not a probability, or a frequency is negative or NaN.
    """
    check_rows(frequency, len(labels))
    calibrated_f1(0.0, 0.0, pi0=pi0)
    by_label = np.ascontiguousarray(labels.T)
    n_examples, n_labels = labels.shape
    n_positive = by_label.sum(axis=1)
    n_negative = n_examples - n_positive
    shape = (frequency.shape[1], n_labels)
    best = np.zeros(shape, dtype=np.float32)
    tau = np.full(shape, np.inf, dtype=frequency.data.dtype)
    tp = np.zeros(shape, dtype=np.int32)
    fp = np.zeros(shape, dtype=np.int32)
    for block in sorted_columns(frequency):
        for label in np.flatnonzero((n_positive > 0) & (n_negative > 0)):
            found = positives(block, by_label[label])
            if not len(found.entry):
                continue
            score = calibrated_f1(
                found.true_positives / n_positive[label], found.false_positives / n_negative[label], pi0=pi0
            )
            peak = first_peak(score, found.starts)
            entry = found.entry[peak]
            feature = block.first + block.columns[entry]
            best[feature, label] = score[peak]
            tau[feature, label] = block.values[entry]
            tp[feature, label] = found.true_positives[peak]
            fp[feature, label] = found.false_positives[peak]
    best[:, (n_positive == 0) | (n_negative == 0)] = np.nan
    return Sweep(best=best, tau=tau, tp=tp, fp=fp, n_positive=n_positive, n_negative=n_negative, pi0=pi0)


def first_peak(score: Float[np.ndarray, " n"], starts: Int[np.ndarray, " k"]) -> Int[np.ndarray, " k"]:
    """Index of the first maximum of each segment that begins at ``starts``."""
    peak = np.maximum.reduceat(score, starts)
    lengths = np.diff(np.append(starts, len(score)))
    index = np.where(score == np.repeat(peak, lengths), np.arange(len(score)), len(score))
    return np.minimum.reduceat(index, starts)


def at_threshold(
    frequency: csc_array,
    positive: Bool[np.ndarray, " n_examples"],
    tau: Float[np.ndarray, " n_features"],
    *,
    pi0: float = DEFAULT_PI0,
) -> Confusion:
    """F1c of thresholds that were fitted elsewhere: what is left of a training score on held-out examples.

    Args:
        frequency: ``[n_examples n_features]`` firing frequencies of the features that ``tau`` belongs to.
        positive: which examples carry the label.
        tau: one threshold per feature, above zero.
        pi0: the prior to calibrate to.

    Raises:
        SteeringError: shapes disagree, a threshold is not above zero, or there are no positives or no negatives.
    """
    check_rows(frequency, len(positive))
    if frequency.shape[1] != len(tau):
        raise SteeringError(f"There are {frequency.shape[1]} features and {len(tau)} thresholds; pass one for each.")
    if not (tau > 0).all():
        raise SteeringError("A threshold is not above zero and would predict every example; fit it with the sweep.")
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    check_both_classes(n_positive, n_negative)
    column = np.repeat(np.arange(len(tau)), np.diff(frequency.indptr))
    predicted = frequency.data >= tau[column]
    true = positive[frequency.indices]
    return Confusion(
        tp=np.bincount(column[predicted & true], minlength=len(tau)),
        fp=np.bincount(column[predicted & ~true], minlength=len(tau)),
        n_positive=n_positive,
        n_negative=n_negative,
        pi0=pi0,
    )


def check_rows(matrix: csc_array, n_labelled: int) -> None:
    """Refuse labels of another set of examples.

    Raises:
        SteeringError: the numbers of rows differ.
    """
    if matrix.shape[0] != n_labelled:
        raise SteeringError(
            f"The statistics cover {matrix.shape[0]} examples and the labels {n_labelled}; compute both from the same "
            "examples."
        )


def check_both_classes(n_positive: int, n_negative: int) -> None:
    """Refuse a comparison of positives with negatives where one side is empty.

    Raises:
        SteeringError: there are no positives or no negatives.
    """
    if n_positive == 0 or n_negative == 0:
        raise SteeringError(
            f"There are {n_positive} positives and {n_negative} negatives; a comparison needs at least one of each."
        )
