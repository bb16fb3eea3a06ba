from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.sparse import csc_array
from sklearn.metrics import roc_auc_score

from steering.errors import SteeringError
from steering.scores.auroc import auroc
from steering.scores.intervals import _stratified_counts, auroc_intervals, newcombe_interval, wilson_interval
from tests.unit.scores.sparse import columns, frequencies_and_labels


@settings(deadline=None, max_examples=15)
@given(frequencies_and_labels(both_classes=True))
def test_equals_a_plain_bootstrap_with_the_same_resamples(case):
    frequency, labels = case
    positive = labels[:, 0]
    drawn = _stratified_counts(positive, 40, np.random.default_rng(7))
    limits = auroc_intervals(frequency, positive, n_resamples=40, seed=7, level=0.8)
    observed = auroc(frequency, positive)
    for feature, column in enumerate(frequency.toarray().T):
        if observed[feature] in (0, 1):
            continue
        plain = [
            roc_auc_score(np.repeat(positive, times), np.repeat(column, times)) for times in drawn.T
        ]  # fmt: skip
        np.testing.assert_allclose(limits[feature], np.quantile(plain, [0.1, 0.9]), atol=1e-12)


def test_resamples_keep_the_size_of_each_class():
    positive = np.array([True] * 3 + [False] * 5)
    drawn = _stratified_counts(positive, 100, np.random.default_rng(0))
    assert (drawn[positive].sum(axis=0) == 3).all()
    assert (drawn[~positive].sum(axis=0) == 5).all()


def test_perfect_separation_on_few_examples_is_not_called_certain():
    few = columns([1] * 5 + [0] * 5)
    many = columns([1] * 100 + [0] * 100)
    low_few, high_few = auroc_intervals(few, np.arange(10) < 5)[0]
    low_many, _ = auroc_intervals(many, np.arange(200) < 100)[0]
    assert high_few == 1
    assert low_few < 0.8 < 0.96 < low_many < 1


def test_silent_feature_is_a_coin_for_certain():
    assert auroc_intervals(columns([0, 0, 0, 0], [1, 0, 1, 0]), np.array([True, True, False, False]))[0].tolist() == [
        0.5,
        0.5,
    ]


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth = NormalDist().cdf(1 / np.sqrt(2))  # two unit normals one apart
    positive = np.arange(60) < 30
    samples = rng.normal(size=(60, 150)) + positive[:, None] + 10  # above zero, as a frequency is
    limits = auroc_intervals(csc_array(samples), positive, n_resamples=400)
    covered = ((limits[:, 0] <= truth) & (truth <= limits[:, 1])).mean()
    assert 0.88 <= covered <= 0.99


def test_newcombe_solves_its_own_equation():
    low, high = newcombe_interval(0.8, 20, 30)
    for theta in (low, high):
        pooled = 24
        variance = theta * (1 - theta) / 600
        variance *= 1 + pooled * (1 - theta) / (2 - theta) + pooled * theta / (1 + theta)
        assert (0.8 - theta) ** 2 == pytest.approx(1.959964**2 * variance, rel=1e-4)
    assert low < 0.8 < high


def test_newcombe_mirrors():
    low, high = newcombe_interval(1.0, 8, 12)
    mirrored_low, mirrored_high = newcombe_interval(0.0, 8, 12)
    assert (1 - high, 1 - low) == pytest.approx((mirrored_low, mirrored_high), abs=1e-9)


def test_wilson_by_hand():
    # all 10 of 10: lower limit is 1 / (1 + z²/10)
    assert wilson_interval(10, 10) == pytest.approx((1 / (1 + 1.959964**2 / 10), 1.0))
    assert wilson_interval(0, 10) == pytest.approx((0.0, 1 - 1 / (1 + 1.959964**2 / 10)))
    low, high = wilson_interval(5, 10)
    assert low + high == pytest.approx(1)


def test_nonsense_is_refused():
    with pytest.raises(SteeringError, match="not a rate"):
        wilson_interval(3, 2)
    with pytest.raises(SteeringError, match="level"):
        auroc_intervals(columns([1, 0]), np.array([True, False]), level=1.5)
    with pytest.raises(SteeringError, match="at least one of each"):
        newcombe_interval(1.0, 0, 3)
