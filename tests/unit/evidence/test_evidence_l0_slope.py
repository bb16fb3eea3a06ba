"""Score against l0, concept by concept."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.l0_slope import within_concept_slope
from steering.scores.means import mean_interval

L0 = np.array([20.0, 40.0, 80.0, 160.0])


def planted(slope, *, slope_sd=0.0, noise=0.1, n=24, seed=0):
    rng = np.random.default_rng(seed)
    slopes, intercepts = slope + rng.normal(0, slope_sd, n), rng.normal(1, 0.5, n)
    score = intercepts[:, None] + slopes[:, None] * np.log2(L0) + rng.normal(0, noise, (n, 4))
    return pd.DataFrame(
        {"concept": np.repeat([f"c{i}" for i in range(n)], 4), "l0": np.tile(L0, n), "score": score.ravel()}
    )


def test_slope_by_hand():
    """Two points per concept, one doubling apart: slopes 1, 2 and 3. The intercepts do not matter."""
    table = pd.DataFrame({"concept": list("aabbcc"), "l0": [10.0, 20.0] * 3, "score": [5.0, 6.0, 0.0, 2.0, -9.0, -6.0]})
    found = within_concept_slope(table, n_resamples=500)
    assert found.value == pytest.approx(2.0)
    assert 1 - 1e-9 <= found.low < 2 < found.high <= 3 + 1e-9


def test_planted_slopes_are_found_and_nothing_is_not():
    found = within_concept_slope(planted(-0.1), n_resamples=2000)
    assert found.low < -0.1 < found.high < 0
    assert not within_concept_slope(planted(0.0), n_resamples=2000).excludes(0.0)


def test_a_harder_concept_at_high_l0_only_does_not_look_like_a_slope():
    """Half of the concepts lack the low l0 and score less: pooled, that is a steep fall; within concepts it is none."""
    table = planted(0.0, noise=0.01)
    easy = table["concept"].isin([f"c{i}" for i in range(12)])
    table["score"] += np.where(easy, 3.0, 0.0)
    table = table[easy | (table["l0"] > 30)]
    assert np.polyfit(np.log2(table["l0"]), table["score"], 1)[0] < -0.1
    assert abs(within_concept_slope(table, n_resamples=100).value) < 0.01


@pytest.mark.parametrize(("intercept_sd", "slope_sd"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.3), (50.0, 3.0)])
def test_a_mixed_model_of_a_balanced_design_has_the_same_slope(intercept_sd, slope_sd):
    """Generalised least squares, whatever the variances that a mixed model may have found."""
    table = planted(-0.1, slope_sd=0.3)
    design = np.column_stack([np.ones(4), np.log2(L0)])
    covariance = design @ np.diag([intercept_sd**2, slope_sd**2]) @ design.T + 0.1**2 * np.eye(4)
    weighted = design.T @ np.linalg.inv(covariance)
    scores = table["score"].to_numpy().reshape(24, 4)
    expected = np.linalg.solve(24 * weighted @ design, weighted @ scores.sum(axis=0))[1]
    assert within_concept_slope(table, n_resamples=10).value == pytest.approx(expected)


def test_slopes_that_differ_widen_the_limits_as_random_slopes_would():
    """The standard error of a random slope in a balanced design is that of a mean of 24 slopes."""
    for slope_sd in (0.0, 0.3):
        table = planted(-0.1, slope_sd=slope_sd)
        slopes = np.polyfit(np.log2(L0), table["score"].to_numpy().reshape(24, 4).T, 1)[0]
        found, students = within_concept_slope(table), mean_interval(slopes[:, None])
        assert found.value == pytest.approx(slopes.mean())
        assert found.high - found.low == pytest.approx(students[1] - students[0], rel=0.15)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (planted(0.0).drop(columns="l0"), "lacks the columns l0"),
        (planted(0.0).assign(l0=0.0), "not positive"),
        (planted(0.0).assign(score=np.nan), "missing"),
        (planted(0.0, n=2), "2 concepts have scores at two different l0"),
        (planted(0.0).assign(l0=10.0), "0 concepts have scores"),
    ],
)
def test_faults_are_named(table, said):
    with pytest.raises(SteeringError, match=said):
        within_concept_slope(table)
