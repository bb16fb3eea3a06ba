"""Screen 5: which method steers best, by how much, how surely? Stored results, runs of one's own, and new ones."""

import streamlit as st

from steering.benchmark.runs import Run
from ui import benchmark_job
from ui.benchmark_answers import answers_view
from ui.benchmark_board import board_view
from ui.benchmark_choice import choice_controls
from ui.benchmark_curves import curves_view
from ui.benchmark_origin import origin_view
from ui.benchmark_source import needs_rows, source_choice, sources, unfinished_note
from ui.benchmark_start import start_panel
from ui.errors import boundary
from ui.frame import open_page

VIEWS = {
    "board": ":material/leaderboard: Leaderboard",
    "concepts": ":material/show_chart: Concepts and doses",
    "answers": ":material/notes: Answers side by side",
    "origin": ":material/fingerprint: Origin and downloads",
}

open_page("Benchmark", lead="Which method steers best, by how much, how surely? AxBench's protocol on every concept.")

found = sources()
source = source_choice(found)
benchmark_job.job_panels()
with st.expander("Start a run", expanded=source is None, icon=":material/play_arrow:", key="benchmark_new"):
    start_panel(found)
if source is None:
    st.info("No result yet: start a run, a first look takes minutes.", icon=":material/info:")
    st.stop()

if isinstance(source, Run):
    benchmark_job.resume_panel(source)
unfinished_note(source)
with boundary("This result cannot be shown"):
    needs_rows(source)
    choice = choice_controls(source)
    view = st.segmented_control(
        "View", list(VIEWS), format_func=VIEWS.__getitem__, default="board", required=True, key="benchmark_view",
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    if view == "board":
        board_view(source, choice)
    elif view == "concepts":
        curves_view(source, choice)
    elif view == "answers":
        answers_view(source, choice)
    else:
        origin_view(source)
