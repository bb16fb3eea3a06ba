"""Do the features keep their word on examples that nothing was fitted on?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from steering.ranking.data import Data
from steering.ranking.settings import RankingSettings
from steering.scores.auroc import auroc
from steering.scores.calibrated_f1 import Confusion, at_threshold, sweep
from steering.scores.intervals import auroc_intervals
from steering.scores.significance import (
    benjamini_yekutieli,
    label_permutation_p,
    max_statistic_p,
    max_statistic_q,
)

BALANCED = 0.5
"""Prior of the second threshold that is tested on the held-out part."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the held-out part says, feature by feature; None throughout where it cannot say anything.

    Attributes:
        held_out: whether there was a held-out part with both classes.
        f1c: at the fitted threshold.
        auroc: of the firing frequency.
        interval: 95 % limits of ``auroc``.
        p: from label permutation.
        q: corrected for all features that are judged.
    """

    held_out: bool
    f1c: list[float] | list[None]
    auroc: list[float] | list[None]
    interval: list[tuple[float, float]] | list[None]
    p: Float[np.ndarray, " n_shown"]
    q: Float[np.ndarray, " n_shown"]


def judge(
    data: Data,
    positive: Bool[np.ndarray, " n_examples"],
    ids: Int[np.ndarray, " n_shown"],
    tau: Float[np.ndarray, " n_shown"],
    f1c: Float[np.ndarray, " n_shown"],
    pi0: float,
    settings: RankingSettings,
    null_best: Float[np.ndarray, " n_permutations"],
) -> Judged:
    """Judge fitted features on rows nothing was fitted on; without such rows, by the permutations of the training part.

    Args:
        data: statistics and split.
        positive: the label, on all examples.
        ids: features to judge.
        tau: their fitted thresholds.
        f1c: their training scores.
        pi0: the prior these were calibrated to.
        settings: seed and number of resamples.
        null_best: best F1c of all features under permuted training labels.
    """
    unseen = positive[data.split.heldout]
    if not 0 < unseen.sum() < len(unseen):
        nothing: list[None] = [None] * len(ids)
        return Judged(
            held_out=False,
            f1c=nothing,
            auroc=nothing,
            interval=nothing,
            p=max_statistic_p(f1c, null_best),
            q=max_statistic_q(f1c, null_best),
        )
    frequency = data.statistics.frequency[:, ids][data.split.heldout]
    found = at_threshold(frequency, unseen, tau, pi0=pi0)
    # At pi0 = 1e-3 the fitted threshold finds few positives when one false alarm costs a lot, and a test at that
    # threshold alone would miss features that separate the classes almost perfectly. So a threshold fitted for balanced
    # classes is tested beside it; both tests are exact, and the smaller p is doubled (Bonferroni).
    train = data.train[:, ids]
    balanced = sweep(train, positive[data.split.train][:, None], pi0=BALANCED).tau[:, 0].astype(tau.dtype)
    p = np.minimum(
        1.0, 2 * np.minimum(_permutation_p(found), _permutation_p(at_threshold(frequency, unseen, balanced, pi0=pi0)))
    )
    limits = auroc_intervals(frequency, unseen, n_resamples=settings.n_resamples, seed=settings.seed)
    return Judged(
        held_out=True,
        f1c=found.f1c.tolist(),
        auroc=auroc(frequency, unseen).tolist(),
        interval=[(float(low), float(high)) for low, high in limits],
        p=p,
        q=benjamini_yekutieli(p),
    )


def _permutation_p(found: Confusion) -> Float[np.ndarray, " n_shown"]:
    return label_permutation_p(
        found.tp, found.tp + found.fp, n_positive=found.n_positive, n_examples=found.n_positive + found.n_negative
    )
