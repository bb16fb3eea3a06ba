"""Save, find, rename, duplicate, delete, restore; and an index that may be lost at any time."""

import os
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from steering.errors import StudyError
from steering.studies.differences import differences, scores
from steering.studies.index import FILE
from steering.studies.library import Library, studies_folder
from steering.studies.study import MANIFEST
from steering.studies.trash import TRASH
from tests.drawn_study import drawn_about, drawn_content


def save(shelf, title="Pirates by feature 5", **changes):
    return shelf.save(drawn_about(title, **changes), drawn_content())


def test_what_was_saved_is_there_for_another_process(shelf):
    study = save(shelf)
    found, content = Library(shelf.root).open(study.id)
    assert found == study
    assert content.of("compare").completions == drawn_content().of("compare").completions
    assert content.of("steer").titles == ("Baseline", "SAE")
    assert not list((shelf.root / ".unfinished").iterdir())
    assert not shelf.has_adapter(study.id)
    assert shelf.adapter(study.id) is None


def test_search_finds_every_word_anywhere(shelf):
    first = save(shelf, "Pirates win", note="see 100% of _it_", features=(5, 12))
    second = save(shelf, "Weather", label="ÉTÉ", model="gpt2", features=(123,))
    assert [one.id for one in shelf.find()] == [second.id, first.id]
    expected = {
        "pirates": {first.id},
        "WIN demo": {first.id},
        "été": {second.id},
        "gpt2 weather": {second.id},
        "12": {first.id},
        "#123": {second.id},
        "100%": {first.id},
        "_it_": {first.id},
        "%": {first.id},
        "nothing": set(),
        "demo gpt2": set(),
        "'; drop table steerscope_studies; --": set(),
        "99999999999999999999999": set(),
    }
    for query, ids in expected.items():
        assert {one.id for one in shelf.find(query)} == ids, query


def test_rename_and_note_are_kept_and_bring_a_study_to_the_top(shelf):
    first, second = save(shelf, "One"), save(shelf, "Two")
    assert [one.id for one in shelf.find()] == [second.id, first.id]
    shelf.change(first.id, title=" Uno ", note="spoken")
    assert [(one.about.title, one.about.note) for one in shelf.find("spoken")] == [("Uno", "spoken")]
    assert shelf.find()[0].id == first.id
    assert shelf.find("One") == []
    assert shelf.open(first.id)[0].about.title == "Uno"
    for title in ("", "  ", "x" * 201, "\ud800"):
        with pytest.raises(StudyError):
            shelf.change(first.id, title=title)
    assert shelf.get(first.id).about.title == "Uno"


def test_a_duplicate_stands_alone(shelf):
    study = save(shelf)
    copy = shelf.duplicate(study.id)
    assert copy.id != study.id
    assert copy.about.title == f"Copy of {study.about.title}"
    shelf.delete(study.id)
    assert shelf.open(copy.id)[1].answers[0].completions == drawn_content().answers[0].completions


def test_delete_can_be_undone_until_the_trash_is_emptied(shelf):
    study = save(shelf)
    shelf.delete(study.id)
    assert shelf.find() == []
    with pytest.raises(StudyError, match="There is no study"):
        shelf.open(study.id)
    assert [one.study.id for one in shelf.trash()] == [study.id]
    assert shelf.restore(study.id) == study
    assert [one.id for one in shelf.find()] == [study.id]
    with pytest.raises(StudyError, match="not in the trash"):
        shelf.restore(study.id)
    shelf.delete(study.id)
    assert shelf.empty_trash(days=1) == 0
    assert shelf.empty_trash() == 1
    with pytest.raises(StudyError, match="not in the trash"):
        shelf.restore(study.id)


def test_a_later_delete_empties_what_is_long_there(shelf):
    old, new = save(shelf), save(shelf)
    shelf.delete(old.id)
    trash = shelf.root / TRASH
    trash.joinpath(next(trash.iterdir()).name).rename(trash / f"{old.id}.{int(time.time()) - 31 * 86400}")
    shelf.delete(new.id)
    assert [one.study.id for one in shelf.trash()] == [new.id]


@pytest.mark.parametrize("id", ["", "..", "../../etc", "a" * 15, "A" * 16, "a" * 17, "aaaaaaaaaaaaaaa\n", ".trash"])
def test_only_ids_are_looked_for(shelf, id):
    save(shelf)
    for verb in (shelf.get, shelf.open, shelf.delete, shelf.restore, shelf.duplicate, shelf.change, shelf.has_adapter):
        with pytest.raises(StudyError):
            verb(id)


@pytest.mark.parametrize("harm", ["missing", "garbage", "cut", "no table", "old", "empty"])
def test_the_index_is_made_anew_when_it_is_lost(shelf_with_file, harm):
    shelf = shelf_with_file
    kept = {save(shelf).id, save(shelf, "Other").id}
    assert {one.id for one in shelf.find()} == kept
    index = shelf.root / FILE
    again = shelf
    if harm == "missing":
        index.unlink()
    else:
        shelf._index.close()
        for ending in ("-wal", "-shm"):
            index.with_name(FILE + ending).unlink(missing_ok=True)
        again = Library(shelf.root)
        if harm == "garbage":
            index.write_bytes(os.urandom(20_000))
        elif harm == "cut":
            index.write_bytes(index.read_bytes()[:5000])
        elif harm == "empty":
            index.write_bytes(b"")
        else:
            with sqlite3.connect(index) as database:
                order = {"no table": "DROP TABLE steerscope_studies", "old": "UPDATE steerscope_index SET version = 0"}
                database.execute(order[harm])
            database.close()
    assert {one.id for one in again.find()} == kept
    assert {one.id for one in again.find("5")} == kept
    assert again.reindex() == 2


def test_without_an_index_the_folders_are_read(shelf_with_file):
    """As on a disk without room, or in a folder that may only be read: here a folder stands where the file would be."""
    shelf = shelf_with_file
    shelf.root.mkdir()
    (shelf.root / FILE).mkdir()
    first = save(shelf, "Pirates win", features=(5, 12))
    second = save(shelf, "Weather", label="ÉTÉ", features=(1,))
    for query, ids in (("", [second.id, first.id]), ("été", [second.id]), ("#12 pirates", [first.id]), ("77", [])):
        assert [one.id for one in shelf.find(query)] == ids, query
    (fault,) = shelf.broken()
    assert "index" in fault
    assert "unharmed" in fault
    assert shelf.elsewhere() == 0
    shelf.delete(first.id)
    assert [one.id for one in shelf.find()] == [second.id]
    shelf.restore(first.id)
    (shelf.root / FILE).rmdir()
    assert {one.id for one in shelf.find()} == {first.id, second.id}
    assert shelf.broken() == []


@pytest.mark.parametrize("time", ["soon", "2026-11-23T00:00:00", "9" * 41])
def test_a_study_of_no_time_is_not_listed(shelf, time):
    good, bad = save(shelf, "Good"), save(shelf, "Bad")
    manifest = shelf.root / bad.id / MANIFEST
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(bad.changed, time), encoding="utf-8")
    assert [one.id for one in shelf.find()] == [good.id]
    (fault,) = shelf.broken()
    assert "ISO 8601" in fault


def test_an_index_of_a_later_version_is_left_alone(shelf_with_file):
    shelf = shelf_with_file
    save(shelf)
    shelf.find()
    shelf._index.close()
    with sqlite3.connect(shelf.root / FILE) as database:
        database.execute("UPDATE steerscope_index SET version = 9")
    database.close()
    with pytest.raises(StudyError, match="version 9"):
        Library(shelf.root).find()


def test_folders_that_come_and_go_by_hand_are_noticed(shelf, tmp_path):
    study = save(shelf)
    other = Library(tmp_path / "elsewhere")
    brought = save(other, "Brought by hand")
    (other.root / brought.id).rename(shelf.root / brought.id)
    assert {one.id for one in shelf.find()} == {study.id, brought.id}
    (shelf.root / study.id).rename(tmp_path / "gone")
    assert [one.id for one in shelf.find()] == [brought.id]
    (shelf.root / brought.id / "study.json").write_text("{")
    assert shelf.find() == []
    assert len(shelf.broken()) == 1


def test_a_file_that_was_changed_is_named(shelf):
    study = save(shelf)
    path = shelf.root / study.id / "completions.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StudyError, match=r"completions\.parquet"):
        shelf.open(study.id)
    path.unlink()
    with pytest.raises(StudyError, match=r"completions\.parquet"):
        shelf.open(study.id)


def test_a_shared_index_keeps_the_rows_of_others(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    here, there = Library(tmp_path / "here", url), Library(tmp_path / "there", url)
    mine, theirs = save(here, "Mine"), save(there, "Theirs")
    assert [one.id for one in here.find()] == [mine.id]
    assert [one.id for one in there.find()] == [theirs.id]
    assert [one.id for one in here.find()] == [mine.id]
    assert here.elsewhere() == there.elsewhere() == 1
    assert not (here.root / FILE).exists()


@pytest.mark.parametrize("url", ["nonsense", "oracle+nothing://x", "postgresql+psycopg9://x/y"])
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path, url):
    with pytest.raises(StudyError, match="STEERSCOPE_DATABASE"):
        Library(tmp_path, url)


def test_the_folder_is_outside_the_checkout(monkeypatch):
    monkeypatch.delenv("STEERSCOPE_STUDIES", raising=False)
    assert studies_folder().parts[-2:] == ("steerscope", "studies")
    monkeypatch.setenv("STEERSCOPE_STUDIES", "somewhere")
    assert studies_folder().is_absolute()


def test_two_studies_differ_where_they_differ(shelf):
    first = save(shelf)
    second = save(shelf, "Other", features=(5,), model="gpt2")
    found, same = differences(shelf.open(first.id), shelf.open(second.id))
    assert {(one.name, str(one.first), str(one.second)) for one in found} == {
        ("model", "demo", "gpt2"),
        ("features", "[5, 2]", "[5]"),
    }
    assert same > 20
    rows = scores(drawn_content())
    assert [(row.screen, row.title, row.n) for row in rows[2:]] == [("compare", "Baseline", 2), ("compare", "SAE", 2)]
    assert rows[0].overall is None
    # Ratings (0,2,1), (1,2,1) of the baseline: 0 and 3 / (1 + 1/2 + 1).
    assert rows[2].overall == pytest.approx((0 + 1.2) / 2)


@pytest.mark.parametrize("changes", [{"features": (600,)}, {"feature_id": 600}])
def test_features_that_the_sae_has_not_are_refused(shelf, changes):
    study = save(shelf, **changes)
    with pytest.raises(StudyError, match="feature 600, its SAE only those from 0 to"):
        shelf.open(study.id)


@pytest.mark.parametrize("error", [OverflowError("too large"), UnicodeEncodeError("utf-8", "x", 0, 1, "no")])
def test_a_study_that_no_index_keeps_does_not_hide_the_others(shelf, monkeypatch, error):
    good, bad = save(shelf, "Good"), save(shelf, "Bad")
    put, tried = shelf._index.put, []

    def refuse(study, stamp):
        tried.append(study.id)
        if study.id == bad.id:
            raise error
        put(study, stamp)

    monkeypatch.setattr(shelf._index, "put", refuse)
    for _ in range(2):
        assert [one.id for one in shelf.find()] == [good.id]
    assert tried.count(bad.id) == 1
    (fault,) = shelf.broken()
    assert bad.id in fault


@pytest.mark.parametrize("recipe", ["x", "[]", "{}"])
def test_a_recipe_of_others_is_read_as_one(shelf, recipe):
    study = shelf.save(drawn_about(), drawn_content(recipe=recipe))
    with pytest.raises(StudyError, match=r"recipe\.json of the study is no recipe"):
        shelf.open(study.id)


def test_a_lock_does_not_cost_the_index_whatever_is_looked_for(shelf_with_file, monkeypatch):
    """The error tells the statement's values too, and a title may hold any word."""
    shelf = shelf_with_file
    study = save(shelf, "no such table")
    assert [one.id for one in shelf.find("malformed")] == []
    before = (shelf.root / FILE).stat().st_ino

    def locked(*_):
        raise OperationalError("SELECT ?", ("%malformed%",), sqlite3.OperationalError("database is locked"))

    with monkeypatch.context() as held:
        held.setattr(shelf._index._engine, "connect", locked)
        assert shelf.find("malformed") == []
        assert "locked" in shelf.broken()[0]
    assert (shelf.root / FILE).stat().st_ino == before
    assert [one.id for one in shelf.find("such")] == [study.id]


def test_a_broken_index_that_cannot_be_taken_away_is_told(shelf_with_file, monkeypatch):
    shelf = shelf_with_file
    study = save(shelf)
    shelf.find()
    shelf._index.close()
    for ending in ("-wal", "-shm"):
        (shelf.root / f"{FILE}{ending}").unlink(missing_ok=True)
    (shelf.root / FILE).write_bytes(os.urandom(20_000))
    again = Library(shelf.root)

    def held(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as closed:
        closed.setattr(Path, "unlink", held)
        assert [one.id for one in again.find()] == [study.id]
        assert "Permission denied" in again.broken()[0]
        with pytest.raises(StudyError, match="Permission denied"):
            again.reindex()
    with monkeypatch.context() as still:  # what comes in its place is as broken
        still.setattr(again._index, "_set_aside", lambda: None)
        assert [one.id for one in again.find()] == [study.id]
        assert "not a database" in again.broken()[0]
    assert [one.id for one in again.find()] == [study.id]
    assert again.broken() == []
