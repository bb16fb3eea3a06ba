"""How often does a positive example stand above a negative one?"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csc_array

from steering.errors import SteeringError
from steering.scores.calibrated_f1 import check_both_classes, check_rows
from steering.scores.columns import sorted_columns


def auroc(frequency: csc_array, positive: Bool[np.ndarray, " n_examples"]) -> Float[np.ndarray, " d_sae"]:
    """AUROC = P(x⁺ > x⁻) + ½ P(x⁺ = x⁻) = 1 − (R⁺ − P(P+1)/2) / (P N), exactly, for every column.

    R⁺ is the sum of the positives' mid-ranks counted from the top (Mann–Whitney). All examples on which a feature does
    not fire are one tie group at the bottom, so only stored entries are visited.

    Args:
        frequency: ``[n_examples d_sae]``, non-negative; 0 where nothing is stored.
        positive: which examples carry the label.

    Returns:
        One value per column in [0, 1]; 0.5 for a feature that never fires.

    Raises:
        SteeringError: shapes disagree, a value is negative or NaN, or there are no positives or no negatives.
    """
    check_rows(frequency, len(positive))
    n_examples, n_positive = len(positive), int(positive.sum())
    n_negative = n_examples - n_positive
    check_both_classes(n_positive, n_negative)
    result = np.empty(frequency.shape[1])
    for block in sorted_columns(frequency):
        n_firing = np.bincount(block.columns, minlength=block.n_columns)
        true = positive[block.rows]
        column = block.columns[true]
        # Twice the mid-rank is a whole number, so the sums are exact.
        twice_rank = (block.above + block.at_least + 1)[true]
        twice_sum = np.bincount(column, weights=twice_rank, minlength=block.n_columns)
        n_silent = n_positive - np.bincount(column, minlength=block.n_columns)
        twice_sum += n_silent * (n_firing + n_examples + 1)
        inversions = twice_sum / 2 - n_positive * (n_positive + 1) / 2
        result[block.first : block.first + block.n_columns] = 1 - inversions / (n_positive * n_negative)
    return result


def auroc_of_scores(scores: Float[np.ndarray, " n_examples"], positive: Bool[np.ndarray, " n_examples"]) -> float:
    """AUROC of any scores, negative ones included: (R⁺ − P(P+1)/2) / (P N), with mid-ranks counted from the bottom.

    Args:
        scores: one per example; higher means more likely positive.
        positive: which examples carry the label.

    Raises:
        SteeringError: a score is NaN, or there are no positives or no negatives.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    check_both_classes(n_positive, n_negative)
    if np.isnan(scores).any():
        raise SteeringError("A score is NaN and cannot be ranked; find out which example has no score.")
    _, level, size = np.unique(scores, return_inverse=True, return_counts=True)
    mid_rank = np.cumsum(size) - (size - 1) / 2
    rank_sum = float(mid_rank[level][positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)
