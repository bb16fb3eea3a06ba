"""What does more of a dose bring, what does it break, and what is left when every method gets the same dose?"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from steering.errors import SteeringError
from steering.evidence.aggregation import SCORES
from steering.evidence.bootstrap import LEVEL, N_RESAMPLES, concept_weights, limits
from steering.evidence.protocol import UNDOSED
from steering.evidence.table import HIGHEST_RATING, RUN, UNSTEERED

Half = Literal["select", "test"]


def dose_means(table: pd.DataFrame, *, half: Half = "test") -> pd.DataFrame:
    """Every method's means per concept at *every* factor of its grid, over completions and then over seeds.

    Returns:
        Columns ``model, method, concept, factor``, the three ratings, ``overall`` and ``kl``, sorted by these keys.

    Raises:
        SteeringError: a concept lacks a factor that the method has on others, as where only the chosen factor was
            scored.
    """
    rows = table[table["half"] == half]
    runs = rows.groupby([*RUN, "factor"], observed=True)[SCORES].mean()
    keys = ["model", "method", "concept", "factor"]
    means = runs.groupby(keys, observed=True).mean().reset_index()
    grids = means.groupby(["model", "method"], observed=True)
    whole = grids["concept"].nunique() * grids["factor"].nunique() == grids.size()
    if not whole.all():
        model, method = whole.index[int((~whole).to_numpy().argmax())]
        raise SteeringError(
            f"{method} on {model} was not scored at the same factors for every concept in the half {half}; score its "
            "whole grid, or ask for the half select."
        )
    return means.sort_values(keys, ignore_index=True)


def dose_response(
    table: pd.DataFrame,
    *,
    column: str = "overall",
    half: Half = "test",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """A method's mean over concepts at every factor, with an interval at each (pointwise, not for the whole curve).

    Args:
        table: results.
        column: a rating, ``overall`` or ``kl``.
        half: the half to show; every factor must have been scored in it.
        level: coverage.
        n_resamples: bootstrap resamples, the same for every factor and method.
        seed: of the resamples.

    Returns:
        Columns ``model, method, factor, n_concepts, value, low, high``.

    Raises:
        SteeringError: as ``dose_means``, or a value of ``column`` is missing for every completion of a concept.
    """
    return _curves(dose_means(table, half=half), column, level=level, n_resamples=n_resamples, seed=seed)


def damage_front(
    table: pd.DataFrame,
    *,
    damage: Literal["fluency", "kl"] = "fluency",
    half: Half = "test",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """How much of the concept does a method buy for how much damage, at every factor.

    Args:
        table: results.
        damage: ``fluency`` is 2 − the fluency rating; ``kl`` is the KL divergence to the unsteered model, nats.
        half: the half to show.
        level: coverage of the intervals of both axes.
        n_resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        Columns ``model, method, factor, n_concepts``, then ``concept_score`` and ``damage``, each with ``_low`` and
        ``_high``, and ``on_front``: no other point of the same model has at least as much concept for at most as much
        damage, and more or less of one of them.

    Raises:
        SteeringError: as ``dose_response``.
    """
    means = dose_means(table, half=half)
    means["damage"] = HIGHEST_RATING - means["fluency_score"] if damage == "fluency" else means["kl"]
    points = pd.DataFrame()
    for column in ("concept_score", "damage"):
        curve = _curves(means, column, level=level, n_resamples=n_resamples, seed=seed)
        if points.empty:
            points = curve[["model", "method", "factor", "n_concepts"]].copy()
        points[[column, f"{column}_low", f"{column}_high"]] = curve[["value", "low", "high"]]
    points["on_front"] = False
    for _, of_model in points.groupby("model", observed=True):
        points.loc[of_model.index, "on_front"] = on_front(
            of_model["concept_score"].to_numpy(np.float64), of_model["damage"].to_numpy(np.float64)
        )
    return points


def on_front(
    gain: Float[np.ndarray, " n_points"], cost: Float[np.ndarray, " n_points"]
) -> Bool[np.ndarray, " n_points"]:
    """Whether no other point has at least this gain for at most this cost, one of the two strictly."""
    as_good = (gain[:, None] >= gain) & (cost[:, None] <= cost)
    better = as_good & ((gain[:, None] > gain) | (cost[:, None] < cost))
    return np.asarray(~better.any(axis=0))


def equal_dose(
    table: pd.DataFrame,
    kl: float | Mapping[str, float],
    *,
    methods: list[str] | None = None,
    column: str = "overall",
    half: Half = "test",
) -> pd.DataFrame:
    """Every method's score where its KL divergence to the unsteered model is ``kl``, on concepts where all of them get
    there.

    Walks up a concept's grid from no steering, and stops where the KL first crosses the target; score and factor are
    interpolated linearly between the two grid points. Nothing is extrapolated. The result goes where concept means go,
    for example into ``leaderboard.leaderboard``; the concepts left out are the same for every method of a model, so
    that methods stay paired, and ``n_left_out`` counts them.

    Args:
        table: results. Rows of the method ``none``, if there are any, for every concept, are each grid's
            beginning, at factor 0 and KL 0.
        kl: the dose, nats; or one per concept (a concept without one is left out), such as the KL of a
            reference at its chosen factor, ``values_of(concept_means(table), model, method, column="kl").to_dict()``.
        methods: which; all with a dose and at least two factors, unless said.
        column: what to interpolate.
        half: the half to show.

    Returns:
        Columns ``model, method, concept, kl, factor``, ``column`` and ``n_left_out``.

    Raises:
        SteeringError: as ``dose_means``; a method is unknown or has one factor only; a KL is missing; or there is no
            concept on which all methods reach the dose.
    """
    means = dose_means(table, half=half)
    frames = []
    for model, of_model in means.groupby("model", observed=True):
        start = of_model[of_model["method"] == UNSTEERED].groupby("concept", observed=True)[column].mean()
        n_factors = of_model.groupby("method", observed=True)["factor"].nunique()
        curved = [method for method, n in n_factors.items() if n > 1 and method not in UNDOSED]
        chosen = sorted(map(str, curved)) if methods is None else methods
        for method in chosen:
            if n_factors.get(method, 0) < 2:
                raise SteeringError(f"{method} on {model} has no two factors to interpolate between; leave it out.")
        crossings = {method: _crossings(of_model[of_model["method"] == method], kl, column, start) for method in chosen}
        if not crossings:
            continue
        everywhere = set.intersection(*(set(frame["concept"]) for frame in crossings.values()))
        if not everywhere:
            few = min(crossings, key=lambda method: len(crossings[method]))
            raise SteeringError(
                f"On {model} there is no concept on which every method reaches this KL; {few} does on "
                f"{len(crossings[few])}: pass a smaller KL, a wider grid, or fewer methods."
            )
        n_left_out = of_model[of_model["method"].isin(chosen)]["concept"].nunique() - len(everywhere)
        for method, frame in crossings.items():
            kept = frame[frame["concept"].isin(everywhere)]
            frames.append(kept.assign(model=model, method=method, n_left_out=n_left_out))
    if not frames:
        raise SteeringError("No method of these results has two factors, so none can be brought to a dose.")
    return pd.concat(frames, ignore_index=True)[["model", "method", "concept", "kl", "factor", column, "n_left_out"]]


def _crossings(curve: pd.DataFrame, kl: float | Mapping[str, float], column: str, start: pd.Series) -> pd.DataFrame:
    """Where each concept's curve first crosses its dose; concepts that never do are left out."""
    if curve[["kl", column]].isna().any(axis=None):
        raise SteeringError(
            f"{curve['method'].iloc[0]} was not measured for kl and {column} at every factor; measure both first."
        )
    doses = curve.pivot(index="concept", columns="factor", values="kl")
    scores = curve.pivot(index="concept", columns="factor", values=column)
    concepts = doses.index
    target = np.array([kl.get(str(name), np.nan) if isinstance(kl, Mapping) else kl for name in concepts], np.float64)
    x, y = doses.to_numpy(np.float64), scores.to_numpy(np.float64)
    factors = np.broadcast_to(doses.columns.to_numpy(np.float64), x.shape)
    if concepts.isin(start.index).all() and not (factors == 0).any():
        origin = np.zeros((len(concepts), 1))
        x, factors = np.hstack([origin, x]), np.hstack([origin, factors])
        y = np.hstack([start.loc[concepts].to_numpy(np.float64)[:, None], y])
    crosses = (x[:, :-1] - target[:, None]) * (x[:, 1:] - target[:, None]) <= 0
    row, at = np.arange(len(concepts)), crosses.argmax(axis=1)
    step = x[row, at + 1] - x[row, at]
    share = np.divide(target - x[row, at], step, out=np.zeros(len(row)), where=step != 0)
    found = pd.DataFrame(
        {
            "concept": concepts.astype(str),
            "kl": target,
            "factor": factors[row, at] + share * (factors[row, at + 1] - factors[row, at]),
            column: y[row, at] + share * (y[row, at + 1] - y[row, at]),
        }
    )
    return found.loc[np.flatnonzero(crosses.any(axis=1))]


def _curves(means: pd.DataFrame, column: str, *, level: float, n_resamples: int, seed: int) -> pd.DataFrame:
    """Mean and limits of ``column`` at every factor of every method."""
    curves = []
    for (model, method), rows in means.groupby(["model", "method"], observed=True):
        grid = rows.pivot(index="concept", columns="factor", values=column)
        values = grid.to_numpy(np.float64)
        if np.isnan(values).any():
            raise SteeringError(
                f"{method} on {model} lacks {column} for some concepts; measure it first or leave it out."
            )
        weights = concept_weights(len(values), n_resamples=n_resamples, seed=seed)
        low, high = limits(weights @ values, len(values), level=level)
        curves.append(
            pd.DataFrame(
                {
                    "model": model,
                    "method": method,
                    "factor": grid.columns.to_numpy(np.float64),
                    "n_concepts": len(values),
                    "value": values.mean(axis=0),
                    "low": low,
                    "high": high,
                }
            )
        )
    if not curves:
        raise SteeringError("There is no completion to draw a curve from in this half.")
    return pd.concat(curves, ignore_index=True)
