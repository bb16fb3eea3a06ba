"""Is a benchmark the same to the byte whichever way it was run, and however often it was killed?"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch

from steering import runtime
from steering.benchmark import outcome, runner
from steering.benchmark.collect import read_results
from steering.benchmark.parts import RESULTS, RunFolder, read_folder
from steering.benchmark.report import as_text, report
from steering.benchmark.runner import Summary, run_benchmark
from steering.errors import Cancelled, SteeringError
from steering.evidence.protocol import check_protocol, choose_factors
from steering.methods import directions
from steering.models import LanguageModel
from tests.tiny import tiny_llama
from tests.tiny_bench import CONCEPTS, bench_settings, write_bench
from tests.unit.judges.stub import completion, stub_endpoint


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    torch.set_num_threads(1)
    yield write_bench(tmp_path_factory.mktemp("bench"), tiny_llama())
    runtime.shelf().clear()


@pytest.fixture(scope="module")
def whole(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uninterrupted run."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    summary = run_benchmark(bench_settings(bench), out)
    assert summary.failures == ()
    assert (summary.n_units, summary.n_computed, summary.n_resumed) == (8, 8, 0)
    return out


def test_the_table_keeps_the_protocol(whole: Path) -> None:
    table = read_results(whole, None)
    check_protocol(table)
    assert len(table) == 2 * 5 * (1 + 1 + 14 + 14)
    for _, rows in table.groupby("concept"):
        halves = rows.groupby("half")["prompt"].agg(set)
        assert not halves["select"] & halves["test"]
    chosen = choose_factors(table)
    selected = table[table["selected"]].groupby(["model", "method", "concept", "seed"])["factor"].unique()
    for row in chosen.itertuples(index=False):
        assert selected[row.model, row.method, row.concept, row.seed].tolist() == [row.factor]
    assert (table.loc[table["method"] == "none", "kl"] == 0).all()
    assert (table.loc[table["method"] == "sae_f1c", "kl"] > 0).any()


def test_every_method_draws_the_same_random_numbers(
    bench: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit too small to matter leaves every text as it is, so nothing else differs between methods."""
    monkeypatch.setattr(directions, "STREAM_SHARES", tuple(1e-6 * place for place in range(1, 15)))
    run_benchmark(bench_settings(bench, methods=("diffmean",)), tmp_path / "out")
    table, untouched = read_results(tmp_path / "out", None), read_results(whole, None)
    texts = untouched[untouched["method"] == "none"].set_index(["concept", "prompt_id"])["text"]
    found = table.set_index(["concept", "prompt_id"])["text"]
    assert len(found) == 14 * len(texts)
    assert (table["kl"] > 0).any()
    assert found.tolist() == texts.loc[found.index].tolist()


def test_the_first_of_several_best_factors_is_chosen(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steering.judges.score import Score
    from tests.unit.benchmark.stub_judge import StubJudge

    monkeypatch.setattr(StubJudge, "score", lambda *_: Score(1, 1, 1))
    run_benchmark(bench_settings(bench, methods=("diffmean",), concepts=("zed",)), tmp_path / "out")
    table = read_results(tmp_path / "out")
    assert set(table.loc[table["selected"], "factor"]) == {table["factor"].min()}


def test_only_the_chosen_factor_on_the_test_half(bench: Path, whole: Path, tmp_path: Path) -> None:
    run_benchmark(bench_settings(bench, test_factors="chosen"), tmp_path / "out")
    few, all_ = (read_results(path, None) for path in (tmp_path / "out", whole))
    assert len(few) < len(all_)
    kept = all_[(all_["half"] == "select") | all_["selected"]].reset_index(drop=True)
    names = ["method", "concept", "prompt_id", "half", "factor", "text", "overall"]
    pd.testing.assert_frame_equal(few[names], kept[names])


def in_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a copy of this process, which costs no imports; the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0
    return 0


def killed_at(moment: str, bench: Path, out: Path) -> None:
    """Run until ``moment`` and die there."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        write = RunFolder.write
        written = 0

        def counted(folder: RunFolder, unit: object, data: bytes) -> None:
            nonlocal written
            if moment == "before the third part" and written == 2:
                die()
            if moment == "inside the third part" and written == 2:
                os.fsync = die
            write(folder, unit, data)  # type: ignore[arg-type]
            written += 1
            if moment == "after the fifth part" and written == 5:
                die()

        RunFolder.write = counted  # type: ignore[method-assign,assignment]
        if moment == "inside a unit":
            run_unit = outcome.run_unit
            outcome.run_unit = lambda *a, **k: die() if written == 3 else run_unit(*a, **k)  # type: ignore[assignment]
        if moment == "before the table":
            runner.collect = die  # type: ignore[assignment]
        run_benchmark(bench_settings(bench), out, resume=True)

    assert in_child(work) == signal.SIGKILL


MOMENTS = (
    "before the third part",
    "inside the third part",
    "after the fifth part",
    "inside a unit",
    "before the table",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_resumed_is_the_same_to_the_byte(moment: str, bench: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed_at(moment, bench, out)
    assert not (out / RESULTS).exists()
    there = len(list((out / "parts").glob("*.parquet")))
    assert there == {"before the table": 8, "after the fifth part": 5, "inside a unit": 3}.get(moment, 2)
    with pytest.raises(SteeringError, match="--resume"):
        run_benchmark(bench_settings(bench), out)
    summary = run_benchmark(bench_settings(bench), out, resume=True)
    assert summary.n_resumed == there
    assert (out / RESULTS).read_bytes() == (whole / RESULTS).read_bytes()
    assert not list(out.rglob(".*.part"))


def test_a_finished_run_is_left_as_it_is(bench: Path, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (whole / "parts").iterdir()}
    summary = run_benchmark(bench_settings(bench), whole, resume=True)
    assert summary.n_computed == 0
    assert {path: path.stat().st_mtime_ns for path in (whole / "parts").iterdir()} == before


def test_other_settings_are_refused(bench: Path, whole: Path) -> None:
    with pytest.raises(SteeringError, match="max_new_tokens 4 and not 5"):
        run_benchmark(bench_settings(bench, max_new_tokens=5), whole, resume=True)


def test_other_examples_are_refused(bench: Path, whole: Path, tmp_path: Path) -> None:
    changed = tmp_path / "examples.jsonl"
    changed.write_text((bench / "examples.jsonl").read_text().replace("number 3", "number three"))
    kept = (bench / "examples.jsonl").read_text()
    try:
        (bench / "examples.jsonl").write_text(changed.read_text())
        with pytest.raises(SteeringError, match="other examples or prompts"):
            run_benchmark(bench_settings(bench), whole, resume=True)
    finally:
        (bench / "examples.jsonl").write_text(kept)


def test_workers_change_nothing_not_even_dead_ones(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes, one of which is killed on the way: the rows of one thread of this process."""
    order = tmp_path / "kill"
    monkeypatch.setenv("STEERSCOPE_TEST_KILL", str(order))
    judge = "python:tests.unit.benchmark.stub_judge:DeadlyJudge"
    settings = bench_settings(bench, judge=judge)
    run_benchmark(settings, tmp_path / "one")
    order.touch()
    page = ModuleType("__main__")  # what Streamlit leaves as the main module; a worker must not run it again
    page.__file__ = str(tmp_path / "page.py")
    Path(page.__file__).write_text("raise RuntimeError('the page ran in a worker')")
    monkeypatch.setitem(sys.modules, "__main__", page)
    summary = run_benchmark(settings, tmp_path / "two", workers=2)
    assert summary.failures == ()
    assert not order.exists()
    assert (tmp_path / "two" / RESULTS).read_bytes() == (tmp_path / "one" / RESULTS).read_bytes()


def test_a_failing_unit_is_reported_and_the_rest_goes_on(bench: Path, tmp_path: Path) -> None:
    settings = bench_settings(bench, methods=("none", "sae_label", "diffmean"))
    told: list[tuple[int, int]] = []
    summary = run_benchmark(settings, tmp_path / "out", on_progress=lambda done, total, *_: told.append((done, total)))
    assert [(one.concept, one.method, one.is_bug) for one in summary.failures] == [
        (concept, "sae_label", False) for concept in CONCEPTS
    ]
    assert "No token begins a word" in summary.failures[0].error
    assert told == [(done, 6) for done in range(7)]
    table = read_results(tmp_path / "out")
    assert set(table["method"]) == {"none", "diffmean"}
    board = report(table, n_resamples=100)
    assert set(board["method"]) == {"none", "diffmean"}
    again = run_benchmark(settings, tmp_path / "out", resume=True)
    assert (again.n_computed, len(again.failures)) == (2, 2)


def test_a_bug_in_one_method_is_reported_with_its_trace(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steering.methods import prompted

    monkeypatch.setattr(prompted, "prompt", lambda _: 1 / 0)
    summary = run_benchmark(bench_settings(bench, methods=("none", "prompt"), concepts=("zed",)), tmp_path / "out")
    (failure,) = summary.failures
    assert failure.is_bug
    assert "ZeroDivisionError" in failure.trace
    monkeypatch.undo()
    summary = run_benchmark(
        bench_settings(bench, methods=("none", "prompt"), concepts=("zed",)), tmp_path / "out", resume=True
    )
    assert summary.failures == ()
    assert read_folder(tmp_path / "out").failed() == []


def test_stopping_keeps_what_is_finished(bench: Path, whole: Path, tmp_path: Path) -> None:
    asked = 0

    def on_progress(done: int, *_: object) -> None:
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_benchmark(bench_settings(bench), tmp_path / "out", on_progress=on_progress)

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 6

    with pytest.raises(Cancelled):
        run_benchmark(bench_settings(bench), tmp_path / "out", resume=True, should_stop=should_stop)
    summary = run_benchmark(bench_settings(bench), tmp_path / "out", resume=True)
    assert summary.n_resumed >= 3
    assert (tmp_path / "out" / RESULTS).read_bytes() == (whole / RESULTS).read_bytes()


def test_the_report(whole: Path) -> None:
    table = read_results(whole)
    board = report(table, n_resamples=200)
    assert board["method"].tolist() == board.sort_values("score", ascending=False)["method"].tolist()
    rows = table[table["selected"] & (table["half"] == "test") & (table["method"] == "diffmean")]
    mean = rows.groupby("concept")["overall"].mean().mean()
    assert board.set_index("method")["score"]["diffmean"] == pytest.approx(mean)
    assert (board["oracle"] >= board["score"] - 1e-9).all()
    assert "diffmean" in as_text(board)


def test_the_command_line(bench: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from steering.cli import main

    settings = bench_settings(bench)
    arguments = [
        "benchmark", "--model", settings.model, "--sae", str(settings.sae), "--examples", str(settings.examples),
        "--prompts", str(settings.prompts), "--judge", settings.judge, "--methods", ",".join(settings.methods),
        "--concepts", ",".join(CONCEPTS), "--select-prompts", "2", "--test-prompts", "3", "--max-new-tokens", "4",
        "--n-examples", "8", "--batch-size", "20", "--out", str(tmp_path / "out"), "--json",
    ]  # fmt: skip
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["method"] for row in told["leaderboard"]} == set(settings.methods)
    assert {row["method"] for row in told["texts"]["test"]} == set(settings.methods)
    assert all(row["n_texts"] == 6 and 0 <= row["looping"] <= 1 for row in told["texts"]["test"])
    assert told["judge"] == {}
    assert told["failures"] == []
    assert (tmp_path / "out" / RESULTS).read_bytes() == (whole / RESULTS).read_bytes()
    assert main(arguments) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0


def test_the_command_line_with_chosen_factors_alone(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And with a method that fails everywhere: it stands on the board all the same."""
    from steering.cli import main

    settings = bench_settings(bench)
    arguments = [
        "benchmark", "--model", settings.model, "--sae", str(settings.sae), "--examples", str(settings.examples),
        "--prompts", str(settings.prompts), "--judge", settings.judge, "--methods", "none,sae_label,diffmean",
        "--concepts", "zed", "--select-prompts", "2", "--test-prompts", "3", "--max-new-tokens", "4",
        "--n-examples", "8", "--batch-size", "20", "--test-factors", "chosen", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    of_diffmean, its_texts = (line.split() for line in lines if line.split()[:1] == ["diffmean"])
    assert of_diffmean[-3:-1] == ["-", "0"], "oracle and dropped, then survivors"
    assert its_texts[1] == "3"
    assert 0 <= float(its_texts[2]) <= 1, "distinct-2"
    assert next(line for line in lines if "sae_label" in line).split()[-2] == "1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--methods", "magic"], "no method 'magic'"),
        (["--concepts", "unheard"], "no concept 'unheard'"),
        (["--workers", "0"], "0 workers"),
        (["--judge", "wisdom"], "no judge 'wisdom'"),
        (["--judge", "world"], "embedded world's concepts alone"),
        (["--test-prompts", "500"], "502 are needed"),
        (["--judge-price", "1", "2"], "--judge-price is for a language model as judge"),
        (["--judge-max-tokens", "99"], "--judge-max-tokens is for a language model as judge"),
        (["--judge", "openai:m@http://127.0.0.1:9/v1", "--judge-price", "-1", "2"], "price of a million prompt tokens"),
    ],
)
def test_the_command_line_refuses(
    options: list[str], words: str, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from steering.cli import main

    settings = bench_settings(bench)
    base = [
        "benchmark", "--model", settings.model, "--sae", str(settings.sae), "--examples", str(settings.examples),
        "--prompts", str(settings.prompts), "--judge", settings.judge, "--select-prompts", "2", "--out",
        str(tmp_path / "out"),
    ]  # fmt: skip
    assert main([*base, *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ray_gives_the_same_rows(bench: Path, whole: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    summary = run_benchmark(bench_settings(bench), tmp_path / "out", ray="local", workers=2)
    assert summary.failures == ()
    assert (tmp_path / "out" / RESULTS).read_bytes() == (whole / RESULTS).read_bytes()


def test_a_killed_ray_worker_changes_nothing(bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    order = tmp_path / "kill"
    monkeypatch.setenv("STEERSCOPE_TEST_KILL", str(order))
    judge = "python:tests.unit.benchmark.stub_judge:DeadlyJudge"
    settings = bench_settings(bench, judge=judge)
    run_benchmark(settings, tmp_path / "one")
    order.touch()
    summary = run_benchmark(settings, tmp_path / "two", ray="local", workers=2)
    assert summary.failures == ()
    assert not order.exists()
    assert (tmp_path / "two" / RESULTS).read_bytes() == (tmp_path / "one" / RESULTS).read_bytes()


def test_without_ray_one_line_says_so(bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SteeringError, match="Ray is not installed"):
        run_benchmark(bench_settings(bench), tmp_path / "out", ray="local")


def test_another_model_under_the_same_name_is_refused(tmp_path: Path) -> None:
    folder = write_bench(tmp_path / "bench", tiny_llama())
    settings = bench_settings(folder, methods=("none",))
    run_benchmark(replace(settings, concepts=("zed", "vowel")), tmp_path / "out")
    next((tmp_path / "out" / "parts").iterdir()).unlink()
    other: LanguageModel = tiny_llama(seed=1)
    other.model.save_pretrained(folder / "model")
    runtime.shelf().clear()
    with pytest.raises(SteeringError, match="another model or SAE"):
        run_benchmark(settings, tmp_path / "out", resume=True)
    assert np.all([path.suffix == ".parquet" for path in (tmp_path / "out" / "parts").iterdir()])


def test_a_language_model_as_judge_from_the_command_line(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Money before the run, what became of its replies after it, in the folder too; and the key nowhere."""
    from steering.cli import main

    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("STEERSCOPE_JUDGE_API_KEY", key)
    settings = bench_settings(bench)
    with stub_endpoint() as stub:
        stub.script = [completion("Rating: [[0"), completion("No idea."), completion(None, refusal="No.")]
        stub.script[0].body["choices"][0]["finish_reason"] = "length"
        arguments = [
            "benchmark", "--model", settings.model, "--sae", str(settings.sae), "--examples", str(settings.examples),
            "--prompts", str(settings.prompts), "--judge", f"openai:stub@{stub.url}", "--methods", "none",
            "--concepts", "zed", "--select-prompts", "2", "--test-prompts", "3", "--max-new-tokens", "4",
            "--n-examples", "8", "--out", str(tmp_path / "out"), "--judge-price", "1000", "2000",
            "--judge-max-tokens", "99",
        ]  # fmt: skip
        assert main(arguments) == 0
        limits = [body["max_tokens"] for body in stub.seen]
        assert (limits.count(99), limits.count(396)) == (len(limits) - 1, 1)
        assert all(headers["authorization"] == f"Bearer {key}" for headers in stub.headers)
    told = capsys.readouterr()
    assert "15 requests for 15 ratings" in told.err
    assert " at the prices given" in told.err
    replies = read_folder(tmp_path / "out").manifest.replies
    assert replies.pop("empty", 0) in (0, 3, 6)  # of a model whose words are noise
    assert (replies["unparsable"], replies["refused"]) == (1, 1)
    assert "1 could not be read, 1 were refused: these count 0, as in AxBench" in told.out
    assert key not in told.out + told.err
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes()


def odd(bench: Path, out: Path, wish: str, monkeypatch: pytest.MonkeyPatch) -> Summary:
    """A run of one unit, 2 and 3 completions with 3 ratings each, with an odd judge."""
    monkeypatch.setenv("STEERSCOPE_TEST_ODD", wish)
    judge = "python:tests.unit.benchmark.stub_judge:OddJudge"
    return run_benchmark(bench_settings(bench, methods=("none",), concepts=("zed",), judge=judge), out)


def test_replies_that_are_no_rating_are_counted(bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = odd(bench, tmp_path / "out", "unparsable 1", monkeypatch)
    assert summary.failures == ()
    folder = read_folder(tmp_path / "out")
    header = folder.header(next(folder.settings.units()))
    assert header.details["judge"] == {"rated": 13, "unparsable": 2}


def test_a_judge_that_does_not_rate_makes_no_table_of_zeros(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (failure,) = odd(bench, tmp_path / "unreadable", "out_of_range 2", monkeypatch).failures
    assert "2 of 6 replies of the judge are no rating, such as this one: odd enough" in failure.error
    (failure,) = odd(bench, tmp_path / "cut", "cut_off 1", monkeypatch).failures
    assert "no rating for 1 of 2 completions (odd enough)" in failure.error
    assert "--judge-max-tokens" in failure.error
    assert failure.replies == {"cut_off": 1, "rated": 5}
