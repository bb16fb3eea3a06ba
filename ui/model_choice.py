"""Which model and SAE does this session work with, where, and will they fit?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from steering import runtime
from steering.catalogue import Entry, catalogue, find, search
from steering.catalogue.names import family
from steering.catalogue.search import width_name
from steering.devices import AUTO, SPLIT, devices
from steering.errors import SteeringError
from steering.memory import BYTES, SaeDtype, SaeShape, estimate
from steering.outlook import Outlook, device_of, fetch_config, has_config, look_ahead, model_shape, sae_facts
from steering.paths import existing_path
from steering.presets import is_world_model, preset, presets, published_presets
from ui.errors import boundary, show_error
from ui.pair_before import choose_pair
from ui.state import chosen
from ui.text import memory, plain

if TYPE_CHECKING:
    from steering.models import Dtype

_READY, _SEARCH, _OWN = "Ready-made", "Catalogue", "Your own"
_OPEN = "steerscope.model_choice_open"
_MOST_ROWS = 500
_MOST_L0 = 500
_NAMES = {"float32": "float32, 4 bytes", "bfloat16": "bfloat16, 2 bytes", "float16": "float16, 2 bytes"}


@dataclass(frozen=True, slots=True)
class _Pair:
    """A model and an SAE as they would be chosen; either may still be empty."""

    model: str
    sae: str

    @property
    def whole(self) -> bool:
        """Whether both are named."""
        return bool(self.model and self.sae)


def shown_sae() -> str:
    """What the menu calls the session's SAE: its own name where the model is a preset."""
    known = presets().get(chosen.model)
    if known is not None and chosen.sae in (known.name, ""):
        return known.default_sae
    if (known is not None and chosen.sae in known.saes) or find(chosen.sae) is not None:
        return chosen.sae
    return chosen.sae.rstrip("/").rsplit("/", 1)[-1]


def model_choice() -> None:
    """The button that opens the choice."""
    if st.button("Change model", icon=":material/swap_horiz:", width="stretch", key="model_choice_open"):
        st.session_state[_OPEN] = True


def model_dialog() -> None:
    """The choice, while it is open. Nothing is loaded here; the next job loads what was chosen."""
    # Drawn in every run of the page while it is open: a run that something else began must not close it.
    if st.session_state.get(_OPEN):
        _dialog()


def _close() -> None:
    st.session_state[_OPEN] = False


@st.dialog("Model and SAE", width="large", icon=":material/memory:", on_dismiss=_close)
def _dialog() -> None:
    way = st.segmented_control(
        "Where from", [_READY, _SEARCH, _OWN], default=_way_now(), required=True, key="model_choice_way",
        label_visibility="collapsed",
    )  # fmt: skip
    pair = {_READY: _ready_made, _SEARCH: _from_catalogue, _OWN: _own}[way]()
    left, middle, right = st.columns(3)
    places = [AUTO, *devices()]
    device = left.selectbox(
        "Device", places, index=places.index(chosen.device) if chosen.device in places else 0,
        key="model_choice_device",
        format_func=lambda name: _device_name(pair, name),
        help="Automatic is the accelerator where the choice fits on it, all of them together where it does not and "
        "there are several, the CPU otherwise. The embedded world stays on the CPU.",
    )  # fmt: skip
    formats = [AUTO, *BYTES]
    dtype = middle.selectbox(
        "Number format of the weights", formats, index=formats.index(chosen.dtype), key="model_choice_dtype",
        format_func=lambda name: _NAMES.get(name, "Automatic"),
        help="Automatic is float32 on a CPU and the published one elsewhere.",
    )  # fmt: skip
    kept: list[SaeDtype] = ["float32", "bfloat16"]
    sae_dtype = right.selectbox(
        "Number format of the SAE", kept, index=kept.index(chosen.sae_dtype), key="model_choice_sae_dtype",
        format_func=lambda name: _NAMES[name],
        help="What its two matrices are kept in; they are computed with in float32 always. bfloat16 halves its memory, "
        "and loses nothing where that is how it was published.",
    )  # fmt: skip
    refused = True
    if pair.whole:
        with boundary("This cannot be used"):
            outlook = look_ahead(
                pair.model, pair.sae, device=device, dtype=dtype, sae_dtype=sae_dtype, measure=runtime.warmth().ready
            )
            _summary(pair, outlook)
            refused = outlook.refusal is not None
    if st.button("Use it", key="model_choice_use", type="primary", disabled=refused):
        choose_pair(pair.model, pair.sae, device, cast("Dtype", dtype), sae_dtype)
        _close()
        st.toast(f"Now working with {plain(chosen.model)}. Rank the features again.", icon=":material/memory:")
        st.rerun()
    st.caption("A change keeps the examples and drops ranking and answers. Weights are loaded at the next step.")


def _device_name(pair: _Pair, name: str) -> str:
    """What the list calls a device."""
    shown = name
    if name == AUTO:
        dtype = st.session_state.get("model_choice_dtype", chosen.dtype)
        shown = device_of(pair.model, pair.sae or None, AUTO, dtype, measure=runtime.warmth().ready)
    shown = "all accelerators together" if shown == SPLIT else shown
    return f"Automatic: {shown}" if name == AUTO else shown


def _way_now() -> str:
    if chosen.model in presets() and (chosen.sae == chosen.model or chosen.sae in preset(chosen.model).saes):
        return _READY
    return _SEARCH if find(chosen.sae) is not None else _OWN


# -- three ways to a pair ------------------------------------------------------------------------------------------


def _ready_made() -> _Pair:
    known = presets()
    names = list(known)
    name = st.selectbox(
        "Model", names, index=names.index(chosen.model) if chosen.model in known else 0, format_func=_titled,
        key="model_choice_name",
    )  # fmt: skip
    saes = list(known[name].saes)
    default = chosen.sae if chosen.model == name and chosen.sae in saes else known[name].default_sae
    sae = st.selectbox("SAE", saes, index=saes.index(default), key=f"model_choice_sae_{name}")
    st.caption(plain(known[name].description))
    return _Pair(name, sae)


@st.cache_data(show_spinner=False, max_entries=64)
def _titled(name: str) -> str:
    """A preset's title and the memory that it takes here with its default SAE, device and format being automatic."""
    one = preset(name)
    if is_world_model(name):
        return f"{one.title} · on this machine"
    shape, facts = model_shape(name), sae_facts(name, one.default_sae)
    assert shape is not None  # published presets list theirs
    sae = None if facts.width is None else SaeShape(shape.d_model, facts.width, facts.architecture)
    device = device_of(name, one.default_sae)
    dtype = "float32" if device == "cpu" else one.dtype
    return f"{one.title} · {memory(estimate(shape, sae, dtype=dtype, device=device).total)}"


def _from_catalogue() -> _Pair:
    words = st.text_input(
        "Search", placeholder="gemma 2 2b layer 12 16k", key="model_choice_words", max_chars=200,
        help="Every word must be found. “layer 12” and “16k” are read as that layer and that width.",
    )  # fmt: skip
    with boundary("The list of published SAEs cannot be read"):
        return _found(words)
    return _Pair("", "")


def _found(words: str) -> _Pair:
    models, sites, widths = _values()
    first, second, third, fourth = st.columns([4, 2, 3, 2])
    model = first.selectbox("Trained on", models, index=None, placeholder="Any model", key="model_choice_trained_on")
    layer = second.number_input("Layer", 0, 200, None, placeholder="Any", key="model_choice_layer")
    site = third.selectbox("Site", sites, index=None, placeholder="Any", key="model_choice_site")
    width = fourth.selectbox(
        "Features", widths, index=None, placeholder="Any", format_func=width_name, key="model_choice_width"
    )
    left, right = st.columns([4, 3], vertical_alignment="bottom")
    low, high = left.slider(
        "Active features per token (l0)", 0, _MOST_L0, (0, _MOST_L0), key="model_choice_l0",
        help="The whole range also shows SAEs whose authors give no l0.",
    )  # fmt: skip
    every = right.toggle("Also those that cannot steer", key="model_choice_all")
    found = search(
        words, model=model, layer=None if layer is None else int(layer), site=site, width=width,
        l0=None if (low, high) == (0, _MOST_L0) else (low, high if high < _MOST_L0 else float("inf")),
        steerable=None if every else True,
    )  # fmt: skip
    if not found:
        st.info("No published SAE matches all of that; leave something out.", icon=":material/search_off:")
        return _Pair("", "")
    entry = _row(found)
    if entry is None:
        return _Pair("", "")
    twins = [one.model for one in published_presets().values() if family(one.model) == family(entry.model)]
    model_id = st.selectbox(
        "Model to steer", list(dict.fromkeys([entry.model, *twins])), accept_new_options=True,
        key=f"model_choice_steered_{entry.model}",
        help="The model that it was trained on, its instruction-tuned version, or any Hub id or folder that you type.",
    )  # fmt: skip
    return _Pair((model_id or "").strip(), entry.source)


def _row(found: list[Entry]) -> Entry | None:
    """The row that is chosen; the only one where there is one."""
    shown = found[:_MOST_ROWS]
    sources = [entry.source for entry in shown]
    table: dict[str, Any] = {
        "SAE": sources,
        "trained on": [entry.model for entry in shown],
        "layer": [entry.layer for entry in shown],
        "site": [entry.site for entry in shown],
        "features": [width_name(entry.width) for entry in shown],
        "l0": [entry.l0 for entry in shown],
        "Neuronpedia": [entry.neuronpedia_id is not None for entry in shown],
    }
    picked = st.dataframe(
        table, hide_index=True, height=min(250, 38 + 35 * len(shown)), on_select="rerun", selection_mode="single-row",
        # Another result is another table: a row that was selected in the last one must not choose an SAE in this one.
        key=f"model_choice_found_{hash(tuple(sources))}", placeholder="–",
        column_config={"SAE": st.column_config.TextColumn(width=380), "layer": st.column_config.Column(width="small")},
    )  # fmt: skip
    rows: list[int] = picked["selection"]["rows"]
    if len(found) == 1:
        return found[0]
    cut = "" if len(shown) == len(found) else f", the first {_MOST_ROWS} shown"
    st.caption(f"{len(found):,} SAEs{cut}; select a row.")
    return shown[rows[0]] if rows and rows[0] < len(shown) else None


@st.cache_data(show_spinner=False)
def _values() -> tuple[list[str], list[str], list[int]]:
    """What the filters offer: models, sites and widths of the catalogue."""
    entries = catalogue()
    return (
        sorted({entry.model for entry in entries}, key=str.casefold),
        sorted({entry.site for entry in entries if entry.site is not None}),
        sorted({entry.width for entry in entries if entry.width is not None}),
    )


def _own() -> _Pair:
    mine = _way_now() == _OWN
    model = st.text_input(
        "Model: folder or Hub id", chosen.model if mine else "", placeholder="google/gemma-2-2b-it",
        key="model_choice_model", max_chars=300,
        help="A folder in transformers' format with safetensors weights, or owner/name on huggingface.co.",
    )  # fmt: skip
    sae = st.text_input(
        "SAE: folder, file, or release/sae_id", chosen.sae if mine else "",
        placeholder="gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical",
        key="model_choice_sae", max_chars=300,
        help="A folder in sae-lens' format, release/sae_id of sae-lens' list, or owner/repository/folder on the Hub.",
    )  # fmt: skip
    return _Pair(model.strip(), sae.strip())


# -- what is said before it is used --------------------------------------------------------------------------------


def _summary(pair: _Pair, outlook: Outlook) -> None:
    """What would be loaded, in a table, and what stands against it."""
    sae = outlook.sae
    rows = {
        "Model": _short(outlook.model_id if outlook.files != "here" or not is_world_model(pair.model) else pair.model),
        "SAE": pair.sae if is_world_model(pair.model) else _short(sae.id),
        "Hook point": sae.place or "told when it is loaded",
        "Features": "told when it is loaded" if sae.width is None else f"{sae.width:,}" + _of_l0(sae.l0),
        "Weights": f"{outlook.dtype or 'as published'} on {outlook.device}",
        "Memory": _memory(outlook),
        "Files": _files(outlook),
    }
    st.table({"": list(rows), "to be loaded": [plain(value) for value in rows.values()]}, border="horizontal")
    if outlook.refusal is not None:
        show_error(outlook.refusal, title="This cannot be used")
        return
    if outlook.fits is False:
        st.warning(
            f"That is more than is free on {plain(outlook.device)}; choose a smaller number format, a narrower SAE or "
            "a smaller model.",
            icon=":material/memory_alt:",
        )
    if outlook.warning is not None:
        st.warning(plain(outlook.warning), icon=":material/warning:")
    if outlook.gated:
        st.info(
            f"Its owner asks for terms to be accepted: on huggingface.co/{plain(outlook.model_id)}, then log in here "
            "with `hf auth login`.",
            icon=":material/lock:",
        )
    if outlook.shape is None and not has_config(outlook.model_id):
        _ask_the_hub(outlook.model_id)


def _short(source: str) -> str:
    """A folder or file by its last two names, so that it fits beside its title; any other name as it is.

    What is told about a file behind its @ stands in the next row.
    """
    file = source.rpartition("@")[0] or source
    for name in (source, file):
        path = existing_path(name)
        if path is not None and len(path.parts) > 2:
            return "/".join(["…", *path.parts[-2:]])
    return source


def _ask_the_hub(model_id: str) -> None:
    if st.button(
        "Ask the Hub for its size", key="model_choice_ask", icon=":material/cloud_download:",
        help="Fetches the model's config.json, a few kilobytes, from huggingface.co.",
    ):  # fmt: skip
        with st.spinner("Asking huggingface.co"):
            try:
                fetch_config(model_id)
            except SteeringError as error:
                show_error(str(error))
                return
        st.rerun(scope="fragment")


def _of_l0(l0: float | None) -> str:
    return "" if l0 is None else f", about {l0:g} active per token"


def _memory(outlook: Outlook) -> str:
    free = "" if outlook.free is None else f"; {memory(outlook.free)} are free on {outlook.device}"
    if outlook.memory is None:
        return f"not known before its config is here{free}"
    parts = outlook.memory
    sae = f"SAE {memory(parts.sae)}" if outlook.with_sae else "without the SAE, whose width is not listed"
    return (
        f"about {memory(parts.total)}{free} (weights {memory(parts.weights)}, {sae}, "
        f"8 texts of 512 tokens {memory(parts.work)})"
    )


def _files(outlook: Outlook) -> str:
    if outlook.files == "here" and outlook.sae.files == "here":
        return "on this machine"
    model = "model on this machine" if outlook.files == "here" else "model from huggingface.co"
    sae = {"here": "SAE on this machine", "missing": "SAE from huggingface.co", "unknown": "SAE as it is named"}
    size = "" if not outlook.download else f", about {outlook.download / 1e9:.1f} GB to download"
    return f"{model}, {sae[outlook.sae.files]}{size}; fetched at the next step"
