"""The interval of a mean over prompts, against what is known of it."""

import numpy as np
import pytest

from steering.errors import SteeringError
from steering.scores.means import mean_interval


def test_it_is_students_interval():
    """By hand: mean 2, sd 1, and t(2) at 97.5 % is 4.3027 in every table."""
    low, high = mean_interval(np.array([[1.0], [2.0], [3.0]]))
    assert (low, high) == pytest.approx((2 - 4.3027 / np.sqrt(3), 2 + 4.3027 / np.sqrt(3)), abs=1e-4)


def test_samples_of_one_prompt_are_kept_together():
    """Ten prompts that disagree, each answered ten times alike, are ten observations and not a hundred."""
    values = np.arange(10.0)[:, None]
    assert mean_interval(np.repeat(values, 10, axis=1)) == pytest.approx(mean_interval(values))


@pytest.mark.parametrize("values", [np.array([[0.0, 1.0], [2.0, 2.0]]), np.full((6, 2), 1.5)])
def test_too_few_prompts_and_prompts_that_agree_have_no_interval(values):
    assert mean_interval(values) is None


@pytest.mark.parametrize("n_prompts", [5, 40])
def test_coverage_is_its_level(n_prompts):
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        low, high = mean_interval(generator.normal(size=(n_prompts, 2)))
        inside += low <= 0 <= high
    assert 0.935 <= inside / 2000 <= 0.965


def test_a_paired_difference_is_narrower_than_its_two_means():
    """Prompts differ a lot, the methods on one prompt little: pairing takes the prompts away."""
    generator = np.random.default_rng(0)
    prompts = generator.normal(size=(8, 1))
    ours, theirs = prompts + 0.3, prompts + 0.05 * np.tile([[-1.0], [1.0]], (4, 1))
    low, high = mean_interval(ours - theirs)
    assert 0 < low < 0.3 < high
    assert high - low < 0.2 * np.ptp(mean_interval(ours))


def test_nothing_and_nan_are_refused():
    for values in (np.empty((0, 2)), np.array([[np.nan]])):
        with pytest.raises(SteeringError, match="no interval"):
            mean_interval(values)
