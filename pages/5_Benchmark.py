"""Screen 5: which method steers best, by how much, how surely? Stored results, runs of one's own, and new ones."""

import streamlit as st

from ui.errors import boundary
from ui.frame import open_page

VIEWS = {
    "board": ":material/leaderboard: Leaderboard",
    "concepts": ":material/show_chart: Concepts",
    "answers": ":material/notes: Answers",
    "origin": ":material/fingerprint: Origin",
    "new": ":material/play_arrow: New run",
}


def screen() -> None:
    """Everything below the heading. What it needs takes seconds to import, which the heading does not wait for."""
    with st.spinner("Opening the results"):
        from steering.benchmark.runs import Run
        from ui import benchmark_job
        from ui.benchmark_answers import answers_view
        from ui.benchmark_board import board_view
        from ui.benchmark_choice import choice_controls, view_choice
        from ui.benchmark_curves import curves_view
        from ui.benchmark_origin import origin_note, origin_view
        from ui.benchmark_source import has_rows, source_choice, sources, unfinished_note
        from ui.benchmark_start import start_panel

    found = sources()
    source = source_choice(found)
    benchmark_job.job_panels()
    if source is None:
        st.info("No result yet: start a run. A first look takes minutes.", icon=":material/info:")
        start_panel(found)
        return
    view = view_choice(VIEWS)
    if view == "new":
        start_panel(found)
        return

    if isinstance(source, Run):
        benchmark_job.resume_panel(source)
    with boundary("This result cannot be shown"):
        origin_note(source)
        if view == "origin":
            unfinished_note(source)
            origin_view(source)
        elif has_rows(source):
            unfinished_note(source)
            choice = choice_controls(source, comparing=view != "answers")
            if view == "board":
                board_view(source, choice)
            elif view == "concepts":
                curves_view(source, choice)
            else:
                answers_view(source, choice)


open_page("Benchmark", lead="Which method steers best, by how much, how surely? AxBench's protocol on every concept.")
screen()
