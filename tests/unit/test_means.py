"""The interval of a mean over prompts, against what is known of it."""

import numpy as np
import pytest

from steering.errors import SteeringError
from steering.scores.means import mean_interval


def test_equal_values_have_no_width():
    assert mean_interval(np.full((6, 2), 1.5)) == (1.5, 1.5)


def test_samples_of_one_prompt_are_kept_together():
    """Ten prompts that disagree, each answered ten times alike, are ten observations and not a hundred."""
    values = np.repeat(np.arange(10.0)[:, None], 10, axis=1)
    low, high = mean_interval(values)
    assert high - low == pytest.approx(2 * 1.96 * values[:, 0].std() / np.sqrt(10), rel=0.1)


def test_coverage_is_near_its_level():
    generator = np.random.default_rng(0)
    inside = 0
    for seed in range(300):
        low, high = mean_interval(generator.normal(size=(40, 1)), n_resamples=400, seed=seed)
        inside += low <= 0 <= high
    assert 0.90 <= inside / 300 <= 0.98


def test_nothing_and_nan_are_refused():
    for values in (np.empty((0, 2)), np.array([[np.nan]])):
        with pytest.raises(SteeringError, match="no interval"):
            mean_interval(values)
