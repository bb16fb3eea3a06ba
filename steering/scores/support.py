"""On how many positive examples does a feature fire at all?"""

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csc_array

from steering.scores.calibrated_f1 import check_rows


def support(frequency: csc_array, positive: Bool[np.ndarray, " n_examples"]) -> Int[np.ndarray, " d_sae"]:
    """|{i positive: frequency[i, f] > 0}|.

    A feature that fires on three of eighty positives can have a perfect precision by luck; support says so.

    Args:
        frequency: ``[n_examples d_sae]`` firing frequencies.
        positive: which examples carry the label.

    Raises:
        SteeringError: shapes disagree.
    """
    check_rows(frequency, len(positive))
    column = np.repeat(np.arange(frequency.shape[1]), np.diff(frequency.indptr))
    hit = positive[frequency.indices] & (frequency.data > 0)
    return np.bincount(column[hit], minlength=frequency.shape[1])
