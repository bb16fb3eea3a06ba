"""Does a stored result say what its run said: the same numbers, and where they come from?"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steering.benchmark.collect import DETAILS, read_results
from steering.benchmark.parts import read_folder
from steering.benchmark.report import report
from steering.benchmark.settings import Unit
from steering.benchmark.stored import NUMBERS, read_stored, store, stored_results
from steering.errors import SteeringError
from tests.drawn_bench import SETTINGS, settings, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "out", failing=[Unit("wine", 1, "sae_f1c")])


def test_the_report_is_that_of_the_run(run: Path, tmp_path: Path) -> None:
    stored = read_stored(store(run, into=tmp_path))
    wanted = report(read_results(run), n_resamples=200)
    pd.testing.assert_frame_equal(report(stored.read(), n_resamples=200), wanted, check_categorical=False, rtol=1e-6)


def test_every_number_is_kept(run: Path, tmp_path: Path) -> None:
    stored = read_stored(store(run, into=tmp_path, texts="none"))
    found, wanted = stored.read(NUMBERS), read_results(run, NUMBERS)
    for name in NUMBERS:
        if name == "kl":  # stored in four bytes
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6)
        else:
            assert found[name].tolist() == wanted[name].tolist(), name


def test_it_says_what_the_folder_said(run: Path, tmp_path: Path) -> None:
    stored = read_stored(store(run, into=tmp_path))
    folder = read_folder(run)
    assert stored.name == "benchmark-demo"
    assert stored.settings == SETTINGS
    assert stored.manifest == folder.manifest
    assert stored.versions["torch"] == folder.manifest.versions["torch"]
    assert stored.failures == tuple(folder.failed())
    assert [one.unit for one in stored.failures] == [Unit("wine", 1, "sae_f1c")]
    assert stored.details() == json.loads((run / DETAILS).read_text())
    assert stored.seconds == dict.fromkeys(sorted(SETTINGS.methods), 2.5)
    assert stored.title.endswith("6 concepts × 4 methods × 2 seeds")
    assert len(stored.made) == len("2026-11-22 18:04")


def test_chosen_texts_are_those_people_look_at(run: Path, tmp_path: Path) -> None:
    stored = read_stored(store(run, into=tmp_path, texts="chosen"))
    found = stored.read(stored.columns)
    kept = found["selected"] & (found["half"] == "test") & (found["seed"] == 0)
    assert kept.any()
    assert found.loc[kept, ["prompt", "text"]].notna().all(axis=None)
    assert found.loc[~kept, ["prompt", "text"]].isna().all(axis=None)
    assert found["reasons"].isna().all(), "the world's judge can be asked again"
    whole = read_results(run, None)
    assert found.loc[kept, "text"].tolist() == whole.loc[kept.to_numpy(), "text"].tolist()


def test_what_the_texts_are_like_is_kept_with_it(run: Path, tmp_path: Path) -> None:
    """Of all texts of the run, also of those that are not kept themselves; the rows have no column more."""
    path = store(run, into=tmp_path, texts="none")
    stored = read_stored(path)
    found = stored.text_table()
    assert found is not None
    assert found["n_texts"].tolist() == [3] * (len(SETTINGS.concepts) * 4 * 2 - 1)
    assert (found["distinct_2"] > 0).all()
    assert (found["nothing"] == 1).all(), "drawn answers carry no concept of the world"
    assert stored.columns == NUMBERS
    table = pq.read_table(path)
    told = {name: value for name, value in table.schema.metadata.items() if name != b"steerscope.texts"}
    pq.write_table(table.replace_schema_metadata(told), path)
    assert read_stored(path).text_table() is None, "a result of an earlier version"


def test_all_texts_or_none(run: Path, tmp_path: Path) -> None:
    everything = read_stored(store(run, "benchmark-demo", into=tmp_path, texts="all"))
    assert everything.read(["text"])["text"].tolist() == read_results(run, ["text"])["text"].tolist()
    nothing = read_stored(store(run, "benchmark-demo-gpt2", into=tmp_path, texts="none"))
    with pytest.raises(SteeringError, match="has no column 'text'"):
        nothing.read(["text"])
    assert [one.name for one in stored_results(tmp_path)] == ["benchmark-demo", "benchmark-demo-gpt2"], "by name"


def test_reasons_of_a_judge_that_cannot_be_asked_again_are_kept(tmp_path: Path) -> None:
    judge = "python:tests.unit.benchmark.stub_judge:StubJudge"
    run = write_run(tmp_path / "out", settings(judge=judge, concepts=("cats", "wine"), methods=("none", "prompt")))
    found = read_stored(store(run, into=tmp_path, texts="all")).read(["reasons"])
    assert set(found["reasons"]) == {"drawn"}


def test_a_run_that_is_not_finished_is_not_stored(tmp_path: Path) -> None:
    run = write_run(tmp_path / "out", unfinished=[Unit("cats", 0, "prompt")])
    with pytest.raises(SteeringError, match="lacks 1 of 48 units; --resume"):
        store(run, into=tmp_path / "stored")
    assert not (tmp_path / "stored").exists()


def test_nothing_stored_is_no_error_and_a_strange_file_is(run: Path, tmp_path: Path) -> None:
    assert stored_results(tmp_path / "missing") == ()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "benchmark-x.parquet")
    with pytest.raises(SteeringError, match="no stored result"):
        stored_results(tmp_path)
    (tmp_path / "benchmark-x.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(SteeringError, match="cannot be read"):
        stored_results(tmp_path)
    with pytest.raises(SteeringError, match=r"benchmark and more.*'\.\./evil'"):
        store(run, "../evil", into=tmp_path)


def test_another_format_is_refused(run: Path, tmp_path: Path) -> None:
    path = store(run, into=tmp_path, texts="none")
    table = pq.read_table(path)
    told = json.loads(table.schema.metadata[b"steerscope.result"])
    told["manifest"]["settings"]["wormholes"] = 1
    pq.write_table(table.replace_schema_metadata({b"steerscope.result": json.dumps(told)}), path)
    with pytest.raises(SteeringError, match="unknown 'wormholes'"):
        read_stored(path)


def test_what_ships_knows_the_texts_of_every_seed() -> None:
    """Without them a table over three seeds would speak of the one whose texts are kept."""
    shipped = stored_results()
    assert {one.name for one in shipped} >= {"benchmark-demo", "benchmark-demo-gpt2"}
    for one in shipped:
        table = one.text_table()
        assert table is not None
        assert set(table["seed"]) == set(one.settings.seeds)
        assert (table["n_texts"] > 0).all()
