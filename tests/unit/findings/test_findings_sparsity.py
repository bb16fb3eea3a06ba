"""The claim about l0, on tables in which slope and correlation were planted."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.findings.contrasts import Scale
from steering.findings.sparsity import compare_sparsities

L0 = (8, 16, 32, 64, 128)
SCALE = Scale(25, (0,), 20, 5000, {})
FAST = 1_000


def planted(slope: float, correlations: tuple[float, ...], *, layers=(1, 2), n=25, noise=0.05, seed=0) -> pd.DataFrame:
    """Scores with a slope per doubling; interpretability that follows the score to the degree given at each l0."""
    rng = np.random.default_rng(seed)
    level = rng.normal(1.0, 0.3, n)
    rows = []
    for layer in layers:
        for l0, follows in zip(L0, correlations, strict=True):
            score = level + slope * np.log2(l0 / 32) + rng.normal(0, noise, n)
            z = (score - score.mean()) / score.std()
            reads = follows * z + np.sqrt(1 - follows**2) * rng.normal(0, 1, n)
            rows += [
                (f"c{place}", f"layer{layer}-1k-l0-{l0}", layer, l0, score[place], reads[place]) for place in range(n)
            ]
    return pd.DataFrame(rows, columns=["concept", "sae", "layer", "l0", "score", "interpretability"])


FLAT, FALLING, RISING = (0.5,) * 5, (0.99, 0.8, 0.4, 0.0, -0.6), (-0.6, 0.0, 0.4, 0.8, 0.99)


def test_planted_slopes_are_found_with_their_sign():
    falls = compare_sparsities(planted(-0.1, FLAT), SCALE, n_resamples=FAST)
    assert falls.slope.low < -0.1 < falls.slope.high < 0
    assert falls.verdict.startswith("On this world the score falls from l0 8 to 128, by 0.1")
    assert set(falls.slopes) == {1, 2}
    rises = compare_sparsities(planted(0.1, FLAT), SCALE, n_resamples=FAST)
    assert rises.verdict.startswith("On this world the score rises from l0 8 to 128, by 0.099 with each doubling")


def test_no_slope_is_not_called_one():
    found = compare_sparsities(planted(0.0, FLAT), SCALE, n_resamples=FAST)
    assert found.verdict.startswith("On this world no effect of l0 on the score can be told from l0 8 to 128 (")
    assert found.verdict.endswith(": 25 concepts, 1 seed.")


def test_a_planted_fall_of_the_correlation_is_the_disputed_one():
    found = compare_sparsities(planted(0.0, FALLING), SCALE, n_resamples=FAST)
    assert all(trend.high < 0 for trend in found.trends.values())
    assert "which is the fall that the disputed paper reports" in found.verdict
    values = {at.l0: at.found.value for at in found.correlations if at.layer == 1}
    assert values[8] > 0.8 > values[128]


def test_a_planted_rise_is_its_opposite_and_none_is_neither():
    assert "the opposite of the fall" in compare_sparsities(planted(0.0, RISING), SCALE, n_resamples=FAST).verdict
    assert "neither shown nor ruled out" in compare_sparsities(planted(0.0, FLAT), SCALE, n_resamples=FAST).verdict


def test_a_fall_at_one_layer_alone_is_said_so():
    table = pd.concat([planted(0.0, FALLING, layers=(1,)), planted(0.0, FLAT, layers=(2,), seed=1)])
    found = compare_sparsities(table, SCALE, n_resamples=FAST)
    assert "seen at one place and not at another" in found.verdict
    assert "with each doubling after block 1" in found.verdict
    assert "cannot be told to change after block 2" in found.verdict


def test_concepts_are_compared_with_themselves():
    """Concepts far apart hide a small slope from a pooled fit, not from this one."""
    table = planted(-0.05, FLAT, noise=0.02)
    spread = table["concept"].str[1:].astype(int) * 0.2
    found = compare_sparsities(table.assign(score=table["score"] + spread), SCALE, n_resamples=FAST)
    assert found.slope.value == pytest.approx(-0.05, abs=0.01)
    assert found.slope.excludes(0.0)


def test_a_concept_without_a_feature_leaves_the_correlation_and_stays_in_the_score():
    table = planted(0.0, FLAT)
    table.loc[(table["concept"] == "c3") & (table["l0"] == 8) & (table["layer"] == 1), "interpretability"] = np.nan
    found = compare_sparsities(table, SCALE, n_resamples=FAST)
    assert {(at.layer, at.n_concepts) for at in found.correlations} == {(1, 24), (2, 25)}
    assert {at.n_concepts for at in found.scores} == {25}


def test_constant_interpretability_has_no_trend():
    table = planted(0.0, FLAT)
    table.loc[table["l0"] == 8, "interpretability"] = 1.0
    found = compare_sparsities(table, SCALE, n_resamples=FAST)
    assert set(found.trends) == {1, 2}
    assert found.notes[0].startswith("After block 1 the rank correlation is defined at l0 16, 32, 64 and 128 alone")
    table.loc[table["l0"] < 64, "interpretability"] = 1.0
    found = compare_sparsities(table, SCALE, n_resamples=FAST)
    assert found.trends == {}
    assert "has no trend to speak of (one side is constant at most l0)" in found.verdict


def test_scores_at_the_floor_are_said_to_be_there():
    table = planted(0.0, FLAT)
    assert compare_sparsities(table, SCALE, n_resamples=FAST).notes == ()
    table.loc[table["concept"].str[1:].astype(int) < 10, "score"] = 0.0
    (note,) = compare_sparsities(table, SCALE, n_resamples=FAST).notes
    assert note.startswith("100 of 250 pairs of concept and SAE score nothing at all")


def test_too_few_sparsities_gaps_and_doubles_are_refused():
    table = planted(0.0, FLAT)
    with pytest.raises(SteeringError, match="the most is 3"):
        compare_sparsities(table[table["l0"] < 64], SCALE)
    with pytest.raises(SteeringError, match="c4 lacks a score"):
        compare_sparsities(table.drop(index=table.index[4]), SCALE)
    with pytest.raises(SteeringError, match="stands twice"):
        compare_sparsities(pd.concat([table, table.head(1)]), SCALE)


def test_a_layer_with_a_single_sparsity_is_left_out():
    wide = planted(0.0, FLAT, layers=(3,)).query("l0 == 32")
    found = compare_sparsities(pd.concat([planted(0.0, FLAT), wide]), SCALE, n_resamples=FAST)
    assert {at.layer for at in found.scores} == {1, 2}
