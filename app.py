"""The landing page: what Steerscope does, in which steps, and one click to begin."""

import streamlit as st

from ui import start
from ui.errors import boundary
from ui.frame import STEPS, open_page, page_link
from ui.gallery_view import cards
from ui.state import chosen

WHAT = {
    "Examples": "Upload or paste texts with and without your concept. A sample set is one click away.",
    "Features": "See which features of the model carry the concept, on which tokens, and how sure that is.",
    "Steer": "Boost or suppress them. The steered answer streams beside the untouched one.",
    "Compare": "Judge it against a plain prompt and a LoRA adapter trained on the same labels.",
}

open_page("Steerscope", heading=False)

st.title("Find it. Steer it. Check it.", anchor=False)
st.markdown(
    "Bring labelled examples of a concept. Steerscope finds the sparse-autoencoder features that carry it, and lets "
    "you steer a language model with them, always beside a plain prompt and a LoRA adapter."
)

samples = start.samples()
if samples:
    st.caption("Try it on a sample set, or bring your own:")
with st.container(horizontal=True, vertical_alignment="center", key="start"):
    for i, sample in enumerate(samples):
        if st.button(
            sample.title,
            key=f"sample_{sample.id}",
            icon=sample.icon,
            help=sample.description,
            type="primary" if i == 0 else "secondary",
        ):
            with boundary("This sample could not be opened"):
                start.open_sample(sample.id)
                st.switch_page(STEPS[0].page)
    if st.button(
        "Bring your own examples",
        key="own",
        icon=":material/upload:",
        type="secondary" if samples else "primary",
    ):
        st.switch_page(STEPS[0].page)
if not samples:
    st.caption("The embedded world is not built yet: sample sets will stand here.")

st.space("small")
with st.grid(min_column_width=185, gap="small", key="steps"):
    for number, step in enumerate(STEPS, start=1):
        with st.container(border=True, height="stretch", key=f"step_{number}"):
            st.markdown(f"##### {step.icon} &nbsp;{number} · {step.title}")
            st.caption(WHAT[step.title])

cards()

if chosen.examples_title:
    st.space("small")
    following = next((step for step in STEPS if not step.done), STEPS[-1])
    page_link(following.page, f"Go on with {following.title}", icon=":material/arrow_forward:")
