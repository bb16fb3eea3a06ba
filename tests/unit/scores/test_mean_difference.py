import numpy as np
import pytest

from steering.errors import SteeringError
from steering.scores.mean_difference import mean_difference
from steering.scores.support import support
from tests.unit.scores.sparse import columns

POSITIVE = np.array([True, True, False, False, False])


def test_mean_difference_by_hand():
    mean = columns([3, 1, 0, 0, 0], [0, 0, 1, 2, 3], [0, 0, 0, 0, 0])
    assert mean_difference(mean, POSITIVE).tolist() == pytest.approx([2, -2, 0])


def test_support_counts_positives_that_fire_and_ignores_stored_zeros():
    frequency = columns([0.1, 0.2, 0.9, 0, 0], [0, 0, 1, 1, 1], [0.5, 0.5, 0, 0, 0])
    frequency.data[-1] = 0
    assert support(frequency, POSITIVE).tolist() == [2, 0, 1]


def test_other_examples_are_refused():
    with pytest.raises(SteeringError, match="2 examples and the labels 5"):
        mean_difference(columns([1, 2]), POSITIVE)
    with pytest.raises(SteeringError, match="2 examples and the labels 5"):
        support(columns([1, 2]), POSITIVE)
