"""For how rare a label should F1 be computed, if unseen examples may decide?"""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csc_array

from steering.feature_labels.pairs import Pairs
from steering.scores.average_precision import average_precision


def choose_prior(
    pairs: Mapping[float, Pairs], frequency: csc_array, labels: csc_array
) -> tuple[float, dict[float, float | None]]:
    """The prior whose top-1 features list the validation examples best: arg max of mean average precision.

    For every label the firing frequency of its first feature is judged by average precision on the validation part;
    the mean runs over labels with a feature and with both classes there. (Jørgensen & Hansen tune pi0 on a hold-out
    too; by which criterion is not known, so this one is ours.)

    Args:
        pairs: of the training part, by prior, the default prior first: it wins ties.
        frequency: ``[n_validation d_sae]`` firing frequencies.
        labels: ``[n_validation n_labels]``, True where stored.

    Returns:
        The prior, and the mean average precision of each; None where no label could be judged, and then the first
        prior is taken.
    """
    known: dict[tuple[int, int], float] = {}
    means: dict[float, float | None] = {}
    for prior, of_prior in pairs.items():
        first = of_prior.take(of_prior.rank == 1)
        precisions = []
        for feature, label in zip(first.feature.tolist(), first.label.tolist(), strict=True):
            positive = np.zeros(labels.shape[0], dtype=bool)
            positive[labels.indices[labels.indptr[label] : labels.indptr[label + 1]]] = True
            if not 0 < positive.sum() < len(positive):
                continue
            if (feature, label) not in known:
                scores = frequency[:, [feature]].toarray()[:, 0].astype(np.float64)
                known[feature, label] = average_precision(scores, positive)
            precisions.append(known[feature, label])
        means[prior] = float(np.mean(precisions)) if precisions else None
    judged = {prior: mean for prior, mean in means.items() if mean is not None}
    if not judged:
        return next(iter(pairs)), means
    highest = max(judged.values())
    # Sums in another order differ in the last digits; that must not decide.
    return next(prior for prior, mean in judged.items() if mean >= highest - 1e-9), means
