"""Which label does each feature deserve as its name?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from steering.errors import ExamplesError
from steering.ranking.settings import SplitRows
from steering.scores.calibrated_f1 import DEFAULT_PI0, Sweep, sweep
from steering.statistics import FeatureStatistics


@dataclass(frozen=True, slots=True, eq=False)
class FeatureLabels:
    """The arg-max label of every feature. A feature may serve several labels, but has one name.

    Attributes:
        names: of the labels.
        label_index: into ``names``; −1 where the feature fires on no positive of any label.
        f1c: training F1c for that label; 0 where there is none.
    """

    names: tuple[str, ...]
    label_index: Int[np.ndarray, " d_sae"]
    f1c: Float[np.ndarray, " d_sae"]

    def name(self, feature_id: int) -> str | None:
        """The label of one feature, None where it has none."""
        index = int(self.label_index[feature_id])
        return None if index < 0 else self.names[index]

    def features(self, label: str) -> Int[np.ndarray, " n_features"]:
        """The features named after a label, best first.

        Raises:
            ExamplesError: no such label.
        """
        ids = np.flatnonzero(self.label_index == label_position(self.names, label))
        return ids[np.argsort(-self.f1c[ids], kind="stable")]


def feature_labels(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: Sequence[str],
    split: SplitRows,
    *,
    pi0: float = DEFAULT_PI0,
) -> FeatureLabels:
    """label(f) = arg max over labels of the training F1c; the first of equals.

    Args:
        statistics: of all features on all examples.
        labels: which example carries which label.
        label_names: one name per column.
        split: only the training rows are looked at.
        pi0: the prior to calibrate to.
    """
    best = sweep(statistics.frequency[split.train], labels[split.train], pi0=pi0)
    return labels_of(best, label_names)


def labels_of(best: Sweep, label_names: Sequence[str]) -> FeatureLabels:
    """The arg-max label of every feature of a sweep; undefined labels name nothing."""
    score = np.where(best.defined[None, :], best.best, 0.0)
    index = score.argmax(axis=1)
    f1c = score[np.arange(len(score)), index]
    return FeatureLabels(names=tuple(label_names), label_index=np.where(f1c > 0, index, -1), f1c=f1c)


def better_of(first: FeatureLabels, second: FeatureLabels) -> FeatureLabels:
    """The better name of every feature; of equals the first. ``second`` has the labels that follow."""
    better = second.f1c > first.f1c
    return FeatureLabels(
        names=first.names + second.names,
        label_index=np.where(better, second.label_index + len(first.names), first.label_index),
        f1c=np.where(better, second.f1c, first.f1c),
    )


def label_position(label_names: Sequence[str], label: str) -> int:
    """Where a label stands among the names.

    Raises:
        ExamplesError: no such label; the message names some that exist.
    """
    if label not in label_names:
        known = ", ".join(repr(name) for name in label_names[:10]) + (", …" if len(label_names) > 10 else "")
        raise ExamplesError(f"There is no label {label!r}; the examples have {known}.")
    return label_names.index(label)
