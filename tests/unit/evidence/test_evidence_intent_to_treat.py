"""Dropped concepts are counted."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.intent_to_treat import can_count_as_unsteered, count_dropped_runs
from steering.evidence.leaderboard import leaderboard


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


def test_filled_concepts_can_be_paired():
    filled = count_dropped_runs(RUNS, PLANNED_RUNS)
    assert set(leaderboard(filled, reference="lora", n_resamples=50)["n_concepts"]) == {2}


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
