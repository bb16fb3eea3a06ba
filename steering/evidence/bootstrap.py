"""How sure is a mean over concepts, and a difference or a ratio of two such means?

Concepts are resampled, because the claim is about concepts that were not tried. Seeds and completions are averaged
within a concept before (``aggregation.concept_means``): their noise is part of what differs between concepts, so it is
counted, and counting them as observations of their own would make every interval too narrow. What a seed does to *all*
concepts alike is not in the interval. All methods see the same resamples, which is what makes a comparison paired.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, stdtrit

from steering.errors import SteeringError

N_RESAMPLES = 10_000
LEVEL = 0.95
FEWEST_CONCEPTS = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its limits.

    Attributes:
        value: the estimate from all concepts.
        low: lower limit; not a number where there is nothing to judge by: fewer than three concepts, or concepts that
            do not differ at all.
        high: upper limit, likewise.
    """

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there are limits."""
        return not np.isnan(self.low)

    def excludes(self, value: float) -> bool:
        """Whether ``value`` lies outside the limits; unknown limits exclude nothing."""
        return value < self.low or value > self.high


def concept_weights(
    n_concepts: int, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Float[np.ndarray, "n_resamples n_concepts"]:
    """The share that each concept has in each resample; rows sum to 1, so ``weights @ values`` are resampled means.

    Raises:
        SteeringError: no concept, or no resample.
    """
    if n_concepts < 1 or n_resamples < 1:
        raise SteeringError(
            f"{n_concepts} concepts cannot be resampled {n_resamples} times; pass at least one of each."
        )
    return _weights(n_concepts, n_resamples, seed)


@lru_cache(maxsize=8)
def _weights(n_concepts: int, n_resamples: int, seed: int) -> Float[np.ndarray, "n_resamples n_concepts"]:
    """Drawn once: a leaderboard of nineteen methods asks for the same resamples seventy times."""
    drawn = np.random.default_rng(seed).multinomial(n_concepts, np.full(n_concepts, 1 / n_concepts), size=n_resamples)
    shares = drawn / n_concepts
    shares.flags.writeable = False
    return shares


def limits(
    draws: Float[np.ndarray, "n_resamples ..."], n_concepts: int, *, level: float = LEVEL
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Expanded percentile interval: quantiles α′ and 1 − α′ of the draws,  α′ = Φ(−√(n/(n−1)) · t(n−1; (1+level)/2)).

    Hesterberg 2015 (The American Statistician 69). The plain percentile interval is too narrow by
    √((n−1)/n) and knows no Student: five concepts are covered 83 times of a hundred. Like it, this one needs no
    symmetry, stays within the statistic's range and may be taken of any function of means.

    Args:
        draws: the statistic in every resample.
        n_concepts: how many concepts were resampled.
        level: coverage.

    Returns:
        Lower and upper limits; not a number where the draws do not differ or concepts are fewer than three.

    Raises:
        SteeringError: ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise SteeringError(f"level is {level}; pass a coverage between 0 and 1, for example 0.95.")
    if n_concepts < FEWEST_CONCEPTS:
        nothing = np.full(draws.shape[1:], np.nan)
        return nothing, nothing
    tail = ndtr(-np.sqrt(n_concepts / (n_concepts - 1)) * stdtrit(n_concepts - 1, (1 + level) / 2))
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    # Sums of equal numbers in another order differ in their last digits; that is no spread.
    flat = high - low <= 1e-12 * np.maximum(1.0, np.abs(high))
    return np.where(flat, np.nan, low), np.where(flat, np.nan, high)


def interval_of(value: float, draws: Float[np.ndarray, " n_resamples"], n_concepts: int, *, level: float) -> Interval:
    """``limits`` of one statistic, with its value."""
    low, high = limits(draws, n_concepts, level=level)
    return Interval(float(value), float(low), float(high))


def bootstrap_mean(
    values: Float[np.ndarray, " n_concepts"], *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """Mean over concepts.

    Raises:
        SteeringError: no value, or one that is not a finite number.
    """
    _check(values)
    weights = concept_weights(len(values), n_resamples=n_resamples, seed=seed)
    # A mean lies within its values; in floating point it may not.
    draws = np.clip(weights @ values, values.min(), values.max())
    return interval_of(values.mean(), draws, len(values), level=level)


def bootstrap_difference(
    ours: Float[np.ndarray, " n_concepts"],
    theirs: Float[np.ndarray, " n_concepts"],
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """mean(ours) − mean(theirs), paired: entry i of both is the same concept.

    Raises:
        SteeringError: no value, or one that is not a finite number.
    """
    return bootstrap_mean(ours - theirs, level=level, n_resamples=n_resamples, seed=seed)


def bootstrap_ratio(
    ours: Float[np.ndarray, " n_concepts"],
    theirs: Float[np.ndarray, " n_concepts"],
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """mean(ours) / mean(theirs), paired: which share of their score ours reaches. Scores are not negative.

    Returns:
        Without limits where their mean is zero in some resample.

    Raises:
        SteeringError: no value, one that is negative or not a finite number, or their mean is zero.
    """
    _check(ours)
    _check(theirs)
    if (ours < 0).any() or (theirs < 0).any():
        raise SteeringError("A ratio of means was asked of values below zero; report their difference instead.")
    if theirs.mean() == 0:
        raise SteeringError("A ratio to a reference whose mean is zero has no value; report the difference instead.")
    weights = concept_weights(len(ours), n_resamples=n_resamples, seed=seed)
    value, below = float(ours.mean() / theirs.mean()), weights @ theirs
    if (below == 0).any():
        return Interval(value, float("nan"), float("nan"))
    return interval_of(value, (weights @ ours) / below, len(ours), level=level)


def _check(values: Float[np.ndarray, " n_concepts"]) -> None:
    if values.size == 0 or not np.isfinite(values).all():
        raise SteeringError(
            f"A mean over {len(values)} concepts whose values are not all finite numbers has no interval."
        )
