"""Screen 4: baseline, plain prompt, DiffMean, SAE and LoRA on the same prompts and seeds, with numbers beside."""

import streamlit as st

from steering.prompting import suggested_prompts
from ui import compare_view, equal_dose, export_panel, left_out, run_rail, work
from ui.completions import finished_view, streaming_view
from ui.controls import ask_controls
from ui.errors import boundary
from ui.frame import STEPS, empty_state, open_page, renew_note
from ui.gallery_view import story_note
from ui.job_panel import job_panel
from ui.pair_before import refusal_panel
from ui.recipe_opening import open_recipe
from ui.recipe_panel import comparison_panel
from ui.state import chosen
from ui.study_panel import open_linked, study_panel

open_page(
    "Compare",
    lead="The same prompts and seeds under every method, all made from the same examples.",
)
open_linked()
story_note("compare")

open_recipe("compare")
left_out.show()
run = work.ranking_run()
if run is None or chosen.label is None:
    if not refusal_panel(key="compare"):
        empty_state("Find features first.", STEPS[1].page, "Go to Features")
    st.stop()
if not chosen.features:
    empty_state("Choose the features to compare with.", STEPS[2].page, "Go to Steer")
    st.stop()

label = chosen.label
methods, question = st.columns([3, 2], gap="large")
plan: compare_view.Plan | None = None
wanted: work.Request | None = None
equal_dose.take_matched(run)
with methods, boundary("These methods cannot be compared"):
    plan = compare_view.method_controls(run, label)
    equal_dose.dose_controls(run, label, plan)
if plan is None:
    st.stop()
with question, boundary("This cannot be asked"):
    ask = ask_controls(suggested_prompts(chosen.model, 10, split="test"), key="compare")
    wanted = work.comparison_request(plan, ask)
    pressed = st.button("Compare", key="compare", type="primary", icon=":material/play_arrow:", shortcut="ctrl+enter")
    if equal_dose.cleared(pressed, run, label, plan):
        work.start_comparison(plan, ask, label, run)
    comparison_panel(run, label, plan, ask)

job = work.latest("compare")
if job is not None and job.active:
    request: work.Request = work.request_of("compare")
    streaming_view(job, request, compare_view.colours(request.titles), key="compare")
else:
    job_panel(job, key="compare_job")
    done = work.taken("compare")
    if done is None:
        st.info("Press Compare: every method answers the same prompts, side by side.", icon=":material/info:")
    else:
        if wanted is not None and done.request != wanted:
            renew_note("Compare")
        study_panel("compare")
        compare_view.score_table(done)
        equal_dose.dose_table(done)
        with st.container(horizontal=True, vertical_alignment="center"):
            diff = st.toggle("Mark what differs from the baseline", key="compare_diff", persist_state="session")
            export_panel.report_download(done, run, label)
        finished_view(done, compare_view.colours(done.titles), key="compared", diff=diff)
with question:
    run_rail.rail("compare")
