"""What moved, on planted activations."""

import numpy as np
import pytest

from steering.errors import SteeringError
from steering.strength.moved import firing_columns, movement


def test_a_planted_rise_is_first_and_noise_is_counted_as_chance() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.normal(0.1, 0.02, (12, 200)) for _ in range(2)]
    steered = noise[0].copy()
    steered[:, 17] += 0.3
    steered[:, 40] -= 0.05
    found = movement(steered, noise[0], noise[1])
    assert found.order[:2].tolist() == [17, 40]
    assert found.moved.sum() == 2, "the steered answers share all else with the untouched"
    assert found.difference[17] == pytest.approx(0.3)
    assert found.by_chance < 30
    assert 0 < found.largest_by_chance < 0.05


def test_two_untouched_sets_differ_about_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 12, 4000))
    found = movement(first, first, second)
    assert not found.moved.any()
    assert 0.02 < found.by_chance / 4000 < 0.09


def test_a_change_on_one_prompt_is_no_movement_and_the_same_change_on_all_is() -> None:
    untouched = np.zeros((6, 2))
    steered = untouched.copy()
    steered[0, 0], steered[:, 1] = 1.0, 0.5
    found = movement(steered, untouched, untouched)
    assert found.moved.tolist() == [False, True]
    assert found.by_chance == 0


def test_features_that_never_fire_are_left_out() -> None:
    tables = [np.array([[0.0, 0.2, 0.0]]), np.array([[0.0, 0.0, 0.1]])]
    assert firing_columns(tables).tolist() == [1, 2]


def test_two_prompts_tell_nothing() -> None:
    with pytest.raises(SteeringError, match="too few"):
        movement(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)))
