"""Is a part whole or not there, and is nothing of another run taken for one of this?"""

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from steering.benchmark import parts
from steering.benchmark.code import code_hash
from steering.benchmark.collect import collect, read_results
from steering.benchmark.outcome import failed
from steering.benchmark.parts import MANIFEST, RunFolder, open_folder, read_folder
from steering.benchmark.rows import Header, Row, encode
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.errors import SteeringError

SETTINGS = BenchmarkSettings(model="demo", methods=("none", "prompt"), concepts=("a", "b"))
UNITS = list(SETTINGS.units())


def part(unit: Unit, key: str, /, **changes: object) -> bytes:
    row = Row(
        "demo", unit.method, unit.concept, "test", unit.seed, 0, "select", 0.0, True, 2, 2, 2, 2.0, 0.0, 0, 0.0, 0.0,
        1.5, 1.0, False, 3, "end", "p", f"text of {unit}", "because",
    )  # fmt: skip
    header = Header(key, unit.concept, unit.seed, unit.method, "w", "s", 1.0, {}, "cpu", {"of": str(unit)}, code_hash())
    return encode([row], replace(header, **changes))  # type: ignore[arg-type]


def fill(folder: RunFolder, units: list[Unit]) -> None:
    for unit in units:
        folder.write(unit, part(unit, folder.manifest.key))


def test_an_existing_folder_needs_resume(tmp_path: Path) -> None:
    (tmp_path / "new" / "empty").parent.mkdir()
    with open_folder(tmp_path / "new", SETTINGS, "i", resume=False) as folder:
        fill(folder, UNITS[:1])
    with (
        pytest.raises(SteeringError, match="--resume"),
        open_folder(tmp_path / "new", SETTINGS, "i", resume=False),
    ):
        pass
    with open_folder(tmp_path / "new", SETTINGS, "i", resume=True) as folder:
        assert folder.finished() == set(UNITS[:1])
    (tmp_path / "file").write_text("x")
    with pytest.raises(SteeringError), open_folder(tmp_path / "file", SETTINGS, "i", resume=True):
        pass


def test_other_settings_or_inputs_are_refused(tmp_path: Path) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False):
        pass
    other = replace(SETTINGS, samples=2)
    with pytest.raises(SteeringError, match="has samples 1 and not 2"), open_folder(tmp_path, other, "i", resume=True):
        pass
    with pytest.raises(SteeringError, match="other examples"), open_folder(tmp_path, SETTINGS, "j", resume=True):
        pass


def test_a_manifest_changed_by_hand_is_refused(tmp_path: Path) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False):
        pass
    told = json.loads((tmp_path / MANIFEST).read_text())
    told["settings"]["samples"] = 5
    (tmp_path / MANIFEST).write_text(json.dumps(told))
    with pytest.raises(SteeringError, match="by hand"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": "another"}, "other settings"),
        ({"method": "lora"}, "is of lora"),
        ({"weights": "another"}, "another model"),
        ({"sae": "another"}, "another model"),
        ({"code": "another"}, "was made by other code"),
    ],
)
def test_foreign_parts_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        fill(folder, UNITS[:1])
        foreign = part(UNITS[1], folder.manifest.key, **changes)
        with pytest.raises(SteeringError, match=words):
            folder.write(UNITS[1], foreign)
        assert not folder.part(UNITS[1]).exists()
        folder.part(UNITS[1]).write_bytes(foreign)
        with pytest.raises(SteeringError, match=words):
            folder.finished()
        folder.part(UNITS[1]).write_bytes(b"PAR1 torn")
        with pytest.raises(SteeringError, match="cannot be read"):
            folder.finished()


def test_weights_stay_known_after_a_resume(tmp_path: Path) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        fill(folder, UNITS[:1])
    with open_folder(tmp_path, SETTINGS, "i", resume=True) as folder:
        assert folder.manifest.weights == "w"
        with pytest.raises(SteeringError, match="another model"):
            folder.write(UNITS[1], part(UNITS[1], folder.manifest.key, weights="v"))


def test_what_a_killed_run_was_writing_is_removed(tmp_path: Path) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        fill(folder, UNITS[:1])
        torn = folder.part(UNITS[1]).with_name(f".{folder.part(UNITS[1]).name}.123.part")
        torn.write_bytes(b"half")
    with open_folder(tmp_path, SETTINGS, "i", resume=True) as folder:
        assert not torn.exists()
        assert folder.finished() == {UNITS[0]}


def _hold(path: str, held: object, let_go: object) -> None:
    with open_folder(Path(path), SETTINGS, "i", resume=True):
        held.set()  # type: ignore[attr-defined]
        let_go.wait(30)  # type: ignore[attr-defined]


def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held, let_go = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), held, let_go))
    process.start()
    try:
        assert held.wait(30)
        with pytest.raises(SteeringError, match="Another process"), open_folder(tmp_path, SETTINGS, "i", resume=True):
            pass
        process.kill()  # the lock goes with its holder
        process.join()
        with open_folder(tmp_path, SETTINGS, "i", resume=True):
            pass
    finally:
        process.kill()


def test_the_table_does_not_know_the_order_of_the_parts(tmp_path: Path) -> None:
    tables = []
    for name, order in (("forth", UNITS), ("back", UNITS[::-1])):
        with open_folder(tmp_path / name, SETTINGS, "i", resume=False) as folder:
            fill(folder, order)
            found = collect(folder)
            assert found is not None
            tables.append(found.read_bytes())
    assert tables[0] == tables[1]
    table = read_results(tmp_path / "back", None)
    assert table["text"].tolist() == [f"text of {unit}" for unit in UNITS]
    assert "text" not in read_results(tmp_path / "back")


def test_a_failure_goes_when_its_unit_is_there(tmp_path: Path) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        assert collect(folder) is None
        folder.write_failure(failed(UNITS[0], "no feature"))
        assert [one.unit for one in folder.failed()] == [UNITS[0]]
        fill(folder, UNITS[:1])
        assert folder.failed() == []


def begun_by_older_code(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One unit of four, finished before the code changed."""
    with monkeypatch.context() as before:
        before.setattr(parts, "code_hash", lambda: "older")
        with open_folder(path, SETTINGS, "i", resume=False) as folder:
            folder.write(UNITS[0], part(UNITS[0], folder.manifest.key, code="older"))


def test_other_code_is_refused_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun_by_older_code(tmp_path, monkeypatch)
    with (
        pytest.raises(SteeringError, match=r"was made by other code.*--other-code"),
        open_folder(tmp_path, SETTINGS, "i", resume=True),
    ):
        pass
    assert read_folder(tmp_path).manifest.other_codes == (), "a refusal leaves no trace"
    with open_folder(tmp_path, SETTINGS, "i", resume=True, other_code=True) as folder:
        fill(folder, UNITS[1:])
        assert folder.finished() == set(UNITS)
        assert folder.codes() == {"older": 1, code_hash(): 3}
    told = read_folder(tmp_path).manifest
    assert (told.code, told.other_codes) == ("older", (code_hash(),))
    assert json.loads((tmp_path / MANIFEST).read_text())["other_codes"] == [code_hash()]


def test_a_finished_run_of_other_code_can_be_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to compute, so nothing can be mixed."""
    begun_by_older_code(tmp_path, monkeypatch)
    with open_folder(tmp_path, SETTINGS, "i", resume=True, other_code=True) as folder:
        fill(folder, UNITS[1:])
    monkeypatch.setattr(parts, "code_hash", lambda: "newest")
    with open_folder(tmp_path, SETTINGS, "i", resume=True) as folder:
        assert folder.finished() == set(UNITS)


def test_a_worker_of_other_code_is_refused(tmp_path: Path) -> None:
    """The files were changed while the run went on, and a process was begun anew."""
    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        with pytest.raises(SteeringError, match=r"What a worker sent.*was made by other code"):
            folder.write(UNITS[0], part(UNITS[0], folder.manifest.key, code="changed"))
        assert not folder.part(UNITS[0]).exists()
    with open_folder(tmp_path, SETTINGS, "i", resume=True, other_code=True) as folder:
        folder.write(UNITS[0], part(UNITS[0], folder.manifest.key, code="changed"))
    assert read_folder(tmp_path).manifest.other_codes == ("changed",)


def test_an_error_inside_the_run_is_not_taken_for_one_of_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(ConnectionError, match="the judge is gone"),
        open_folder(tmp_path, SETTINGS, "i", resume=False),
    ):
        raise ConnectionError("the judge is gone")


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        fill(folder, UNITS[:1])
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(SteeringError, match=r"cannot be written.*No space left"):
            fill(folder, UNITS[1:2])
        with pytest.raises(SteeringError, match=r"results\.parquet cannot be written.*No space left"):
            collect(folder)


def test_a_failure_that_a_killed_run_left_beside_its_part_counts_for_nothing(tmp_path: Path) -> None:
    with open_folder(tmp_path, SETTINGS, "i", resume=False) as folder:
        fill(folder, UNITS)
        folder.write_failure(failed(UNITS[0], "no feature"))
        assert folder.finished() == set(UNITS)
        assert folder.failed() == []
