"""Dropped concepts are counted."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.intent_to_treat import (
    can_count_as_unsteered,
    count_dropped,
    count_dropped_runs,
    intent_to_treat,
)
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
        # The unsteered model has c and lacks d; c comes first among what was dropped.
        (PLANNED, slice(0, -1), "^sae_f1c_output dropped d, and the unsteered model has no result of it"),
    ],
)
def test_faults_are_named(concepts, keep, said):
    with pytest.raises(SteeringError, match=said):
        count_dropped(means().iloc[keep], concepts)


def runs(values):
    rows = [(*of, value) for of, value in values.items()]
    return pd.DataFrame(rows, columns=["method", "concept", "seed", "overall"]).assign(model="m")


RUNS = runs(
    {
        ("lora", "a", 0): 1.0, ("lora", "a", 1): 2.0, ("lora", "b", 0): 0.6,
        ("none", "a", 0): 0.0, ("none", "a", 1): 0.1, ("none", "b", 0): 0.2, ("none", "b", 1): 0.4,
    }
)  # fmt: skip
PLANNED_RUNS = pd.DataFrame(
    [(method, concept, seed) for method in ("lora", "none", "lat") for concept in "ab" for seed in (0, 1)],
    columns=["method", "concept", "seed"],
)


@pytest.mark.parametrize(
    ("dropped", "lora", "lat"),
    [("unsteered", [1.5, (0.6 + 0.4) / 2], [0.05, 0.3]), ("zero", [1.5, 0.3], [0.0, 0.0])],
)
def test_every_seed_counts(dropped, lora, lat):
    filled = count_dropped_runs(RUNS, PLANNED_RUNS, dropped=dropped).set_index("method")
    assert filled.loc["lora", "overall"].tolist() == pytest.approx(lora)
    assert filled.loc["lat", "overall"].tolist() == pytest.approx(lat), "it has no result at all"
    assert filled.loc["lora", "n_dropped"].tolist() == [0, 1]
    assert filled.loc["lat", "n_dropped"].tolist() == [2, 2]
    assert filled["n_seeds"].tolist() == [2] * 6
    assert filled["is_dropped"].to_numpy().tolist() == [True, True, False, False, False, False]


def test_the_unsteered_model_stands_in_only_where_it_was_run_on_all():
    assert can_count_as_unsteered(RUNS, PLANNED_RUNS)
    assert not can_count_as_unsteered(RUNS[:-1], PLANNED_RUNS)
    assert not can_count_as_unsteered(RUNS[RUNS["method"] == "lora"], PLANNED_RUNS)


@pytest.mark.parametrize(
    ("given", "planned", "said"),
    [
        (RUNS, PLANNED_RUNS[:0], "0 planned runs"),
        (RUNS, pd.concat([PLANNED_RUNS, PLANNED_RUNS[:1]]), "13 planned runs, 12 of them different"),
        (RUNS, PLANNED_RUNS[1:], "lora has a result of a, seed 0, which was not planned"),
        (RUNS.assign(overall=np.nan), PLANNED_RUNS, "lora on a, seed 0, lacks overall"),
        (RUNS[:-1], PLANNED_RUNS, "lora dropped b, seed 1, and the unsteered model has no result of it"),
    ],
)
def test_faults_of_runs_are_named(given, planned, said):
    with pytest.raises(SteeringError, match=said):
        count_dropped_runs(given, planned)
