"""How far could a score be off, given how few examples it was measured on?"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import brentq
from scipy.sparse import csc_array
from scipy.special import ndtri

from steering.errors import SteeringError
from steering.scores.auroc import auroc
from steering.scores.calibrated_f1 import check_both_classes, check_rows
from steering.scores.columns import SortedColumns, sorted_columns

N_RESAMPLES = 1000
LEVEL = 0.95


def auroc_intervals(
    frequency: csc_array,
    positive: Bool[np.ndarray, " n_examples"],
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Float[np.ndarray, "n_features 2"]:
    """Percentile interval of the AUROC over bootstrap resamples drawn within each class.

    Positives are resampled among positives and negatives among negatives, so that no resample lacks a class. All
    features see the same resamples. Where positives and negatives separate perfectly every resample says so and the
    bootstrap would claim certainty: there the score interval of ``newcombe_interval`` is used instead.

    Args:
        frequency: ``[n_examples n_features]`` firing frequencies of a few features.
        positive: which examples carry the label.
        n_resamples: bootstrap resamples.
        level: coverage, 0.95 for a 95 % interval.
        seed: of the resamples.

    Returns:
        Lower and upper limit for every feature.

    Raises:
        SteeringError: shapes disagree, ``level`` is not a probability, or there are no positives or no negatives.
    """
    check_rows(frequency, len(positive))
    if not 0 < level < 1 or n_resamples < 1:
        raise SteeringError(f"level is {level} with {n_resamples} resamples; pass a level between 0 and 1 and at "
                            "least one resample.")  # fmt: skip
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    check_both_classes(n_positive, n_negative)
    drawn = _stratified_counts(positive, n_resamples, np.random.default_rng(seed))
    value = auroc(frequency, positive)
    limits = np.empty((frequency.shape[1], 2))
    tails = [(1 - level) / 2, (1 + level) / 2]
    for block in sorted_columns(frequency):
        starts = np.searchsorted(block.columns, np.arange(block.n_columns + 1))
        for column in range(block.n_columns):
            feature = block.first + column
            if value[feature] in (0.0, 1.0):
                limits[feature] = newcombe_interval(float(value[feature]), n_positive, n_negative, level=level)
                continue
            resampled = _resampled_auroc(
                block, slice(starts[column], starts[column + 1]), positive, drawn, n_positive, n_negative
            )
            limits[feature] = np.quantile(resampled, tails)
    return limits


def _stratified_counts(
    positive: Bool[np.ndarray, " n_examples"], n_resamples: int, rng: np.random.Generator
) -> Int[np.ndarray, "n_examples n_resamples"]:
    """How often each example is drawn in each resample."""
    counts = np.empty((len(positive), n_resamples), dtype=np.int32)
    for members in (positive, ~positive):
        size = int(members.sum())
        counts[members] = rng.multinomial(size, np.full(size, 1 / size), size=n_resamples).T
    return counts


def _resampled_auroc(
    block: SortedColumns,
    entries: slice,
    positive: Bool[np.ndarray, " n_examples"],
    drawn: Int[np.ndarray, "n_examples n_resamples"],
    n_positive: int,
    n_negative: int,
) -> Float[np.ndarray, " n_resamples"]:
    """AUROC of one column in every resample: Σ over tie groups of g⁺ (negatives below + ½ g⁻), over P N."""
    rows = block.rows[entries]
    if not len(rows):
        return np.full(drawn.shape[1], 0.5)
    count = drawn[rows]
    true = positive[rows][:, None]
    groups = np.unique(block.above[entries], return_index=True)[1]
    group_positive = np.add.reduceat(np.where(true, count, 0), groups, axis=0, dtype=np.float64)
    group_negative = np.add.reduceat(np.where(true, 0, count), groups, axis=0, dtype=np.float64)
    below = n_negative - np.cumsum(group_negative, axis=0)
    wins = (group_positive * (below + group_negative / 2)).sum(axis=0)
    silent = (n_positive - group_positive.sum(axis=0)) * below[-1]
    return (wins + silent / 2) / (n_positive * n_negative)


def newcombe_interval(value: float, n_positive: int, n_negative: int, *, level: float = LEVEL) -> tuple[float, float]:
    """The θ with (θ̂ − θ)² = z² V(θ),  V(θ) = θ(1−θ) [1 + M (1−θ)/(2−θ) + M θ/(1+θ)] / (P N),  M = (P+N)/2 − 1.

    Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann–Whitney statistic, part 2",
    Statistics in Medicine 25, method 5. Unlike the bootstrap it says something when the classes separate perfectly.

    Args:
        value: the observed AUROC.
        n_positive: positives it was measured on.
        n_negative: negatives it was measured on.
        level: coverage.

    Raises:
        SteeringError: there are no positives or no negatives.
    """
    check_both_classes(n_positive, n_negative)
    z_squared = float(ndtri((1 + level) / 2)) ** 2
    pooled = (n_positive + n_negative) / 2 - 1

    def excess(theta: float) -> float:
        spread = 1 + pooled * (1 - theta) / (2 - theta) + pooled * theta / (1 + theta)
        variance = theta * (1 - theta) * spread / (n_positive * n_negative)
        return (value - theta) ** 2 - z_squared * variance

    low = 0.0 if value <= 0 else float(brentq(excess, 0.0, min(value, 1 - 1e-12)))
    high = 1.0 if value >= 1 else float(brentq(excess, max(value, 1e-12), 1.0))
    return low, high


def wilson_interval(successes: int, n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """(p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)  (Wilson 1927): a rate such as TPR on few examples.

    Args:
        successes: how many of ``n``.
        n: trials, at least 1.
        level: coverage.

    Raises:
        SteeringError: ``successes`` does not lie between 0 and ``n``, or ``n`` is 0.
    """
    if not (n > 0 and 0 <= successes <= n):
        raise SteeringError(f"{successes} of {n} is not a rate; pass a count between 0 and a total of at least 1.")
    z = float(ndtri((1 + level) / 2))
    rate = successes / n
    centre = rate + z * z / (2 * n)
    half = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, float((centre - half) / scale)), min(1.0, float((centre + half) / scale))
