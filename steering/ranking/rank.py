"""Which features read the label best, and would they do so again on examples nothing was fitted on?

1. On the training rows: the best threshold of every feature (exact sweep of calibrated F1).
2. Drop what never fires on a positive, has little support, or fires everywhere; count what was dropped.
3. Order by F1c, AUROC, mean difference, feature_id; keep the candidates.
4. For candidates only: what they write (output score, token confidence), if the caller can measure it; then the
   output-score and top-K filters.
5. On the held-out rows: F1c at the fitted threshold, AUROC with its interval, permutation p-value, q-value.
6. Deal the training labels out at random: what does the best of all features reach by luck?

Held-out labels are used in step 5 alone, so nothing that is chosen before can spoil it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array

from steering.errors import ExamplesError, SteeringError
from steering.ranking.features import FeatureRank, Ranking
from steering.ranking.filters import FilterStack, least_support
from steering.ranking.labels import FeatureLabels, label_position, labels_of
from steering.ranking.prior import choose_pi0
from steering.ranking.settings import RankingSettings, SplitRows
from steering.scores.auroc import auroc
from steering.scores.calibrated_f1 import Sweep, at_threshold, calibrated_f1, sweep
from steering.scores.intervals import auroc_intervals
from steering.scores.mean_difference import mean_difference
from steering.scores.significance import (
    benjamini_yekutieli,
    label_permutation_p,
    max_statistic_p,
    max_statistic_q,
    noise_floor,
    null_best_f1c,
)
from steering.scores.support import support
from steering.statistics import FeatureEffect, FeatureStatistics

Effects = Callable[[list[int]], Mapping[int, FeatureEffect]]
"""Measures what features write; it is asked for candidates only and must answer for each of them."""

Progress = Callable[[float, str], None]
"""Told the share done and what comes next; may raise ``Cancelled``."""

ENOUGH_POSITIVES = 50
"""Jørgensen & Hansen drop labels with fewer positives."""


def rank_features(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: tuple[str, ...],
    split: SplitRows,
    settings: RankingSettings,
    *,
    label: str,
    effects: Effects | None = None,
    on_progress: Progress | None = None,
) -> Ranking:
    """Rank all features for one label; every example without the label is a negative.

    Args:
        statistics: of all features on all examples.
        labels: which example carries which label.
        label_names: one name per column of ``labels``.
        split: rows to fit on and rows to judge on.
        settings: the choices.
        label: the one to rank for.
        effects: measures what the candidates write; without it those fields stay None.
        on_progress: told what happens; may raise ``Cancelled``.

    Raises:
        ExamplesError: no such label, or the training part has no positives or no negatives for it.
        SteeringError: shapes or split do not fit the examples, or a filter needs effects that cannot be measured.
    """
    position = label_position(label_names, label)
    data = _prepare(statistics, labels, label_names, split, settings, effects)
    pi0 = _prior(data, settings)
    progress = on_progress or _silent
    progress(0.0, "Finding the best threshold of every feature")
    column = [position]
    best = sweep(data.train, data.train_labels[:, column], pi0=pi0)
    if not best.defined[0]:
        raise ExamplesError(_undefined(label, best, 0, data))
    selection = _select(best, 0, data, position, label, settings)
    progress(0.3, "Measuring what the candidates write")
    measured = effects(selection.candidates.tolist()) if effects else None
    progress(0.6, "Permuting labels")
    null_best = _null(data, int(best.n_positive[0]), pi0, settings)
    progress(0.9, "Judging on held-out examples")
    return _finish(data, best, selection, labels[:, position], settings, measured, null_best, None)


def rank_all_labels(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: tuple[str, ...],
    split: SplitRows,
    settings: RankingSettings,
    *,
    effects: Effects | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Ranking]:
    """Rank all features for every label in one pass, and name every feature after the label it reads best.

    Each ranking equals that of ``rank_features`` and adds ``best_label``. Labels without positives or without negatives
    in the training part are undefined and left out: compare the keys with ``label_names``. q-values hold within a
    label; looking through many labels for the smallest one is a search of its own.

    Args:
        statistics: of all features on all examples.
        labels: which example carries which label.
        label_names: one name per column of ``labels``.
        split: rows to fit on and rows to judge on.
        settings: the choices.
        effects: asked once, for the candidates of all labels together.
        on_progress: told what happens; may raise ``Cancelled``.

    Raises:
        ExamplesError: no label is defined.
        SteeringError: as ``rank_features``.
    """
    data = _prepare(statistics, labels, label_names, split, settings, effects)
    pi0 = _prior(data, settings)
    progress = on_progress or _silent
    progress(0.0, "Finding the best threshold of every feature for every label")
    best = sweep(data.train, data.train_labels, pi0=pi0)
    defined = np.flatnonzero(best.defined).tolist()
    if not defined:
        raise ExamplesError(_undefined(label_names[0], best, 0, data))
    selections = {index: _select(best, index, data, index, label_names[index], settings) for index in defined}
    progress(0.3, "Measuring what the candidates write")
    wanted = np.unique(np.concatenate([selection.candidates for selection in selections.values()]))
    measured = effects(wanted.tolist()) if effects else None
    named = labels_of(best, label_names)
    null_by_size: dict[int, np.ndarray] = {}
    rankings = {}
    for done, (index, selection) in enumerate(selections.items()):
        progress(0.5 + 0.5 * done / len(selections), f"Judging features for {label_names[index]}")
        size = int(best.n_positive[index])
        if size not in null_by_size:
            null_by_size[size] = _null(data, size, pi0, settings)
        rankings[label_names[index]] = _finish(
            data, best, selection, labels[:, index], settings, measured, null_by_size[size], named
        )
    return rankings


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Statistics cut along the split."""

    statistics: FeatureStatistics
    split: SplitRows
    train: csc_array
    train_mean: csc_array
    train_labels: Bool[np.ndarray, "n_train n_labels"]


@dataclass(frozen=True, slots=True, eq=False)
class _Selection:
    """The candidates of one label, best first."""

    label: str
    index: int
    stack: FilterStack
    candidates: Int[np.ndarray, " n_candidates"]
    auroc: Float[np.ndarray, " n_candidates"]
    mean_difference: Float[np.ndarray, " n_candidates"]
    support: Int[np.ndarray, " n_candidates"]


def _silent(share: float, message: str) -> None:
    """Report to nobody."""


def _prepare(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: tuple[str, ...],
    split: SplitRows,
    settings: RankingSettings,
    effects: Effects | None,
) -> _Data:
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
    if settings.use_output_score and effects is None:
        raise SteeringError(
            "The output-score filter is on, but nothing can measure what features write; pass the model's effects, or "
            "turn the filter off."
        )
    return _Data(
        statistics=statistics,
        split=split,
        train=statistics.frequency[split.train],
        train_mean=statistics.mean[split.train],
        train_labels=labels[split.train],
    )


def _prior(data: _Data, settings: RankingSettings) -> float:
    if settings.pi0 != "auto":
        return settings.pi0
    admitted = data.statistics.density <= settings.max_density if settings.use_density else None
    return choose_pi0(data.train, data.train_labels, admitted=admitted, seed=settings.seed)


def _null(data: _Data, n_positive: int, pi0: float, settings: RankingSettings) -> Float[np.ndarray, " n_permutations"]:
    return null_best_f1c(data.train, n_positive, pi0=pi0, n_permutations=settings.n_permutations, seed=settings.seed)


def _undefined(label: str, best: Sweep, index: int, data: _Data) -> str:
    return (
        f"The label {label!r} has {best.n_positive[index]} positives and {best.n_negative[index]} negatives among the "
        f"{len(data.split.train)} training rows; ranking needs at least one of each. Add examples, or hold out fewer."
    )


def _select(best: Sweep, index: int, data: _Data, position: int, label: str, settings: RankingSettings) -> _Selection:
    """Steps 2 and 3: the filters that need no model, then the order.

    ``index`` is the label's column in the sweep, ``position`` its column in the labels.
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
    return _Selection(
        label=label,
        index=index,
        stack=stack,
        candidates=candidates,
        auroc=auroc_of[order],
        mean_difference=difference[order],
        support=support_of[candidates],
    )


def _finish(
    data: _Data,
    best: Sweep,
    selection: _Selection,
    positive: Bool[np.ndarray, " n_examples"],
    settings: RankingSettings,
    measured: Mapping[int, FeatureEffect] | None,
    null_best: Float[np.ndarray, " n_permutations"],
    named: FeatureLabels | None,
) -> Ranking:
    """Steps 4 to 6: the filters that needed the model, then the held-out part."""
    shown = _filter_by_effect(selection, settings, measured)
    ids, index = selection.candidates[shown], selection.index
    f1c = best.f1c(index)[ids]
    tau = best.tau[ids, index].astype(data.statistics.frequency.data.dtype)
    judged = _judge(data, positive, ids, tau, f1c, best.pi0, settings, null_best)
    statistics = data.statistics
    features = []
    for row, (at, feature_id) in enumerate(zip(shown.tolist(), ids.tolist(), strict=True)):
        effect = measured[feature_id] if measured is not None else None
        features.append(
            FeatureRank(
                feature_id=feature_id,
                label=selection.label,
                f1c=float(f1c[row]),
                tau=float(tau[row]),
                tpr=float(best.tp[feature_id, index] / best.n_positive[index]),
                fpr=float(best.fp[feature_id, index] / best.n_negative[index]),
                tp=int(best.tp[feature_id, index]),
                auroc=float(selection.auroc[at]),
                mean_difference=float(selection.mean_difference[at]),
                support=int(selection.support[at]),
                density=float(statistics.density[feature_id]),
                max_act=float(statistics.max_act[feature_id]),
                f1c_heldout=judged.f1c[row],
                auroc_heldout=judged.auroc[row],
                interval=judged.interval[row],
                p_value=float(judged.p[row]),
                q_value=float(judged.q[row]),
                output_score=None if effect is None else float(effect.output_score),
                delta_confidence=None if effect is None else float(effect.delta_confidence),
                top_tokens=None if effect is None else tuple(effect.top_tokens),
                best_label=None if named is None else named.name(feature_id),
            )
        )
    split = data.split
    n_train_positive, n_heldout_positive = int(positive[split.train].sum()), int(positive[split.heldout].sum())
    n_positive = n_train_positive + n_heldout_positive
    floor = noise_floor(null_best)
    return Ranking(
        label=selection.label,
        features=tuple(features),
        filters=tuple(selection.stack.steps),
        null_f1c=floor,
        n_positive=n_positive,
        n_negative=len(split.train) + len(split.heldout) - n_positive,
        n_train=len(split.train),
        n_heldout=len(split.heldout),
        n_train_positive=n_train_positive,
        n_heldout_positive=n_heldout_positive,
        pi0=best.pi0,
        settings=settings,
        warnings=_warnings(selection, f1c, floor, n_positive, len(split.heldout), judged)
        + _prior_warning(int(best.n_negative[index]), best.pi0, floor),
    )


def _filter_by_effect(
    selection: _Selection, settings: RankingSettings, measured: Mapping[int, FeatureEffect] | None
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


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """What the held-out part says, feature by feature; None throughout where it cannot say anything."""

    held_out: bool
    f1c: list[float] | list[None]
    auroc: list[float] | list[None]
    interval: list[tuple[float, float]] | list[None]
    p: Float[np.ndarray, " n_shown"]
    q: Float[np.ndarray, " n_shown"]


def _judge(
    data: _Data,
    positive: Bool[np.ndarray, " n_examples"],
    ids: Int[np.ndarray, " n_shown"],
    tau: Float[np.ndarray, " n_shown"],
    f1c: Float[np.ndarray, " n_shown"],
    pi0: float,
    settings: RankingSettings,
    null_best: Float[np.ndarray, " n_permutations"],
) -> _Judged:
    """Step 5; without held-out positives and negatives, significance comes from the permutations of step 6."""
    unseen = positive[data.split.heldout]
    if not 0 < unseen.sum() < len(unseen):
        nothing: list[None] = [None] * len(ids)
        return _Judged(
            held_out=False,
            f1c=nothing,
            auroc=nothing,
            interval=nothing,
            p=max_statistic_p(f1c, null_best),
            q=max_statistic_q(f1c, null_best),
        )
    frequency = data.statistics.frequency[data.split.heldout][:, ids]
    found = at_threshold(frequency, unseen, tau, pi0=pi0)
    p = label_permutation_p(
        found.tp, found.tp + found.fp, n_positive=found.n_positive, n_examples=found.n_positive + found.n_negative
    )
    limits = auroc_intervals(frequency, unseen, n_resamples=settings.n_resamples, seed=settings.seed)
    return _Judged(
        held_out=True,
        f1c=found.f1c.tolist(),
        auroc=auroc(frequency, unseen).tolist(),
        interval=[(float(low), float(high)) for low, high in limits],
        p=p,
        q=benjamini_yekutieli(p),
    )


def _warnings(
    selection: _Selection,
    f1c: Float[np.ndarray, " n_shown"],
    floor: float,
    n_positive: int,
    n_heldout: int,
    judged: _Judged,
) -> tuple[str, ...]:
    label, notes = selection.label, []
    if n_positive < ENOUGH_POSITIVES:
        notes.append(
            f"{label!r} has {n_positive} positive examples; below {ENOUGH_POSITIVES} the ranking is shaky. Add varied "
            "examples before you trust small differences."
        )
    if n_heldout == 0:
        notes.append(
            "Nothing was held out: every score was fitted on the examples it is shown for. q-values come from permuted "
            "labels."
        )
    elif not judged.held_out:
        notes.append(
            f"The held-out part lacks positives or negatives of {label!r}, so nothing could be checked there. q-values "
            "come from permuted labels; hold out more, or add examples."
        )
    if not len(f1c):
        notes.append("No feature passed the filters; switch one off or lower its threshold.")
    elif f1c.max() <= floor:
        notes.append(
            f"No feature stands above the noise floor: with shuffled labels the best of all features reaches "
            f"{floor:.2f} as well."
        )
    return tuple(notes)


def _prior_warning(n_negative: int, pi0: float, floor: float) -> tuple[str, ...]:
    """Few negatives and a small prior: one false positive, perhaps a wrong label, sinks a feature into the noise."""
    cap = calibrated_f1(1.0, 1 / n_negative, pi0=pi0)
    if cap > floor:
        return ()
    return (
        f"With {n_negative} negative training examples and pi0 = {pi0:g}, a feature that finds every positive and one "
        f"negative scores {cap:.2f}, no better than shuffled labels do ({floor:.2f}). Add negatives, or let pi0 be "
        "chosen automatically.",
    )
