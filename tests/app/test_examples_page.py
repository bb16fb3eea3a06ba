"""Screen 1: every way in, what is noticed, what can be changed, and that a mistake changes nothing."""

import io
import subprocess
import sys

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.examples import LabelledExamples
from tests.app.conftest import ROOT
from ui import examples_draft as drafts
from ui import examples_view

PAGE = "pages/1_Examples.py"
THINGS = ("parrot", "captain", "sailor", "anchor", "harbour", "rum")
DAYS = ("Monday", "Tuesday", "Friday", "Sunday")


def csv_of(rows: list[tuple[str, ...]], header: tuple[str, ...] = ("text", "label"), separator: str = ",") -> bytes:
    quoted = [separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *rows]]
    return "\n".join(quoted).encode()


ROWS = [(f"Arr, ye see the {thing} come on {day}!", "1") for thing in THINGS for day in DAYS] + [
    (f"The report about the {thing} is due on {day}.", "0") for thing in THINGS for day in DAYS
]
GOOD = csv_of(ROWS)


@pytest.fixture
def page(open_alone) -> AppTest:
    app = open_alone(PAGE)
    assert not app.exception
    return app


def source(app: AppTest, name: str) -> AppTest:
    app.segmented_control(key="examples_source").set_value(name)
    return ran(app)


def ran(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    if app.segmented_control(key="examples_source").value != "upload":
        source(app, "upload")
    app.get("file_uploader")[0].upload(name, data)
    return ran(app)


def state(app: AppTest, name: str):
    key = f"steerscope.{name}"
    return app.session_state[key] if key in app.session_state else None  # noqa: SIM401 - it has no get


def examples(app: AppTest) -> LabelledExamples | None:
    return runtime.store.get("examples", state(app, "examples_id"))


def errors(app: AppTest) -> str:
    return " ".join(error.value.replace("\\", "") for error in app.error)


def text_of(app: AppTest) -> str:
    return " ".join(e.value for kind in (app.markdown, app.caption, app.info, app.subheader) for e in kind).replace(
        "\\", ""
    )


def button(app: AppTest, key: str):
    return app.button(key=key)


def editor(app: AppTest) -> pd.DataFrame:
    return app.dataframe[0].value


# -- opening ---------------------------------------------------------------------------------------------------------


def test_a_cold_page_says_what_to_do_and_offers_three_sources(page):
    assert page.segmented_control(key="examples_source").options == ["Embedded world", "Upload", "Paste"]
    assert "No examples yet" in text_of(page)
    assert "find_features" not in [b.key for b in page.button]


def test_opening_the_page_and_taking_a_set_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / PAGE)!r}, default_timeout=60).run()\n"
        "app.get('pills')[0].set_value('pirate').run()\n"
        "assert not app.exception, app.exception\n"
        "heavy = {'torch', 'transformers', 'sae_lens', 'peft'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin", "STEERSCOPE_WARM_UP": "0", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


# -- upload ----------------------------------------------------------------------------------------------------------


def test_a_good_file_is_in_use_at_once(page):
    upload(page, "ships.csv", GOOD)
    taken = examples(page)
    assert taken is not None
    assert taken.n == len(ROWS)
    assert state(page, "examples_id") == taken.fingerprint
    assert state(page, "examples_title") == "ships.csv · 48 examples"
    assert state(page, "label") == "positive"
    assert [metric.value for metric in page.metric] == ["24", "24"]
    assert not button(page, "find_features").disabled
    assert list(editor(page)["text"]) == [text for text, _ in ROWS]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.tsv", lambda frame: frame.to_csv(sep="\t", index=False).encode()),
        ("a.jsonl", lambda frame: frame.to_json(orient="records", lines=True).encode()),
        ("a.json", lambda frame: frame.to_json(orient="records").encode()),
        ("a.parquet", lambda frame: write_parquet(frame)),
    ],
)
def test_every_format_is_read(page, name, write):
    upload(page, name, write(pd.DataFrame(ROWS, columns=["text", "label"])))
    assert examples(page).n == len(ROWS)


def write_parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("latin.csv", "text,label\ncafé,1\n".encode("latin-1"), "not UTF-8"),
        ("notes.txt", b"hello", "plain text has no labels"),
        ("empty.csv", b"", "is empty"),
        ("broken.parquet", b"PAR1 no", "PAR1"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_changes_nothing(page, name, data, told):
    upload(page, "ships.csv", GOOD)
    before = state(page, "examples_id"), state(page, "examples_title"), state(page, "label")
    upload(page, name, data)
    assert told in errors(page)
    assert name in errors(page)
    assert "Nothing was changed" in text_of(page)
    assert (state(page, "examples_id"), state(page, "examples_title"), state(page, "label")) == before
    assert list(editor(page)["text"]) == [text for text, _ in ROWS]
    assert not button(page, "find_features").disabled
    upload(page, "again.csv", GOOD)  # and the message goes with the next good file
    assert errors(page) == ""


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("one.csv", csv_of(ROWS[:24]), "carry the label"),
        ("few.csv", csv_of(ROWS[22:26]), "Too few rows"),
        ("nolabel.csv", csv_of([(text,) for text, _ in ROWS], ("text",)), "No column"),
    ],
)
def test_a_file_that_cannot_be_ranked_is_shown_but_not_used(page, name, data, told):
    upload(page, "ships.csv", GOOD)
    before = state(page, "examples_id")
    upload(page, name, data)
    assert told in errors(page)
    assert state(page, "examples_id") == before
    assert state(page, "examples_title") == "ships.csv · 48 examples"
    assert "Still in use: ships.csv" in text_of(page)
    assert button(page, "find_features").disabled
    button(page, "examples_back").click()
    ran(page)
    assert errors(page) == ""
    assert list(editor(page)["text"]) == [text for text, _ in ROWS]
    assert not button(page, "find_features").disabled


def test_a_wrong_delimiter_is_read_or_told(page):
    upload(page, "semicolon.csv", csv_of(ROWS, separator=";"))
    assert examples(page) is not None
    assert examples(page).n == len(ROWS)
    assert "delimiter" in text_of(page) or "semicolon" in text_of(page)


def test_findings_name_rows_and_can_be_taken_away_as_csv(page):
    upload(page, "rows.csv", csv_of([*ROWS, ROWS[0], ("=SUM(A1)", "maybe"), ("", "1")]))
    shown = text_of(page)
    assert "Row 49 repeats row 1" in shown
    assert "Row 50: label 'maybe' is not one of 0, 1" in shown
    assert "Row 51: the text is empty" in shown
    checks = editor(page).set_index("row")["check"]
    assert checks[49] == "repeated"
    assert checks[50] == "unknown label"
    assert checks[51] == "no text"
    assert checks[2] == ""
    assert "48 examples · 3 rows left out" in shown
    report = drafts.uploaded(csv_of([*ROWS, ROWS[0]]), "rows.csv").report
    data = examples_view.findings_csv(report)
    back = pd.read_csv(io.BytesIO(data), dtype=str)
    assert list(back.columns) == ["severity", "kind", "message", "n_rows", "rows"]
    assert back.set_index("kind").loc["duplicate", "rows"] == "49"


def test_no_cell_of_the_findings_runs_as_a_formula():
    from steering.examples import Finding, Report

    report = Report((Finding("warning", "k", "=HYPERLINK(1)", (3,)), Finding("note", "k", "\tx", ())), 1, 1)
    back = pd.read_csv(io.BytesIO(examples_view.findings_csv(report)), keep_default_na=False)
    assert list(back["message"]) == ["'=HYPERLINK(1)", "'\tx"]


def test_hostile_text_is_never_markdown(page):
    name = "![x](e) :red[hi] $x$.csv"
    upload(page, name, csv_of([(f"{text} ![x](http://e.example/b.png)", f"**b** {label}") for text, label in ROWS]))
    assert examples(page) is not None
    for element in [*page.markdown, *page.caption, *page.subheader, *page.error, *page.info]:
        assert "![x](" not in element.value
        assert ":red[hi]" not in element.value
        assert "**b**" not in element.value


def test_axbench_data_say_how_they_were_understood(page):
    frame = pd.DataFrame(
        [
            ("Say it", f"{concept} text number {i} about {THINGS[i]}", concept, "positive", "text", j)
            for j, concept in enumerate(("dates and years", "sea terms"))
            for i in range(6)
        ]
        + [("Say it", f"plain answer {i} of {THINGS[i]}", "EEEEE", "negative", "text", -1) for i in range(6)],
        columns=["input", "output", "output_concept", "category", "concept_genre", "concept_id"],
    )
    upload(page, "train_data.parquet", write_parquet(frame))
    assert [box.value.replace("\\", "") for box in page.info] == [
        "AxBench data: 12 positives of 2 concepts and 6 shared negatives; for each concept the positives of the "
        "others count as negatives too."
    ]
    assert examples(page).label_names == ("dates and years", "sea terms")
    assert page.selectbox(key="examples_label").value == "dates and years"
    assert [metric.value for metric in page.metric] == ["6", "12"]


# -- columns ---------------------------------------------------------------------------------------------------------

MAPPED = csv_of(
    [
        (
            f"note {i}",
            f"How is the {THINGS[i % 6]} on {DAYS[i % 4]}?",
            f"Answer {i} about {DAYS[i % 4]}.",
            "yes" if i % 2 else "no",
            "ab"[i % 2],
            "xyz"[i % 3],
        )
        for i in range(48)
    ],
    ("remark", "question", "answer", "label", "other", "kind"),
)


def choose(app: AppTest, field: str, value: object) -> AppTest:
    app.selectbox(key=f"examples_map_{field}").set_value(value)
    return ran(app)


def test_the_guess_is_shown_and_can_be_changed(page):
    upload(page, "mapped.csv", MAPPED)
    value = {
        field: page.selectbox(key=f"examples_map_{field}").value
        for field in ("text", "prompt", "label", "style", "positive", "group")
    }
    no = examples_view._NO
    assert value == dict(text="answer", prompt="question", label="label", style="binary", positive=no, group=no)
    first = examples(page)
    assert first.prompts[0] == "How is the parrot on Monday?"

    choose(page, "text", "question")  # a column means one thing: the prompt lets go of it
    assert page.selectbox(key="examples_map_prompt").value == no
    assert examples(page).texts[0] == "How is the parrot on Monday?"

    choose(page, "text", "answer")
    choose(page, "label", "kind")
    assert page.selectbox(key="examples_map_style").value == "one_of_many"
    assert examples(page).label_names == ("x", "y", "z")

    choose(page, "label", "other")
    assert examples(page).label_names == ("a", "b")
    assert "read as two labels" in text_of(page)
    choose(page, "style", "binary")
    assert examples(page).label_names == ("a",)
    choose(page, "positive", "b")
    assert examples(page).label_names == ("b",)
    assert state(page, "label") == "b"
    assert list(examples(page).labels[:2, 0]) == [False, True]


def test_a_mapping_that_does_not_fit_says_so_and_changes_nothing(page):
    upload(page, "mapped.csv", MAPPED)
    before = state(page, "examples_id")
    choose(page, "text", "label")
    assert "mapped twice" in errors(page)
    assert state(page, "examples_id") == before
    assert button(page, "find_features").disabled
    choose(page, "text", "answer")
    assert errors(page) == ""
    assert state(page, "examples_id") is not None
    assert not button(page, "find_features").disabled


def test_a_concept_can_be_given_a_name(page):
    upload(page, "ships.csv", GOOD)
    page.text_input(key="examples_label_name").set_value("pirate speech")
    ran(page)
    assert examples(page).label_names == ("pirate speech",)
    assert state(page, "label") == "pirate speech"


def test_several_labels_per_row_and_their_separator(page):
    rows = [(f"Text {i} on the {THINGS[i % 6]}", "red / round" if i % 3 else "round") for i in range(24)]
    rows += [(f"Plain {i} of the {THINGS[i % 6]}", "") for i in range(12)]
    upload(page, "several.csv", csv_of(rows, ("text", "labels")))
    choose(page, "style", "several")
    choose(page, "separator", "/")
    assert examples(page).label_names == ("red", "round")
    assert editor(page)["label"].map(list).tolist()[:2] == [["round"], ["red", "round"]]


# -- label -----------------------------------------------------------------------------------------------------------


def test_the_label_to_look_for_is_chosen_and_its_sides_are_counted(page):
    rows = [(f"Text {i} on the {THINGS[i % 6]}", ("none", "joy", "joy", "anger")[i % 4]) for i in range(40)]
    upload(page, "emotions.csv", csv_of(rows, ("text", "emotion")))
    choice = page.selectbox(key="examples_label")
    assert choice.options == ["anger", "joy", "none"]
    assert state(page, "label") == "anger"
    choice.set_value("joy")
    ran(page)
    assert state(page, "label") == "joy"
    assert [metric.value for metric in page.metric] == ["20", "20"]


def test_the_first_label_is_not_the_absence_of_one():
    import numpy as np

    labels = np.eye(2, dtype=bool)[np.arange(12) % 2]
    made = LabelledExamples.from_rows("x", [f"text {i}" for i in range(12)], labels, ("none", "sadness"))
    assert drafts.first_label(made) == "sadness"


# -- table -----------------------------------------------------------------------------------------------------------


def test_edits_add_change_and_delete_rows_and_keep_the_columns_not_shown():
    draft = drafts.uploaded(MAPPED, "mapped.csv")
    rows = examples_view.editor_rows(draft)
    assert [name for name in rows if name != "check"] == ["row", "label", "text", "prompt"]
    rows.loc[0, "text"] = "Changed."
    rows = rows.drop(index=[1])
    new = {"row": None, "label": "yes", "text": "New.", "prompt": None, "check": None}
    blank = dict.fromkeys(new)
    rows = pd.concat([rows, pd.DataFrame([new, blank])], ignore_index=True)
    after = drafts.edited(draft, drafts.shown_columns(draft), rows)
    table = after.table.rows
    assert after.edited
    assert list(table.columns) == ["remark", "question", "answer", "label", "other", "kind"]
    assert len(table) == 48
    assert list(table.iloc[0]) == ["note 0", "How is the parrot on Monday?", "Changed.", "no", "a", "x"]
    assert list(table.iloc[1]) == ["note 2", *draft.table.rows.iloc[2][1:]]
    assert list(table.iloc[-1]) == ["", "", "New.", "yes", "", ""]
    assert after.examples_id != draft.examples_id


def test_labels_edited_as_chips_are_joined_again():
    rows = [(f"Text {i} on {DAYS[i % 4]}", "red;round" if i % 2 else "round;big") for i in range(20)]
    rows += [(f"Plain {i} of {DAYS[i % 4]}", "") for i in range(10)]
    draft = drafts.uploaded(csv_of(rows, ("text", "labels")), "several.csv")
    shown = examples_view.editor_rows(draft)
    shown.at[0, "label"] = ["red", "big"]
    shown.at[1, "label"] = None
    after = drafts.edited(draft, drafts.shown_columns(draft), shown)
    assert list(after.table.rows["labels"][:3]) == ["red;big", "", "round;big"]


def test_deleting_every_row_is_refused_in_words():
    from steering.errors import ExamplesError

    draft = drafts.uploaded(GOOD, "ships.csv")
    with pytest.raises(ExamplesError, match="no rows"):
        drafts.edited(draft, drafts.shown_columns(draft), examples_view.editor_rows(draft).iloc[:0])


# -- paste -----------------------------------------------------------------------------------------------------------


def paste(app: AppTest, positives: str, negatives: str, label: str = "") -> AppTest:
    source(app, "paste")
    app.text_area(key="examples_positives").set_value(positives)
    app.text_area(key="examples_negatives").set_value(negatives)
    app.text_input(key="examples_paste_label").set_value(label)
    button(app, "examples_paste").click()
    return ran(app)


def test_pasted_texts_become_examples(page):
    paste(page, "\n".join(t for t, _ in ROWS[:24]), "\n".join(t for t, _ in ROWS[24:]), "pirate speech")
    assert examples(page).label_names == ("pirate speech",)
    assert examples(page).n == 48
    assert state(page, "examples_title") == "Pasted: pirate speech · 48 examples"


def test_one_side_pasted_says_so_and_changes_nothing(page):
    upload(page, "ships.csv", GOOD)
    before = state(page, "examples_id")
    paste(page, "Arr!", "")
    assert "No negative examples were pasted" in errors(page)
    assert state(page, "examples_id") == before
    assert page.text_area(key="examples_positives").value == "Arr!"


# -- embedded world --------------------------------------------------------------------------------------------------


def take_concept(app: AppTest, name: str) -> AppTest:
    app.get("pills")[0].set_value(name)
    return ran(app)


def test_one_click_on_a_concept_makes_a_usable_set(page):
    take_concept(page, "pirate")
    assert examples(page).n == 144
    assert examples(page).label_names == ("pirate",)
    assert state(page, "label") == "pirate"
    assert "never seen text like yours" not in text_of(page)
    assert not button(page, "find_features").disabled


def test_count_and_seed_make_other_sets(page):
    take_concept(page, "pirate")
    first = state(page, "examples_id")
    page.slider(key="examples_count").set_value(24)
    ran(page)
    assert examples(page).n == 48
    page.number_input(key="examples_seed").set_value(3)
    ran(page)
    page.number_input(key="examples_seed").set_value(0)
    ran(page)
    page.slider(key="examples_count").set_value(72)
    ran(page)
    assert state(page, "examples_id") == first


def test_all_concepts_at_once_offer_every_label(page):
    from steering.world.concepts import concepts

    take_concept(page, "*")
    assert set(examples(page).label_names) == {concept.name for concept in concepts()}
    assert set(page.selectbox(key="examples_label").options) == {concept.title for concept in concepts()}


def test_a_file_takes_the_mark_off_the_concept_and_undo_brings_it_back(page):
    take_concept(page, "pirate")
    world = state(page, "examples_id")
    upload(page, "ships.csv", GOOD)
    assert "never seen text like yours" in text_of(page)
    source(page, "world")
    assert page.get("pills")[0].value is None
    button(page, "examples_back").click()
    ran(page)
    assert state(page, "examples_id") == world
    assert page.get("pills")[0].value == "pirate"


def test_the_marked_concept_is_the_one_on_the_screen(page):
    take_concept(page, "pirate")
    take_concept(page, "formal")
    button(page, "examples_back").click()
    ran(page)
    assert page.get("pills")[0].value == "pirate"
    assert examples(page).label_names == ("pirate",)


def test_with_another_model_there_is_no_note(open_alone):
    app = open_alone(PAGE, model="gpt2")
    upload(app, "ships.csv", GOOD)
    assert "never seen text like yours" not in text_of(app)


# -- the session -----------------------------------------------------------------------------------------------------


def test_everything_is_there_again_after_another_page(open_app):
    app = open_app(PAGE)
    rows = [(f"Text {i} on the {THINGS[i % 6]}", ("none", "joy", "joy", "anger")[i % 4]) for i in range(40)]
    upload(app, "emotions.csv", csv_of(rows, ("text", "emotion")))
    app.selectbox(key="examples_label").set_value("joy")
    ran(app)
    before = state(app, "examples_id")
    app.switch_page("app.py").run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert state(app, "examples_id") == before
    assert app.segmented_control(key="examples_source").value == "upload"
    assert app.selectbox(key="examples_label").value == "joy"
    assert app.selectbox(key="examples_map_label").value == "emotion"
    assert list(editor(app)["text"]) == [text for text, _ in rows]


def test_pasted_words_wait_while_one_looks_elsewhere(open_app):
    app = open_app(PAGE)
    source(app, "paste")
    app.text_area(key="examples_positives").set_value("Arr!")
    ran(app)
    source(app, "upload")
    app.switch_page("app.py").run()
    app.switch_page(PAGE).run()
    source(app, "paste")
    assert app.text_area(key="examples_positives").value == "Arr!"


def test_examples_that_another_page_put_in_use_are_shown_and_stay_as_they_are(open_alone):
    made = drafts.uploaded(MAPPED, "mapped.csv").examples
    runtime.store.put("examples", made.fingerprint, made)
    app = open_alone(PAGE, examples_id=made.fingerprint, examples_title="Sample", label=made.label_names[0])
    assert not app.exception
    assert list(editor(app)["text"]) == list(made.texts)
    assert state(app, "examples_id") == made.fingerprint
    assert state(app, "examples_title") == "Sample"
    shown = state(app, "examples.shown")
    assert state(ran(app), "examples.shown") == shown, "one draft, not a new one with every run"
    assert not button(app, "find_features").disabled


def test_examples_that_the_server_forgot_leave_an_empty_page(open_alone):
    app = open_alone(PAGE, examples_id="gone", examples_title="Old")
    assert not app.exception
    assert "No examples yet" in text_of(app)


def test_drafts_do_not_pile_up(page):
    for i in range(6):
        upload(page, f"file{i}.csv", GOOD + f'\n"More {i}",1'.encode())
    assert len(runtime.store.ids("examples_draft")) <= 3


def test_the_length_histogram_counts_every_text_once():
    draft = drafts.uploaded(GOOD, "ships.csv")
    bins, unit = examples_view.length_bins(draft.examples, draft.examples.label_names[0])
    assert unit == "Words"
    for _, side in bins.groupby("class"):
        assert side["n"].iloc[:-1].sum() == 24  # the last line only draws the right end
        assert side["share"].iloc[:-1].sum() == pytest.approx(1.0)
