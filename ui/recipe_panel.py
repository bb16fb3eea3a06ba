"""How do a recipe's text and the controls of a screen follow one another, and how does a recipe come and go?

A change of a control writes the text anew. A change of the text sets the controls; text that is wrong stays as it was
typed, says what is wrong with it, and leaves the controls at the last good recipe.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from steering.errors import RecipeError, SteeringError
from steering.recipes import Recipe, read_recipe, write_recipe
from steering.recipes.link import PARAMETER, recipe_to_link
from ui import left_out, recipe_work, work
from ui.errors import boundary, show_error
from ui.export_panel import exports
from ui.recipe_filling import check_shown, fill_controls
from ui.recipe_opening import begin

if TYPE_CHECKING:
    from steering.workbench import RankingRun
    from ui.compare_view import Plan
    from ui.controls import Ask, Strength

_FIXED = ("model", "sae", "examples", "ranking", "concept")
"""What a screen does not let one choose; another one comes as a file or a link."""
_MAX_MEGABYTES = 1


def steering_panel(run: "RankingRun", label: str, strength: "Strength", ask: "Ask") -> None:
    """The recipe of the Steer screen, below its controls."""
    with boundary("This has no recipe"):
        weights = recipe_work.sources()
        recipe = None if weights is None else recipe_work.steering_recipe(weights, run, label, strength, ask)
        _panel("steer", run, recipe)
        if weights is not None and recipe is not None:
            exports("steer", weights, recipe, run)


def comparison_panel(run: "RankingRun", label: str, plan: "Plan", ask: "Ask") -> None:
    """The recipe of the Compare screen, below its controls."""
    with boundary("This has no recipe"):
        weights = recipe_work.sources()
        recipe = (
            None if weights is None else recipe_work.comparison_recipe(weights, run, label, plan, ask, work.adapter())
        )
        _panel("compare", run, recipe)
        if weights is not None and recipe is not None:
            exports("compare", weights, recipe, run)


def _panel(screen: str, run: "RankingRun", recipe: Recipe | None) -> None:
    with st.expander("Recipe", icon=":material/receipt:", key=f"{screen}_recipe"):
        if recipe is None:
            job = work.latest("sources")
            if job is None or not job.active:
                st.caption("A recipe names the weights by what is in them, and they are not loaded yet.")
                if st.button("Load them", key=f"{screen}_recipe_load", icon=":material/memory:", type="tertiary"):
                    recipe_work.load_sources()
                    st.rerun()
                return
            st.caption("The weights are being named; the recipe stands here as soon as that is done.")
            st.button("Look again", key=f"{screen}_recipe_again", icon=":material/refresh:", type="tertiary")
            return
        # A box of its own for every recipe: a message that the browser sent before it had the new text would pass for
        # an edit of it otherwise, and put the controls back to what they were.
        seen, key = f"steerscope.recipe_seen_{screen}", f"{screen}_recipe_text_{recipe.digest}"
        text, wrong = write_recipe(recipe), f"steerscope.recipe_wrong_{screen}"
        if st.session_state.get(seen) != key or key not in st.session_state:
            st.session_state[seen], st.session_state[key] = key, text
            st.session_state.pop(wrong, None)
        st.caption("All that decides these answers. Change it here and the controls follow.")
        st.text_area(
            "Recipe as JSON", key=key, height=360, label_visibility="collapsed", on_change=_edited,
            args=(screen, key, run, recipe),
        )  # fmt: skip
        if wrong in st.session_state:
            show_error(st.session_state[wrong], title="Not taken over; the controls keep the last good recipe")
        with st.container(horizontal=True):
            st.download_button(
                "Download", text, f"recipe-{recipe.digest[:8]}.json", "application/json", key=f"{screen}_recipe_save",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
            with st.popover("Copy link", icon=":material/link:", key=f"{screen}_recipe_link"), boundary():
                st.caption("Whoever opens it finds this screen as it is now. The prompts are in it.")
                st.code(link_of(recipe), language=None)
            with st.popover("Open a file", icon=":material/upload:", key=f"{screen}_recipe_open"):
                st.file_uploader(
                    "Recipe file", "json", key=f"{screen}_recipe_file", max_upload_size=_MAX_MEGABYTES,
                    on_change=_uploaded, args=(screen,),
                )  # fmt: skip


def link_of(recipe: Recipe) -> str:
    """The address of this page with the recipe in it.

    Raises:
        RecipeError: it is too large for an address.
    """
    page = (st.context.url or "").partition("?")[0]
    return f"{page}?{PARAMETER}={recipe_to_link(recipe)}"


def _edited(screen: str, key: str, run: "RankingRun", present: Recipe) -> None:
    if key != st.session_state.get(f"steerscope.recipe_seen_{screen}"):
        return  # the box of an earlier recipe
    wrong = f"steerscope.recipe_wrong_{screen}"
    st.session_state.pop(wrong, None)
    try:
        wanted = read_recipe(st.session_state[key])
        _check_fixed(wanted, present)
        check_shown(wanted, run, screen)
    except SteeringError as error:
        st.session_state[wrong] = str(error)
        return
    left_out.note(fill_controls(wanted, run, screen))


def _check_fixed(wanted: Recipe, present: Recipe) -> None:
    for name in _FIXED:
        if getattr(wanted, name) != getattr(present, name):
            raise RecipeError(f"{name} is not chosen on this screen; open the recipe as a file, or put it back.")
    ours, theirs = present.baselines.adapter, wanted.baselines.adapter
    if ours != (theirs if ours is None or theirs is None else replace(theirs, factor=ours.factor)):
        raise RecipeError("baselines.adapter is trained on the Compare screen, not written here; put it back.")


def _uploaded(screen: str) -> None:
    file = st.session_state[f"{screen}_recipe_file"]
    if file is None:
        return
    try:
        begin(read_recipe(file.getvalue()))
    except SteeringError as error:
        st.session_state[f"steerscope.recipe_wrong_{screen}"] = str(error)
