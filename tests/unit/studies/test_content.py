"""What goes into a study's folder comes out the same, bit by bit; what was tampered with does not come out."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from steering.errors import StudyError
from steering.judges.score import Score
from steering.studies import plain
from steering.studies.answers import Answers, read_answers, write_answers
from steering.studies.content import read_content, write_content
from steering.studies.parquet_pages import unpacked
from steering.studies.ranking_files import ExampleRow, read_ranking
from steering.studies.study import UPGRADES, Study, new_id, now, read_manifest
from steering.studies.tables import read_table, write_table
from tests.drawn_study import drawn_about, drawn_answers, drawn_completion, drawn_content, drawn_run


def test_a_study_comes_back_as_it_was(tmp_path):
    told = drawn_content()
    write_content(tmp_path, told, None)
    found = read_content(tmp_path)
    assert found.recipe == told.recipe
    assert found.answers[1].completions == told.answers[1].completions
    assert found.answers[1].scores == told.answers[1].scores
    assert [one.request for one in found.answers] == [one.request for one in told.answers]
    assert [one.concept for one in found.answers] == [None, "pirate"]
    run, read = told.run, found.run
    assert read.examples.fingerprint == run.examples.fingerprint
    assert read.examples.name == run.examples.name
    assert read.examples.label_names == run.examples.label_names
    assert np.array_equal(read.split.train, run.split.train)
    assert np.array_equal(read.split.heldout, run.split.heldout)
    assert (read.split.seed, read.split.fraction) == (7, 0.25)
    assert list(read.rankings) == list(run.rankings)
    # repr, because one value is NaN; None and NaN must not be taken for each other
    assert repr(read.rankings) == repr(run.rankings)
    for name in ("frequency", "maximum", "mean"):
        ours, theirs = getattr(run.statistics, name), getattr(read.statistics, name)
        assert theirs.dtype == ours.dtype
        assert (theirs != ours).nnz == 0
    for name in ("n_tokens", "max_act", "density"):
        assert np.array_equal(getattr(read.statistics, name), getattr(run.statistics, name))
    assert (read.statistics.resid_norm, read.statistics.n_truncated) == (1.1, 2)


def test_the_turns_of_a_conversation_stay_apart(tmp_path):
    def turn(prompt: str, *, judged: bool) -> Answers:
        found = tuple(drawn_completion(c, prompt, f"{prompt} {c}") for c in (0, 1))
        scores = tuple(Score(c, 2, 1, ()) for c in (0, 1)) if judged else ()
        return Answers("converse", ("Baseline", "Steered"), {"said": prompt}, found, "pirate", scores)

    turns = [turn("Hello.", judged=True), turn("And then?", judged=True), turn("Hello.", judged=True)]
    told = [turns[0], drawn_answers("compare", judged=True), *turns[1:]]
    write_answers(tmp_path, told)
    found = read_answers(tmp_path)
    for ours, theirs in zip(told, found, strict=True):
        for name in ("screen", "titles", "request", "completions", "concept", "scores"):
            assert getattr(theirs, name) == getattr(ours, name)
    heads = json.loads((tmp_path / "answers.json").read_text())
    (tmp_path / "answers.json").write_text(json.dumps(heads[:-1]))
    with pytest.raises(StudyError, match="does not name"):
        read_answers(tmp_path)


def test_a_study_from_before_devices_were_kept_opens():
    study = Study(new_id(), now(), now(), drawn_about(device="cuda:1", dtype="bfloat16", ran_on="cuda:1"), ())
    content = json.loads(study.manifest())
    assert read_manifest(json.dumps(content).encode()).about.device == "cuda:1"
    for name in ("device", "dtype", "ran_on"):
        del content["about"][name]
    about = read_manifest(json.dumps(content).encode()).about
    assert (about.device, about.dtype, about.ran_on) == ("auto", "auto", "")
    content["about"]["dtype"] = "int3"
    with pytest.raises(StudyError, match="one of auto"):
        read_manifest(json.dumps(content).encode())


def test_a_manifest_comes_back_as_it_was():
    study = Study(new_id(), now(), now(), drawn_about(), ())
    assert read_manifest(study.manifest()) == study
    assert replace(study, id=new_id(), changed="later").digest == study.digest
    assert replace(study, about=drawn_about("Another")).digest != study.digest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "update"),
        ({"format": "1"}, "format"),
        ({"id": "../../etc/passwd"}, "no study's id"),
        ({"extra": 1}, "unknown key"),
        ({"created": 5}, "expected a text"),
        ({"files": [{"name": "a"}]}, "has no 'sha256'"),
        ({"created": "2" * 41}, "times"),
        ({"about": {"features": [10**30]}}, "the feature of 100 bits"),
        ({"about": {"features": [-1]}}, "the feature -1"),
        ({"about": {"feature_id": 2**31}}, "the feature 2147483648"),
        ({"about": {"features": [1, 2, 3, 4, 5]}}, "5 features"),
        ({"about": {"features": [1, 1]}}, "twice"),
        ({"about": {"title": "a\0b"}}, "title holds"),
        ({"about": {"label": "\ud800"}}, "label holds"),
        ({"about": {"versions": {"a": "\ud800"}}}, "half a character"),
    ],
)
def test_a_manifest_of_others_is_read_strictly(change, told):
    content = json.loads(Study(new_id(), now(), now(), drawn_about(), ()).manifest())
    content |= change | {"about": content["about"] | change.get("about", {})}
    with pytest.raises(StudyError, match=told):
        read_manifest(json.dumps(content).encode())


def test_an_older_format_is_brought_up_to_date(monkeypatch):
    def rename(content):
        about = content["about"] | {"title": content["about"]["name"]}
        del about["name"]
        return content | {"about": about}

    monkeypatch.setattr("steering.studies.study.FORMAT", 2)
    monkeypatch.setattr("steering.studies.study.UPGRADES", {1: rename})
    study = Study(new_id(), now(), now(), drawn_about("New"), ())
    old = json.loads(study.manifest())
    old["format"] = 1
    old["about"]["name"] = old["about"].pop("title")
    assert read_manifest(json.dumps(old).encode()) == study
    assert set(UPGRADES) == set(), "a step for every format before this one"


@pytest.mark.parametrize("text", [b"", b"[1]", b"{", b'{"format": NaN}', b"[" * 100_000, b"\xff"])
def test_what_is_no_manifest_is_one_sentence(text):
    with pytest.raises(StudyError):
        read_manifest(text)


def test_plain_values_are_checked_by_type():
    settings = drawn_run().rankings["pirate"].settings
    kind = type(settings)
    given = plain.to_plain(kind, settings)
    assert plain.from_plain(kind, given, "settings") == settings
    for change in ({"seed": 1.5}, {"seed": True}, {"pi0": "often"}, {"positions": "most"}, {"use_top_k": 1}):
        with pytest.raises(StudyError):
            plain.from_plain(kind, given | change, "settings")


def test_a_text_that_no_file_can_hold_is_refused(tmp_path):
    with pytest.raises(StudyError, match="half a character"):
        write_table(tmp_path / "x.parquet", ExampleRow, [ExampleRow("a\ud800", None, (), "0", False)])


def test_a_small_table_that_unpacks_to_much_is_refused(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "examples.parquet"
    rows = [ExampleRow("x" * 10_000, None, (), "0", False)] * 200
    write_table(path, ExampleRow, rows)
    monkeypatch.setattr("steering.studies.tables.MAX_BYTES", 1_000_000)
    with pytest.raises(StudyError, match="unpacks"):
        read_table(path, ExampleRow)
    packed = pq.read_table(path)
    pq.write_table(packed, path, compression="zstd")  # each different text once: declares a few kB
    assert path.stat().st_size < 5_000
    with pytest.raises(StudyError, match="packed in a way"):
        read_table(path, ExampleRow)
    pq.write_table(pa.table({"text": ["a"]}), path)
    with pytest.raises(StudyError, match="other columns"):
        read_table(path, ExampleRow)
    path.write_bytes(b"PAR1nonsensePAR1")
    with pytest.raises(StudyError, match="cannot be read"):
        read_table(path, ExampleRow)


@pytest.fixture
def nothing_is_unpacked(monkeypatch):
    import pyarrow.parquet as pq

    def refuse(*_args, **_options):
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", refuse)


def varint(value: int, length: int | None = None) -> bytes:
    """A signed number in Thrift's compact form, made as long as is wished."""
    value <<= 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    while length is not None and len(found) < length:
        found[-1] |= 128
        found.append(0)
    return bytes(found)


@pytest.mark.usefixtures("nothing_is_unpacked")
def test_a_forged_table_whose_footer_lies_is_never_unpacked(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    path = tmp_path / "examples.parquet"
    write_table(path, ExampleRow, [ExampleRow("x" * 1_000_000, None, (), "0", False)] * 12)
    assert path.stat().st_size < 20_000
    monkeypatch.setattr("steering.studies.tables.MAX_BYTES", 10_000_000)
    group = pq.read_metadata(path).row_group(0)
    data = path.read_bytes()
    for size in {group.total_byte_size, group.column(0).total_uncompressed_size}:
        assert size > 12_000_000
        data = data.replace(varint(size), varint(1000, len(varint(size))))
    path.write_bytes(data)
    group = pq.read_metadata(path).row_group(0)
    assert (group.total_byte_size, group.column(0).total_uncompressed_size) == (1000, 1000)
    with pytest.raises(StudyError, match="unpacks to more"):
        read_table(path, ExampleRow)


@pytest.mark.usefixtures("nothing_is_unpacked")
def test_a_run_of_missing_values_is_counted_value_by_value(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "examples.parquet"
    many = 900_000
    monkeypatch.setattr("steering.studies.tables.MAX_VALUES", many)
    write_table(path, ExampleRow, [ExampleRow("x", None, (), "0", False)])
    schema = pq.read_schema(path)
    columns = [pa.array([value], field.type) for value, field in zip(["x", None, [], "0", False], schema, strict=True)]
    columns[2] = pa.ListArray.from_arrays(pa.array([0, many], pa.int32()), pa.nulls(many, pa.string()))
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 10_000
    assert unpacked(path, pq.read_metadata(path)).n_values == many + 4
    with pytest.raises(StudyError, match="unpacks to more"):
        read_table(path, ExampleRow)


def test_pages_are_added_up_as_they_are(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "examples.parquet"
    rows = [ExampleRow(f"text {i}" * 500, None, ("a", "b"), str(i), True) for i in range(1000)]
    write_table(path, ExampleRow, rows)
    found, group = unpacked(path, pq.read_metadata(path)), pq.read_metadata(path).row_group(0)
    assert found.n_values == sum(group.column(i).num_values for i in range(group.num_columns)) == 6000
    assert found.n_bytes == pytest.approx(group.total_byte_size, rel=0.01)  # which counts the headers, too
    assert read_table(path, ExampleRow) == tuple(rows)
    data = bytearray(path.read_bytes())
    data[group.column(0).data_page_offset] = 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(StudyError, match="packed in a way"):
        read_table(path, ExampleRow)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("max_act", lambda old: old[:, None], "not as written"),
        ("max_act", lambda old: old[0].reshape(()), "not as written"),
        ("max_act", lambda old: np.full_like(old, np.inf), "infinite or none"),
        ("density", lambda old: np.full_like(old, np.nan), "infinite or none"),
        ("mean.data", lambda old: np.full_like(old, np.nan), "infinite or none"),
    ],
)
def test_statistics_of_others_are_checked(tmp_path, name, change, told):
    write_content(tmp_path, drawn_content(), None)
    path = tmp_path / "statistics.safetensors"
    tensors = load_file(path)
    save_file(tensors | {name: np.ascontiguousarray(change(tensors[name]))}, path)
    with pytest.raises(StudyError, match=told):
        read_ranking(tmp_path)


@pytest.mark.parametrize("id", [-5, 8])
def test_features_that_the_sae_has_not_are_not_ranked(tmp_path, id):
    run = drawn_run()
    pirate = run.rankings["pirate"]
    changed = replace(pirate, features=tuple(replace(one, feature_id=id) for one in pirate.features))
    write_content(
        tmp_path, replace(drawn_content(), run=replace(run, rankings={**run.rankings, "pirate": changed})), None
    )
    with pytest.raises(StudyError, match=f"has the feature {id}, its SAE only those from 0 to 7"):
        read_ranking(tmp_path)


def test_more_examples_times_labels_than_the_app_takes_are_refused(tmp_path, monkeypatch):
    write_content(tmp_path, drawn_content(), None)
    monkeypatch.setattr("steering.studies.ranking_files.MAX_CELLS", 23)
    with pytest.raises(StudyError, match="12 examples and 2 labels"):
        read_ranking(tmp_path)


def test_the_hook_point_travels_and_older_studies_have_none(tmp_path):
    write_content(tmp_path, drawn_content(), None)
    assert read_ranking(tmp_path).hook_point == drawn_content().run.hook_point is not None
    head = tmp_path / "ranking.json"
    told = json.loads(head.read_text(encoding="utf-8"))
    head.write_text(json.dumps(told | {"hook_point": "blocks.2.attn.hook_z"}), encoding="utf-8")
    with pytest.raises(StudyError, match="no hook point"):
        read_ranking(tmp_path)
    del told["hook_point"]
    head.write_text(json.dumps(told), encoding="utf-8")
    assert read_ranking(tmp_path).hook_point is None


@dataclass(frozen=True)
class _Old:
    name: str


@dataclass(frozen=True)
class _Inner(_Old):
    device: str | None = None


@dataclass(frozen=True)
class _OldRow:
    inner: _Old


@dataclass(frozen=True)
class _NewRow:
    inner: _Inner
    note: str | None = None


@dataclass(frozen=True)
class _OtherRow:
    inner: _Inner
    note: str


def test_a_column_that_came_later_may_be_missing_where_it_has_a_default(tmp_path):
    path = tmp_path / "rows.parquet"
    write_table(path, _OldRow, [_OldRow(_Old("a"))])
    assert read_table(path, _NewRow) == (_NewRow(_Inner("a")),)
    with pytest.raises(StudyError, match="other columns"):
        read_table(path, _OtherRow)
    write_table(path, _NewRow, [_NewRow(_Inner("a", "cpu"), "b")])
    assert read_table(path, _NewRow) == (_NewRow(_Inner("a", "cpu"), "b"),)
    with pytest.raises(StudyError, match="other columns"):
        read_table(path, _OldRow)
