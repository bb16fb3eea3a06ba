"""What could the controls not take over from a recipe, a run or a study, and where is that said?"""

from collections.abc import Iterable

import streamlit as st

from ui.text import plain

_KEY = "steerscope.left_out"


def note(sentences: Iterable[str]) -> None:
    """Keep what was left out of what was just taken over, in place of what was noted before."""
    st.session_state[_KEY] = tuple(dict.fromkeys(sentences))


def show() -> None:
    """Say it until it is closed, or something else is taken over; draws nothing where all of it was taken."""
    told: tuple[str, ...] = st.session_state.get(_KEY, ())
    if told:
        st.warning(plain(f"Not all of it stands on this screen. {' '.join(told)}"), icon=":material/warning:")
        st.button("Close", key="left_out_close", type="tertiary", icon=":material/close:", on_click=note, args=((),))
