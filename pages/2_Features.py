"""Screen 2: which features carry the concept, on which tokens, and how sure is that?"""

import streamlit as st

from ui import labels_view, ranking_view, work
from ui.errors import boundary
from ui.feature_view import feature_panel
from ui.frame import STEPS, empty_state, next_step, open_page, renew_note
from ui.history import undo_buttons
from ui.job_panel import job_panel
from ui.pair_before import refusal, refusal_panel
from ui.state import chosen
from ui.text import plain

open_page("Features", lead="Which features carry the concept, on which tokens, how surely?")

if labels_view.view_choice() == "labels":
    labels_view.labels_view()
    st.stop()

examples = work.examples()
if examples is None or chosen.label is None:
    empty_state("Bring examples of a concept first.", STEPS[0].page, "Go to Examples")
    st.stop()

ranking_view.label_choice(examples)
label = chosen.label
positive = int(examples.label(label).sum())
with st.container(horizontal=True, vertical_alignment="center", key="ranking_bar"):
    st.markdown(f"**{plain(label)}** · {positive} with, {examples.n - positive} without")
    settings = ranking_view.settings_controls()
    again = st.button("Rank features", key="rank", icon=":material/play_arrow:", type="secondary")

job = work.latest("ranking")
first_time = chosen.ranking_id is None and st.session_state.get("ranked_for") != (
    chosen.examples_id,
    label,
    chosen.model,
    chosen.sae,
)
if again or first_time:
    with boundary("The ranking could not start"):
        st.session_state["ranked_for"] = (chosen.examples_id, label, chosen.model, chosen.sae)
        job = work.start_ranking(settings)
        job.wait(0.3)
        if not job.active and refusal() is not None:
            st.rerun()  # the sidebar was drawn before
job_panel(job, key="ranking_job", show_error_when_failed=refusal() is None)  # a refusal is shown below
if job is not None and job.active:
    st.stop()
if ranking_view.take_result(job):
    st.rerun()

is_refused = refusal_panel(key="features")
run = work.ranking_run()
if run is None:
    if not is_refused:
        st.info("No ranking yet. Press “Rank features”.", icon=":material/info:")
    st.stop()
if label not in run.rankings:
    st.warning(plain(ranking_view.unrankable(run, label)), icon=":material/info:")
    st.stop()

ranking = run.rankings[label]
if ranking.settings != settings:
    renew_note("Rank features")
ranking_view.uncovered_note(run, label)
ranking_view.summary(ranking)
st.caption(f"Read at {plain(run.hook_module)} · SAE {plain(run.sae.rsplit('/', 1)[-1])} · π₀ {ranking.pi0:g}")
ranking_view.ranked_table(run, ranking)
plot, filters = st.columns([1, 1], gap="large")
with plot:
    ranking_view.scatter(ranking)
with filters:
    ranking_view.filter_steps(ranking)

if chosen.feature_id is not None:
    st.divider()
    undo_buttons(st.container(), key="features")
    with boundary("The feature could not be read"):
        feature_panel(run, ranking, chosen.feature_id)

next_step(
    STEPS[2].page,
    "Steer with the chosen features" if chosen.features else "Steer",
    ready=bool(chosen.features),
    why_not="Choose a feature first: “Steer with it”.",
    key="to_steer",
)
