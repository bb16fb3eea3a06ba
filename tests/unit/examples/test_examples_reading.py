"""Files in, text cells out; or one sentence that says why not."""

import csv
import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steering.errors import ExamplesError
from steering.examples import MAX_BYTES, MAX_CELL_CHARS, MAX_ROWS, read_examples, read_table
from steering.examples.table import Table, table_from_frame

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
ROWS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)


def cells(table: Table) -> list[tuple[str, ...]]:
    return [tuple(row) for row in table.rows.itertuples(index=False)]


def kinds(table: Table) -> list[str]:
    return [finding.kind for finding in table.findings]


def to_parquet(columns: dict, **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(ExamplesError) as caught:
        read_table(data, name)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, name=st.sampled_from(["a.csv", "a.tsv"]), bom=st.booleans())
def test_csv_and_tsv_give_back_any_text(rows, name, bom):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, delimiter="\t" if name == "a.tsv" else ",", quoting=csv.QUOTE_ALL)
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    table = read_table(sink.getvalue().encode("utf-8-sig" if bom else "utf-8"), name)
    assert table.columns == ("text", "label")
    assert cells(table) == rows
    assert table.row_numbers == tuple(range(1, len(rows) + 1))


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, ascii_only=st.booleans())
def test_jsonl_and_json_give_back_any_text(rows, ascii_only):
    objects = [{"text": text, "label": label} for text, label in rows]
    lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in objects)
    assert cells(read_table(lines.encode(), "a.jsonl")) == rows
    as_list = json.dumps(objects, ensure_ascii=ascii_only, indent=1)
    assert cells(read_table(as_list.encode(), "a.json")) == rows
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    assert cells(read_table(json.dumps(columns).encode(), "a.json")) == rows


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, dictionary=st.booleans())
def test_parquet_gives_back_any_text(rows, dictionary):
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    assert cells(read_table(to_parquet(columns, use_dictionary=dictionary), "a.parquet")) == rows


def test_words_that_look_like_missing_values_stay_words():
    data = b"text,label\nNA,1\nnull,0\nNaN,1\n007,0\n"
    assert cells(read_table(data, "a.csv")) == [("NA", "1"), ("null", "0"), ("NaN", "1"), ("007", "0")]


def test_semicolons_in_csv_are_read_right_and_said():
    table = read_table(b"text;label\nwell, well;1\na, b, c;0\n", "a.csv")
    assert cells(table) == [("well, well", "1"), ("a, b, c", "0")]
    assert kinds(table) == ["delimiter"]
    assert "semicolons" in table.findings[0].message


def test_commas_in_tsv_and_excel_separator_line():
    assert cells(read_table(b"text,label\na,1\n", "a.tsv")) == [("a", "1")]
    assert cells(read_table(b"sep=;\r\ntext;label\r\na,b;1\r\n", "a.csv")) == [("a,b", "1")]


def test_text_full_of_semicolons_does_not_fool_the_delimiter():
    table = read_table(b"text;with,label\na;b;c,1\nd;e,0\n", "a.csv")
    assert table.columns == ("text;with", "label")
    assert kinds(table) == []


def test_ragged_rows_are_left_out_by_number_and_the_others_keep_theirs():
    table = read_table(b"text,label\na,1\nb,c,0\nd,1\ne\nf,0\n", "a.csv")
    assert table.row_numbers == (1, 3, 5)
    assert table.unreadable == (2, 4)
    assert table.n_read == 5
    (finding,) = table.findings
    assert finding.kind == "ragged_row"
    assert finding.rows == (2, 4)


def test_undecodable_bytes_name_offset_and_rows():
    data = 'text,label\nplain,1\ncafé,0\n"two\nlines",1\nnaïve,0\n'.encode("cp1252")
    message = refusal(data, "a.csv")
    assert f"byte offset {data.index(0xE9)}" in message
    assert "0xE9" in message
    assert "rows 2 and 4" in message
    assert "UTF-8" in message
    lines = b'{"text": "a"}\n{"text": "\xff"}\n'
    assert "row 2" in refusal(lines, "a.jsonl")
    with_mark = b"\xef\xbb\xbftext,label\n\xff,1\n"
    assert f"byte offset {with_mark.index(0xFF)}" in refusal(with_mark, "a.csv")


def test_utf16_is_named():
    assert "UTF-16" in refusal("text,label\na,1\n".encode("utf-16"), "a.csv")


def test_unclosed_quotation_mark_names_its_row():
    assert "row 2" in refusal(b'text,label\na,1\n"b,0\nc,1\n', "a.csv")


@pytest.mark.parametrize("name", ["a.txt", "a.csv.gz", "a.zip", "a.xlsx", "a.pkl", "a.exe", "noending", ".csv"])
def test_other_files_are_refused_in_one_sentence(name):
    assert "CSV" in refusal(b"text,label\na,1\n", name)


def test_contents_that_are_not_what_the_name_says():
    assert ".parquet" in refusal(to_parquet({"text": ["a"]}), "a.csv")
    assert "compressed" in refusal(b"\x1f\x8b\x08 rest", "a.csv")
    assert "archives" in refusal(b"PK\x03\x04 rest", "a.parquet")
    assert "Parquet" in refusal(b"text,label\na,1\n", "a.parquet")
    assert "Parquet" in refusal(to_parquet({"text": ["a"] * 50})[:-30] + b"PAR1", "a.parquet")


def test_empty_files_and_headers_alone():
    assert "empty" in refusal(b"", "a.csv")
    assert "empty" in refusal(b" \n ", "a.jsonl")
    assert "no rows" in refusal(b"text,label\n", "a.csv")
    assert "twice" in refusal(b"text,text\na,b\n", "a.csv")


def test_blank_lines_are_counted_and_do_not_move_the_header():
    table = read_table(b"\n\ntext,label\na,1\n\nb,0\n", "a.csv")
    assert cells(table) == [("a", "1"), ("b", "0")]
    assert table.row_numbers == (1, 2)
    assert kinds(table) == ["blank_line"]


def test_a_first_line_of_data_is_noticed():
    assert "no_header" in kinds(read_table(b"I like it,1\nI hate it,0\n", "a.csv"))


def test_caps_have_clear_messages():
    assert "25,000,000" in refusal(b"a" * (MAX_BYTES + 1), "a.csv")
    assert f"{MAX_ROWS:,}" in refusal(b"text,label\n" + b"a,1\n" * (MAX_ROWS + 1), "a.csv")
    assert f"{MAX_ROWS:,}" in refusal(b'{"a":1}\n' * (MAX_ROWS + 1), "a.jsonl")
    assert f"{MAX_ROWS:,}" in refusal(b"[" + b"1," * MAX_ROWS + b"1]", "a.json")
    assert "at most 50" in refusal(",".join(f"c{i}" for i in range(51)).encode() + b"\n", "a.csv")
    assert "at most 50" in refusal(json.dumps([{f"c{i}": 1 for i in range(51)}]).encode(), "a.json")
    long = "x" * (MAX_CELL_CHARS + 1)
    for data, name in [
        (f"text,label\na,1\n{long},0\n".encode(), "a.csv"),
        (json.dumps([{"text": "a"}, {"text": long}]).encode(), "a.json"),
        (to_parquet({"text": ["a", long]}), "a.parquet"),
    ]:
        message = refusal(data, name)
        assert "row 2" in message
        assert f"{MAX_CELL_CHARS:,}" in message


def test_cell_at_the_cap_passes():
    assert cells(read_table(f"text\n{'é' * MAX_CELL_CHARS}\n".encode(), "a.csv")) == [("é" * MAX_CELL_CHARS,)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[{"text": "a", "label": NaN}]', "NaN"),
        ('[{"text": "a", "label": -Infinity}]', "Infinity"),
        ('[{"text": "a", "label": ' + "9" * 5000 + "}]", "digits"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 100_000, "nested"),
        ('[{"text": "a"}, {"text": ]', "row 2"),
        ('[{"text": "a"} {"text": "b"}]', "comma"),
        ('[{"text": "a"}', "end of the file"),
        ('[{"text": "a"}] tail', "tail"),
        ('[{"text": "a", "text": "b"}]', "twice"),
        ('{"text": ["a", "b"], "label": [1]}', "same length"),
        ('{"text": "a"}\n{"text": "b"}', ".jsonl"),
        ('"hello"', "list of objects"),
        ("[1, 2]", "objects"),
        ("[]", "no"),
    ],
)
def test_broken_json_is_a_clear_error(text, word):
    assert word in refusal(text.encode(), "a.json")


def test_broken_json_lines_are_left_out_by_row():
    lines = ['{"text": "a"}', "", "nope", "[1]", '{"text": "\\ud83d"}', '{"text": NaN}', '{"text": "b"}', "9" * 5000]
    table = read_table("\n".join(lines).encode(), "a.jsonl")
    assert cells(table) == [("a",), ("b",)]
    assert table.row_numbers == (1, 6)
    assert table.unreadable == (2, 3, 4, 5, 7)
    assert table.findings[0].rows == (2, 3, 4, 5, 7)
    assert "No row" in refusal(b"nope\n", "a.jsonl")


def test_json_values_become_text():
    rows = [{"t": "a", "n": 1, "f": 0.5, "b": True, "l": ["x", "y"], "o": {"k": 1}}, {"t": None}]
    table = read_table(json.dumps(rows).encode(), "a.json")
    assert cells(table) == [("a", "1", "0.5", "true", '["x", "y"]'), ("", "", "", "", "")]
    assert kinds(table) == ["column_not_read"]
    assert "'o'" in table.findings[0].message


def test_json_list_named_jsonl_is_read_and_said():
    table = read_table(b'[{"text": "a"}]', "a.jsonl")
    assert cells(table) == [("a",)]
    assert kinds(table) == ["format"]


def test_parquet_types():
    columns = {
        "t": pa.array(["a", None]),
        "i": pa.array([1, None]),
        "f": pa.array([0.5, float("nan")]),
        "b": pa.array([True, False]),
        "l": pa.array([["x", "y"], []]),
        "c": pa.array(["u", "v"]).dictionary_encode(),
        "when": pa.array([0, 1], pa.timestamp("s")),
        "v": pa.array([[0.1], [0.2]]),
    }
    table = read_table(to_parquet(columns), "a.parquet")
    assert cells(table) == [("a", "1", "0.5", "true", '["x", "y"]', "u"), ("", "", "", "false", "[]", "v")]
    assert "'when'" in table.findings[0].message
    assert "'v'" in table.findings[0].message
    assert "no column" in refusal(to_parquet({"v": columns["v"]}), "a.parquet")


def test_small_parquet_files_that_unpack_to_gigabytes_are_refused():
    # 50,000 times one text of 19,000 characters: a gigabyte, in a few kilobytes, and the declared size is small.
    dictionary = pa.DictionaryArray.from_arrays(pa.array([0] * MAX_ROWS, pa.int32()), pa.array(["x" * 19_000]))
    bomb = to_parquet({"text": dictionary}, compression="zstd")
    assert len(bomb) < 100_000
    declared = pq.ParquetFile(io.BytesIO(bomb)).metadata.row_group(0).total_byte_size
    assert declared < MAX_BYTES
    peak = pa.default_memory_pool().max_memory()
    assert "once unpacked" in refusal(bomb, "a.parquet")
    assert pa.default_memory_pool().max_memory() <= max(peak, 2 * MAX_BYTES)
    # One long text many times, and no hint in the file that it is a dictionary: each batch would be a gigabyte.
    one = pa.DictionaryArray.from_arrays(pa.array([0] * 512, pa.int32()), pa.array(["x" * 4_000_000]))
    peak = pa.default_memory_pool().max_memory()
    assert "once unpacked" in refusal(to_parquet({"text": one}, compression="zstd", store_schema=False), "a.parquet")
    assert pa.default_memory_pool().max_memory() <= max(peak, 2 * MAX_BYTES)
    # One text of 40 million characters, below the bound on declared sizes.
    assert "once unpacked" in refusal(to_parquet({"text": ["a", "x" * 40_000_000]}, compression="zstd"), "a.parquet")
    # One text of 60 million characters, honestly declared.
    assert "once unpacked" in refusal(to_parquet({"text": ["x" * 60_000_000]}, compression="zstd"), "a.parquet")
    # Lists of texts.
    lists = pa.array([["x" * 10_000] * 50] * 60)
    assert "once unpacked" in refusal(to_parquet({"tags": lists}, compression="zstd"), "a.parquet")


def test_parquet_text_that_is_not_utf8_names_its_row():
    text = pa.array([b"fine", b"also", b"\xff\xfe"], pa.binary()).view(pa.string())
    message = refusal(to_parquet({"text": text}), "a.parquet")
    assert "row 3" in message
    assert "UTF-8" in message


def test_edited_tables_are_numbered_anew():
    table = read_table(b"text,label\na,1\nb,c,0\nd,1\n", "a.csv")
    frame = table.rows.copy()
    frame.loc[9] = ["new", None]
    edited = table.edited(frame)
    assert cells(edited) == [("a", "1"), ("d", "1"), ("new", "")]
    assert edited.row_numbers == (1, 2, 3)
    assert edited.n_read == 3


def test_frames_of_any_type_become_text():
    table = table_from_frame(pd.DataFrame({"text": ["a", None], "n": [1, 2]}), name="frame")
    assert cells(table) == [("a", "1"), ("", "2")]


def write(path, rows):
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


def test_read_examples_reads_guesses_and_builds(tmp_path):
    rows = [(f"good thing {i}", "spam") for i in range(5)] + [(f"other thing {i}", "ham") for i in range(6)]
    path = write(tmp_path / "a.csv", rows)
    examples, report = read_examples(path)
    assert examples.label_names == ("spam",)
    assert examples.labels.sum() == 5
    assert report.n_used == 11
    other_way, _ = read_examples(path, label="ham")
    assert other_way.label_names == ("ham",)
    assert other_way.labels.sum() == 6
    by_column, _ = read_examples(path, label="label")
    assert by_column.label_names == ("label",)
    with pytest.raises(ExamplesError, match="'spam'"):
        read_examples(path, label="eggs")


def test_read_examples_raises_the_first_error_of_the_report(tmp_path):
    with pytest.raises(ExamplesError, match="at least 4"):
        read_examples(write(tmp_path / "few.csv", [("a", 1), ("b", 0)]))
    with pytest.raises(ExamplesError, match="All 2 usable rows carry"):
        read_examples(write(tmp_path / "one.csv", [("a", 1), ("b", 1)]))
    with pytest.raises(ExamplesError, match="no file"):
        read_examples(tmp_path / "missing.csv")
    with pytest.raises(ExamplesError, match="folder"):
        read_examples(tmp_path)
    rows = [(f"text {i}", name) for i, name in enumerate(["a"] * 6 + ["b"] * 6 + ["c"] * 2)]
    path = write(tmp_path / "many.csv", rows)
    read_examples(path, label="a")
    with pytest.raises(ExamplesError, match="'c' has 2 positives"):
        read_examples(path, label="c")
