"""Screen 3: boost or suppress the chosen features and read the answer beside the untouched one."""

import streamlit as st

from steering.prompting import suggested_prompts
from ui import left_out, run_rail, work
from ui.completions import finished_view, streaming_view
from ui.controls import ask_controls, feature_swatches, strength_controls
from ui.conversation import conversation_view
from ui.errors import boundary
from ui.feature_view import feature_picker
from ui.frame import STEPS, empty_state, next_step, open_page, renew_note
from ui.gallery_view import story_note
from ui.history import undo_buttons
from ui.job_panel import job_panel
from ui.moved_view import moved_view
from ui.pair_before import refusal_panel
from ui.palette import NEGATIVE, feature_colour
from ui.recipe_opening import open_recipe
from ui.recipe_panel import steering_panel
from ui.state import chosen
from ui.strength_view import strength_finder
from ui.study_panel import open_linked, study_panel

open_page("Steer", lead="Boost or suppress what you found. The untouched answer stands beside.")
open_linked()
story_note("steer")

open_recipe("steer")
left_out.show()
run = work.ranking_run()
if run is None or chosen.label is None:
    if not refusal_panel(key="steer"):
        empty_state("Find features first.", STEPS[1].page, "Go to Features")
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom", key="steer_choice"):
    feature_picker(run, chosen.label)
    undo = st.container(width="content")
if not chosen.features:
    undo_buttons(undo, key="steer")
    st.stop()

label, features = chosen.label, chosen.features
form = st.segmented_control(
    "Ask", ["Prompts", "Conversation"], default="Prompts", key="steer_form", required=True, persist_state="session",
    label_visibility="collapsed",
)  # fmt: skip
if form == "Conversation":
    undo_buttons(undo, key="steer")
    conversation_view(run, features)
    next_step(STEPS[3].page, "Compare with a prompt and LoRA", ready=True, why_not="", key="to_compare")
    st.stop()

controls, answers = st.columns([2, 3], gap="large")
wanted: work.Request | None = None
with controls, boundary("This cannot be written"):
    strength = strength_controls(run, features)
    strength_finder(run, label, strength)
    undo_buttons(undo, strength, key="steer")
    ask = ask_controls(suggested_prompts(chosen.model), key="steer")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Generate", key="generate", type="primary", icon=":material/play_arrow:", shortcut="ctrl+enter"
        )
        live = st.toggle("Whenever I change something", key="steer_live", persist_state="session")
    wanted = work.steering_request(strength, ask)
    steering_panel(run, label, strength, ask)
    if pressed or (live and wanted != work.request_of("steer")):
        work.start_steering(strength, ask, label)

colours = (NEGATIVE, feature_colour(0))
with answers:
    swatches = st.empty()
    job = work.latest("steer")
    if job is not None and job.active:
        streaming_view(job, work.request_of("steer"), colours, key="steer")
    else:
        job_panel(job, key="steer_job")
        done = work.taken("steer")
        if done is None:
            st.info("Press Generate: the baseline and the steered answer will stream here.", icon=":material/info:")
        else:
            if wanted is not None and done.request != wanted:
                renew_note("Generate")
            study_panel("steer")
            diff = st.toggle("Mark what changed", key="steer_diff", value=True, persist_state="session")
            finished_view(done, colours, key="steered", diff=diff)
            features = run_rail.shown("steer") or features
    swatches.markdown(feature_swatches(features))
with controls:
    run_rail.rail("steer")

if wanted is not None:
    moved_view(strength, ask, label)
next_step(STEPS[3].page, "Compare with a prompt and LoRA", ready=True, why_not="", key="to_compare")
