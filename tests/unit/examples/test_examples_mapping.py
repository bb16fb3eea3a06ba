"""The guess is right for the files people have."""

from dataclasses import replace

import pytest

from steering.errors import ExamplesError
from steering.examples import ColumnMapping, build_examples, guess_mapping
from steering.examples.labelling import choose_pair, read_binary, read_one_of_many, read_several
from steering.examples.table import make_table


def guess(columns, rows, **options) -> ColumnMapping:
    return guess_mapping(make_table("t", "csv", columns, rows), **options)


PAIRS = [["a long text", "1"], ["another text", "0"]]


@pytest.mark.parametrize(
    ("columns", "text", "prompt", "label"),
    [
        (["text", "label"], "text", None, "label"),
        (["Label", "Text"], "Text", None, "Label"),
        (["sentence", "class"], "sentence", None, "class"),
        (["input", "label"], "input", None, "label"),
        (["question", "category"], "question", None, "category"),
    ],
)
def test_two_columns_by_name(columns, text, prompt, label):
    rows = PAIRS if columns[-1].lower() == label.lower() else [row[::-1] for row in PAIRS]
    mapping = guess(columns, rows)
    assert (mapping.text, mapping.prompt, mapping.label) == (text, prompt, label)
    assert mapping.style == "binary"


@pytest.mark.parametrize(
    ("prompt", "text"),
    [("prompt", "completion"), ("instruction", "response"), ("input", "output"), ("question", "text")],
)
def test_prompt_and_answer_are_told_apart(prompt, text):
    rows = [["say it", "said", "1", "g1"], ["do it", "done", "0", "g2"]]
    assert guess([prompt, text, "label", "group"], rows) == ColumnMapping(
        text=text, label="label", prompt=prompt, group="group", style="binary"
    )


def test_unknown_names_are_guessed_from_contents():
    rows = [[f"{i}", f"a rather long text number {i}", "good" if i % 2 else "bad"] for i in range(10)]
    mapping = guess(["number", "was_said", "verdict"], rows)
    assert (mapping.text, mapping.label, mapping.style) == ("was_said", "verdict", "one_of_many")
    assert guess(["a", "b"], [["only texts here", "and long others there"]] * 1).label is None


def test_axbench_columns():
    columns = ["input", "output", "output_concept", "concept_genre", "category", "dataset_category", "concept_id"]
    mapping = guess(columns, [["i", "o", "c", "text", "positive", "instruction", "0"]])
    assert mapping == ColumnMapping(text="output", label="output_concept", prompt="input", style="one_of_many")


@pytest.mark.parametrize(
    ("labels", "style", "separator"),
    [
        (["1", "0", "1"], "binary", ";"),
        (["True", "FALSE", "true"], "binary", ";"),
        (["1.0", "0.0"], "binary", ";"),
        (["spam", "ham"], "binary", ";"),
        (["toxic", "non-toxic"], "binary", ";"),
        (["sí", "no", "no"], "binary", ";"),
        (["5", "0", "0"], "binary", ";"),
        (["pirate"], "binary", ";"),
        (["1", "0", "1", "maybe"], "binary", ";"),
        (["cat", "dog"], "one_of_many", ";"),
        (["cat", "dog", "dog", ""], "one_of_many", ";"),
        (["m", "f"], "one_of_many", ";"),
        (["none", "other"], "one_of_many", ";"),
        (["0", "1", "2"], "one_of_many", ";"),
        (["positive", "negative", "neutral"], "one_of_many", ";"),
        (["joy", "anger", "fear"], "one_of_many", ";"),
        (["a;b", "b", "a", ""], "several", ";"),
        (["a|b", "b", "a"], "several", "|"),
        (["a, b", "b", "a", "c", "a, c"], "several", ","),
        (['["a", "b"]', '["b"]', "[]"], "several", ";"),
        (["dates, times", "cars, roads", "dates, times", "food, wine"], "one_of_many", ";"),
    ],
)
def test_label_style(labels, style, separator):
    mapping = guess(["text", "label"], [[f"text {i}", label] for i, label in enumerate(labels)])
    assert (mapping.style, mapping.separator) == (style, separator)


def test_two_bare_words_are_two_labels_and_the_note_says_how_to_have_one():
    rows = [[f"text number {i}", "cat" if i % 3 else "dog"] for i in range(18)]
    table = make_table("t", "csv", ["text", "label"], rows)
    examples, report = build_examples(table, guess_mapping(table))
    assert examples.label_names == ("cat", "dog")
    assert (examples.label("cat") != examples.label("dog")).all()
    (note,) = [finding for finding in report.findings if finding.kind == "two_labels"]
    assert (note.severity, "'cat' and 'dog'" in note.message) == ("note", True)
    yes, _ = build_examples(table, replace(guess_mapping(table), style="binary", positive="dog"))
    assert yes.label_names == ("dog",)


def test_label_can_be_told():
    rows = [["t", "1", "x"], ["u", "0", "y"]]
    assert guess(["text", "label", "other"], rows, label="other").label == "other"
    with pytest.raises(ExamplesError, match="no column 'nope'"):
        guess(["text", "label", "other"], rows, label="nope")


@pytest.mark.parametrize(
    ("cells", "positive"),
    [
        (["yes", "no"], "yes"),
        (["toxic", "non-toxic"], "toxic"),
        (["not_polite", "polite"], "polite"),
        (["ham", "spam"], "spam"),
        (["neutral", "angry"], "angry"),
        (["cat", "cat", "dog"], "dog"),
    ],
)
def test_positive_side(cells, positive):
    assert choose_pair(cells, None, "label").positive == positive


def test_positive_choice_turns_the_sides_round():
    read = read_binary(["spam", "ham", "ham"], [1, 2, 3], "label", "ham")
    assert read.names == ("ham",)
    assert read.matrix[:, 0].tolist() == [False, True, True]
    assert read_binary(["1", "0", "0"], [1, 2, 3], "label", "0").matrix[:, 0].tolist() == [False, True, True]
    with pytest.raises(ExamplesError, match="'spam'"):
        read_binary(["spam", "ham"], [1, 2], "label", "eggs")
    with pytest.raises(ExamplesError, match="one of many"):
        read_binary(["a", "b", "c", "d"], [1, 2, 3, 4], "label", "a")


def test_binary_values_and_their_names():
    read = read_binary([" TRUE", "false", "True "], [1, 2, 3], "toxic", None)
    assert read.names == ("toxic",)
    assert read.matrix[:, 0].tolist() == [True, False, True]
    assert read_binary(["1.0", "0.0"], [1, 2], "label", None).names == ("positive",)
    assert read_binary(["1", "-1"], [1, 2], "label", None).matrix[:, 0].tolist() == [True, False]


def test_unknown_binary_values_name_row_value_and_what_was_expected():
    read = read_binary(["1", "0", "1", "maybe", "", "maybe"], [1, 2, 3, 17, 18, 30], "label", None)
    assert read.usable.tolist() == [True, True, True, False, False, False]
    by_kind = {finding.kind: finding for finding in read.findings}
    assert by_kind["unknown_label"].rows == (17, 30)
    assert "Rows 17 and 30: label 'maybe' is not one of 0, 1" in by_kind["unknown_label"].message
    assert by_kind["missing_label"].rows == (18,)


def test_many_unknown_values_are_counted_and_every_row_is_named():
    cells = ["1", "0"] * 40 + [f"odd {i}" for i in range(60)]
    read = read_binary(cells, list(range(1, 141)), "label", None)
    assert len(read.findings) == 21
    assert sorted(row for finding in read.findings for row in finding.rows) == list(range(81, 141))


def test_one_of_many_and_several():
    one = read_one_of_many(["b", " a", "", "b"], [1, 2, 3, 4])
    assert one.names == ("a", "b")
    assert one.matrix.tolist() == [[False, True], [True, False], [False, False], [False, True]]
    assert one.usable.tolist() == [True, True, False, True]
    several = read_several(["a; b", "", '["b", "c; d"]', "[broken]", "a;a;"], [1, 2, 3, 4, 5], ";")
    assert several.names == ("a", "b", "c; d")
    assert several.matrix.astype(int).tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert several.usable.tolist() == [True, True, True, False, True]
    assert {finding.kind: finding.rows for finding in several.findings} == {"unknown_label": (4,), "no_label": (2,)}


def test_labels_that_differ_in_case_are_named():
    read = read_one_of_many(["Joy", "joy", "fear"], [1, 2, 3])
    assert [finding.kind for finding in read.findings] == ["label_spelling"]


def test_too_many_labels_mean_the_wrong_column():
    with pytest.raises(ExamplesError, match="1,001 different labels"):
        read_one_of_many([f"l{i}" for i in range(1001)], list(range(1001)))
