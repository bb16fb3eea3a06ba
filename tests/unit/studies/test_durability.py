"""A process that is killed, a disk that is full, two that save at once: nothing shown as saved is lost."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steering.errors import StudyError
from steering.studies.library import Library
from tests.drawn_study import drawn_about, drawn_content

ROOT = Path(__file__).parents[3]

KILLED = """
import os, signal, sys
from pathlib import Path
from steering.studies.library import Library
from tests.drawn_study import drawn_about, drawn_content

def step(what):
    print(what, flush=True)
    if what == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

Library(Path(sys.argv[1])).save(drawn_about("Unlucky"), drawn_content(), on_step=step)
"""

MANY = """
import sys
from pathlib import Path
from steering.studies.library import Library
from tests.drawn_study import drawn_about, drawn_content

shelf, content = Library(Path(sys.argv[1])), drawn_content()
for i in range(20):
    print(shelf.save(drawn_about(f"{sys.argv[2]} {i}"), content).id, flush=True)
    shelf.find()
"""

LIMITED = """
import resource, sys
from pathlib import Path
from steering.errors import StudyError
from steering.studies.library import Library
from tests.drawn_study import drawn_about, drawn_content

shelf, content = Library(Path(sys.argv[1])), drawn_content()
for limit in (0, 100, 1000, 3000, 5000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        shelf.save(drawn_about(f"At {limit}"), content)
        print("saved")
    except StudyError as error:
        print("refused", error)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode, out


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_process_killed_at_any_step_leaves_a_whole_study_or_none(shelf):
    kept = shelf.save(drawn_about("Kept"), drawn_content())
    steps = ["filled", "kept examples.parquet", "kept statistics.safetensors", "told", "placed"]
    processes = [start(KILLED, shelf.root, step) for step in steps]
    for step, process in zip(steps, processes, strict=True):
        code, out = ended(process)
        assert code == -signal.SIGKILL
        assert out.splitlines()[-1] == step
    found = Library(shelf.root).find()
    # Only the one that died after the rename is there, and it is whole.
    assert sorted(one.about.title for one in found) == ["Kept", "Unlucky"]
    for one in found:
        assert shelf.open(one.id)[1].answers[1].scores == drawn_content().answers[1].scores
    assert shelf.get(kept.id) == kept
    assert shelf.broken() == []
    assert len(list((shelf.root / ".unfinished").iterdir())) == len(steps) - 1
    for rubbish in (shelf.root / ".unfinished").iterdir():
        os.utime(rubbish, (0, 0))
    shelf.save(drawn_about("Later"), drawn_content())
    assert not list((shelf.root / ".unfinished").iterdir())


RENAMED = """
import os, signal, sys
from pathlib import Path
from steering.studies.library import Library

os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
Library(Path(sys.argv[1])).change(sys.argv[2], title="Half")
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_process_killed_in_a_rename_leaves_the_study_as_it_was(shelf):
    kept = shelf.save(drawn_about("Kept"), drawn_content())
    code, _ = ended(start(RENAMED, shelf.root, kept.id))
    assert code == -signal.SIGKILL
    (left,) = (shelf.root / kept.id).glob(".*.part")
    assert shelf.open(kept.id)[0] == kept
    assert shelf.duplicate(kept.id).files == kept.files
    os.utime(left, (0, 0))
    shelf.change(kept.id, title="Renamed")
    assert shelf.open(kept.id)[0].about.title == "Renamed"
    assert not left.exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_disk_without_room_says_so_and_keeps_what_was_there(shelf):
    kept = shelf.save(drawn_about("Kept"), drawn_content())
    _, out = ended(start(LIMITED, shelf.root))
    answers = out.splitlines()
    assert len(answers) == 5
    assert all(line.startswith("refused The study could not be saved") for line in answers)
    assert [one.id for one in Library(shelf.root).find()] == [kept.id]
    assert not list((shelf.root / ".unfinished").iterdir())


@pytest.mark.parametrize("number", range(0, 11, 2))
def test_no_space_left_while_it_is_brought_to_the_disk(shelf, monkeypatch, number):
    kept = shelf.save(drawn_about("Kept"), drawn_content())
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > number:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match="No space left on device"):
        shelf.save(drawn_about("Unlucky"), drawn_content())
    with pytest.raises(StudyError, match="could not be kept"):
        shelf.change(kept.id, title="Unlucky")
    monkeypatch.setattr(os, "fsync", real)
    assert [one.about.title for one in shelf.find()] == ["Kept"]
    assert not list((shelf.root / ".unfinished").iterdir())


def test_two_processes_save_at_once(tmp_path):
    root = tmp_path / "studies"
    both = [start(MANY, root, name) for name in ("Left", "Right")]
    ids = [line for process in both for line in ended(process)[1].splitlines()]
    shelf = Library(root)
    assert len(ids) == len(set(ids)) == 40
    assert {one.id for one in shelf.find()} == set(ids)
    assert len(shelf.find("left")) == 20
    for id in ids[::7]:
        shelf.open(id)
