"""Which model and SAE does this session work with?"""

import streamlit as st

from steering.presets import preset, presets
from ui.state import chosen
from ui.text import plain

_OWN = "Another model"


def shown_sae() -> str:
    """What the menu calls the session's SAE: its own name where the model is a preset."""
    known = presets().get(chosen.model)
    if known is not None and chosen.sae in (known.name, ""):
        return known.default_sae
    return chosen.sae.rstrip("/").rsplit("/", 1)[-1]


def model_choice() -> None:
    """A popover to change model and SAE. Nothing is loaded here; the next job loads what was chosen."""
    with st.popover("Change model", icon=":material/swap_horiz:", width="stretch", key="model_choice"):
        names = [*presets(), _OWN]
        current = chosen.model if chosen.model in names else _OWN
        name = st.selectbox(
            "Model",
            names,
            index=names.index(current),
            format_func=lambda name: presets()[name].title if name in presets() else name,
            key="model_choice_name",
        )
        if name == _OWN:
            model = st.text_input(
                "Folder or Hub id", chosen.model if current == _OWN else "", placeholder="google/gemma-2-2b-it",
                key="model_choice_model", max_chars=300,
            )  # fmt: skip
            sae = st.text_input(
                "SAE: folder, or release/sae_id", chosen.sae if current == _OWN else "",
                placeholder="gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical",
                key="model_choice_sae", max_chars=300,
            )  # fmt: skip
        else:
            model = name
            saes = list(preset(name).sae_paths)
            default = shown_sae() if shown_sae() in saes else preset(name).default_sae
            sae = st.selectbox("SAE", saes, index=saes.index(default), key=f"model_choice_sae_{name}")
        if st.button("Use it", key="model_choice_use", type="primary", disabled=not (model.strip() and sae.strip())):
            chosen.model, chosen.sae = model.strip(), sae.strip()
            st.toast(f"Now working with {plain(chosen.model)}. Rank the features again.", icon=":material/memory:")
            st.rerun()
        st.caption("A change keeps the examples and drops ranking and answers. Weights are loaded at the next step.")
