"""How does one talk with the untouched and the steered model at once? Each pane goes on from its own answers."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from steering.errors import SteeringError
from steering.jobs import JobState
from steering.presets import is_world_model
from steering.prompting import suggested_prompts
from ui import work
from ui.completions import finished_view, streaming_view
from ui.controls import Ask, Strength, feature_swatches, strength_controls, turn_controls
from ui.errors import boundary
from ui.job_panel import job_panel
from ui.palette import NEGATIVE, feature_colour
from ui.state import chosen, set_job
from ui.study_panel import study_panel
from ui.text import plain

if TYPE_CHECKING:
    from steering.workbench import RankingRun

LONGEST = 2000
"""Characters of one turn."""


def conversation_view(run: "RankingRun", features: tuple[int, ...]) -> None:
    """Controls at the left; at the right the turns so far, both answers to each, and the input to go on."""
    controls, answers = st.columns([2, 3], gap="large")
    strength: Strength | None = None
    with controls, boundary("This cannot be written"):
        strength = strength_controls(run, features)
        ask = turn_controls(key="steer")
        st.caption("Settings may change from turn to turn; the receipt of each answer has its own.")
    with answers:
        st.markdown(feature_swatches(features))
        _about(run)
        turns = st.container()
        if strength is not None:
            with boundary("This cannot be answered"):
                _say(strength, ask)
        with turns:
            _turns()


def _about(run: "RankingRun") -> None:
    if is_world_model(chosen.model):
        st.caption(
            ":orange[:material/info:] This small model was trained on single questions. It reads the turns before, but "
            "nobody taught it to follow up on them."
        )
    elif not run.chat.has_template:
        st.caption(":orange[:material/info:] This model has no chat template: it reads the turns as lines of one text.")


def _turns() -> None:
    """The turns that are answered, and the one that is being."""
    colours = (NEGATIVE, feature_colour(0))
    job = work.latest("converse")
    writing: work.Request | None = work.request_of("converse") if job is not None and job.active else None
    if job is not None and writing is None:
        job_panel(job, key="converse_job")
        if job.state is JobState.FAILED:
            _kept(work.request_of("converse").ask.prompts[0])
    done = work.taken("converse")
    answered = writing.earlier if writing is not None else (*done.request.earlier, done) if done is not None else ()
    if done is not None and writing is None:
        study_panel("converse")
    diff = bool(answered) and st.toggle(
        "Mark what changed", key="steer_diff", value=True, persist_state="session",
        help="Against the baseline's answer of the same turn.",
    )  # fmt: skip
    for place, turn in enumerate(answered):
        finished_view(turn, colours, key=f"turn_{place}", diff=diff)
    if job is not None and writing is not None:
        streaming_view(job, writing, colours, key="converse")


def _say(strength: Strength, ask: Ask) -> None:
    """The input, and what can be done with the last turn."""
    job = work.latest("converse")
    done = None if job is not None and job.active else work.taken("converse")
    earlier: tuple[work.Generated, ...] = () if done is None else (*done.request.earlier, done)
    said: str | None = None
    if done is None and (job is None or not job.active):
        st.caption("Say something, or begin with one of these:")
        with st.container(gap=None):
            for place, prompt in enumerate(suggested_prompts(chosen.model)):
                key = f"converse_suggestion_{place}"
                if st.button(plain(prompt), key=key, type="tertiary", icon=":material/chat:"):
                    said = prompt
    if done is not None:
        with st.container(horizontal=True, gap="small"):
            if st.button("Answer again", key="converse_again", icon=":material/refresh:"):
                said, earlier = done.prompts[0], done.request.earlier
            with st.popover("Edit", icon=":material/edit:", key="converse_edit"):
                text = st.text_area(
                    "Your last turn", done.prompts[0], key=f"converse_text_{chosen.conversation_id}", max_chars=LONGEST
                )
                if st.button("Answer this instead", key="converse_edited", type="primary", disabled=not text.strip()):
                    said, earlier = text, done.request.earlier
            st.button("Start over", key="converse_over", icon=":material/restart_alt:", on_click=_start_over)
    typed = st.chat_input(
        "Say something to both" if done is None else "Go on with both", key="converse_say", max_chars=LONGEST,
        disabled=job is not None and job.active,
    )  # fmt: skip
    if typed and typed.strip():
        said = typed
    if said is not None:
        wanted = replace(ask, prompts=(said.strip(),))
        try:
            work.start_turn(strength, _another_draw(wanted, strength, earlier, done), earlier)
        except SteeringError:
            _kept(said)
            raise
        st.rerun()


def _kept(said: str) -> None:
    """What was said and not answered: the input is empty by now, and nothing typed may be lost."""
    st.caption("You said, with a button to copy it:")
    st.code(said, language=None, wrap_lines=True, height=min(300, 60 + 20 * (len(said) // 60)))


def _another_draw(
    wanted: Ask, strength: Strength, earlier: "tuple[work.Generated, ...]", done: "work.Generated | None"
) -> Ask:
    """The same question under the same settings is answered under the next seed, or the words would be the same."""
    if done is None:
        return wanted
    last = done.request
    same = last.earlier == earlier and last.settings == strength and replace(last.ask, draw=0) == wanted
    return replace(wanted, draw=last.ask.draw + 1) if same else wanted


def _start_over() -> None:
    job = work.latest("converse")
    if job is not None:
        job.cancel()
    set_job("converse", None)
    chosen.conversation_id = None
