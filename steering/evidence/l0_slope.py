"""Does the score fall or rise with l0, with the concept as a random effect?

Concepts differ from one another far more than sparsities do, so each concept is compared with itself. Everywhere the
slope is the change of the score when l0 *doubles*: x = log2(l0).

There is no iterative mixed model here. Where every concept has the same l0 values, generalised least squares with any
variance of the concepts' intercepts and slopes estimates the same slope as ``within_concept_slope``; its standard error
is that of a mean of the concepts' slopes, which resampling concepts measures too. And statsmodels' ``MixedLM`` (0.15),
with random slopes on such data, was seen to report convergence far from the optimum, with limits that were wrong by
half.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering.errors import SteeringError
from steering.evidence.bootstrap import FEWEST_CONCEPTS, LEVEL, N_RESAMPLES, Interval, concept_weights, interval_of

COLUMNS = ["concept", "l0", "score"]


def within_concept_slope(
    table: pd.DataFrame, *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """β = Σ (x − x̄_c)(y − ȳ_c) / Σ (x − x̄_c)²,  with means per concept c, and limits from resampled concepts.

    Slopes may differ between concepts, and residuals be of any shape. A slope whose limits hold zero does not say that
    l0 does not matter: the limits say how much it may.

    Args:
        table: columns ``concept, l0, score``, a row per concept and l0 (seeds averaged), each at a factor that was
            chosen for this l0.
        level: coverage.
        n_resamples: bootstrap resamples of concepts.
        seed: of the resamples.

    Raises:
        SteeringError: a column is missing, a value is not a finite number, l0 is not positive, or fewer than three
            concepts have two different l0.
    """
    sums = _sums(table)
    if len(sums) < FEWEST_CONCEPTS:
        raise SteeringError(
            f"{len(sums)} concepts have scores at two different l0; a slope needs at least {FEWEST_CONCEPTS}."
        )
    weights = concept_weights(len(sums), n_resamples=n_resamples, seed=seed)
    xy, xx = sums["xy"].to_numpy(np.float64), sums["xx"].to_numpy(np.float64)
    return interval_of(xy.sum() / xx.sum(), (weights @ xy) / (weights @ xx), len(sums), level=level)


def _sums(table: pd.DataFrame) -> pd.DataFrame:
    """Σ (x − x̄)(y − ȳ) and Σ (x − x̄)² of every concept that has two different l0."""
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise SteeringError(f"The table lacks the columns {', '.join(missing)}; a slope needs {', '.join(COLUMNS)}.")
    l0, score = table["l0"].to_numpy(np.float64), table["score"].to_numpy(np.float64)
    if not (np.isfinite(l0).all() and (l0 > 0).all() and np.isfinite(score).all()):
        raise SteeringError("An l0 is not positive, or a score is missing; leave such rows out knowingly.")
    concept = pd.Index(table["concept"].astype(str), name="concept")
    x, y = _centred(np.log2(l0), concept), _centred(score, concept)
    sums = pd.DataFrame({"xy": x * y, "xx": x * x}, index=concept).groupby(level="concept").sum()
    # A single l0 leaves its rounding error.
    return sums[sums["xx"] > 1e-9]


def _centred(values: Float[np.ndarray, " n"], concept: pd.Index) -> Float[np.ndarray, " n"]:
    return values - pd.Series(values, index=concept).groupby(level="concept").transform("mean").to_numpy()
