"""Is no vote lost: by many raters at once, by a process that dies, with the study's zip, by a hostile hand?"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from steering.errors import StudyError
from steering.studies.library import Library
from steering.votes import box
from tests.drawn_votes import drawn_vote

ROOT = Path(__file__).parents[3]
ME, YOU = "b" * 16, "c" * 16

MANY = """
import sys
from pathlib import Path
from steering.votes import box
from steering.votes.vote import Vote

folder, raters, number = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3])
for i in range(60):
    for rater in raters:
        vote = Vote(number * 100 + i, 0, 1, "left", "why " * 20, "n", f"2026-01-02T03:04:05.{i:03d}+00:00")
        box.cast(folder, rater, vote)
print("done")
"""


def test_a_vote_is_kept_changed_and_read_again(folder):
    first, second = drawn_vote(1, reason="<b>because</b>\n", name="Ana"), drawn_vote(2, choice="tie")
    box.cast(folder, ME, first)
    box.cast(folder, ME, second)
    box.cast(folder, YOU, first)
    changed = drawn_vote(1, left=1, right=0, choice="right", s=9)
    box.cast(folder, ME, changed)
    assert box.votes_of(folder, ME) == {(1, 0, 1): changed, (2, 0, 1): second}
    assert list(box.all_votes(folder)) == [ME, YOU]
    assert box.votes_of(folder, "d" * 16) == {}


def test_processes_that_vote_at_once_lose_nothing(folder):
    shared, own = "d" * 16, ("e" * 16, "f" * 16)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(folder), f"{shared},{own[number]}", str(number)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        )
        for number in (0, 1)
    ]  # fmt: skip
    assert [process.communicate(timeout=60)[0] for process in processes] == ["done\n"] * 2
    kept = {rater: len(votes) for rater, votes in box.all_votes(folder).items()}
    assert kept == {shared: 120, own[0]: 60, own[1]: 60}


def test_what_a_killed_process_left_is_cut_off(folder):
    box.cast(folder, ME, drawn_vote(1))
    path = folder / "votes" / f"{ME}.jsonl"
    with path.open("ab") as file:
        file.write(drawn_vote(2).line()[:30])
    assert len(box.votes_of(folder, ME)) == 1
    box.cast(folder, ME, drawn_vote(3))
    assert [key[0] for key in box.votes_of(folder, ME)] == [1, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_full_disk_says_so_and_changes_nothing(folder, monkeypatch):
    box.cast(folder, ME, drawn_vote(1))
    before = (folder / "votes" / f"{ME}.jsonl").read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(box.os, "fsync", full)
    with pytest.raises(StudyError, match="No space left"):
        box.cast(folder, ME, drawn_vote(2))
    assert (folder / "votes" / f"{ME}.jsonl").read_bytes() == before


def test_a_study_deleted_while_voting(shelf, folder):
    box.cast(folder, ME, drawn_vote(1))
    shelf.delete(folder.name)
    with pytest.raises(StudyError, match="not on this server any more"):
        box.cast(folder, ME, drawn_vote(2))
    assert not folder.exists(), "nothing is left behind that looks like a study"
    shelf.restore(folder.name)
    assert len(box.votes_of(folder, ME)) == 1, "votes come back with their study"


def test_the_study_stays_sound_and_its_votes_travel(shelf, folder, tmp_path):
    box.cast(folder, ME, drawn_vote(1, reason="sea", name="Ana"))
    box.keep_settings(folder, box.VoteSettings("Which is saltier?", tells_raters=True))
    assert shelf.open(folder.name)[0].id == folder.name
    copy = shelf.duplicate(folder.name)
    assert box.all_votes(shelf.root / copy.id) == {}
    packed = io.BytesIO()
    shelf.export(folder.name, packed)
    other = Library(tmp_path / "other")
    study, is_new = other.take(io.BytesIO(packed.getvalue()))
    there = other.root / study.id
    assert is_new
    assert box.all_votes(there) == box.all_votes(folder)
    assert box.vote_settings(there) == box.VoteSettings("Which is saltier?", tells_raters=True)
    box.cast(there, ME, drawn_vote(1, choice="right", s=30))
    box.cast(there, YOU, drawn_vote(2))
    back = io.BytesIO()
    other.export(study.id, back)
    box.cast(folder, ME, drawn_vote(4, s=20))
    for _ in range(2):  # taking it twice adds nothing
        assert shelf.take(io.BytesIO(back.getvalue()))[1] is False
        found = box.all_votes(folder)
        assert {rater: len(votes) for rater, votes in found.items()} == {ME: 2, YOU: 1}
        assert found[ME][1, 0, 1].choice == "right", "the later one counts"
    assert len((folder / "votes" / f"{ME}.jsonl").read_bytes().splitlines()) == 3


def with_entry(packed: bytes, name: str, content: bytes) -> io.BytesIO:
    out = io.BytesIO(packed)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    out.seek(0)
    return out


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("votes/../../escape.jsonl", b"", "which no study has"),
        ("votes/UPPERCASE1234567.jsonl", b"", "which no study has"),
        ("votes/settings.json", b'{"question": 1}', "expected a text"),
        (f"votes/{ME}.jsonl", b'{"item": 0}\n', "has no"),
        (f"votes/{ME}.jsonl", b"no json\n", "no JSON"),
        (f"votes/{ME}.jsonl", b"x" * (2**20 + 1), "unpacks to far more"),
        (f"votes/{ME}.jsonl", drawn_vote(1).line().replace(b'"left": 0', b'"left": -1'), "between -1"),
    ],
)
def test_hostile_votes_in_a_zip_are_refused(shelf, folder, tmp_path, name, content, told):
    packed = io.BytesIO()
    shelf.export(folder.name, packed)
    other = Library(tmp_path / "other")
    with pytest.raises(StudyError, match=told):
        other.take(with_entry(packed.getvalue(), name, content))
    assert other.find() == []


def test_names_and_sizes_are_bounded(folder, monkeypatch):
    for rater in ("../../etc", "", "B" * 16, "b" * 17):
        with pytest.raises(StudyError, match="no rater's id"):
            box.cast(folder, rater, drawn_vote())
    for wrong in ({"reason": "x" * 501}, {"name": "x" * 61}, {"reason": "\ud800"}):
        with pytest.raises(StudyError):
            drawn_vote(**wrong)
    monkeypatch.setattr(box, "MAX_RATERS", 1)
    box.cast(folder, ME, drawn_vote())
    with pytest.raises(StudyError, match="people can vote"):
        box.cast(folder, YOU, drawn_vote())
    monkeypatch.setattr(box, "MAX_FILE", 200)
    with pytest.raises(StudyError, match="too many votes"):
        box.cast(folder, ME, drawn_vote(reason="y" * 100))
    line = json.loads((folder / "votes" / f"{ME}.jsonl").read_text())
    assert set(line) == {"item", "left", "right", "choice", "reason", "name", "at"}


def exported(shelf, id: str) -> io.BytesIO:
    packed = io.BytesIO()
    shelf.export(id, packed)
    packed.seek(0)
    return packed


@pytest.mark.parametrize(
    ("limit", "most", "told"), [("MAX_RATERS", 2, "people can vote"), ("MAX_FILE", 300, "too many")]
)
def test_votes_that_are_too_many_make_no_second_study_and_none_is_kept(
    shelf, folder, tmp_path, monkeypatch, limit, most, told
):
    there = Library(tmp_path / "other")
    study, _ = there.take(exported(shelf, folder.name))
    for rater, number in (("a" * 16, 1), (ME, 2), (YOU, 3)):
        box.cast(there.root / study.id, rater, drawn_vote(number))
    box.cast(folder, YOU, drawn_vote(4, reason="y" * 100))
    monkeypatch.setattr(box, limit, most)
    with pytest.raises(StudyError, match=told):
        shelf.take(exported(there, study.id))
    assert [one.id for one in shelf.find()] == [folder.name]
    assert {rater: len(votes) for rater, votes in box.all_votes(folder).items()} == {YOU: 1}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_study_whose_votes_cannot_be_kept_is_not_taken(shelf, folder, tmp_path, monkeypatch):
    box.cast(folder, ME, drawn_vote(1))
    packed = exported(shelf, folder.name)
    other = Library(tmp_path / "other")

    def full(*_):
        raise StudyError("No space left on device; make room.")

    monkeypatch.setattr(box, "merge", full)
    with pytest.raises(StudyError, match="No space left"):
        other.take(packed)
    assert other.find() == []


def test_two_who_change_the_settings_at_once_both_succeed(folder, monkeypatch):
    """The second writes while the first is between writing and renaming."""
    real, once = os.fsync, []

    def meanwhile(handle):
        real(handle)
        if not once:
            once.append(handle)
            box.keep_settings(folder, box.VoteSettings("Second?"))

    monkeypatch.setattr(box.os, "fsync", meanwhile)
    box.keep_settings(folder, box.VoteSettings("First?"))
    assert box.vote_settings(folder) == box.VoteSettings("First?"), "renamed last"
    assert [path.name for path in (folder / "votes").iterdir()] == ["settings.json"]
