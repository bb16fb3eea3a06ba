"""A zip that a stranger wrote does no harm, and our own opens anywhere."""

import io
import json
import stat
import zipfile

import pytest

from steering.errors import StudyError
from steering.studies.library import Library
from tests.drawn_gallery import DRAWN, draw_gallery
from tests.drawn_study import drawn_about, drawn_content


@pytest.fixture
def packed(shelf) -> bytes:
    study = shelf.save(drawn_about(), drawn_content())
    file = io.BytesIO()
    shelf.export(study.id, file)
    return file.getvalue()


def repacked(data: bytes, change) -> io.BytesIO:
    """The same zip after ``change(entries)``, entries being name → bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    out.seek(0)
    return out


def left_over(root) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file() and ".unfinished" in path.parts]


def test_an_export_opens_on_an_empty_installation(shelf, packed, tmp_path):
    other = Library(tmp_path / "empty")
    study, is_new = other.take(io.BytesIO(packed))
    assert is_new
    assert study.id == shelf.find()[0].id
    assert other.open(study.id)[1].answers[1].completions == drawn_content().answers[1].completions
    assert [one.id for one in other.find()] == [study.id]
    again = io.BytesIO()
    other.export(study.id, again)
    theirs, ours = (zipfile.ZipFile(io.BytesIO(data)) for data in (again.getvalue(), packed))
    assert theirs.namelist() == ours.namelist()


def test_the_same_study_is_not_taken_twice_and_another_gets_a_new_id(shelf, packed):
    study = shelf.find()[0]
    assert shelf.take(io.BytesIO(packed)) == (study, False)
    shelf.change(study.id, title="Renamed since")
    second, is_new = shelf.take(io.BytesIO(packed))
    assert is_new
    assert second.id != study.id
    assert {one.about.title for one in shelf.find()} == {"Renamed since", study.about.title}


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "..\\evil",
        "C:\\evil",
        "adapter/../../evil",
        "adapter/adapter_model.bin",
        "x.pkl",
        "study.json/",
    ],
)
def test_only_the_files_of_a_study_are_taken(shelf, packed, tmp_path, name):
    before = len(shelf.find())
    with pytest.raises(StudyError):
        shelf.take(repacked(packed, lambda entries: entries.update({name: b"x"})))
    assert len(shelf.find()) == before
    assert not list(tmp_path.rglob("*evil*"))
    assert not left_over(shelf.root)


def test_links_and_doubles_and_many_entries_are_refused(shelf, packed):
    def with_link(mode: int, name: str = "recipe.json") -> io.BytesIO:
        found = repacked(packed, lambda entries: entries.pop("recipe.json"))
        with zipfile.ZipFile(found, "a") as archive:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, b"/etc/passwd")
        found.seek(0)
        return found

    for mode in (stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755, stat.S_IFIFO | 0o644):
        with pytest.raises(StudyError, match="link"):
            shelf.take(with_link(mode))
    with pytest.warns(UserWarning, match="Duplicate"):
        double = with_link(stat.S_IFREG | 0o644, "ranking.json")
    with pytest.raises(StudyError, match="two entries"):
        shelf.take(double)
    with pytest.raises(StudyError, match="entries"):
        shelf.take(repacked(packed, lambda entries: entries.update({f"{i}.json": b"" for i in range(50)})))


def test_bombs_are_refused_before_they_go_off(shelf, packed, monkeypatch):
    bomb = repacked(packed, lambda entries: entries.update({"recipe.json": bytes(30_000_000)}))
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(StudyError, match="far more"):
        shelf.take(bomb)
    monkeypatch.setattr("steering.studies.packing.MAX_JSON", 1000)
    with pytest.raises(StudyError, match="json has more than"):
        shelf.take(io.BytesIO(packed))
    monkeypatch.setattr("steering.studies.packing.MAX_BYTES", 1000)
    monkeypatch.setattr("steering.studies.packing.MAX_JSON", 10**6)
    with pytest.raises(StudyError, match="unpacks to more"):
        shelf.take(io.BytesIO(packed))
    assert not left_over(shelf.root)


def test_a_size_that_lies_is_found_out(shelf, packed):
    # 40 kB in the entry, of which header and directory admit to 10.
    data = bytearray(repacked(packed, lambda entries: entries.update({"recipe.json": b" " * 40_000})).getvalue())
    told, lie = (40_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert data.count(told) == 2
    with pytest.raises(StudyError):
        shelf.take(io.BytesIO(bytes(data.replace(told, lie))))
    assert len(shelf.find()) == 1


def change_manifest(**changes):
    def change(entries):
        entries["study.json"] = json.dumps(json.loads(entries["study.json"]) | changes).encode()

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries.pop("study.json"),
        lambda entries: entries.pop("examples.parquet"),
        lambda entries: entries.update({"ranking.json": entries["ranking.json"] + b" "}),
        lambda entries: entries.update({"adapter/adapter_config.json": b"{}"}),
        change_manifest(id="../../../somewhere"),
        change_manifest(files=[]),
        change_manifest(format=99),
    ],
)
def test_what_was_changed_on_the_way_is_refused(shelf, packed, change):
    with pytest.raises(StudyError):
        shelf.take(repacked(packed, change))
    assert len(shelf.find()) == 1
    assert not left_over(shelf.root)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 100])
def test_what_is_no_zip_is_one_sentence(shelf, data):
    with pytest.raises(StudyError, match="no zip"):
        shelf.take(io.BytesIO(data))


def test_a_zip_cut_short_is_refused(shelf, packed):
    with pytest.raises(StudyError):
        shelf.take(io.BytesIO(packed[: len(packed) // 2]))


def test_a_worked_study_is_taken_under_an_id_of_its_own(shelf, tmp_path):
    """Its link goes on opening the one that ships; what was taken can be renamed and voted on."""
    draw_gallery(tmp_path)
    shipped = tmp_path / f"{DRAWN[0].id}.zip"
    study, is_new = shelf.take(io.BytesIO(shipped.read_bytes()))
    assert is_new
    assert study.id != DRAWN[0].id
    assert shelf.take(io.BytesIO(shipped.read_bytes())) == (study, False)
    shelf.change(study.id, title="Mine")
    assert [one.about.title for one in shelf.find()] == ["Mine"]
    assert shelf.take(io.BytesIO(shipped.read_bytes()))[1], "it is another one now"
