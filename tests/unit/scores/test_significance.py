from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import random_array
from scipy.stats import beta, false_discovery_control, hypergeom

from steering.errors import Cancelled, SteeringError
from steering.scores.calibrated_f1 import sweep
from steering.scores.significance import (
    benjamini_yekutieli,
    label_permutation_p,
    max_statistic_p,
    max_statistic_q,
    noise_floor,
    null_best_f1c,
)
from tests.unit.scores.sparse import columns


def one(tp: int, predicted: int, n_positive: int, n_examples: int) -> float:
    return label_permutation_p(
        np.array([tp]), np.array([predicted]), n_positive=n_positive, n_examples=n_examples
    ).item()


def test_perfect_feature_on_fifteen_against_fifteen():
    assert one(15, 15, 15, 30) == pytest.approx(1 / comb(30, 15))


def test_equals_counting_every_permutation():
    predicted = np.array([True, True, True, False, False, False, False])
    as_good = [sum(predicted[list(chosen)]) >= 2 for chosen in combinations(range(7), 3)]
    assert one(2, 3, 3, 7) == pytest.approx(np.mean(as_good))


@settings(deadline=None)
@given(st.data())
def test_equals_scipys_hypergeometric_tail(data):
    n = data.draw(st.integers(1, 400))
    n_positive = data.draw(st.integers(0, n))
    predicted = data.draw(st.integers(0, n))
    tp = data.draw(st.integers(max(0, predicted + n_positive - n), min(predicted, n_positive)))
    expected = hypergeom.sf(tp - 1, n, n_positive, predicted)
    assert one(tp, predicted, n_positive, n) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_silent_feature_has_p_one():
    assert one(0, 0, 5, 10) == 1.0


def test_impossible_counts_are_refused():
    for tp, predicted in ((4, 3), (6, 8), (0, 8)):
        with pytest.raises(SteeringError, match="True positives"):
            one(tp, predicted, 5, 10)


def test_benjamini_yekutieli_by_hand():
    # m = 3, harmonic 11/6: 3 * 11/6 * (0.01, 0.03/2, 0.02/... ) in order of p
    q = benjamini_yekutieli(np.array([0.03, 0.01, 0.5]))
    assert q.tolist() == pytest.approx([5.5 * 0.03 / 2, 5.5 * 0.01, 5.5 * 0.5 / 3])


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_yekutieli_equals_scipy(p):
    np.testing.assert_allclose(
        benjamini_yekutieli(np.array(p)), false_discovery_control(p, method="by"), rtol=1e-9, atol=1e-300
    )


def test_no_features_have_no_q():
    assert benjamini_yekutieli(np.zeros(0)).shape == (0,)
    assert label_permutation_p(np.zeros(0, int), np.zeros(0, int), n_positive=1, n_examples=2).shape == (0,)


def test_p_that_is_no_probability_is_refused():
    with pytest.raises(SteeringError, match="between 0 and 1"):
        benjamini_yekutieli(np.array([0.1, np.nan]))


def test_null_is_the_best_of_all_features_for_the_same_permutations():
    rng = np.random.default_rng(3)
    frequency = random_array((30, 40), density=0.2, rng=rng, format="csc")
    null = null_best_f1c(frequency, 8, n_permutations=25, seed=5)
    same = np.random.default_rng([5, 8])
    for value in null:
        positive = np.zeros(30, dtype=bool)
        positive[same.permutation(30)[:8]] = True
        assert value == sweep(frequency, positive[:, None]).f1c(0).max()


def test_observed_score_of_the_same_counts_counts_as_good_as_the_null():
    # One feature that fires once: F1c is 2/(1+P) or 0. Permutations that hit it tie with the observed score exactly.
    frequency = columns([0.3, 0, 0, 0, 0, 0])
    null = null_best_f1c(frequency, 3, n_permutations=400, seed=0)
    observed = sweep(frequency, np.array([[True], [True], [True], [False], [False], [False]])).f1c(0)
    assert max_statistic_p(observed, null)[0] == pytest.approx(0.5, abs=0.08)


def test_noise_floor_is_reached_or_passed_by_at_most_the_given_share():
    null = np.arange(100) / 100
    assert (null > noise_floor(null)).mean() <= 0.05
    assert noise_floor(null) == pytest.approx(0.95)


def test_max_statistic_p_by_hand():
    null = np.array([0.1, 0.2, 0.3, 0.4])
    assert max_statistic_p(np.array([0.5, 0.3, 0.05]), null).tolist() == pytest.approx([1 / 5, 3 / 5, 1])


def test_q_of_the_max_statistic_is_the_clopper_pearson_upper_limit():
    null = np.arange(200) / 200
    q = max_statistic_q(np.array([2.0, 0.99, 0.0]), null, confidence=0.99)
    assert q[0] == pytest.approx(1 - 0.01 ** (1 / 200))  # none of 200
    assert q[1] == pytest.approx(beta.ppf(0.99, 3, 198))  # two of 200
    assert q[2] == 1
    assert (q >= max_statistic_p(np.array([2.0, 0.99, 0.0]), null)).all()


def test_floor_without_any_firing_feature_is_zero():
    assert noise_floor(null_best_f1c(columns([0, 0, 0]), 1, n_permutations=5)) == 0


def test_every_permutation_can_be_stopped(monkeypatch):
    monkeypatch.setattr("steering.scores.columns.ENTRIES_PER_BLOCK", 10)
    frequency = columns(*np.random.default_rng(0).random((6, 12)).tolist())
    told: list[float] = []
    null_best_f1c(frequency, 5, n_permutations=3, on_progress=told.append)
    assert len(told) > 6
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] < 1

    def stop(_share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        null_best_f1c(frequency, 5, n_permutations=3, on_progress=stop)
