"""Which pair of model and SAE could not be loaded, and how does one get back to the one before, with its work?

A choice loads nothing, so that what is wrong with a pair may show in a job only, when ranking and answers of the pair
before have left the screen. They are in the store still, under the ids that are kept here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from steering import runtime
from steering.outlook import device_of
from ui.errors import show_error
from ui.state import OF_PAIR, PAIR, chosen, owner
from ui.text import plain

if TYPE_CHECKING:
    from steering.memory import SaeDtype
    from steering.models import Dtype

_KEY = "steerscope.pair_before"
_REFUSED = "refused_pair"


@dataclass(frozen=True, slots=True)
class _Before:
    """A pair as it was left.

    Attributes:
        pair: the session's choices of it, by name.
        work: the choices that followed from it.
        examples: store id and label that these belong to.
        then: the pair that was chosen instead.
    """

    pair: dict[str, Any]
    work: dict[str, Any]
    examples: tuple[str | None, str | None]
    then: dict[str, Any]


def choose_pair(model: str, sae: str, device: str, dtype: "Dtype", sae_dtype: "SaeDtype") -> None:
    """Make this the session's pair; that of before is remembered, unless it could not be loaded either."""
    last, now = _before(), _choices(PAIR)
    then = {"model": model, "sae": sae, "device": device, "dtype": dtype, "sae_dtype": sae_dtype}
    if then == now:
        return
    if refusal() is None or last is None:
        last = _Before(now, _choices(OF_PAIR), (chosen.examples_id, chosen.label), then)
    st.session_state[_KEY] = _Before(last.pair, last.work, last.examples, then)
    _take(then)


def device_now() -> str:
    """Where the session's model runs."""
    kept, ready = chosen.sae_dtype, runtime.warmth().ready
    return device_of(chosen.model, chosen.sae, chosen.device, chosen.dtype, sae_dtype=kept, measure=ready)


def pair_name(owner: str, model: str, sae: str, device: str, dtype: str, sae_dtype: str) -> str:
    """Name under which it is kept that a session's pair could not be loaded."""
    return "|".join((owner, model, sae, device, dtype, sae_dtype))


def note_refusal(owner: str, name: str, message: str | None) -> None:
    """Keep why a pair could not be loaded; None: it could. For the worker thread, no Streamlit."""
    if message is None:
        runtime.store.drop(_REFUSED, name)
    else:
        runtime.store.put(_REFUSED, name, message, owner=owner)


def refusal() -> str | None:
    """Why the session's pair could not be loaded when it was last tried; None where nothing is known against it."""
    name = pair_name(owner(), chosen.model, chosen.sae, device_now(), chosen.dtype, chosen.sae_dtype)
    found: str | None = runtime.store.get(_REFUSED, name)
    return found


def refusal_panel(*, key: str) -> bool:
    """Say that the pair could not be loaded, with the way back; False, and nothing drawn, where it was not refused."""
    message = refusal()
    if message is None:
        return False
    show_error(message, title="The model or its SAE could not be loaded")
    back_button(key=key)
    return True


def back_button(*, key: str, width: Literal["content", "stretch"] = "content") -> None:
    """One click to the pair before with its ranking and answers; nothing where there is none."""
    before = _before()
    if before is not None:
        st.button(
            f"Back to {plain(_short(before.pair['model']))}", key=f"{key}_pair_before", icon=":material/undo:",
            on_click=_go_back, width=width,
            help="The model and SAE before, with the ranking and answers made with them",
        )  # fmt: skip


def _before() -> _Before | None:
    """The pair before, as long as the one that took its place is the session's."""
    found: _Before | None = st.session_state.get(_KEY)
    return found if found is not None and found.then == _choices(PAIR) else None


def _go_back() -> None:
    before = _before()
    if before is None:  # pressed twice before the page was drawn again
        return
    _take(before.pair)
    if (chosen.examples_id, chosen.label) == before.examples:
        _take(before.work)
    del st.session_state[_KEY]


def _choices(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(chosen, name) for name in names}


def _take(choices: dict[str, Any]) -> None:
    for name, value in choices.items():
        setattr(chosen, name, value)


def _short(model: str) -> str:
    return model.rstrip("/").rsplit("/", 1)[-1]
