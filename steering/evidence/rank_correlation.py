"""Do the more interpretable features steer better, and does that depend on l0?

Wang et al. (arXiv 2510.03659) report a Kendall τ between interpretability and utility that falls as l0 grows.
"""

from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import kendalltau, spearmanr

from steering.errors import SteeringError
from steering.evidence.bootstrap import (
    FEWEST_CONCEPTS,
    LEVEL,
    N_RESAMPLES,
    Interval,
    concept_weights,
    interval_of,
)

Statistic = Literal["kendall", "spearman"]
COLUMNS = ["concept", "l0", "interpretability", "steering"]
UNDEFINED_SHARE = 0.05
"""Resamples in which one side is constant have no correlation; more of them than this, and there are no limits."""


def rank_correlation(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    *,
    statistic: Statistic = "kendall",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Kendall's τ_b or Spearman's ρ with limits from resampled pairs.

    Args:
        x: one value per concept, such as the F1c of its feature.
        y: another, such as its steering score.
        statistic: which; both take ties into account.
        level: coverage.
        n_resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        Not a number, and without limits, where one side is constant.

    Raises:
        SteeringError: lengths differ, fewer than three pairs, or a value is not a finite number.
    """
    _check(x, y)
    weights = concept_weights(len(x), n_resamples=n_resamples, seed=seed)
    return _interval(_value(x, y, statistic), _draws(x, y, weights, statistic), len(x), level)


def correlations_by_l0(
    table: pd.DataFrame,
    *,
    statistic: Statistic = "kendall",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """``rank_correlation`` over concepts, at each l0.

    Args:
        table: columns ``concept, l0, interpretability, steering``, a row per concept and l0.
        statistic: as for ``rank_correlation``, like the rest.
        level: coverage.
        n_resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        Columns ``l0, n_concepts, value, low, high``, by l0.

    Raises:
        SteeringError: a column is missing, a concept stands twice at one l0, or as ``rank_correlation``.
    """
    _check_table(table)
    rows = []
    for l0, at in table.groupby("l0", observed=True):
        pair = (at["interpretability"].to_numpy(np.float64), at["steering"].to_numpy(np.float64))
        found = rank_correlation(*pair, statistic=statistic, level=level, n_resamples=n_resamples, seed=seed)
        rows.append({"l0": l0, "n_concepts": len(at), "value": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)


def correlation_trend(
    table: pd.DataFrame,
    *,
    statistic: Statistic = "kendall",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """By how much the correlation changes when l0 doubles: least squares over the l0 values, concepts resampled
    jointly.

    Args:
        table: as for ``correlations_by_l0``; every concept must be there at every l0.
        statistic: as for ``rank_correlation``, like the rest.
        level: coverage.
        n_resamples: bootstrap resamples.
        seed: of the resamples.

    Raises:
        SteeringError: fewer than two l0, an l0 that is not positive, concepts that lack one, or as
            ``correlations_by_l0``.
    """
    _check_table(table)
    x = table.pivot(index="concept", columns="l0", values="interpretability")
    y = table.pivot(index="concept", columns="l0", values="steering")
    if x.isna().any(axis=None) or x.shape[1] < 2 or not (x.columns.to_numpy(np.float64) > 0).all():
        raise SteeringError(
            "A trend needs at least two positive l0 and every concept at each of them; leave the others out."
        )
    doublings = np.log2(x.columns.to_numpy(np.float64))
    centred = doublings - doublings.mean()
    slope = centred / (centred**2).sum()
    pairs = [(x[l0].to_numpy(np.float64), y[l0].to_numpy(np.float64)) for l0 in x.columns]
    for pair in pairs:
        _check(*pair)
    weights = concept_weights(len(x), n_resamples=n_resamples, seed=seed)
    draws = np.column_stack([_draws(*pair, weights, statistic) for pair in pairs]) @ slope
    return _interval(float(np.array([_value(*pair, statistic) for pair in pairs]) @ slope), draws, len(x), level)


def _value(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], statistic: Statistic) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float((kendalltau if statistic == "kendall" else spearmanr)(x, y).statistic)


def _draws(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    weights: Float[np.ndarray, "n_resamples n"],
    statistic: Statistic,
) -> Float[np.ndarray, " n_resamples"]:
    """The statistic in every resample, from the weights of its pairs; copies of one pair are ties with themselves.

    τ_b = Σ_ij w_i w_j s_ij r_ij / √(Σ w_i w_j s_ij² Σ w_i w_j r_ij²) with s, r the signs of the differences. ρ is
    Pearson's correlation of mid-ranks, and a mid-rank is the weight below plus half of the weight beside.
    """
    signs = [np.sign(values[:, None] - values) for values in (x, y)]
    if statistic == "kendall":
        moments = [_quadratic(weights, left * right) for left, right in ((*signs,), (signs[0],) * 2, (signs[1],) * 2)]
        above, of_x, of_y = moments
    else:
        # sign + 1 over 2 is 1 below, ½ beside, 0 above: its weighted sum is the mid-rank up to shift and scale.
        ranks = [weights @ ((sign + 1) / 2).T for sign in signs]
        centred = [rank - (weights * rank).sum(axis=1, keepdims=True) for rank in ranks]
        above, of_x, of_y = (
            (weights * left * right).sum(axis=1) for left, right in ((*centred,), (centred[0],) * 2, (centred[1],) * 2)
        )
    below = np.sqrt(of_x * of_y)
    return np.divide(above, below, out=np.full(len(weights), np.nan), where=below > 1e-12)


def _quadratic(
    weights: Float[np.ndarray, "n_resamples n"], matrix: Float[np.ndarray, "n n"]
) -> Float[np.ndarray, " n_resamples"]:
    return ((weights @ matrix) * weights).sum(axis=1)


def _interval(value: float, draws: Float[np.ndarray, " n_resamples"], n: int, level: float) -> Interval:
    defined = draws[np.isfinite(draws)]
    if np.isnan(value) or len(defined) < (1 - UNDEFINED_SHARE) * len(draws):
        return Interval(value, float("nan"), float("nan"))
    return interval_of(value, defined, n, level=level)


def _check(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " m"]) -> None:
    if len(x) != len(y) or len(x) < FEWEST_CONCEPTS:
        raise SteeringError(
            f"{len(x)} and {len(y)} values make no rank correlation; pass at least {FEWEST_CONCEPTS} pairs."
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise SteeringError("A value is missing; leave concepts without a feature out knowingly, and say how many.")


def _check_table(table: pd.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise SteeringError(f"The table lacks the columns {', '.join(missing)}; it needs {', '.join(COLUMNS)}.")
    if table.duplicated(["concept", "l0"]).any():
        raise SteeringError("A concept stands twice at one l0; average its seeds first.")
