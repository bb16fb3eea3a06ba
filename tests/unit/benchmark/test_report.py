"""Does the report count what is not there: failed units, failed concepts, an oracle without its factors?"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steering.benchmark.board import Choice, standing
from steering.benchmark.collect import read_results
from steering.benchmark.planned import planned_runs
from steering.benchmark.report import as_json, as_text, report
from steering.benchmark.settings import Unit
from steering.errors import SteeringError
from tests.drawn_bench import SETTINGS, settings, write_run

PLANNED = planned_runs(SETTINGS)
TESTED = sorted(PLANNED.loc[PLANNED["split"] == "test", "concept"].unique())


def of_method(board: pd.DataFrame, method: str, split: str = "test") -> pd.Series:
    return board[board["split"] == split].set_index("method").loc[method]


def overall(table: pd.DataFrame) -> pd.Series:
    """Mean score of every method, concept and seed on the test half, by hand."""
    rows = table[table["selected"] & (table["half"] == "test")]
    return rows.groupby(["method", "concept", "seed"])["overall"].mean()


def test_the_plan_is_every_unit_with_its_split() -> None:
    assert len(PLANNED) == SETTINGS.n_units
    assert len(TESTED) == 3
    assert set(PLANNED["split"]) == {"development", "test"}


def test_a_method_that_failed_under_one_seed_counts_as_unsteered_there(tmp_path: Path) -> None:
    lost = [Unit(concept, 1, "sae_f1c") for concept in SETTINGS.concepts]
    table = read_results(write_run(tmp_path / "out", failing=lost))
    for board in (report(table, n_resamples=50), report(table, planned=PLANNED, n_resamples=50)):
        row = of_method(board, "sae_f1c")
        assert (row["n_dropped"], row["n_concepts"]) == (3, 3)
        runs = overall(table)
        wanted = [(runs["sae_f1c", concept, 0] + runs["none", concept, 1]) / 2 for concept in TESTED]
        assert row["score"] == pytest.approx(np.mean(wanted))
        assert row["survivors"] == pytest.approx(np.mean([runs["sae_f1c", concept, 0] for concept in TESTED]))
        assert "survivors" in as_text(board)
        whole = of_method(board, "diffmean")
        assert (whole["n_dropped"], whole["survivors"]) == (0, pytest.approx(whole["score"]))
    choice = Choice("test", (0, 1), SETTINGS.methods)
    shown = standing(table, choice, n_resamples=50).table.set_index("method").loc["sae_f1c"]
    assert (shown["n_dropped"], shown["score"]) == (3, pytest.approx(row["score"]))


def test_a_concept_on_which_everything_failed_is_counted(tmp_path: Path) -> None:
    lost = [unit for unit in SETTINGS.units() if unit.concept == TESTED[0]]
    table = read_results(write_run(tmp_path / "out", failing=lost))
    board = report(table, planned=PLANNED, n_resamples=50)
    runs = overall(table)
    for name in SETTINGS.methods:
        row = of_method(board, name)
        assert (row["n_dropped"], row["n_concepts"]) == (2, 3)
        assert row["score"] == pytest.approx(sum(runs[name, concept].mean() for concept in TESTED[1:]) / 3)
    assert of_method(report(table, n_resamples=50), "none")["n_concepts"] == 2, "a table alone cannot know"
    choice = Choice("test", (0, 1), SETTINGS.methods)
    shown = standing(table, choice, planned=PLANNED, n_resamples=50)
    assert (shown.n_concepts, shown.dropped_as) == (3, "zero")
    assert set(shown.table["n_dropped"]) == {2}
    dose = Choice("test", (0, 1), SETTINGS.methods, factor="dose", dose_of="prompt")
    known, unknown = (standing(table, dose, planned=plan, n_resamples=50) for plan in (PLANNED, None))
    assert (known.n_concepts, known.n_left_out, unknown.n_left_out) == (2, 1, 0)


def test_a_method_that_failed_everywhere_stands_on_the_board(tmp_path: Path) -> None:
    lost = [unit for unit in SETTINGS.units() if unit.method == "sae_f1c"]
    table = read_results(write_run(tmp_path / "out", failing=lost))
    board = report(table, planned=PLANNED, n_resamples=50)
    row = of_method(board, "sae_f1c")
    assert row["n_dropped"] == 6
    assert row["score"] == pytest.approx(of_method(board, "none")["score"])
    assert np.isnan(row["concept_score"])
    assert "nan" not in as_text(board)
    assert next(one for one in as_json(board) if one["method"] == "sae_f1c")["kl"] is None


def test_only_chosen_factors_leave_no_oracle(tmp_path: Path) -> None:
    few = report(read_results(write_run(tmp_path / "few", settings(test_factors="chosen"))), n_resamples=50)
    many = report(read_results(write_run(tmp_path / "all")), n_resamples=50)
    few, many = few.set_index(["split", "method"]), many.set_index(["split", "method"])
    pd.testing.assert_frame_equal(few.drop(columns="oracle"), many.drop(columns="oracle"))
    assert few["oracle"].notna().groupby("method").all().to_dict() == {
        "none": True, "prompt": True, "sae_f1c": False, "diffmean": False,
    }  # fmt: skip
    assert many["oracle"].notna().all()
    assert "nan" not in as_text(few.reset_index())
    dosed = settings(test_factors="chosen", methods=("sae_f1c", "diffmean"))
    board = report(read_results(write_run(tmp_path / "dosed", dosed)), n_resamples=50)
    assert board["oracle"].isna().all()
    assert board["score"].notna().all()


def test_a_table_that_breaks_the_protocol_has_no_report(tmp_path: Path) -> None:
    table = read_results(write_run(tmp_path / "out"))
    row = (table["method"] == "diffmean") & (table["half"] == "test") & table["selected"]
    with pytest.raises(SteeringError, match="did not get the same prompts equally often"):
        report(table.drop(index=table.index[row][0]), n_resamples=50)


def test_a_result_that_was_not_planned_is_a_mistake(tmp_path: Path) -> None:
    table = read_results(write_run(tmp_path / "out"))
    with pytest.raises(SteeringError, match="diffmean has a result of cats, seed 0, which was not planned"):
        report(table, planned=PLANNED[PLANNED["concept"] != "cats"], n_resamples=50)
