"""Dropped concepts are counted."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.intent_to_treat import count_dropped, intent_to_treat
from steering.evidence.leaderboard import leaderboard

PLANNED = ["a", "b", "c", "d"]


def means():
    values = {
        "sae_f1c": {"a": 1.0, "b": 1.0, "c": 0.2, "d": 0.2},
        "sae_f1c_output": {"a": 1.0, "b": 1.2},
        "none": {"a": 0.0, "b": 0.0, "c": 0.1, "d": 0.3},
    }
    return pd.DataFrame(
        [
            {"model": "m", "method": method, "concept": concept, "overall": value}
            for method, of in values.items()
            for concept, value in of.items()
        ]
    )


@pytest.mark.parametrize(("dropped", "expected"), [("unsteered", (1.0 + 1.2 + 0.1 + 0.3) / 4), ("zero", 2.2 / 4)])
def test_both_numbers_by_hand(dropped, expected):
    found = intent_to_treat(means(), PLANNED, dropped=dropped, n_resamples=500).set_index("method")
    filtered = found.loc["sae_f1c_output"]
    assert filtered["survivors"] == pytest.approx(1.1)
    assert np.isnan(filtered["survivors_low"])  # two concepts
    assert filtered["intent_to_treat"] == pytest.approx(expected)
    assert filtered["intent_to_treat_low"] < expected < filtered["intent_to_treat_high"]
    assert (filtered["n_survivors"], filtered["n_planned"]) == (2, 4)
    whole = found.loc["sae_f1c"]
    assert whole["survivors"] == whole["intent_to_treat"] == pytest.approx(0.6)


def test_a_filter_that_only_drops_gains_nothing():
    """Survivors' mean rises by dropping hard concepts; counted honestly it falls."""
    hard_dropped = means()[lambda t: (t["method"] != "sae_f1c") | t["concept"].isin(["a", "b"])]
    found = intent_to_treat(hard_dropped, PLANNED, dropped="zero", n_resamples=50).set_index("method").loc["sae_f1c"]
    assert found["survivors"] > 0.6 > found["intent_to_treat"]


def test_filled_concepts_can_be_paired():
    filled = count_dropped(means(), PLANNED)
    assert filled[filled["is_dropped"]]["concept"].tolist() == ["c", "d"]
    assert set(leaderboard(filled, reference="sae_f1c", n_resamples=50)["n_concepts"]) == {4}


@pytest.mark.parametrize(
    ("concepts", "keep", "said"),
    [
        (["a", "b", "c"], slice(None), "d, which was not planned"),
        ([], slice(None), "0 planned concepts"),
        (["a", "a"], slice(None), "name each once"),
        (PLANNED, slice(0, -1), "dropped c.*no result|dropped d.*no result|no result of it"),
    ],
)
def test_faults_are_named(concepts, keep, said):
    with pytest.raises(SteeringError, match=said):
        count_dropped(means().iloc[keep], concepts)
