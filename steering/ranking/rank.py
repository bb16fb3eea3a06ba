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

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from steering.errors import ExamplesError
from steering.ranking.data import Data, prepare
from steering.ranking.features import FeatureRank, Ranking
from steering.ranking.judging import judge
from steering.ranking.labels import FeatureLabels, better_of, label_position, labels_of
from steering.ranking.notes import warnings_of
from steering.ranking.prior import choose_pi0
from steering.ranking.selection import Selection, filter_by_effect, select
from steering.ranking.settings import RankingSettings, SplitRows
from steering.scores.calibrated_f1 import sweep
from steering.scores.significance import noise_floor, null_best_f1c
from steering.statistics import FeatureEffect, FeatureStatistics

Effects = Callable[[list[int]], Mapping[int, FeatureEffect]]
"""Measures what features write; it is asked for candidates only and must answer for each of them."""

SWEEP_CELLS = 2**25
"""Features times labels that are swept at once, 16 bytes each. All labels of most sets, 32 at a time for a million
features; every further group sorts the columns again."""

Progress = Callable[[float, str], None]
"""Told the share done and what comes next; may raise ``Cancelled``."""


def rank_features(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: Sequence[str],
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
    data = prepare(statistics, labels, label_names, split, settings, can_measure=effects is not None)
    pi0 = _prior(data, settings)
    progress = on_progress or _silent
    progress(0.0, "Finding the best threshold of every feature")
    best = sweep(data.train, data.train_labels[:, [position]], pi0=pi0)
    if not best.defined[0]:
        raise ExamplesError(_undefined(label, data, position))
    selection = select(best, 0, data, position, label, settings)
    progress(0.3, "Measuring what the candidates write")
    measured = effects(selection.candidates.tolist()) if effects else None
    progress(0.6, "Permuting labels")
    null_best = _null(
        data, int(best.n_positive[0]), pi0, settings, lambda share: progress(0.6 + 0.3 * share, "Permuting labels")
    )
    progress(0.9, "Judging on held-out examples")
    return _finish(data, selection, labels[:, position], settings, measured, null_best, None)


def rank_all_labels(
    statistics: FeatureStatistics,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    label_names: Sequence[str],
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
    data = prepare(statistics, labels, label_names, split, settings, can_measure=effects is not None)
    pi0 = _prior(data, settings)
    progress = on_progress or _silent
    progress(0.0, "Finding the best threshold of every feature for every label")
    selections: dict[int, Selection] = {}
    named: FeatureLabels | None = None
    for group in _groups(statistics.d_sae, len(label_names)):
        best = sweep(data.train, data.train_labels[:, group], pi0=pi0)
        for column in np.flatnonzero(best.defined).tolist():
            index = group.start + column
            selections[index] = select(best, column, data, index, label_names[index], settings)
        of_group = labels_of(best, label_names[group])
        named = of_group if named is None else better_of(named, of_group)
    if not selections:
        raise ExamplesError(_undefined(label_names[0], data, 0))
    progress(0.3, "Measuring what the candidates write")
    wanted = np.unique(np.concatenate([selection.candidates for selection in selections.values()]))
    measured = effects(wanted.tolist()) if effects else None
    null_by_size: dict[int, np.ndarray] = {}
    rankings = {}
    for done, (index, selection) in enumerate(selections.items()):
        told = _within(progress, done, len(selections), f"Judging features for {label_names[index]}")
        told(0.0)
        size = int(selection.sweep.n_positive[0])
        if size not in null_by_size:
            null_by_size[size] = _null(data, size, pi0, settings, told)
        rankings[label_names[index]] = _finish(
            data, selection, labels[:, index], settings, measured, null_by_size[size], named
        )
    return rankings


def _silent(share: float, message: str) -> None:
    """Report to nobody."""


def _within(progress: Progress, done: int, n_labels: int, message: str) -> Callable[[float], None]:
    """Progress within one label, after ``done`` of them."""
    return lambda share: progress(0.5 + 0.5 * (done + share) / n_labels, message)


def _prior(data: Data, settings: RankingSettings) -> float:
    if settings.pi0 != "auto":
        return settings.pi0
    admitted = data.statistics.density <= settings.max_density if settings.use_density else None
    return choose_pi0(data.train, data.train_labels, admitted=admitted, seed=settings.seed)


def _null(
    data: Data, n_positive: int, pi0: float, settings: RankingSettings, on_progress: Callable[[float], None]
) -> Float[np.ndarray, " n_permutations"]:
    return null_best_f1c(
        data.train,
        n_positive,
        pi0=pi0,
        n_permutations=settings.n_permutations,
        seed=settings.seed,
        on_progress=on_progress,
    )


def _groups(d_sae: int, n_labels: int) -> Iterator[slice]:
    """Labels that are swept together, so that ``[d_sae n_labels]`` stays within ``SWEEP_CELLS``."""
    size = max(1, SWEEP_CELLS // d_sae)
    for first in range(0, n_labels, size):
        yield slice(first, min(first + size, n_labels))


def _undefined(label: str, data: Data, position: int) -> str:
    """Why a label cannot be ranked."""
    n_train, n_positive = len(data.train_labels), int(data.train_labels[:, position].sum())
    return (
        f"The label {label!r} has {n_positive} positives and {n_train - n_positive} negatives among the "
        f"{n_train} training rows; ranking needs at least one of each. Add examples, or hold out fewer."
    )


def _finish(
    data: Data,
    selection: Selection,
    positive: Bool[np.ndarray, " n_examples"],
    settings: RankingSettings,
    measured: Mapping[int, FeatureEffect] | None,
    null_best: Float[np.ndarray, " n_permutations"],
    named: FeatureLabels | None,
) -> Ranking:
    """Steps 4 to 6: the filters that needed the model, then the held-out part."""
    shown = filter_by_effect(selection, settings, measured)
    ids, best = selection.candidates[shown], selection.sweep
    n_train_positive, n_train_negative = int(best.n_positive[0]), int(best.n_negative[0])
    f1c = best.f1c(0)[shown]
    tau = best.tau[shown, 0].astype(data.statistics.frequency.data.dtype)
    judged = judge(data, positive, ids, tau, f1c, best.pi0, settings, null_best)
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
                tpr=float(best.tp[at, 0] / n_train_positive),
                fpr=float(best.fp[at, 0] / n_train_negative),
                tp=int(best.tp[at, 0]),
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
    n_heldout_positive = int(positive[split.heldout].sum())
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
        warnings=warnings_of(
            selection.label,
            f1c,
            floor=floor,
            pi0=best.pi0,
            n_positive=n_positive,
            n_train_negative=n_train_negative,
            n_heldout=len(split.heldout),
            judged=judged.held_out,
            n_truncated=statistics.n_truncated,
            n_without_text=statistics.n_without_text,
        ),
    )
