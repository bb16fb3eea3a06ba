"""Do statistics, labels and split belong together, and what is the training part of them?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy.sparse import csc_array

from steering.errors import SteeringError
from steering.ranking.settings import RankingSettings, SplitRows
from steering.statistics import FeatureStatistics


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Statistics cut along the split.

    Attributes:
        statistics: of all features on all examples.
        split: training and held-out rows.
        train: firing frequencies of the training rows.
        train_mean: mean activations of the training rows.
        train_labels: labels of the training rows.
    """

    statistics: FeatureStatistics
    split: SplitRows
    train: csc_array
    train_mean: csc_array
    train_labels: Bool[np.ndarray, "n_train n_labels"]


def prepare(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: Sequence[str],
    split: SplitRows,
    settings: RankingSettings,
    *,
    can_measure: bool,
) -> Data:
    """Check that statistics, labels and split belong together, and cut.

    Raises:
        SteeringError: they do not, or a filter needs effects and nothing can measure them.
    """
    n_examples, n_labels = labels.shape
    if n_examples != statistics.n_examples:
        raise SteeringError(
            f"The statistics cover {statistics.n_examples} examples and the labels {n_examples}; compute both from the "
            "same examples."
        )
    if n_labels != len(label_names) or len(set(label_names)) != n_labels:
        raise SteeringError(f"There are {n_labels} label columns and the names {label_names}; each needs its own name.")
    rows = np.concatenate([split.train, split.heldout])
    if len(rows) and (rows.min() < 0 or rows.max() >= n_examples):
        raise SteeringError(f"The split names row {rows.max()} of {n_examples} examples; split these examples again.")
    if len(np.unique(rows)) != len(rows):
        raise SteeringError(
            "A row stands in the training part and the held-out part, or twice; split the examples again."
        )
    if settings.use_output_score and not can_measure:
        raise SteeringError(
            "The output-score filter is on, but nothing can measure what features write; pass the model's effects, or "
            "turn the filter off."
        )
    return Data(
        statistics=statistics,
        split=split,
        train=statistics.frequency[split.train],
        train_mean=statistics.mean[split.train],
        train_labels=labels[split.train],
    )
