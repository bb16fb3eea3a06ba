"""A hand-made dump whose every row is known: what becomes of it, and of dumps that are broken or hostile."""

import json
import re
import tracemalloc
from html import escape
from pathlib import Path

import pandas as pd
import pytest

from steering.errors import ExamplesError
from steering.examples import build_examples, guess_mapping, read_table
from steering.stackexchange import DumpSettings, build_labelled_set
from steering.stackexchange.body import post_text, shorten
from steering.stackexchange.copies import SeenTexts
from steering.stackexchange.posts import read_posts
from steering.stackexchange.tags import parse_tags

LONG = (
    "My sourdough starter has stopped rising after two weeks in a cold kitchen and smells of vinegar now. I feed it "
    "every morning with rye flour and water from the tap, as the book says. Is there any hope for it, or should I "
    "begin again with fresh flour and a warmer place to stand?"
)
NEAR = LONG.replace("My sourdough", "The sourdough")


def row(**attributes: object) -> str:
    return "  <row " + " ".join(f'{key}="{escape(str(value))}"' for key, value in attributes.items()) + " />\n"


def question(number: int, body: str, tags: str, title: str = "", **more: object) -> str:
    return row(Id=number, PostTypeId=1, Title=title, Body=body, Tags=tags, **more)


def dump(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "Posts.xml"
    path.write_text('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(rows) + "</posts>\n", "utf-8")
    return path


def build(path: Path, **settings):
    out = path.with_name("set.jsonl")
    report = build_labelled_set(path, out, DumpSettings(**({"min_support": 1} | settings)))
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()], report


def reasons(report) -> dict[str, tuple[int, ...]]:
    return {dropped.reason: dropped.rows for dropped in report.dropped}


def all_rows(tmp_path: Path) -> Path:
    return dump(
        tmp_path,
        question(1, f"<p>{LONG}</p>", "<sourdough><bread>", "Starter & cold"),
        row(Id=2, PostTypeId=2, ParentId=1, Body="<p>Put it on top of the <em>fridge</em>.</p>"),
        question(3, "<p>Which knife &lt;40&#8364; cuts crusts?</p>", "|knives|bread|"),
        question(4, f"<p>{NEAR}</p>", "<bread>", "Starter & cold"),
        row(Id=5, PostTypeId=4, Body="about bread"),
        row(Id="six", PostTypeId=1, Body="<p>no number</p>", Tags="<bread>"),
        question(7, "<p>Tags written in a third way.</p>", "bread,knives"),
        question(8, "<p>No tags at all here.</p>", ""),
        question(9, "<pre><code>only = code</code></pre>", "<bread>"),
        row(Id=10, PostTypeId=2, ParentId=999, Body="<p>An answer to nothing we know.</p>"),
        row(PostTypeId=1, Id=11, Tags="<bread>"),
    )


def test_every_row_is_an_example_or_stands_in_the_report(tmp_path):
    rows, report = build(all_rows(tmp_path), answers=True)
    assert [(found["labels"], found["group"]) for found in rows] == [
        (["sourdough", "bread"], "1"),
        (["sourdough", "bread"], "1"),
        (["knives", "bread"], "3"),
    ]
    assert rows[0]["text"] == f"Starter & cold\n{LONG}"
    assert rows[1]["text"] == "Put it on top of the fridge."
    assert rows[2]["text"] == "Which knife <40€ cuts crusts?"
    assert reasons(report) == {
        "malformed": (6, 7, 11), "near_duplicate": (4,), "other_type": (5,), "untagged": (8,), "empty_text": (9,),
        "orphan": (10,),
    }  # fmt: skip
    assert (report.n_rows, report.n_questions, report.n_answers, report.n_threads, report.n_labels) == (11, 2, 1, 2, 3)
    assert report.n_examples + sum(dropped.n for dropped in report.dropped) == report.n_rows


def test_without_answers_they_are_counted_and_the_reader_of_examples_takes_the_file(tmp_path):
    path = all_rows(tmp_path)
    _, report = build(path)
    assert reasons(report)["answer"] == (2, 10)
    for ending in ("jsonl", "parquet"):
        out = tmp_path / f"set.{ending}"
        build_labelled_set(path, out, DumpSettings(min_support=1, answers=True))
        table = read_table(out.read_bytes(), out.name)
        examples, _ = build_examples(table, guess_mapping(table))
        assert examples.label_names == ("bread", "knives", "sourdough")
        assert examples.label("bread").all()
        assert examples.groups[0] == examples.groups[1] != examples.groups[2]
    assert list(pd.read_parquet(tmp_path / "set.parquet").columns) == ["text", "labels", "group"]


def test_rare_tags_are_no_labels_and_posts_with_nothing_else_are_left_out(tmp_path):
    rows, report = build(all_rows(tmp_path), min_support=2)
    assert [found["labels"] for found in rows] == [["bread"], ["bread"]]
    assert report.n_rare_tags == 2
    lonely = dump(tmp_path, *(question(i, f"<p>question number {i} of {i * i}</p>", "<a>") for i in range(2)),
                  question(5, "<p>something else entirely</p>", "<b>"))  # fmt: skip
    rows, report = build(lonely, min_support=2)
    assert len(rows) == 2
    assert reasons(report) == {"rare_tags": ()}
    with pytest.raises(ExamplesError, match=r"is carried by 50 posts .*'a', by 2"):
        build(lonely, min_support=50)


def test_code_blocks_and_tag_links():
    body = (
        '<h1>How?</h1><p>Call <code>f(x)</code> in\n  <a href="/q/tagged/python" class="post-tag" rel="tag">python</a>'
        "&nbsp;now</p><pre><code>def f(x):\n    return x &lt; 1\n</code></pre><ul><li>one</li><li>two</li></ul>"
        "<script>alert(1)</script><p>a<br>b</p> tail"
    )
    assert post_text(body) == "How?\nCall f(x) in now\none\ntwo\na\nb\ntail"
    assert "def f(x):\n    return x < 1\none" in post_text(body, keep_code=True)
    assert post_text("") == ""
    assert post_text("no <b>tags closed<p>at all &bogus; \x00").startswith("no tags closed\nat all")


def test_posts_keep_what_is_nested_deep_or_are_counted_as_dropped(tmp_path):
    """A reply quoted in a reply, two thousand times over, is the deepest that libxml2 reads."""
    deep, deeper = ("a" + "<div>" * depth + "deep" + "</div>" * depth + "<p>after</p>" for depth in (2_000, 2_100))
    assert post_text(deep) == "a\ndeep\nafter"
    with pytest.raises(ExamplesError, match="2,048 levels"):
        post_text(deeper)
    path = dump(tmp_path, question(1, deep, "<b>"), question(2, deeper, "<b>"))
    _, report = build(path)
    assert reasons(report) == {"nested_too_deep": (2,)}


def test_texts_are_cut_between_words(tmp_path):
    assert shorten("one two three", 8) == "one two"
    assert shorten("one two", 7) == "one two"
    assert shorten("onetwothree", 4) == "onet"
    rows, report = build(dump(tmp_path, question(1, f"<p>{LONG}</p>", "<bread>")), max_chars=30)
    assert rows[0]["text"] == "My sourdough starter has"
    assert report.n_shortened == 1


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("<c++><.net><a-b>", ("c++", ".net", "a-b")),
        ("|c#|python-3.x|", ("c#", "python-3.x")),
        ("<a><a>", ("a",)),
        ("", ()),
        ("a b", None),
        ("<a>|b|", None),
        ("||", None),
    ],
)
def test_tags_of_both_times(cell, tags):
    assert parse_tags(cell) == tags


def test_near_copies():
    seen = SeenTexts()
    assert not seen.is_copy(LONG)
    assert seen.is_copy(LONG.upper())
    assert seen.is_copy(NEAR)
    assert not seen.is_copy("Quite another question about knives and how to keep them sharp for a year or two.")
    assert not seen.is_copy("short")
    assert seen.is_copy("Short!")


def test_limit_and_sample(tmp_path):
    path = dump(tmp_path, *(question(i, f"<p>{'x' * i} and {i} words of {i * i}</p>", "<a>") for i in range(1, 200)))
    rows, report = build(path, limit=5)
    assert [found["group"] for found in rows] == ["1", "2", "3", "4", "5"]
    assert report.stopped_at_limit
    half, _ = build(path, sample=0.5)
    again, _ = build(path, sample=0.5)
    other, _ = build(path, sample=0.5, seed=1)
    assert half == again != other
    assert 70 < len(half) < 130


BOMB = """<?xml version="1.0"?>
<!DOCTYPE posts [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<posts><row Id="1" PostTypeId="1" Body="&c;" Tags="&lt;a&gt;" /></posts>"""
OUTSIDE = '<!DOCTYPE posts [<!ENTITY x SYSTEM "file:///etc/hostname">]><posts><row Id="1" Body="&x;" /></posts>'


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (BOMB, "before row 1: it declares a document type or entities"),
        (OUTSIDE, "declares a document type or entities"),
        ("<posts>\n<row Id='1' />\n<row Body='<' />\n</posts>", "line 3, column 12, after row 1: the XML is broken"),
        ("<posts><row Id='1' />", "after row 1: the XML is broken"),
        ("<posts><row Body='&#0;' /></posts>", "after row 0: the XML is broken"),
        ("", "line 1, column 1, after row 0: the XML is broken"),
        ("<users><row /></users>", "begins with <users>, expected <posts>"),
        ("7z\xbc\xaf\x27\x1c rest", "is a 7z archive; unpack it"),
        ("<posts></posts>", "No post of Posts.xml can be used: it has no rows"),
    ],
)  # fmt: skip
def test_bad_dumps_are_refused_in_a_sentence_and_leave_nothing_behind(tmp_path, contents, message):
    path = tmp_path / "Posts.xml"
    path.write_bytes(contents.encode("latin-1"))
    out = tmp_path / "set.jsonl"
    out.write_text("before")
    with pytest.raises(ExamplesError, match=re.escape(message)):
        build_labelled_set(path, out)
    assert out.read_text() == "before"
    assert {found.name for found in tmp_path.iterdir()} == {"Posts.xml", "set.jsonl"}


def test_a_missing_file_and_a_wrong_ending(tmp_path):
    with pytest.raises(ExamplesError, match="There is no file"):
        build_labelled_set(tmp_path / "Posts.xml", tmp_path / "set.jsonl")
    with pytest.raises(ExamplesError, match=r"ends in \.jsonl or \.parquet"):
        build_labelled_set(tmp_path / "Posts.xml", tmp_path / "set.csv")
    with pytest.raises(ExamplesError, match="a share above 0"):
        DumpSettings(sample=0.0)


def test_memory_does_not_grow_with_the_dump(tmp_path):
    path = dump(tmp_path, *(row(Id=i, PostTypeId=5, Body="x" * 2000) for i in range(2000)))
    tracemalloc.start()
    assert sum(1 for _ in read_posts(path)) == 2000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 4


def test_the_command(tmp_path, capsys):
    from steering.cli import main

    path, out = all_rows(tmp_path), tmp_path / "set.parquet"
    assert main(["stackexchange", str(path), "--out", str(out), "--min-support", "1", "--answers", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["n_examples"], report["n_labels"]) == (3, 3)
    assert main(["stackexchange", str(path), "--out", str(out), "--min-support", "1"]) == 0
    assert "left out: 3 rows (rows 6, 7 and 11) malformed" in capsys.readouterr().out
    assert main(["stackexchange", str(path), "--out", str(tmp_path / "set.csv")]) == 2
    assert main(["stackexchange", str(tmp_path / "no.xml"), "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("error: ") == 2
