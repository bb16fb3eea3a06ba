"""Is a run that takes over parts of earlier ones the run that was made in one go, and is nothing foreign taken?"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from steering import runtime
from steering.benchmark.collect import DETAILS
from steering.benchmark.parts import MANIFEST, RESULTS, read_folder
from steering.benchmark.rows import HEADER
from steering.benchmark.runner import run_benchmark
from steering.benchmark.settings import Unit
from steering.errors import SteeringError
from tests.tiny import tiny_llama
from tests.tiny_bench import bench_settings, write_bench

METHODS = ("none", "diffmean")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    torch.set_num_threads(1)
    yield write_bench(tmp_path_factory.mktemp("bench"), tiny_llama())
    runtime.shelf().clear()


@pytest.fixture(scope="module")
def runs(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``whole`` of both seeds, ``first`` of seed 0 with a method more, and ``second`` of seed 1."""
    out = tmp_path_factory.mktemp("runs")
    run_benchmark(bench_settings(bench, methods=METHODS, seeds=(0, 1)), out / "whole")
    run_benchmark(bench_settings(bench, methods=("prompt", *METHODS), seeds=(0,)), out / "first")
    run_benchmark(bench_settings(bench, methods=METHODS, seeds=(1,)), out / "second")
    return out


def parts(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (path / "parts").iterdir()}


def changed_header(path: Path, **changes: str) -> None:
    """Make a part say something else of itself."""
    table = pq.read_table(path)
    told = json.loads(table.schema.metadata[HEADER]) | changes
    pq.write_table(table.replace_schema_metadata({HEADER: json.dumps(told)}), path)


def test_two_runs_of_one_seed_each_are_one_run_of_two(bench: Path, runs: Path, tmp_path: Path) -> None:
    settings = bench_settings(bench, methods=METHODS, seeds=(0, 1))
    summary = run_benchmark(settings, tmp_path / "out", take_from=[runs / "first", runs / "second"])
    assert (summary.n_taken, summary.n_computed, summary.n_units) == (8, 0, 8)
    for name in (RESULTS, DETAILS):
        assert (tmp_path / "out" / name).read_bytes() == (runs / "whole" / name).read_bytes()
    earlier = parts(runs / "first") | parts(runs / "second")
    assert parts(tmp_path / "out") == {name: earlier[name] for name in parts(runs / "whole")}, "to the byte"
    keys = tuple(read_folder(runs / name).manifest.key for name in ("first", "second"))
    assert sorted(read_folder(tmp_path / "out").manifest.taken) == sorted(keys)
    again = run_benchmark(settings, tmp_path / "out", resume=True)
    assert (again.n_resumed, again.n_taken) == (8, 0)


def test_what_no_earlier_run_has_is_computed(bench: Path, runs: Path, tmp_path: Path) -> None:
    """Of an unfinished run the finished units are taken; a run that took parts can be taken from in its turn."""
    settings = bench_settings(bench, methods=METHODS, seeds=(0, 1))
    shutil.copytree(runs / "second", tmp_path / "half")
    (tmp_path / "half" / "parts" / f"{Unit('zed', 1, 'diffmean').stem}.parquet").unlink()
    first = run_benchmark(
        replace(settings, seeds=(1,)), tmp_path / "third", take_from=[tmp_path / "half", tmp_path / "half"]
    )
    assert (first.n_taken, first.n_computed) == (3, 1)
    summary = run_benchmark(settings, tmp_path / "out", take_from=[tmp_path / "third"])
    assert (summary.n_taken, summary.n_computed) == (4, 4)
    assert (tmp_path / "out" / RESULTS).read_bytes() == (runs / "whole" / RESULTS).read_bytes()


def test_a_part_of_other_code_is_taken_and_told(bench: Path, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "first", tmp_path / "older")
    changed_header(tmp_path / "older" / "parts" / f"{Unit('zed', 0, 'none').stem}.parquet", code="older")
    told = json.loads((tmp_path / "older" / MANIFEST).read_text())
    (tmp_path / "older" / MANIFEST).write_text(json.dumps(told | {"other_codes": ["older"]}))
    settings = bench_settings(bench, methods=METHODS, seeds=(0, 1))
    summary = run_benchmark(settings, tmp_path / "out", take_from=[tmp_path / "older", runs / "second"])
    assert summary.codes == {read_folder(runs / "first").manifest.code: 7, "older": 1}
    assert read_folder(tmp_path / "out").manifest.other_codes == ("older",)


def with_setting(run: Path, bench: Path) -> None:
    shutil.rmtree(run)
    run_benchmark(bench_settings(bench, methods=("none",), max_new_tokens=5), run)


def with_examples(run: Path, _bench: Path) -> None:
    told = json.loads((run / MANIFEST).read_text())
    folder = read_folder(run)
    other = replace(folder.manifest, inputs="another")
    (run / MANIFEST).write_text(json.dumps(told | {"inputs": "another", "key": other.key}))


def with_weights(run: Path, _bench: Path) -> None:
    told = json.loads((run / MANIFEST).read_text())
    (run / MANIFEST).write_text(json.dumps(told | {"weights": "another"}))
    for one in (run / "parts").iterdir():
        changed_header(one, weights="another")


def with_seed(run: Path, bench: Path) -> None:
    shutil.rmtree(run)
    run_benchmark(bench_settings(bench, methods=("none",), seeds=(7,)), run)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_setting, "has max_new_tokens 5 and not 4, so its parts cannot be taken"),
        (with_examples, "begun with other examples or prompts"),
        (with_weights, "another model or SAE each"),
        (with_seed, "shares no unit"),
        (lambda run, _: shutil.rmtree(run), "holds no benchmark"),
    ],
)
def test_nothing_foreign_is_taken(
    change: Callable[[Path, Path], None], words: str, bench: Path, runs: Path, tmp_path: Path
) -> None:
    shutil.copytree(runs / "first", tmp_path / "changed")
    change(tmp_path / "changed", bench)
    settings = bench_settings(bench, methods=METHODS, seeds=(0, 1))
    with pytest.raises(SteeringError, match=words):
        run_benchmark(settings, tmp_path / "out", take_from=[runs / "second", tmp_path / "changed"])
    assert not (tmp_path / "out").exists(), "a refusal leaves nothing behind"


def test_a_run_of_other_weights_than_ones_own_is_refused(bench: Path, runs: Path, tmp_path: Path) -> None:
    """One of them alone is no contradiction before something is computed with the weights of today."""
    shutil.copytree(runs / "first", tmp_path / "changed")
    with_weights(tmp_path / "changed", bench)
    settings = bench_settings(bench, methods=METHODS, seeds=(0, 1))
    with pytest.raises(SteeringError, match=r"another model or SAE than the first part of .* begin a new folder"):
        run_benchmark(settings, tmp_path / "out", take_from=[tmp_path / "changed"])
    shutil.copytree(runs / "second", tmp_path / "begun")
    with pytest.raises(SteeringError, match=r"another model or SAE than those of .*begun"):
        run_benchmark(
            bench_settings(bench, methods=METHODS, seeds=(1,)), tmp_path / "begun", resume=True,
            take_from=[_seed_one(tmp_path, runs, bench)],
        )  # fmt: skip


def _seed_one(folder: Path, runs: Path, bench: Path) -> Path:
    """The second run, of other weights; and a part less in the folder that was begun, so that one is wanted."""
    shutil.copytree(runs / "second", folder / "heavier")
    with_weights(folder / "heavier", bench)
    (folder / "begun" / "parts" / f"{Unit('zed', 1, 'diffmean').stem}.parquet").unlink()
    return folder / "heavier"


def test_the_command_line(bench: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from steering.cli import main

    settings = bench_settings(bench)
    arguments = [
        "benchmark", "--model", settings.model, "--sae", str(settings.sae), "--examples", str(settings.examples),
        "--prompts", str(settings.prompts), "--judge", settings.judge, "--methods", ",".join(METHODS),
        "--concepts", "zed,vowel", "--seed", "0", "--seed", "1", "--select-prompts", "2", "--test-prompts", "3",
        "--max-new-tokens", "4", "--n-examples", "8", "--batch-size", "20", "--out", str(tmp_path / "out"),
        "--take-from", str(runs / "first"), "--take-from", str(runs / "second"),
    ]  # fmt: skip
    assert main(arguments) == 0
    assert "8 of 8 units were taken from other runs" in capsys.readouterr().err
    assert (tmp_path / "out" / RESULTS).read_bytes() == (runs / "whole" / RESULTS).read_bytes()
