"""Shared pieces of the screens: state, errors, job panel, heatmap and completion data, charts, text."""

import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.errors import SteeringError
from steering.jobs import JobState, Progress, Snapshot
from steering.report.methods import cut_interval
from steering.report.receipts import moved_nothing
from ui import charts
from ui.compare_view import difference_text, interval_text
from ui.controls import start_factor
from ui.heatmap import TokenSelection, _selection, heatmap_data
from ui.job_panel import headline, measure
from ui.palette import FEATURE_COLOURS, checked, feature_colour
from ui.text import counted, duration, plain
from ui.tokens import completion_data, mark_changes

SOON = 10.0


@pytest.fixture
def manager():
    """The process's queue, without the torch settings of its workers."""
    jobs = runtime.jobs()
    jobs._on_worker_start = None
    return jobs


# -- state ---------------------------------------------------------------------------------------------------------


def test_a_new_choice_takes_away_what_followed_from_the_old_one():
    def page():
        import streamlit as st

        from ui.state import chosen, toggle_feature

        chosen.examples_id = "e1"
        chosen.label = "weather"
        chosen.ranking_id = "r1"
        for feature_id in (5, 6, 7, 8):
            assert toggle_feature(feature_id)
        assert not toggle_feature(9)
        assert toggle_feature(6)
        st.text(f"{chosen.features} {chosen.ranking_id} {chosen.label}")
        chosen.examples_id = "e1"
        st.text(f"{chosen.features} {chosen.ranking_id} {chosen.label}")
        chosen.label = "food"
        st.text(f"{chosen.features} {chosen.ranking_id} {chosen.label} {chosen.examples_id}")
        chosen.ranking_id = "r2"
        chosen.features = (1,)
        chosen.comparison_id = "c"
        chosen.model = "gpt2"
        st.text(f"{chosen.features} {chosen.ranking_id} {chosen.comparison_id} {chosen.label} {chosen.examples_id}")

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert [text.value for text in app.text] == [
        "(5, 7, 8) r1 weather",
        "(5, 7, 8) r1 weather",
        "() None food e1",
        "() None None food e1",
    ]


def test_the_owner_is_one_per_session_and_jobs_are_remembered_by_kind():
    def page():
        import streamlit as st

        from ui.state import is_news, job_id, owner, set_job

        if job_id("lora") is None:
            set_job("lora", "abc")
        st.text(owner())
        st.text(str(job_id("lora")))
        st.text(str(is_news("table", 3)))

    one, two = AppTest.from_function(page).run(), AppTest.from_function(page).run()
    first = one.text[0].value
    one.run()
    assert one.text[0].value == first
    assert two.text[0].value != first
    assert one.text[1].value == "abc"
    assert one.text[2].value == "False", "the second time it is an echo"
    assert two.text[2].value == "True"


# -- errors --------------------------------------------------------------------------------------------------------


def test_the_boundary_shows_a_users_error_and_goes_on():
    def page():
        import streamlit as st

        from steering.errors import ExamplesError
        from ui.errors import boundary

        with boundary("Not read"):
            raise ExamplesError("Row 3: label '![x](http://evil.example)' is not one of 0, 1.")
        st.text("after")

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.error[0].value.startswith(r"Row 3\:")
    assert r"\!\[x\]\(" in app.error[0].value
    assert app.text[0].value == "after"


def test_the_boundary_lets_a_bug_through():
    def page():
        from ui.errors import boundary

        with boundary():
            raise KeyError("bug")

    assert AppTest.from_function(page).run().exception


# -- text ----------------------------------------------------------------------------------------------------------


def test_words_for_numbers():
    assert (counted(1, "example"), counted(1200, "example"), counted(2, "entry", "entries")) == (
        "1 example",
        "1,200 examples",
        "2 entries",
    )
    assert [duration(s) for s in (0.4, 59.4, 60, 125, 4200)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "2 min 05 s",
        "1 h 10 min",
    ]
    assert plain("a_b *c* [d](e)") == r"a\_b \*c\* \[d\]\(e\)"


# -- job panel -----------------------------------------------------------------------------------------------------


def panel_page():
    import streamlit as st

    from ui.job_panel import job_panel

    job = job_panel(st.session_state.get("job"), key="panel")
    st.text("none" if job is None else str(job.state))


def test_the_panel_follows_a_job_to_its_end(manager):
    half, go = threading.Event(), threading.Event()

    def work(job):
        job.tick(64, 128, "Reading", unit="tokens")
        half.set()
        assert go.wait(SOON)
        return "result"

    app = AppTest.from_function(panel_page)
    assert app.run().text[0].value == "none"
    job = manager.submit(work, title="Ranking *features*", owner="me")
    assert half.wait(SOON)
    app.session_state["job"] = job.id
    app.run()
    assert not app.exception
    assert r"**Ranking \*features\***" in app.markdown[0].value
    assert "64 of 128 tokens" in app.markdown[0].value
    assert app.button(key="panel_cancel").label == "Cancel"
    go.set()
    assert job.wait(SOON)
    app.run()
    assert [text.value for text in app.text] == ["done"]
    assert not app.button
    assert not app.markdown


def test_cancel_on_the_panel_cancels(manager):
    started = threading.Event()

    def work(job):
        started.set()
        while True:
            job.check()

    job = manager.submit(work, title="Training", owner="me")
    assert started.wait(SOON)
    app = AppTest.from_function(panel_page)
    app.session_state["job"] = job.id
    app.run()
    app.button(key="panel_cancel").click().run()
    assert job.wait(SOON)
    assert job.state is JobState.CANCELLED
    app.run()
    assert "Training was stopped" in app.info[0].value


def test_a_failed_job_says_why_and_a_bug_shows_its_traceback(manager):
    def mistake(job):
        raise SteeringError("Only positives: add negatives.")

    def bug(job):
        raise ZeroDivisionError

    for work, shown, expanders in ((mistake, "Only positives", 0), (bug, "bug in Steerscope", 1)):
        job = manager.submit(work, title="Ranking", owner="me")
        assert job.wait(SOON)
        app = AppTest.from_function(panel_page)
        app.session_state["job"] = job.id
        app.run()
        assert shown in app.error[0].value
        assert len(app.expander) == expanders


def test_the_panels_words():
    progress = Progress(12300, 25600, "Reading", "tokens", 3400.0, 4.0, 3.6)
    assert measure(progress) == "Reading · 12,300 of 25,600 tokens · 3,400 tokens/s · 4 s left"
    assert measure(Progress(3, None, "", "steps", 0.5)) == "3 steps · 0.5 steps/s"
    assert headline(Snapshot(JobState.QUEUED, Progress(), 0, None)) == "Starting…"
    assert headline(Snapshot(JobState.QUEUED, Progress(), 1, None)) == "Waiting: 1 job ahead of you"
    assert headline(Snapshot(JobState.RUNNING, Progress(), 0, None)) == "Working…"


# -- heatmap -------------------------------------------------------------------------------------------------------

ROW = {"tokens": ["a", " b", " c", " d", " e"], "values": [0.0, 1.0, 4.0, float("nan"), 0.5], "label": "positive"}


def test_heatmap_data_is_json_with_nothing_but_finite_numbers():
    data = heatmap_data([{**ROW, "score": 4.0, "title": "row 1"}], max_value=8.0, colour="#2F74D0")
    json.dumps(data, allow_nan=False)
    row = data["rows"][0]
    assert row["values"] == [0.0, 1.0, 4.0, 0.0, 0.5]
    assert (row["peak"], row["score_text"], row["score_share"], row["offset"]) == (2, "max 4.00", 0.5, 0)
    assert data["colour"] == "#2f74d0"
    assert data["tint"] <= 0.6


def test_a_window_keeps_the_strongest_token_and_its_place():
    row = heatmap_data([ROW], max_value=4.0, window=1)["rows"][0]
    assert row["tokens"] == [" b", " c", " d"]
    assert (row["offset"], row["peak"], row["cut_before"], row["cut_after"]) == (1, 1, True, True)
    silent = heatmap_data([{**ROW, "values": [0.0] * 5}], max_value=4.0, window=1)["rows"][0]
    assert (silent["tokens"], silent["peak"]) == (["a", " b"], -1)


def test_equal_rows_are_not_rebuilt_and_other_rows_are():
    one, same, other = (heatmap_data([ROW], max_value=m) for m in (4.0, 4.0, 5.0))
    assert one["sig"] == same["sig"] != other["sig"]


def test_a_selection_counts_only_for_its_rows_and_in_the_whole_text():
    data = heatmap_data([ROW], max_value=4.0, window=1)
    sig = data["sig"]
    assert _selection({"row": 0, "token": 1, "sig": sig}, data) == TokenSelection(0, 2)
    for state in (
        None,
        "x",
        {"row": 0, "token": 1, "sig": "old"},
        {"row": 1, "token": 0, "sig": sig},
        {"row": 0, "token": 3, "sig": sig},
        {"row": -1, "token": 0, "sig": sig},
        {"row": "0", "token": 0, "sig": sig},
        {"sig": sig},
    ):
        assert _selection(state, data) is None


@pytest.mark.parametrize("top", [0.0, -1.0, float("nan"), float("inf")])
def test_a_feature_that_never_fires_has_no_tint(top):
    assert heatmap_data([{**ROW, "values": [0.0] * 5, "score": 0.0}], max_value=top)["max_value"] == 0.0


def test_heatmap_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match="2 tokens and 1 values"):
        heatmap_data([{"tokens": ["a", "b"], "values": [1.0], "label": "positive"}], max_value=1.0)
    with pytest.raises(SteeringError, match="#rrggbb"):
        heatmap_data([ROW], max_value=1.0, colour="red;background:url(x)")


def test_the_selection_reaches_the_page():
    def page():
        import streamlit as st

        from ui.heatmap import heatmap

        row = {"tokens": ["a", " b"], "values": [0.0, 1.0], "label": "positive"}
        st.text(str(heatmap([row], max_value=1.0, key="heat")))

    row = {"tokens": ["a", " b"], "values": [0.0, 1.0], "label": "positive"}
    from ui.heatmap import heatmap_data as build

    sig = build([row], max_value=1.0, label="Activation of each token", empty="No example to show.")["sig"]
    app = AppTest.from_function(page)
    assert app.run().text[0].value == "None"
    app.session_state["heat"] = {"selected": {"row": 0, "token": 1, "sig": sig}}
    app.run()
    assert not app.exception
    assert app.text[0].value == "TokenSelection(row=0, token=1)"


# -- completion ----------------------------------------------------------------------------------------------------


def test_changed_tokens_are_those_outside_the_common_runs():
    base = ["The", " sky", " is", " blue", "."]
    assert mark_changes(base, base) == [False] * 5
    assert mark_changes(base, ["The", " sky", " looks", " grey", "."]) == [False, False, True, True, False]
    assert mark_changes(base, []) == []
    assert mark_changes([], ["a"]) == [True]


def test_completion_data_is_plain_json():
    data = completion_data([{"text": " a", "top": [(" a", 0.5), ("b", float("nan"))], "changed": True}, {"text": "b"}])
    json.dumps(data, allow_nan=False)
    assert data["tokens"] == [
        {"text": " a", "top": [[" a", 0.5]], "changed": True},
        {"text": "b", "top": [], "changed": False},
    ]


# -- colours and charts --------------------------------------------------------------------------------------------


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", FEATURE_COLOURS)
def test_feature_colours_are_seen_on_both_backgrounds(colour):
    assert checked(colour) == colour
    for background in ("#ffffff", "#0f1216"):
        assert _contrast(colour, background) > 3.5


def test_the_fifth_feature_takes_the_first_colour_again():
    assert feature_colour(4) == feature_colour(0)


def test_the_scatter_marks_chosen_and_current_features():
    figure = charts.reads_writes([10, 11, 12], [0.9, 0.8, 0.7], [0.1, 0.2, 0.3], chosen=[12], current=11)
    (trace,) = figure.data
    assert list(trace.customdata) == [10, 11, 12]
    assert list(trace.text) == ["", "#11", "#12"]
    assert trace.marker.color[2] == FEATURE_COLOURS[0]
    assert list(trace.marker.line.width) == [0, 2.5, 0]


def test_hover_text_is_inert():
    figure = charts.reads_writes([1], [0.5], [0.5], hints=["<a href='x'>%{x}</a>"])
    assert figure.data[0].hovertext[0] == "&lt;a href='x'&gt;% {x}&lt;/a&gt;"


def test_other_figures_hold_their_data():
    histogram = charts.histogram_by_class([3.0, 4.0], [0.0, 1.0, 2.0], tau=2.5)
    assert [trace.name for trace in histogram.data] == ["negative (3)", "positive (2)"]
    assert histogram.layout.shapes[0].x0 == 2.5
    assert charts.histogram_by_class([], []).data[0].x == ()
    dose = charts.dose_curve([0, 1], {"concept": [0, 1], "fluency": [2, 1]}, safe=(0.2, 0.8), current=0.5)
    assert [trace.line.dash for trace in dose.data] == ["solid", "dash"]
    assert len(dose.layout.shapes) == 2
    loss = charts.loss_curve([1, 2], [3.0, 2.0], heldout_steps=[2], heldout_losses=[2.5], best_step=2)
    assert [trace.name for trace in loss.data] == ["training", "held out"]


# -- strength, scores, completions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_act", "resid_norm", "factor"),
    [(18.0, 10.0, 0.2), (10.0, 10.0, 0.4), (1.0, 10.0, 4.0), (0.1, 10.0, 5.0), (1000.0, 10.0, 0.05), (0.0, 10.0, 1.0)],
)
def test_a_factor_starts_at_two_fifths_of_the_residual_norm(max_act, resid_norm, factor):
    assert start_factor(max_act, resid_norm) == pytest.approx(factor)


def test_an_edit_that_moved_nothing_says_so_and_why():
    def completion(mode, moved, *, prompt=2, answer=3):
        edited = {"positions_edited_prompt": prompt, "positions_edited_generated": answer}
        return SimpleNamespace(receipt=SimpleNamespace(mode=mode, positions_moved=moved, **edited))

    assert moved_nothing(completion(None, 0)) is None, "nothing was asked for"
    assert moved_nothing(completion("add", 3)) is None
    assert "never fires" in moved_nothing(completion("ablate", 0))
    assert "that strong already" in moved_nothing(completion("min_clamp", 0))
    for mode in ("add", "clamp", "min_clamp", "scale", "ablate"):
        assert moved_nothing(completion(mode, 0, prompt=0, answer=0)) == "Nothing was changed: no position was written."


def test_scores_show_their_uncertainty_within_the_scale_and_not_where_there_is_none():
    scores = np.array([[2.0], [2.0], [1.5], [2.0], [2.0]])
    assert interval_text(cut_interval(scores, 0.0, 2.0)) == "1.62 – 2.00"
    assert interval_text(cut_interval(scores[:2], 0.0, 2.0)) == "–"
    assert interval_text(cut_interval(np.ones((5, 1)), 0.0, 2.0)) == "–"

    def summary(gap):
        return SimpleNamespace(difference=float(gap.mean()), difference_interval=cut_interval(gap, -2.0, 2.0))

    assert difference_text(summary(scores - 1)) == "+0.90 (+0.62 to +1.18)"
    assert difference_text(summary(np.zeros((5, 1)))) == "+0.00"


def test_a_receipt_shows_names_of_strangers_as_they_are():
    def page() -> None:
        from dataclasses import replace

        from tests.drawn_study import drawn_completion
        from ui.completions import receipt_popover

        drawn = drawn_completion(1, "Why?", "So.")
        receipt_popover(replace(drawn, receipt=replace(drawn.receipt, adapter="[free](https://x.example)")), "one")

    app = AppTest.from_function(page).run()
    assert not app.exception
    names, texts = app.table[0].value.iloc[:, 0].tolist(), app.table[0].value.iloc[:, 1].tolist()
    assert texts[names.index("adapter")] == plain("[free](https://x.example)")
    assert "versions" in names
