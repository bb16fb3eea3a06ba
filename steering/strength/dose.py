"""At which factor does a method move the model by a given amount?

The dose is the mean KL to the baseline, in nats per token. It is measured, never computed: a few factors at once, then
inside the first pair of neighbours that the wanted dose lies between, again and again. Along sampled answers the dose
is no smooth function of the factor: a small step may turn an answer and make the dose jump. So the search may end
without the dose, and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from steering.errors import SteeringError

TOLERANCE = 0.1
"""Doses that differ by a tenth count as equal: that is less than another seed changes them."""
ROUNDS = 4
INSIDE = 2
"""Factors measured inside the bracket in a round: two thirds of it are gone after each."""
STEP = 0.01
"""Factors are as fine as the screens show them."""


@dataclass(frozen=True, slots=True)
class Dose:
    """What came of a search.

    Attributes:
        target: the wanted dose, nats per token.
        factor: where it was reached, or what came nearest.
        reached: the dose there.
        is_reached: whether it is within `TOLERANCE` of the target.
        tried: every factor with its dose, by factor.
        reason: why it was not reached, or what is to be known about where it was; empty otherwise.
    """

    target: float
    factor: float
    reached: float
    is_reached: bool
    tried: tuple[tuple[float, float], ...]
    reason: str


def find_dose(measure: Callable[[Sequence[float]], Sequence[float]], target: float, factors: Sequence[float]) -> Dose:
    """Find the smallest factor with the dose ``target``.

    Args:
        measure: the doses at some factors, measured together.
        target: nats per token, above 0.
        factors: the grid to begin with, rising from above 0; nothing beyond its end is tried.

    Raises:
        SteeringError: a target that is no dose, or a grid that does not rise from above 0.
    """
    if not target > 0:
        raise SteeringError(f"The dose is {target:g} nats; choose a number above 0, for no method is matched at none.")
    if not factors or any(later <= earlier for earlier, later in zip((0.0, *factors), factors, strict=False)):
        raise SteeringError(f"The factors {tuple(factors)} do not rise from above 0; give some that do.")
    tried: dict[float, float] = {0.0: 0.0}
    tried.update(zip(factors, measure(list(factors)), strict=True))
    bracket = _bracket(tried, target)
    if bracket is None:
        top = max(tried, key=lambda factor: tried[factor])
        if abs(tried[top] - target) <= TOLERANCE * target:
            return _dose(tried, target, "")
        return _dose(tried, target, f"it moves the model by {tried[top]:.2f} nats at most, at factor {top:g}")
    falls = _falls(tried, target)
    for _ in range(ROUNDS):
        if _nearest(tried, target)[1]:
            break
        low, high = bracket
        inside = [round(low + (high - low) * part / (INSIDE + 1), 2) for part in range(1, INSIDE + 1)]
        fresh = [factor for factor in dict.fromkeys(inside) if low + STEP / 2 < factor < high - STEP / 2]
        if not fresh:
            break
        tried.update(zip(fresh, measure(fresh), strict=True))
        bracket = _bracket(tried, target) or bracket
    if not _nearest(tried, target)[1]:
        low, high = bracket
        return _dose(
            tried, target,
            f"the dose jumps from {tried[low]:.2f} to {tried[high]:.2f} nats between the factors {low:g} and {high:g}",
        )  # fmt: skip
    return _dose(tried, target, falls)


def _bracket(tried: dict[float, float], target: float) -> tuple[float, float] | None:
    """The first neighbours that the dose lies between."""
    factors = sorted(tried)
    for low, high in pairwise(factors):
        if tried[low] < target <= tried[high]:
            return low, high
    return None


def _nearest(tried: dict[float, float], target: float) -> tuple[float, bool]:
    """The factor whose dose is nearest, the smallest of several, and whether it is near enough."""
    factor = min(sorted(tried), key=lambda one: abs(tried[one] - target))
    near = [one for one in sorted(tried) if abs(tried[one] - target) <= TOLERANCE * target]
    return (min(near, key=lambda one: abs(tried[one] - target)), True) if near else (factor, False)


def _falls(tried: dict[float, float], target: float) -> str:
    """Whether the dose comes back below the target at a larger factor."""
    over = [factor for factor in sorted(tried) if tried[factor] >= target]
    back = [factor for factor in sorted(tried) if factor > over[0] and tried[factor] < (1 - TOLERANCE) * target]
    return f"the dose does not rise all the way: it is lower again at factor {back[0]:g}" if back else ""


def _dose(tried: dict[float, float], target: float, reason: str) -> Dose:
    factor, is_reached = _nearest(tried, target)
    if factor == 0 and len(tried) > 1:  # no method is shown at nothing
        factor = min((one for one in sorted(tried) if one), key=lambda one: abs(tried[one] - target))
    return Dose(target, factor, tried[factor], is_reached, tuple(sorted(tried.items())), reason)
