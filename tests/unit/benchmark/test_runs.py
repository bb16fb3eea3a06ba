"""Is a run that lies in a folder shown as what it is: finished, interrupted, or no run at all?"""

import os
from pathlib import Path

import pandas as pd
import pytest

from steering.benchmark.collect import read_results
from steering.benchmark.runs import TEXT_FILE, new_path, read_run, runs
from steering.benchmark.settings import Unit
from steering.benchmark.texts import to_json
from steering.errors import SteeringError
from tests.drawn_bench import SETTINGS, settings, write_run


def test_a_finished_run_reads_its_table(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a", failing=[Unit("cats", 0, "prompt")]))
    assert (len(run.finished), len(run.failures), run.n_left) == (47, 1, 0)
    assert run.whole_concepts == SETTINGS.concepts
    assert run.read()["overall"].tolist() == read_results(tmp_path / "a")["overall"].tolist()
    assert run.seconds() == dict.fromkeys(SETTINGS.methods, 2.5)


def test_an_interrupted_run_shows_the_concepts_that_are_whole(tmp_path: Path) -> None:
    left = [unit for unit in SETTINGS.units() if unit.concept in ("wine", "chess") and unit.method == "diffmean"]
    run = read_run(write_run(tmp_path / "a", unfinished=left))
    assert run.n_left == 4
    assert run.whole_concepts == ("weather", "trains", "family", "cats")
    rows = run.read()
    assert len(rows.groupby(["concept", "seed", "method"], observed=True)) == 44


def test_texts_are_read_once_and_again_after_a_new_unit(tmp_path: Path) -> None:
    judge = "python:tests.unit.benchmark.stub_judge:StubJudge"
    run = read_run(write_run(tmp_path / "a", settings(judge=judge, seeds=(0,))))
    assert run.text_table() is None
    found = run.read_texts()
    assert len(found) == 6 * 4
    assert found["on_target"].isna().all(), "a judge of one's own knows nothing of other concepts"
    again = run.text_table()
    assert again is not None
    pd.testing.assert_frame_equal(again, found)
    (run.path / TEXT_FILE).write_text(to_json(found.head(1)))
    assert len(run.read_texts()) == 1
    part = next((run.path / "parts").iterdir())
    os.utime(part, (4_000_000_000, 4_000_000_000))
    assert run.text_table() is None
    assert len(read_run(run.path).read_texts()) == 6 * 4
    (run.path / TEXT_FILE).write_text("{}")
    assert run.text_table() is None


def test_newer_parts_are_read_instead_of_an_older_table(tmp_path: Path) -> None:
    path = write_run(tmp_path / "a")
    os.utime(path / "results.parquet", (1, 1))
    (path / "results.parquet").write_bytes(b"old")
    os.utime(path / "results.parquet", (1, 1))
    assert len(read_run(path).read()) == len(read_run(path).read(("model",))) > 0


def test_runs_are_listed_latest_first_and_faults_are_told(tmp_path: Path) -> None:
    for name, made in (("old", 1_700_000_000), ("new", 1_800_000_000)):
        path = write_run(tmp_path / name, settings(concepts=("cats",), methods=("none",), seeds=(0,)))
        for file in (path / "manifest.json", *(path / "parts").iterdir()):
            os.utime(file, (made, made))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    (tmp_path / "something-else").mkdir()
    found, faults = runs(tmp_path)
    assert [run.name for run in found] == ["new", "old"]
    assert found[1].made == "2023-11-14 22:13"
    assert len(faults) == 1
    assert "no manifest" in faults[0]
    assert runs(tmp_path / "nowhere") == ([], [])


def test_a_run_without_a_result_says_so(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a", unfinished=list(SETTINGS.units())))
    assert run.n_left == 48
    assert run.seconds() == {}
    with pytest.raises(SteeringError, match="no result yet"):
        run.read()


def test_new_names_are_free(tmp_path: Path) -> None:
    first = new_path(SETTINGS, tmp_path)
    first.mkdir(parents=True)
    second = new_path(SETTINGS, tmp_path)
    assert first != second
    assert second.parent == tmp_path
    assert first.name.startswith("demo-")
