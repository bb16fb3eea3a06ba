"""Do raters agree more than chance would have it?

Krippendorff's alpha:  α = 1 − D_o / D_e,

    D_o = (1/n) Σ_units Σ_{i≠j} δ²(v_i, v_j) / (m_u − 1),      D_e = 1/(n(n−1)) Σ_{i≠j} δ²(v_i, v_j)  over all values,

where a unit counts with its m_u ≥ 2 values and n is their number (K. Krippendorff, *Computing Krippendorff's
Alpha-Reliability*, 2011, sections C to E). Raters may miss units. 1 is perfect, 0 is chance, below 0 worse than that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

Metric = Callable[[float, float], float]


def nominal(a: float, b: float) -> float:
    """δ² = 1 for values that differ at all."""
    return float(a != b)


def interval(a: float, b: float) -> float:
    """δ² = (a − b)²: a tie between two answers is half as far from either choice as these from each other, squared."""
    return (a - b) ** 2


def krippendorff_alpha(units: Iterable[Sequence[float]], metric: Metric = interval) -> float | None:
    """Alpha of the values that raters gave to units.

    Args:
        units: the values of each unit, in any order; those with fewer than two are left out.
        metric: the squared difference of two values.

    Returns:
        None where nothing can be said: no unit with two values, or all values alike (there is no chance to disagree).
    """
    counts = [Counter(values) for values in units if len(values) > 1]
    total: Counter[float] = sum(counts, Counter())
    n = total.total()
    if n == 0:
        return None
    expected = _disagreement(total, metric) / (n * (n - 1))
    if expected == 0:
        return None
    observed = sum(_disagreement(values, metric) / (values.total() - 1) for values in counts) / n
    return 1 - observed / expected


def _disagreement(counts: Mapping[float, int], metric: Metric) -> float:
    """Σ δ² over ordered pairs of different places."""
    return sum((2 * counts[a] * counts[b] * metric(a, b) for a, b in combinations(counts, 2)), 0.0)
