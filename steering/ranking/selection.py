"""Which features are worth measuring further, in which order?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from steering.ranking.data import Data
from steering.ranking.filters import FilterStack, least_support
from steering.ranking.settings import RankingSettings
from steering.scores.auroc import auroc
from steering.scores.calibrated_f1 import Sweep
from steering.scores.mean_difference import mean_difference
from steering.scores.support import support
from steering.statistics import FeatureEffect


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The candidates of one label, best first.

    Attributes:
        label: its name.
        stack: the filters so far.
        candidates: feature ids.
        sweep: thresholds and counts of the candidates, one row each, for this label alone.
        auroc: of the firing frequency on the training part.
        mean_difference: of the mean activation on the training part.
        support: training positives on which the feature fires.
    """

    label: str
    stack: FilterStack
    candidates: Int[np.ndarray, " n_candidates"]
    sweep: Sweep
    auroc: Float[np.ndarray, " n_candidates"]
    mean_difference: Float[np.ndarray, " n_candidates"]
    support: Int[np.ndarray, " n_candidates"]


def select(best: Sweep, index: int, data: Data, position: int, label: str, settings: RankingSettings) -> Selection:
    """The filters that need no model, then the order.

    Args:
        best: the sweep of the training part.
        index: the label's column in the sweep.
        data: the training part.
        position: the label's column in the labels.
        label: its name.
        settings: the choices.
    """
    positive = data.train_labels[:, position]
    n_positive = int(positive.sum())
    f1c = best.f1c(index)
    support_of = support(data.train, positive)
    least = least_support(settings.min_support, n_positive)
    stack = FilterStack(kept=np.ones(len(f1c), dtype=bool), steps=[])
    stack.apply(
        "fires", f1c > 0, enabled=True, threshold=None,
        description="Features that fire on no positive training example have no threshold and cannot be ranked.",
    )  # fmt: skip
    stack.apply(
        "support", support_of >= least, enabled=settings.use_support, threshold=float(least),
        description=f"A feature must fire on at least {least} of the {n_positive} positive training examples; fewer "
        "can look precise by luck.",
    )  # fmt: skip
    stack.apply(
        "density", data.statistics.density <= settings.max_density, enabled=settings.use_density,
        threshold=settings.max_density,
        description=f"Features that fire on more than {settings.max_density:.3g} of all tokens are about no one thing.",
    )  # fmt: skip

    # The finer criteria only break ties, so they are computed for those alone that can still become candidates.
    ids = np.flatnonzero(stack.kept)
    if len(ids) > settings.candidates:
        last_in = np.partition(f1c[ids], len(ids) - settings.candidates)[len(ids) - settings.candidates]
        ids = ids[f1c[ids] >= last_in]
    auroc_of = auroc(data.train[:, ids], positive)
    difference = mean_difference(data.train_mean[:, ids], positive)
    order = np.lexsort((ids, -difference, -auroc_of, -f1c[ids]))[: settings.candidates]
    candidates = ids[order]
    is_candidate = np.zeros(len(f1c), dtype=bool)
    is_candidate[candidates] = True
    stack.apply(
        "candidates", is_candidate, enabled=True, threshold=float(settings.candidates),
        description=f"The {settings.candidates} best by training F1c are measured further.",
    )  # fmt: skip
    return Selection(
        label=label,
        stack=stack,
        candidates=candidates,
        sweep=best.of(candidates, index),
        auroc=auroc_of[order],
        mean_difference=difference[order],
        support=support_of[candidates],
    )


def filter_by_effect(
    selection: Selection, settings: RankingSettings, measured: Mapping[int, FeatureEffect] | None
) -> Int[np.ndarray, " n_shown"]:
    """Positions among the candidates that pass the output-score and top-K filters, still best first."""
    stack, candidates = selection.stack, selection.candidates
    writes = np.zeros(len(stack.kept), dtype=bool)
    if measured is not None:
        passing = [f for f in candidates.tolist() if measured[f].output_score >= settings.min_output_score]
        writes[passing] = True
    stack.apply(
        "output_score", writes, enabled=settings.use_output_score, threshold=settings.min_output_score,
        description=f"A feature must promote its own words: output score of at least {settings.min_output_score:g}. "
        "Off, features are ranked by what they read alone.",
    )  # fmt: skip
    shown = np.flatnonzero(stack.kept[candidates])
    first = np.zeros(len(stack.kept), dtype=bool)
    first[candidates[shown[: settings.top_k]]] = True
    stack.apply(
        "top_k", first, enabled=settings.use_top_k, threshold=None if settings.top_k is None else float(settings.top_k),
        description="Only the best by training F1c are kept.",
    )  # fmt: skip
    return np.flatnonzero(stack.kept[candidates])
