"""No row vanishes without being named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steering.errors import ExamplesError
from steering.examples import ColumnMapping, Finding, LabelledExamples, Report, build_examples, pasted, read_pasted
from steering.examples.building import Report as SameReport
from steering.examples.pasting import split_pasted
from steering.examples.quality import near_identical
from steering.examples.table import make_table

ROOT = Path(__file__).parents[3]
LEFT_OUT = {"empty_text", "missing_label", "unknown_label", "contradiction", "duplicate", "ragged_row"}


def build(rows, columns=("text", "label"), **mapping):
    table = make_table("t.csv", "csv", list(columns), [list(row) for row in rows])
    options = {"text": "text", "label": "label", "style": "binary"} | mapping
    return build_examples(table, ColumnMapping(**options), name="t")


def by_kind(report: Report) -> dict[str, Finding]:
    assert len({finding.kind for finding in report.findings}) == len(report.findings)
    return {finding.kind: finding for finding in report.findings}


def balanced(n=25):
    # Words without a common opening, of the same length in both classes.
    words = [f"{a}{b}" for a in "abcdef" for b in "uvwxyz"]
    return [[f"{words[i]} {words[(7 * i + 3) % 36]} {words[(5 * i + side) % 36]} {side}{i}", str(side)]
            for i in range(n) for side in (0, 1)]  # fmt: skip


def test_a_good_set_has_no_warning():
    examples, report = build(balanced())
    assert examples.labels.shape == (50, 1)
    assert not report.errors
    assert not report.warnings
    assert report.n_read == report.n_used == 50
    assert [finding.kind for finding in report.notes] == ["variety"]
    assert SameReport is Report


def test_duplicates_keep_the_first():
    rows = balanced()
    rows += [[f"  {rows[3][0].replace(' ', '   ')}\n", rows[3][1]]]
    examples, report = build(rows)
    assert examples.n == 50
    assert by_kind(report)["duplicate"].rows == (51,)
    assert "row 4" in by_kind(report)["duplicate"].message
    assert report.n_left_out == 1


def test_contradictions_are_all_left_out():
    rows = [*balanced(), ["one text", "1"], ["one text", "0"], ["one  text", "1"]]
    examples, report = build(rows)
    assert examples.n == 50
    assert by_kind(report)["contradiction"].rows == (51, 52, 53)
    assert "'one text'" in by_kind(report)["contradiction"].message


def test_same_text_under_other_prompts_is_no_duplicate():
    rows = [[f"{a} {i}", "" if i else "x", label] for i, (a, label) in enumerate(balanced())]
    rows += [
        ["Yes.", "Is it so?", "1"],
        ["Yes.", "Is it not?", "0"],
        ["No.", "Is it so?", "1"],
        ["No.", "Or not?", "1"],
    ]
    examples, report = build(rows, ("text", "prompt", "label"), prompt="prompt")
    assert examples.n == 54
    assert by_kind(report)["contradiction_across_prompts"].rows == (51, 52)
    assert examples.prompts[-1] == "Or not?"
    assert examples.prompts[1] is None


def test_empties_and_unknown_labels_are_reported_by_row():
    rows = [*balanced(), ["", "1"], [" \u2003\n", "0"], ["no label", " "], ["what", "maybe"]]
    examples, report = build(rows)
    found = by_kind(report)
    assert examples.n == 50
    assert found["empty_text"].rows == (51, 52)
    assert found["missing_label"].rows == (53,)
    assert found["unknown_label"].rows == (54,)
    assert "Row 54: label 'maybe' is not one of 0, 1" in found["unknown_label"].message


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["", " ", "a", "b", "a ", "c", "d"]), st.sampled_from(["1", "0", "", "maybe"])),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_is_used_or_named_and_no_row_is_both(rows):
    # With a fixed good part, so that something is usable and the label values are known.
    base = balanced(6)
    examples, report = build([*base, *rows])
    named = {row for finding in report.findings if finding.kind in LEFT_OUT for row in finding.rows}
    all_rows = [*base, *rows]
    assert report.n_read == len(all_rows)
    assert report.n_used == examples.n == len(all_rows) - len(named)
    used = [text for number, (text, _) in enumerate(all_rows, 1) if number not in named]
    assert list(examples.texts) == used


def test_counts():
    _, one = build([[f"text {i}", "1"] for i in range(9)])
    assert one.errors[0].kind == "one_class"
    _, none = build([[f"text {i}", "0"] for i in range(9)])
    assert none.errors[0].kind == "one_class"
    _, three = build(balanced(3))
    assert three.errors[0].kind == "too_few"
    assert "3 positives" in three.errors[0].message
    _, four = build(balanced(4))
    assert not four.errors
    assert "few_rows" in by_kind(four)
    _, nineteen = build(balanced(19))
    assert by_kind(nineteen)["few_rows"].severity == "warning"
    _, twenty = build(balanced(20))
    assert "few_rows" not in by_kind(twenty)


def test_a_rare_label_among_many_is_a_warning_not_an_error():
    rows = [[f"text {i} {i * 7}", name] for i, name in enumerate(["a"] * 30 + ["b"] * 30 + ["c"] * 2)]
    examples, report = build(rows, style="one_of_many")
    assert examples.label_names == ("a", "b", "c")
    assert not report.errors
    assert by_kind(report)["too_few"].severity == "warning"
    assert "'c' has 2 positives" in by_kind(report)["too_few"].message


def test_labels_without_a_usable_row_are_not_offered():
    rows = [[f"text {i}", name] for i, name in enumerate(["a"] * 6 + ["b"] * 6)] + [["", "gone"]]
    examples, report = build(rows, style="one_of_many")
    assert examples.label_names == ("a", "b")
    assert "'gone'" in by_kind(report)["label_without_rows"].message


def test_long_texts():
    rows = balanced()
    rows[2][0] += " long" * 1000
    rows[3][0] += " wide" * 1000
    assert by_kind(build(rows)[1])["long_text"].rows == (3, 4)


def test_length_confound():
    rows = [[text + (" and so on" * 3 if label == "1" else ""), label] for text, label in balanced()]
    finding = by_kind(build(rows)[1])["length_confound"]
    assert finding.severity == "warning"
    assert "1.00" in finding.message
    shorter = [[text + (" and so on" * 3 if label == "0" else ""), label] for text, label in balanced()]
    assert "0.00" in by_kind(build(shorter)[1])["length_confound"].message


def test_templates_and_near_copies():
    rows = [[text if label == "0" else f"I feel very happy {text}", label] for text, label in balanced()]
    assert "25 of 25 positives begin with 'i feel very happy'" in by_kind(build(rows)[1])["template"].message
    copies = [[text if label == "0" else f"the cat sat on a mat in my new house today number {i}", label]
              for i, (text, label) in enumerate(balanced())]  # fmt: skip
    finding = by_kind(build(copies)[1])["near_identical"]
    assert "25 of 25 positives" in finding.message
    assert finding.rows == tuple(i + 1 for i, row in enumerate(copies) if row[1] == "1")


def test_near_identical_is_the_jaccard_of_word_sets():
    a, b, c = list("abcdefgh"), list("abcdefgxhi"), list("pqr")
    assert near_identical([a, b, c]).tolist() == [True, True, False]  # 8 of 10 words
    assert near_identical([a, [*b, "j"], c]).tolist() == [False, False, False]  # 8 of 11
    assert near_identical([[], [], a]).tolist() == [False, False, False]


def test_label_word_in_all_positives():
    rows = [[f"{text} {'sailing' if label == 'sailing' else 'walking'}", label] for text, label in
            ((text, "sailing" if label == "1" else "none") for text, label in balanced())]  # fmt: skip
    finding = by_kind(build(rows, positive="sailing")[1])["label_word"]
    assert finding.severity == "note"
    assert "'sailing' stands in all 25 positives" in finding.message


def test_mappings_that_do_not_fit():
    with pytest.raises(ExamplesError, match="no column 'nope'"):
        build(balanced(), text="nope")
    with pytest.raises(ExamplesError, match="mapped twice"):
        build(balanced(), text="label")
    with pytest.raises(ExamplesError, match="choose the label column"):
        build(balanced(), label=None)
    with pytest.raises(ExamplesError, match="None of the 2 rows"):
        build([["", "1"], ["", "0"]])
    with pytest.raises(ExamplesError, match="separator"):
        build(balanced(), style="several", separator="")


def test_report_table_and_order():
    _, report = build([*balanced(3), ["", "1"]])
    assert [finding.severity for finding in report.findings] == sorted(
        (finding.severity for finding in report.findings), key=["error", "warning", "note"].index
    )
    table = report.table()
    assert list(table.columns) == ["severity", "kind", "message", "n_rows", "rows"]
    assert table.loc[table.kind == "empty_text", "rows"].item() == "7"


def test_group_column_and_prompts():
    rows = [[text, label, f"g{i // 4}"] for i, (text, label) in enumerate(balanced())]
    examples, _ = build(rows, ("text", "label", "group"), group="group")
    assert len(set(examples.groups)) == 13
    prompted = [[text, label, f"prompt {i // 2}"] for i, (text, label) in enumerate(balanced())]
    examples, _ = build(prompted, ("text", "label", "prompt"), prompt="prompt")
    assert len(set(examples.groups)) == 25
    case = [*balanced(), ["Hello, World!", "1"], ["hello world", "1"]]
    examples, _ = build(case)
    assert examples.groups[-1] == examples.groups[-2]


def test_one_prompt_for_all_rows_does_not_forbid_a_split():
    rows = [[text, label, "Write a sentence."] for text, label in balanced()]
    examples, report = build(rows, ("text", "label", "prompt"), prompt="prompt")
    assert len(set(examples.groups)) == 50
    assert by_kind(report)["prompts_not_grouped"].severity == "note"


def test_labelled_examples_answer_for_themselves():
    examples, _ = build(balanced(5))
    assert examples.label("positive").sum() == 5
    with pytest.raises(ExamplesError, match="no label 'x'; choose one of 'positive'"):
        examples.label("x")
    part = examples.subset(np.array([4, 0]))
    assert part.texts == (examples.texts[4], examples.texts[0])
    assert part.labels[:, 0].tolist() == [examples.labels[4, 0], examples.labels[0, 0]]
    assert part.fingerprint != examples.fingerprint
    with pytest.raises(ExamplesError, match="do not fit together"):
        LabelledExamples("x", ("a",), (None,), np.ones((2, 1), bool), ("l",), ("g",))
    made = LabelledExamples.from_rows("x", ["a", "b"], np.array([[True], [False]]), ["l"], prompts=["p", None])
    assert made.n == 2
    assert made.prompts == ("p", None)


def test_fingerprint_depends_on_every_part_and_not_on_the_process():
    def make(texts=("a", "b"), prompts=(None, "p"), labels=((1,), (0,)), names=("l",), groups=("g", "h")):
        return LabelledExamples("n", texts, prompts, np.array(labels, bool), names, groups).fingerprint

    variants = [
        make(), make(texts=("ab", "")), make(prompts=("", "p")), make(labels=((0,), (1,))), make(names=("m",)),
        make(groups=("g", "g")),
    ]  # fmt: skip
    assert len(set(variants)) == len(variants)
    code = (
        "import numpy as np; from steering.examples import LabelledExamples as L; "
        "print(L('other name', ('a','b'), (None,'p'), np.array([[1],[0]], bool), ('l',), ('g','h')).fingerprint)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == make()


def test_pasted_lines_and_paragraphs():
    assert split_pasted("a\r\nb\n\r\n") == ["a", "b"]
    assert split_pasted("a\nb\n\n  \nc") == ["a\nb", "c"]
    assert split_pasted(" \n ") == []
    examples = pasted("good one\ngood two", "bad one\nbad two\nbad three", label="text")
    assert examples.texts == ("good one", "good two", "bad one", "bad two", "bad three")
    assert examples.label("text").tolist() == [True, True, False, False, False]
    assert pasted("a", "b", label="class").label_names == ("class",)


def test_pasted_reports_like_a_file():
    examples, report = read_pasted("a\nb\na\nshared", "c\nshared\nd")
    assert examples.texts == ("a", "b", "c", "d")
    found = by_kind(report)
    assert found["duplicate"].rows == (3,)
    assert found["contradiction"].rows == (4, 6)
    with pytest.raises(ExamplesError, match="No negative examples"):
        pasted("a\nb", " ")


def test_imports_neither_torch_nor_streamlit():
    code = (
        "import sys, steering.examples; print([m for m in ('torch', 'streamlit', 'transformers') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == "[]"
