"""How is one factor set with a slider and with a box beside it, so that neither ever takes back what the other said?

The factor is kept under a name of its own, and the two are its mirrors. A browser may send a change of anything else
before it knows what the server has just put into a mirror; the old value would then pass for a change of the mirror.
So whoever is changed leaves the other one behind, with its key, and the next run draws a new one: what the browser
still says of the old one is about a box that is no more.
"""

from typing import TYPE_CHECKING, Literal

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

Mirror = Literal["slider", "box"]
_OTHER: dict[Mirror, Mirror] = {"slider": "box", "box": "slider"}


def factor_input(
    name: str,
    places: "tuple[DeltaGenerator, DeltaGenerator]",
    *,
    start: float,
    slider_end: float,
    box_end: float,
    help: str,
) -> float:
    """Draw both, and give the factor.

    Args:
        name: of the factor, in the session.
        places: of the slider, of the box.
        start: at first.
        slider_end: the slider goes from 0 to here; a larger factor stands at its end.
        box_end: the box goes from 0 to here.
        help: of the slider.
    """
    factor = float(st.session_state.setdefault(f"{name}_factor", start))
    slider, box = _key(name, "slider"), _key(name, "box")
    st.session_state.setdefault(slider, min(slider_end, factor))
    st.session_state.setdefault(box, min(box_end, factor))
    places[0].slider(
        "Factor", 0.0, slider_end, step=0.05, key=slider, on_change=_take, args=(name, "slider", slider), help=help,
    )  # fmt: skip
    places[1].number_input(
        "Factor, exactly", 0.0, box_end, step=0.05, key=box, label_visibility="collapsed", format="%.2f",
        on_change=_take, args=(name, "box", box),
    )  # fmt: skip
    return factor


def put_factor(name: str, factor: float) -> None:
    """Set the factor, before it is drawn."""
    st.session_state[f"{name}_factor"] = factor
    for mirror in _OTHER:
        _renew(name, mirror)


def _take(name: str, mirror: Mirror, key: str) -> None:
    if key != _key(name, mirror):
        return  # one that was left behind
    st.session_state[f"{name}_factor"] = st.session_state[key]
    _renew(name, _OTHER[mirror])


def _key(name: str, mirror: Mirror) -> str:
    return f"{name}_{mirror}_{st.session_state.get(f'steerscope.turn.{name}.{mirror}', 0)}"


def _renew(name: str, mirror: Mirror) -> None:
    turn = f"steerscope.turn.{name}.{mirror}"
    st.session_state[turn] = st.session_state.get(turn, 0) + 1
