"""The Benchmark screen's words, tables and figures, without a browser."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steering.benchmark.board import Board, Choice, rows_of, standing
from steering.benchmark.planned import planned_runs
from steering.benchmark.runs import read_run
from steering.benchmark.settings import Unit
from steering.evidence.aggregation import concept_means
from steering.evidence.curves import dose_means
from steering.methods.registry import METHOD_NAMES
from tests.drawn_bench import SETTINGS, write_run
from ui.benchmark_board import board_csv, display_table, footnote, sentence
from ui.benchmark_chart import curves_figure, front_figure, leaderboard_figure
from ui.benchmark_curves import curve_of, front_of, of_concept
from ui.benchmark_origin import csv, manifest_json, parquet
from ui.benchmark_style import style, titled, usual

TEST = Choice("test", (0, 1), SETTINGS.methods, reference="sae_f1c")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "out", failing=[Unit("wine", 1, "diffmean")])


@pytest.fixture(scope="module")
def table(run: Path) -> pd.DataFrame:
    return read_run(run).read()


def board_with(scores: dict[str, list[float]]) -> Board:
    """A board from one value per method and concept."""
    from steering.evidence.leaderboard import leaderboard

    rows = [("demo", name, f"c{at}", value) for name, values in scores.items() for at, value in enumerate(values)]
    filled = pd.DataFrame(rows, columns=["model", "method", "concept", "overall"])
    made = leaderboard(filled, n_resamples=500).assign(n_dropped=0)
    return Board(made, filled, filled, len(next(iter(scores.values()))))


def test_nobody_is_ahead_without_an_interval_that_says_so() -> None:
    far = board_with({"prompt": [1.5, 1.6, 1.4, 1.7, 1.5], "sae_f1c": [0.5, 0.4, 0.6, 0.5, 0.3]})
    assert "**Prompt** scores highest: 1.54 of 2" in sentence(far, TEST)
    assert "1.08 ahead of SAE, calibrated F1" in sentence(far, TEST)
    near = board_with({"prompt": [1.5, 0.2, 1.4, 0.1], "sae_f1c": [0.5, 1.2, 0.4, 0.9]})
    assert "not clearly ahead of SAE, calibrated F1 (+0.05, " in sentence(near, TEST)
    few = board_with({"prompt": [1.5, 1.4], "sae_f1c": [0.5, 0.4]})
    assert "so few concepts decide nothing" in sentence(few, TEST)
    assert "there are no intervals" in footnote(few, TEST)
    alone = board_with({"sae_f1c": [0.5, 0.4, 0.6]})
    assert "scores highest: 0.50 of 2" in sentence(alone, TEST)
    assert "ahead" not in sentence(alone, TEST)


def test_a_score_over_what_is_left_stands_beside_the_one_that_counts_what_was_dropped(table: pd.DataFrame) -> None:
    choice, planned = replace(TEST, seeds=(0,)), planned_runs(SETTINGS)
    assert "Survivors" not in display_table(standing(table, choice, planned=planned, n_resamples=50), choice, {})
    concept = planned.loc[planned["split"] == "test", "concept"].iloc[0]
    left = table[(table["method"] != "diffmean") | (table["concept"] != concept)]
    board = standing(left, choice, planned=planned, n_resamples=50)
    shown = display_table(board, choice, {}).set_index("Method")
    survivors = board.means.loc[board.means["method"] == "diffmean", "overall"].mean()
    assert shown.loc[titled("diffmean"), "Survivors"] == pytest.approx(survivors)
    assert shown.loc[titled("diffmean"), "Overall"] < survivors
    assert shown.loc[titled("prompt"), "Survivors"] == pytest.approx(shown.loc[titled("prompt"), "Overall"])


def test_the_best_sae_method_is_named_where_another_leads() -> None:
    board = board_with({"lora": [1.5, 1.6, 1.4], "random_feature": [1.0, 1.1, 1.2], "sae_topk": [0.5, 0.6, 0.4]})
    assert "The best SAE method, SAE, top features, reaches 0.50" in sentence(board, TEST), "a control is no method"


def test_names_tell_all_methods_and_controls_apart() -> None:
    titles = [titled(name) for name in METHOD_NAMES]
    assert len(set(titles)) == len(titles) == 19
    controls = [name for name in METHOD_NAMES if titled(name).endswith("(control)")]
    assert controls == ["random_feature", "random_direction", "other_concept", "none"]
    looks = [style(name) for name in METHOD_NAMES]
    assert len({(look.colour, look.symbol, look.dash) for look in looks}) == 19
    assert usual(METHOD_NAMES, most=4) == ["none", "prompt", "sae_f1c", "lora"]
    assert usual(("pca", "lat")) == ["pca", "lat"]


def test_the_table_shows_the_board(table: pd.DataFrame) -> None:
    board = standing(table, TEST, n_resamples=100)
    shown = display_table(board, TEST, dict.fromkeys(SETTINGS.methods, 0.25))
    assert shown["Overall"].tolist() == board.table["score"].tolist()
    reference = shown[shown["Method"] == titled("sae_f1c")].iloc[0]
    assert reference["Difference"] == "reference"
    assert np.isnan(reference["Win rate"])
    assert set(shown["Failed"]) == {25.0}
    told = pd.read_csv(io.BytesIO(board_csv(board, TEST, dict.fromkeys(SETTINGS.methods, 0.25))))
    np.testing.assert_allclose(told["score"], board.table["score"])
    assert set(told["seeds"]) == {"0 1"}


def test_figures_hold_the_numbers(table: pd.DataFrame) -> None:
    board = standing(table, TEST, n_resamples=100)
    figure = leaderboard_figure(board.table)
    assert [trace.x[0] for trace in figure.data] == board.table["score"].tolist()
    known = board.table["low"].notna().tolist()
    assert [trace.error_x.array is not None for trace in figure.data] == known
    first = next(at for at, there in enumerate(known) if there)
    row, trace = board.table.iloc[first], figure.data[first]
    assert trace.x[0] + trace.error_x.array[0] == pytest.approx(row["high"])
    assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(row["low"])


def test_bands_stand_only_where_there_is_an_interval() -> None:
    curve = pd.DataFrame({"method": "sae_f1c", "factor": [1.0, 2, 3, 4, 5, 6], "value": 1.0})
    curve["low"] = [0.5, 0.6, np.nan, 0.7, np.nan, np.nan]
    curve["high"] = [1.5, 1.6, np.nan, 1.7, np.nan, np.nan]
    figure = curves_figure(curve, flat={"prompt": 1.2}, x_name="x", y_name="y")
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert [list(band.x) for band in bands] == [[1.0, 2.0, 2.0, 1.0]]
    level = next(trace for trace in figure.data if trace.name == titled("prompt"))
    assert list(level.y) == [1.2, 1.2]


def test_curves_and_front_are_the_evidence(table: pd.DataFrame) -> None:
    rows = rows_of(table, TEST, methods=["sae_f1c", "diffmean"])
    whole = curve_of(rows, "", "overall", "test")
    means = dose_means(rows)
    wanted = means[means["method"] == "sae_f1c"].groupby("factor")["overall"].mean()
    assert whole[whole["method"] == "sae_f1c"]["value"].tolist() == pytest.approx(wanted.tolist())
    cats = rows_of(table, TEST, methods=["sae_f1c"], concepts=["cats"])
    one = curve_of(cats, "cats", "kl", "test")
    assert "low" not in one.columns
    assert one["value"].tolist() == pytest.approx(dose_means(cats)["kl"].tolist())
    points = front_of(rows, "", "fluency", "test")
    best = points[points["on_front"]]
    for point in best.itertuples():
        better = (points["concept_score"] >= point.concept_score) & (points["damage"] < point.damage)
        assert not better.any()
    assert len(front_figure(points, damage_name="d").data) == 2


def test_one_concept_at_its_chosen_factors(table: pd.DataFrame) -> None:
    rows = rows_of(table, TEST, concepts=["wine"])
    found = of_concept(rows).set_index("method")
    means = concept_means(rows).set_index("method")
    assert found["overall"].to_dict() == pytest.approx(means["overall"].to_dict())
    assert found.loc["none", "factor"] == "0 · 0"
    assert " · " not in found.loc["diffmean", "factor"], "its second seed failed"


def test_downloads_hold_every_row(run: Path, table: pd.DataFrame) -> None:
    source = read_run(run)
    assert len(pd.read_csv(io.BytesIO(csv(source)))) == len(table)
    whole = pd.read_parquet(io.BytesIO(parquet(source)))
    assert whole["text"].notna().all()
    assert len(whole) == len(table)
    told = json.loads(manifest_json(source))
    assert told["settings"]["seeds"] == [0, 1]
    assert [one["unit"] for one in told["failures"]] == ["diffmean on wine, seed 1"]


def test_a_dose_that_leaves_the_reference_out_says_so(table: pd.DataFrame) -> None:
    choice = replace(TEST, factor="dose", dose_of="prompt", reference="prompt")
    board = standing(table, choice, n_resamples=50)
    assert "Prompt has no strength" in footnote(board, choice)
    assert "at the dose of Prompt" in sentence(board, choice)
