"""How pure is the top of the list that a feature makes of the examples?"""

import numpy as np
from jaxtyping import Bool, Float

from steering.scores.calibrated_f1 import check_both_classes


def average_precision(scores: Float[np.ndarray, " n_examples"], positive: Bool[np.ndarray, " n_examples"]) -> float:
    """AP = sum over thresholds of (recall step) × precision; examples of equal score enter together.

    The step-wise area under the precision–recall curve, without interpolation (Davis & Goadrich 2006 on why).

    Args:
        scores: one per example; higher means more likely positive.
        positive: which examples carry the label.

    Returns:
        A value in (0, 1]; the share of positives if all scores are equal.

    Raises:
        SteeringError: there are no positives or no negatives.
    """
    n_positive = int(positive.sum())
    check_both_classes(n_positive, len(positive) - n_positive)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(positive[order])[ends]
    precision = found / (ends + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / n_positive)
