"""Which features read a label best, and which label does each feature read best, for thousands of labels at once?

One walk over the sorted columns of the training part. Only the best are remembered on the way, so nothing of shape
``[d_sae n_labels]`` is ever held, and all priors are tried in the same walk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32
from scipy.sparse import csc_array

from steering.errors import SteeringError
from steering.ranking.filters import least_support
from steering.scores.calibrated_f1 import calibrated_f1, check_rows, first_peak
from steering.scores.columns import SortedColumns, positives_at, sorted_columns

BALANCED = 0.5
"""Prior of the second threshold, which is tested for significance beside the first."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Features with labels, ordered by label and then best first. All figures are of the training part.

    Attributes:
        feature: feature ids.
        label: columns of the labels.
        f1c: calibrated F1 at ``tau``.
        tau: the best threshold of the firing frequency.
        tau_balanced: the best threshold at prior 0.5.
        tp: positives at or above ``tau``.
        fp: negatives at or above ``tau``.
        support: positives on which the feature fires at all.
        rank: place among the features of the label, from 1; 0 for a pair that is kept for the feature's sake alone.
        best: whether this is the best label of the feature.
    """

    feature: Int32[np.ndarray, " n_pairs"]
    label: Int32[np.ndarray, " n_pairs"]
    f1c: Float[np.ndarray, " n_pairs"]
    tau: Float32[np.ndarray, " n_pairs"]
    tau_balanced: Float32[np.ndarray, " n_pairs"]
    tp: Int32[np.ndarray, " n_pairs"]
    fp: Int32[np.ndarray, " n_pairs"]
    support: Int32[np.ndarray, " n_pairs"]
    rank: Int32[np.ndarray, " n_pairs"]
    best: Bool[np.ndarray, " n_pairs"]

    def __len__(self) -> int:
        return len(self.feature)

    def take(self, rows: np.ndarray) -> "Pairs":
        """Some of the pairs, by index or mask."""
        return Pairs(*(getattr(self, field.name)[rows] for field in fields(self)))


def sweep_pairs(
    frequency: csc_array,
    labels: csc_array,
    priors: Sequence[float],
    *,
    top: int = 200,
    min_support: int = 10,
    admitted: Bool[np.ndarray, " d_sae"] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[float, Pairs]:
    """The best ``top`` features of every label and the best label of every feature, by calibrated F1, for each prior.

    Thresholds are exact, as in :func:`steering.scores.calibrated_f1.sweep`. Of equal features the one with more support
    comes first, then the one with the lower id; of equal labels the first. A label without positives or without
    negatives gets no features.

    Args:
        frequency: ``[n_train d_sae]`` firing frequencies.
        labels: ``[n_train n_labels]``, True where stored.
        priors: strictly between 0 and 1.
        top: features kept for each label.
        min_support: positives on which a feature must fire, or a fifth of them where that is fewer.
        admitted: features that may get a label; all where None.
        on_progress: told features done and in all; may raise ``Cancelled``.

    Raises:
        SteeringError: shapes disagree, or a prior is not a probability.
    """
    check_rows(frequency, labels.shape[0])
    n_examples, d_sae = frequency.shape
    n_positive = np.diff(labels.indptr)
    if admitted is not None and len(admitted) != d_sae:
        raise SteeringError(f"{len(admitted)} features are admitted or not, but there are {d_sae}; say it for each.")
    found = {prior: _Best(d_sae, labels.shape[1], top) for prior in priors}
    for block in sorted_columns(frequency):
        entries_of = _entries_by_row(block)
        for label in np.flatnonzero((n_positive > 0) & (n_positive < n_examples)).tolist():
            rows = labels.indices[labels.indptr[label] : labels.indptr[label + 1]]
            least = least_support(min_support, int(n_positive[label]))
            for prior, pairs in _best_thresholds(
                block, entries_of(rows), label, int(n_positive[label]), n_examples, priors, least, admitted
            ):
                found[prior].add(pairs)
        if on_progress is not None:
            on_progress(block.first + block.n_columns, d_sae)
    return {prior: best.result() for prior, best in found.items()}


def _entries_by_row(block: SortedColumns) -> Callable[[np.ndarray], np.ndarray]:
    """A function from rows to the entries of the block that stand in them, ascending.

    Looking up the few positives of a label costs what they have; asking every entry for its label would cost the whole
    block for every label.
    """
    order = np.argsort(block.rows, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(block.rows, minlength=block.n_rows))])

    def entries(rows: np.ndarray) -> np.ndarray:
        lengths = bounds[rows + 1] - bounds[rows]
        shift = bounds[rows] - (np.cumsum(lengths) - lengths)
        return np.sort(order[np.repeat(shift, lengths) + np.arange(int(lengths.sum()))])

    return entries


def _best_thresholds(
    block: SortedColumns,
    entry: Int[np.ndarray, " n_entries"],
    label: int,
    n_positive: int,
    n_examples: int,
    priors: Sequence[float],
    least: int,
    admitted: Bool[np.ndarray, " d_sae"] | None,
) -> list[tuple[float, Pairs]]:
    """The best threshold of every feature of the block for one label, under each prior."""
    found = positives_at(block, entry)
    if not len(found.entry):
        return []
    tpr, fpr = found.true_positives / n_positive, found.false_positives / (n_examples - n_positive)
    support = np.diff(np.append(found.starts, len(found.entry)))
    feature = block.first + block.columns[found.entry[found.starts]]
    passes = support >= least
    if admitted is not None:
        passes &= admitted[feature]
    balanced = found.entry[first_peak(calibrated_f1(tpr, fpr, pi0=BALANCED), found.starts)]
    of_priors = []
    for prior in priors:
        score = calibrated_f1(tpr, fpr, pi0=prior)
        peak = first_peak(score, found.starts)
        pairs = Pairs(
            feature=feature.astype(np.int32),
            label=np.full(len(feature), label, dtype=np.int32),
            f1c=score[peak],
            tau=block.values[found.entry[peak]].astype(np.float32),
            tau_balanced=block.values[balanced].astype(np.float32),
            tp=found.true_positives[peak].astype(np.int32),
            fp=found.false_positives[peak].astype(np.int32),
            support=support.astype(np.int32),
            rank=np.zeros(len(feature), dtype=np.int32),
            best=np.zeros(len(feature), dtype=bool),
        )
        of_priors.append((prior, pairs.take(passes)))
    return of_priors


class _Best:
    """What has to be remembered of one prior while blocks and labels go by."""

    def __init__(self, d_sae: int, n_labels: int, top: int) -> None:
        self._top = top
        self._of_label: list[list[Pairs]] = [[] for _ in range(n_labels)]
        self._best_f1c = np.zeros(d_sae)
        self._best = _none(d_sae)

    def add(self, pairs: Pairs) -> None:
        """Take in the pairs of one label and neighbouring features; labels of a block come in ascending order."""
        if not len(pairs):
            return
        better = pairs.f1c > self._best_f1c[pairs.feature]
        won, ids = pairs.take(better), pairs.feature[better]
        self._best_f1c[ids] = won.f1c
        for field in fields(Pairs):
            getattr(self._best, field.name)[ids] = getattr(won, field.name)
        kept = self._of_label[int(pairs.label[0])]
        kept.append(_first(pairs, self._top))
        if len(kept) > 8:
            kept[:] = [_first(_joined(kept), self._top)]

    def result(self) -> Pairs:
        """Everything that was kept, ordered and ranked."""
        named = self._best.take(self._best_f1c > 0)
        tops = []
        for kept in self._of_label:
            if kept:
                first = _first(_joined(kept), self._top)
                first.rank[:] = np.arange(1, len(first) + 1)
                tops.append(first)
        ranked = _joined(tops)
        best_label = np.full(len(self._best_f1c), -1, dtype=np.int64)
        best_label[named.feature] = named.label
        ranked.best[:] = best_label[ranked.feature] == ranked.label
        is_ranked = np.zeros(len(self._best_f1c), dtype=bool)
        is_ranked[ranked.feature[ranked.best]] = True
        extra = named.take(~is_ranked[named.feature])
        extra.best[:] = True
        everything = _joined([ranked, extra])
        last = np.where(everything.rank > 0, everything.rank, np.iinfo(np.int32).max)
        return everything.take(np.lexsort((everything.feature, -everything.f1c, last, everything.label)))


def _first(pairs: Pairs, top: int) -> Pairs:
    """The best ``top`` pairs of one label, best first."""
    return pairs.take(np.lexsort((pairs.feature, -pairs.support, -pairs.f1c))[:top])


def _joined(pieces: Sequence[Pairs]) -> Pairs:
    pieces = pieces or [_none(0)]
    return Pairs(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(Pairs)))


def _none(n: int) -> Pairs:
    """Pairs of zeros, to be written into."""
    i, f = np.int32, np.float32
    kinds = (i, i, np.float64, f, f, i, i, i, i, bool)
    return Pairs(*(np.zeros(n, dtype=kind) for kind in kinds))
