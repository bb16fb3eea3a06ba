"""Interpretability against steering."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, spearmanr

from steering.errors import SteeringError
from steering.evidence.bootstrap import concept_weights
from steering.evidence.rank_correlation import _draws, correlation_trend, correlations_by_l0, rank_correlation


def test_by_hand():
    """Pairs (1,1) (2,3) (3,2) (4,4): five of six agree."""
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert rank_correlation(x, y, n_resamples=50).value == pytest.approx((5 - 1) / 6)
    assert rank_correlation(x, y, statistic="spearman", n_resamples=50).value == pytest.approx(1 - 6 * 2 / (4 * 15))


@pytest.mark.parametrize(("statistic", "reference"), [("kendall", kendalltau), ("spearman", spearmanr)])
def test_every_resample_is_what_scipy_says_of_it(statistic, reference):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 12).astype(float), rng.integers(0, 6, 12).astype(float)  # with ties
    weights = concept_weights(12, n_resamples=40, seed=2)
    draws = _draws(x, y, weights, statistic)
    for drawn, weight in zip(draws, weights, strict=True):
        rows = np.repeat(np.arange(12), np.rint(weight * 12).astype(int))
        assert drawn == pytest.approx(reference(x[rows], y[rows]).statistic)


@pytest.mark.parametrize("statistic", ["kendall", "spearman"])
def test_a_constant_side_has_no_correlation(statistic):
    found = rank_correlation(np.ones(10), np.arange(10.0), statistic=statistic, n_resamples=50)
    assert np.isnan(found.value)
    assert not found.is_known


def test_coverage_of_tau():
    """Bivariate normal: τ = 2/π asin ρ. 300 samples of 24; the limits know their level within what 300 can tell."""
    rng = np.random.default_rng(0)
    rho, inside = 0.5, 0
    for _ in range(300):
        x, noise = rng.normal(size=(2, 24))
        found = rank_correlation(x, rho * x + np.sqrt(1 - rho**2) * noise, n_resamples=400)
        inside += found.low <= 2 / np.pi * np.arcsin(rho) <= found.high
    assert 0.90 <= inside / 300 <= 0.98


def falling(n=60):
    """Interpretability decides steering at l0 20, half at 80, and not at all at 320."""
    rng = np.random.default_rng(0)
    frames = []
    for l0, share in ((20.0, 1.0), (80.0, 0.5), (320.0, 0.0)):
        x = rng.normal(size=n)
        y = share * x + (1 - share) * rng.normal(size=n)
        frames.append(
            pd.DataFrame({"concept": [f"c{i}" for i in range(n)], "l0": l0, "interpretability": x, "steering": y})
        )
    return pd.concat(frames, ignore_index=True)


def test_a_planted_fall_is_found():
    table = falling()
    by_l0 = correlations_by_l0(table, n_resamples=500)
    assert by_l0["l0"].tolist() == [20.0, 80.0, 320.0]
    assert by_l0["value"].iloc[0] == pytest.approx(1.0)
    assert by_l0["low"].iloc[1] > 0
    assert by_l0["low"].iloc[2] < 0 < by_l0["high"].iloc[2]
    trend = correlation_trend(table, n_resamples=500)
    # Equal steps of two doublings: the slope is (last - first) / 4.
    assert trend.value == pytest.approx((by_l0["value"].iloc[2] - by_l0["value"].iloc[0]) / 4)
    assert trend.high < 0


def test_the_order_of_rows_does_not_matter():
    table = falling(12)
    shuffled = table.sample(frac=1, random_state=1)
    assert correlation_trend(shuffled, n_resamples=100) == correlation_trend(table, n_resamples=100)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rank_correlation(np.arange(2.0), np.arange(2.0)), "at least 3 pairs"),
        (lambda: rank_correlation(np.arange(4.0), np.array([0.0, 1.0, np.nan, 2.0])), "A value is missing"),
        (lambda: correlations_by_l0(falling(4).drop(columns="steering")), "lacks the columns steering"),
        (lambda: correlations_by_l0(falling(4).assign(l0=5.0)), "stands twice"),
        (lambda: correlation_trend(falling(4).iloc[:-1]), "every concept at each"),
    ],
)
def test_faults_are_named(call, said):
    with pytest.raises(SteeringError, match=said):
        call()
