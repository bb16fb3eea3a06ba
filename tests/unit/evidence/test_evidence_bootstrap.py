"""Intervals against known truths: coverage, SciPy's own bootstrap, and what they must not claim."""

import numpy as np
import pytest
from scipy import stats

from steering.errors import SteeringError
from steering.evidence.bootstrap import (
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
    concept_weights,
    limits,
)
from steering.evidence.win_rate import win_rate, wins

N_CONCEPTS = 24
N_TABLES = 3000


def simulated(rng, difficulty):
    """Means over 20 harmonic means in {0, 1, 1.2, 1.5, 2}, the zeros more frequent the harder the concept."""
    zero = difficulty[..., None] > rng.random((*difficulty.shape, 20))
    values = rng.choice([1.0, 1.2, 1.5, 2.0], zero.shape)
    return np.where(zero, 0.0, values).mean(axis=-1)


def test_coverage_of_mean_difference_and_ratio_is_95_percent():
    """3000 tables of 24 concepts; two methods share each concept's difficulty. 95 % ± 2."""
    rng = np.random.default_rng(0)
    difficulty = rng.beta(1.2, 1.2, (N_CONCEPTS, N_TABLES))
    ours, theirs = simulated(rng, difficulty), simulated(rng, np.minimum(1, difficulty * 1.3))
    expected = stats.beta(1.2, 1.2).expect
    mean_value = np.mean([1.0, 1.2, 1.5, 2.0])
    true_ours = mean_value * 0.5
    true_theirs = mean_value * (1 - expected(lambda d: np.minimum(1, d * 1.3)))
    weights = concept_weights(N_CONCEPTS, n_resamples=1000, seed=1)
    drawn = weights @ ours, weights @ theirs
    cases = {
        "mean": (drawn[0], true_ours),
        "difference": (drawn[0] - drawn[1], true_ours - true_theirs),
        "ratio": (drawn[1] / drawn[0], true_theirs / true_ours),
    }
    for name, (draws, truth) in cases.items():
        low, high = limits(draws, N_CONCEPTS)
        assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97, name


@pytest.mark.parametrize(("n_concepts", "least"), [(5, 0.90), (10, 0.93)])
def test_few_concepts_are_covered_better_than_by_plain_percentiles(n_concepts, least):
    values = np.random.default_rng(0).normal(size=(n_concepts, N_TABLES))
    draws = concept_weights(n_concepts, n_resamples=2000) @ values
    (low, high), (plain_low, plain_high) = limits(draws, n_concepts), np.quantile(draws, [0.025, 0.975], axis=0)
    covered, plain = ((low <= 0) & (high >= 0)).mean(), ((plain_low <= 0) & (plain_high >= 0)).mean()
    assert plain < least <= covered <= 0.97


def test_it_is_scipys_percentile_interval_at_the_expanded_level():
    values = np.random.default_rng(3).gamma(2.0, size=30)
    found = bootstrap_mean(values, n_resamples=20_000)
    tail = stats.norm.cdf(-np.sqrt(30 / 29) * stats.t.ppf(0.975, 29))
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", confidence_level=1 - 2 * tail, n_resamples=20_000, rng=1
    ).confidence_interval
    assert found.value == pytest.approx(values.mean())
    width = found.high - found.low
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)


def test_pairing_takes_the_concepts_difficulty_away():
    rng = np.random.default_rng(0)
    concepts = rng.normal(1, 1, 24)
    ours, theirs = concepts + 0.2 + rng.normal(0, 0.1, 24), concepts + rng.normal(0, 0.1, 24)
    difference = bootstrap_difference(ours, theirs)
    assert difference.low < 0.2 < difference.high
    assert difference.excludes(0.0)
    assert difference.high - difference.low < 0.3 * (bootstrap_mean(ours).high - bootstrap_mean(ours).low)


def test_a_ratio_of_proportional_scores_is_exact_up_to_noise():
    theirs = np.random.default_rng(0).uniform(0.5, 2, 24)
    found = bootstrap_ratio(theirs * 0.8 + np.tile([0.01, -0.01], 12), theirs)
    assert found.value == pytest.approx(0.8, abs=1e-9)
    assert 0.78 < found.low < 0.8 < found.high < 0.82


def test_seeds_of_resamples_decide_and_resamples_are_whole():
    weights = concept_weights(7, n_resamples=50, seed=4)
    assert (concept_weights(7, n_resamples=50, seed=4) == weights).all()
    assert weights.sum(axis=1) == pytest.approx(np.ones(50))


@pytest.mark.parametrize("values", [np.array([0.0, 2.0]), np.full(24, 0.1), np.zeros(24)])
def test_too_few_concepts_and_concepts_that_agree_have_no_limits(values):
    found = bootstrap_mean(values)
    assert found.value == pytest.approx(values.mean())
    assert not found.is_known
    assert not found.excludes(100.0)


def test_a_reference_that_may_be_zero_gives_a_ratio_without_limits():
    found = bootstrap_ratio(np.ones(4), np.array([1.0, 0.0, 0.0, 0.0]))
    assert found.value == 4.0
    assert not found.is_known


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bootstrap_mean(np.array([])), "0 concepts"),
        (lambda: bootstrap_mean(np.array([np.nan])), "not all finite"),
        (lambda: bootstrap_ratio(np.ones(3), np.zeros(3)), "mean is zero"),
        (lambda: bootstrap_ratio(-np.ones(3), np.ones(3)), "below zero"),
        (lambda: bootstrap_mean(np.arange(4.0), level=95.0), "coverage between 0 and 1"),
        (lambda: concept_weights(3, n_resamples=0), "resampled 0 times"),
    ],
)
def test_what_has_no_interval_says_so(call, said):
    with pytest.raises(SteeringError, match=said):
        call()


def test_a_tie_is_half_a_win():
    ours, theirs = np.array([2.0, 1.0, 0.1 + 0.2, 0.0]), np.array([1.0, 2.0, 0.3, 0.0])
    assert wins(ours, theirs).tolist() == [1.0, 0.0, 0.5, 0.5]
    assert win_rate(ours, theirs).value == 0.5
    assert win_rate(theirs, ours).value == 0.5


def test_win_rate_stays_within_its_range():
    found = win_rate(np.array([1.0] * 9 + [0.0]), np.full(10, 0.5))
    assert found.value == 0.9
    assert 0 <= found.low < 0.9 < found.high <= 1


def test_an_interval_excludes_what_lies_outside():
    interval = Interval(1.0, 0.5, 1.5)
    assert interval.excludes(0.4)
    assert interval.excludes(1.6)
    assert not interval.excludes(0.5)
