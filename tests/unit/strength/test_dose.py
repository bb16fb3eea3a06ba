"""Doses are found on planted curves: one that rises, one that ends too low, one that falls again, one that jumps."""

from collections.abc import Callable, Sequence

import pytest

from steering.errors import SteeringError
from steering.strength.dose import TOLERANCE, find_dose

GRID = (0.5, 1.0, 1.5, 2.0)


def measured(curve: Callable[[float], float], asked: list[float]) -> Callable[[Sequence[float]], list[float]]:
    def measure(factors: Sequence[float]) -> list[float]:
        asked.extend(factors)
        return [curve(factor) for factor in factors]

    return measure


def test_a_rising_curve_is_followed_to_the_dose() -> None:
    asked: list[float] = []
    found = find_dose(measured(lambda factor: factor**2, asked), 1.7, GRID)
    assert found.is_reached
    assert found.reached == pytest.approx(1.7, rel=TOLERANCE)
    assert found.factor == pytest.approx(1.7**0.5, rel=TOLERANCE)
    assert found.reason == ""
    assert len(asked) == len(set(asked)) <= len(GRID) + 8, "nothing is measured twice"


def test_a_dose_above_the_end_is_not_reached_and_the_end_is_taken() -> None:
    found = find_dose(measured(lambda factor: 0.1 * factor, []), 1.0, GRID)
    assert not found.is_reached
    assert (found.factor, found.reached) == (2.0, 0.2)
    assert "0.20 nats at most, at factor 2" in found.reason


def test_where_a_curve_falls_again_the_first_crossing_counts_and_the_fall_is_told() -> None:
    def hill(factor: float) -> float:
        return max(0.0, 1.0 - abs(factor - 1.0))

    found = find_dose(measured(hill, []), 0.7, GRID)
    assert found.is_reached
    assert found.factor < 1.0
    assert "lower again at factor 1.5" in found.reason


def test_a_jump_over_the_dose_is_said() -> None:
    found = find_dose(measured(lambda factor: 0.1 if factor < 1.2 else 2.0, []), 1.0, GRID)
    assert not found.is_reached
    assert "jumps from 0.10 to 2.00" in found.reason
    assert found.reached in (0.1, 2.0)


def test_the_first_factor_may_already_be_too_much() -> None:
    found = find_dose(measured(lambda factor: 10 * factor, []), 1.0, GRID)
    assert found.factor == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(("target", "factors"), [(0.0, GRID), (float("nan"), GRID), (1.0, ()), (1.0, (0.0, 1.0))])
def test_what_is_no_dose_or_no_grid_is_refused(target: float, factors: tuple[float, ...]) -> None:
    with pytest.raises(SteeringError):
        find_dose(measured(lambda factor: factor, []), target, factors)
