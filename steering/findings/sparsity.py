"""Does steering get better or worse with l0, and does interpretability predict it at every l0?

A row per concept and SAE (``COLUMNS``): the score of the feature that calibrated F1 chose in this SAE, at a strength
chosen for it, beside that feature's calibrated F1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steering.errors import SteeringError
from steering.evidence.bootstrap import FEWEST_CONCEPTS, N_RESAMPLES, Interval, bootstrap_mean
from steering.evidence.l0_slope import within_concept_slope
from steering.evidence.rank_correlation import correlation_trend, correlations_by_l0
from steering.findings.contrasts import FLOOR_SHARE, Scale
from steering.findings.words import Standing, joined, number, scale_words, signed, size, standing

COLUMNS = ["concept", "sae", "layer", "l0", "score", "interpretability"]
FEWEST_SPARSITIES = 4
FEWEST_DEFINED = 3
"""Values of l0 with a rank correlation from which on it has a trend."""
SLOPE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class At:
    """An estimate at one layer and l0.

    Attributes:
        layer: of the SAE.
        l0: of the SAE.
        n_concepts: that it is over.
        found: with its limits.
    """

    layer: int
    l0: int
    n_concepts: int
    found: Interval


@dataclass(frozen=True, slots=True)
class SparsityFinding:
    """What a table says about sparsity.

    Attributes:
        verdict: one sentence about the score, one about the correlation.
        scores: mean over concepts.
        slope: change of the score with each doubling of l0, the mean over layers within each concept; concepts are the
            random effect.
        slopes: layer → the same for this layer.
        correlations: Kendall's τ of interpretability with steering.
        trends: layer → change of τ with each doubling of l0; without layers where it cannot be had.
        unsteered: mean score of the untouched model on the same concepts, None where it was not run.
        scale: what it rests on.
        notes: what else the numbers say that a reader of the verdict must know, a sentence each.
    """

    verdict: str
    scores: tuple[At, ...]
    slope: Interval
    slopes: dict[int, Interval]
    correlations: tuple[At, ...]
    trends: dict[int, Interval]
    unsteered: float | None
    scale: Scale
    notes: tuple[str, ...] = ()


def compare_sparsities(
    table: pd.DataFrame, scale: Scale, *, unsteered: float | None = None, n_resamples: int = N_RESAMPLES
) -> SparsityFinding:
    """Answer the claim about l0.

    Args:
        table: ``COLUMNS``; interpretability is missing where no feature was found, and the score is then the untouched
            model's.
        scale: what it was made from.
        unsteered: mean score of the untouched model on these concepts.
        n_resamples: of the bootstraps.

    Raises:
        SteeringError: no layer has four sparsities, a concept lacks one, or stands twice at one.
    """
    n_sparsities = table.groupby("layer")["l0"].nunique()
    layers = [int(layer) for layer in n_sparsities.index[n_sparsities >= FEWEST_SPARSITIES]]
    if not layers:
        raise SteeringError(
            f"No layer has SAEs of {FEWEST_SPARSITIES} sparsities; the most is {n_sparsities.max()}. Run more of them."
        )
    table = table[table["layer"].isin(layers)]
    if table.duplicated(["concept", "layer", "l0"]).any():
        raise SteeringError("A concept stands twice at one layer and l0; keep one SAE for each.")
    grid = table.pivot(index="concept", columns=["layer", "l0"], values="score")
    if grid.isna().any(axis=None):
        raise SteeringError(f"{grid.index[grid.isna().any(axis=1)][0]} lacks a score at some l0; finish the runs.")
    slopes = {
        layer: within_concept_slope(table.loc[table["layer"] == layer], n_resamples=n_resamples) for layer in layers
    }
    slope = _over_layers(slopes, table, n_resamples)
    correlations, trends, notes = _correlations(table, n_resamples)
    n_zero = int((table["score"] == 0).sum())
    if n_zero > FLOOR_SHARE * len(table):
        notes.insert(
            0,
            f"{n_zero} of {len(table)} pairs of concept and SAE score nothing at all, so scores have little room to "
            "fall and ranks are tied.",
        )
    told = f"{_slope_words(slope, slopes, table)}; {_trend_words(correlations, trends)}"
    verdict = f"{told}: {scale_words(scale.n_concepts, len(scale.seeds))}."
    return SparsityFinding(
        verdict,
        _means(table, n_resamples),
        slope,
        slopes,
        correlations,
        trends,
        unsteered,
        scale,
        tuple(notes),
    )


def _over_layers(slopes: dict[int, Interval], table: pd.DataFrame, n_resamples: int) -> Interval:
    """One slope: each concept's layers are averaged at the l0 that all layers have, so that concepts stay the unit."""
    if len(slopes) == 1:
        return next(iter(slopes.values()))
    shared = table.groupby("l0")["layer"].nunique()
    rows = table[table["l0"].isin(shared.index[shared == len(slopes)])]
    means = rows.groupby(["concept", "l0"])["score"].mean().reset_index()
    return within_concept_slope(means, n_resamples=n_resamples)


def _means(table: pd.DataFrame, n_resamples: int) -> tuple[At, ...]:
    rows = []
    for place in sorted(set(zip(table["layer"], table["l0"], strict=True))):
        values = table.loc[(table["layer"] == place[0]) & (table["l0"] == place[1]), "score"].to_numpy(np.float64)
        rows.append(At(int(place[0]), int(place[1]), len(values), bootstrap_mean(values, n_resamples=n_resamples)))
    return tuple(rows)


def _correlations(table: pd.DataFrame, n_resamples: int) -> tuple[tuple[At, ...], dict[int, Interval], list[str]]:
    """Kendall's τ at every layer and l0, and its trend; a concept without a feature somewhere is left out."""
    found: list[At] = []
    trends: dict[int, Interval] = {}
    notes = []
    for layer in sorted(set(map(int, table["layer"]))):
        rows = table[table["layer"] == layer]
        pairs = rows.rename(columns={"score": "steering"})
        lost = set(pairs.loc[pairs["interpretability"].isna(), "concept"])
        pairs = pairs[~pairs["concept"].isin(lost)]
        if pairs["concept"].nunique() < FEWEST_CONCEPTS:
            continue
        frame = correlations_by_l0(pairs, n_resamples=n_resamples)
        for l0, count, *limits in frame[["l0", "n_concepts", "value", "low", "high"]].itertuples(index=False):
            found.append(At(layer, int(l0), int(count), Interval(*map(float, limits))))
        defined = frame.loc[frame["value"].notna(), "l0"]
        if len(defined) < FEWEST_DEFINED:
            continue
        trends[layer] = correlation_trend(pairs[pairs["l0"].isin(defined)], n_resamples=n_resamples)
        if len(defined) < len(frame):
            there = joined([str(l0) for l0 in defined])
            notes.append(
                f"After block {layer} the rank correlation is defined at l0 {there} alone, elsewhere one side is "
                "constant; its trend is over these."
            )
    return tuple(found), trends, notes


def _slope_words(slope: Interval, slopes: dict[int, Interval], table: pd.DataFrame) -> str:
    over = f"from l0 {int(table['l0'].min())} to {int(table['l0'].max())}"
    said = standing(slope, digits=SLOPE_DIGITS)
    return f"{_overall_words(slope, said, over)}{_layer_words(slopes, said)}"


def _layer_words(slopes: dict[int, Interval], overall: Standing) -> str:
    """Layers that say otherwise than their mean; a fall at one place alone is no fall everywhere."""
    said = {layer: standing(slope, digits=SLOPE_DIGITS) for layer, slope in slopes.items()}
    if len(slopes) < 2 or all(one == overall for one in said.values()):
        return ""
    parts = []
    for layer, slope in sorted(slopes.items()):
        limits = signed(slope, digits=SLOPE_DIGITS)
        verb = {"above": "rises", "below": "falls"}.get(said[layer], "cannot be told to change")
        parts.append(f"after block {layer} it {verb} ({number(slope.value, SLOPE_DIGITS)}, {limits})")
    return f"; {joined(parts)}"


def _overall_words(slope: Interval, said: Standing, over: str) -> str:
    if said in ("above", "below"):
        verb = "rises" if said == "above" else "falls"
        return (
            f"On this world the score {verb} {over}, by {abs(slope.value):.{SLOPE_DIGITS}f} with each doubling "
            f"(95 % interval {size(slope, digits=SLOPE_DIGITS)})"
        )
    if said == "undecided":
        return (
            f"On this world no effect of l0 on the score can be told {over} ({number(slope.value, SLOPE_DIGITS)} "
            f"with each doubling, 95 % interval {signed(slope, digits=SLOPE_DIGITS)})"
        )
    if said == "equal":
        return f"On this world the score does not change {over}"
    told = number(slope.value, SLOPE_DIGITS)
    return f"On this world the score changes by {told} with each doubling {over}, without an interval"


def _trend_words(correlations: tuple[At, ...], trends: dict[int, Interval]) -> str:
    """What becomes of τ, and how that sits with the disputed paper."""
    if not trends:
        why = "too few concepts" if not correlations else "one side is constant at most l0"
        return f"the rank correlation of interpretability with steering has no trend to speak of ({why})"
    said = {layer: standing(trend) for layer, trend in trends.items()}
    parts = []
    for layer, trend in sorted(trends.items()):
        where = f"after block {layer}"
        if said[layer] in ("above", "below"):
            verb = "rises" if said[layer] == "above" else "falls"
            parts.append(f"{verb} by {abs(trend.value):.2f} with each doubling {where} ({size(trend)})")
        elif said[layer] == "undecided":
            parts.append(f"cannot be told to change {where} ({number(trend.value)}, {signed(trend)})")
        else:
            parts.append(f"has a trend of {number(trend.value)} without an interval {where}")
    return (
        f"the rank correlation of interpretability with steering {joined(parts)}, {_against_wang(list(said.values()))}"
    )


def _against_wang(said: Sequence[str]) -> str:
    if all(one == "below" for one in said):
        return "which is the fall that the disputed paper reports"
    if all(one == "above" for one in said):
        return "the opposite of the fall that the disputed paper reports"
    if "below" in said:
        return "so the fall that the disputed paper reports is seen at one place and not at another"
    if "above" in said:
        return "so the fall that the disputed paper reports is not seen here"
    return "so the fall that the disputed paper reports is neither shown nor ruled out here"
