"""By how much is a feature more active on positive examples?"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csc_array

from steering.scores.calibrated_f1 import check_both_classes, check_rows


def mean_difference(mean: csc_array, positive: Bool[np.ndarray, " n_examples"]) -> Float[np.ndarray, " d_sae"]:
    """Mean over positives of the example's mean activation, minus the same over negatives.

    Every example counts the same, however long. (AxBench's MaxDiff, arXiv 2501.17148, takes the arg-max of this.)

    Args:
        mean: ``[n_examples d_sae]`` mean activation of each feature in each example, the feature's own units.
        positive: which examples carry the label.

    Returns:
        One value per feature in its own units; above zero where it is more active on positives.

    Raises:
        SteeringError: shapes disagree, or there are no positives or no negatives.
    """
    check_rows(mean, len(positive))
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    check_both_classes(n_positive, n_negative)
    weight = np.where(positive, 1 / n_positive, -1 / n_negative)
    return np.asarray(mean.T @ weight, dtype=np.float64)
