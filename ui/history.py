"""Which features and strengths were chosen before, and how does one get back to them?

A step is what one run of the page has changed: a slider let go, a feature added or taken out, another mode or scope. A
new ranking begins a new history, for its features are others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from steering.history import History
from ui import work
from ui.controls import Strength, put_strength
from ui.feature_view import choose_features
from ui.state import chosen

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_KEY = "steerscope.history"


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be undone.

    Attributes:
        features: chosen to steer with; the place gives the colour.
        strength: how they are written; None where that was not on the screen.
    """

    features: tuple[int, ...]
    strength: Strength | None = None


def undo_buttons(place: "DeltaGenerator", strength: Strength | None = None, *, key: str) -> None:
    """Note what is chosen now, and draw undo and redo.

    Args:
        place: where they stand; further up than the controls, which decide whether there is something to undo.
        strength: what the controls say, None on a page without them.
        key: prefix of the widget keys.
    """
    history = _noted(Choice(chosen.features, strength))
    # Ctrl+Z stays with the text boxes: a shortcut with Ctrl would take it away from them.
    with place.container(horizontal=True, horizontal_alignment="right", gap="small", key=f"{key}_undo_bar"):
        st.button(
            "Undo", key=f"{key}_undo", type="tertiary", icon=":material/undo:", shortcut="alt+z", on_click=_move,
            args=(-1,), disabled=not history.past, help="The last choice of features or strengths",
        )  # fmt: skip
        st.button(
            "Redo", key=f"{key}_redo", type="tertiary", icon=":material/redo:", shortcut="alt+shift+z", on_click=_move,
            args=(1,), disabled=not history.future, help="What was undone last",
        )  # fmt: skip


def _noted(state: Choice) -> History[Choice]:
    """The history with what is chosen now; the same as before is no step."""
    history = _history()
    if history is None:
        history = History(state)
    elif history.present.features != state.features:
        history = history.step(state)
    elif state.strength is not None:
        known = history.present.strength is not None
        history = history.step(state) if known else history.amended(state)
    st.session_state[_KEY] = (chosen.ranking_id, history)
    return history


def _history() -> History[Choice] | None:
    """The history of this ranking, None where it has none yet."""
    ranking_id, history = st.session_state.get(_KEY, (None, None))
    return history if ranking_id == chosen.ranking_id else None


def _move(way: int) -> None:
    history, run = _history(), work.ranking_run()
    if history is None or run is None or not (history.past if way < 0 else history.future):
        return  # pressed twice before the page was drawn again
    history = history.back() if way < 0 else history.forth()
    st.session_state[_KEY] = (chosen.ranking_id, history)
    if chosen.features != history.present.features:
        choose_features(history.present.features)
    if history.present.strength is not None:
        put_strength(history.present.strength, run)
