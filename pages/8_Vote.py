"""Screen 8: which answer is better? For people who were sent a link; the menu does not name it."""

import streamlit as st

from ui import vote_view
from ui.errors import boundary
from ui.frame import empty_state, open_bare_page, open_page

id = st.query_params.get(vote_view.PARAMETER)
if id is None:
    open_page("Vote", lead="People choose between two answers without knowing the methods.")
    empty_state(
        "This page opens by a link. Tick a study and press “Blind vote” to get one.",
        "pages/7_Studies.py",
        "Go to Studies",
    )
    st.stop()
open_bare_page("Vote")
with boundary("There is nothing to vote on"):
    vote_view.booth(id)
