"""How does a recipe from a link or a file become this session's screen?

It takes several runs of the page: the examples must be here, and ranked as the recipe says, before the controls can be
set, and the weights must be known to be those it was made with. Until then the recipe waits in the session. One that
names a model or an SAE other than the embedded world's is asked about first, for a link from a stranger must not start
a download.
"""

from typing import TYPE_CHECKING

import streamlit as st

from steering import runtime
from steering.errors import RecipeError
from steering.presets import is_world_model, sae_source, world_presets
from steering.recipes import Baselines, Recipe
from steering.recipes.link import PARAMETER, recipe_from_link
from steering.recipes.recipe import same_weights
from ui import left_out, work
from ui.errors import boundary
from ui.frame import STEPS, page_link, update_menu
from ui.job_panel import job_panel
from ui.ranking_view import take_result, usual_settings
from ui.recipe_filling import check_shown, fill_controls
from ui.recipe_work import Sources, adapter_id_of, known_sources, load_sources
from ui.state import chosen, is_news, set_job
from ui.text import plain

if TYPE_CHECKING:
    from steering.workbench import RankingRun
    from ui.examples_draft import Draft

_WAITING = "steerscope.recipe_waiting"
_RANKED = "steerscope.recipe_ranked"


def begin(recipe: Recipe) -> None:
    """Let a recipe wait for what it needs; `open_recipe` goes on with it."""
    st.session_state[_WAITING] = recipe
    st.session_state.pop(_RANKED, None)
    looked = work.latest("sources")
    if looked is not None and not looked.active:
        set_job("sources", None)  # what failed before is tried again


def open_recipe(screen: str) -> None:
    """Go on with the recipe of the address, or with one that waits; the page ends here until it is there.

    Args:
        screen: ``steer`` or ``compare``, whose controls are set.
    """
    letters = st.query_params.get(PARAMETER)
    if letters and is_news("recipe_link", letters):
        with boundary("This link cannot be opened"):
            begin(recipe_from_link(letters))
    recipe: Recipe | None = st.session_state.get(_WAITING)
    if recipe is None:
        return
    if screen == "steer" and recipe.baselines != Baselines():
        st.switch_page(STEPS[3].page)  # which shows what stands beside; the recipe waits for it
    opened = False
    with boundary("The recipe cannot be opened"):
        opened = _go_on(recipe, screen)
    if not opened:
        if st.button("Leave it", key="recipe_leave", type="tertiary", icon=":material/close:"):
            st.session_state.pop(_WAITING, None)
            st.rerun()
        st.stop()
    st.session_state.pop(_WAITING, None)
    st.toast("The recipe is open.", icon=":material/check_circle:")
    update_menu()


def _go_on(recipe: Recipe, screen: str) -> bool:
    """One step further; whether the controls are set now."""
    if recipe.sae is None or recipe.examples is None:
        missing = "SAE" if recipe.sae is None else "examples"
        raise RecipeError(
            f"The recipe names no {missing}, which this screen needs; run it with python -m steering run."
        )
    if not (_take_weights(recipe) and _take_examples(recipe)):
        return False
    run = _ranked(recipe)
    here = None if run is None else _sources()
    if run is None or here is None:
        return False
    _check_weights(recipe, here)
    check_shown(recipe, run, screen)
    left = fill_controls(recipe, run, screen)
    left_out.note(left if screen == "steer" else (*left, *_put_adapter(recipe)))
    return True


def _put_adapter(recipe: Recipe) -> tuple[str, ...]:
    """Let the recipe's adapter stand beside, or none; what there is to say about it."""
    named, present = recipe.baselines.adapter, work.adapter()
    chosen.adapter_id = None if named is None else adapter_id_of(named.sha256)
    if named is not None and chosen.adapter_id is None:
        return (
            f"The recipe's LoRA adapter (sha256 {named.sha256[:12]}) is not in memory, so LoRA is left out; "
            "python -m steering run takes its folder (--adapter DIR).",
        )
    return ("The recipe has no LoRA, so the adapter trained here is put aside.",) if named is None and present else ()


def _sources() -> Sources | None:
    """What the weights here are, None while the worker looks them up: a ranking may be here without them."""
    if known_sources() is None:
        job = work.latest("sources") or load_sources()
        job.wait(2.0)
        if known_sources() is None:
            job_panel(job, key="recipe_sources_job")
    return known_sources()


def _check_weights(recipe: Recipe, here: Sources) -> None:
    """As ``python -m steering run`` does: the same name may stand for other weights here."""
    assert recipe.sae is not None
    then, now = recipe.sae.hook_point, here.sae.hook_point
    if then != now:
        raise RecipeError(f"The SAE works at {now} here, the recipe says {then}; get the SAE that it was made with.")
    for word, recorded, found in (("model", recipe.model, here.model), ("SAE", recipe.sae, here.sae)):
        if not same_weights(recorded, found):
            raise RecipeError(
                f"The recipe was made with other weights of the {word} than those here under the same name, or in "
                "another number format; get those, or run it with python -m steering run --other-weights."
            )
    dtype = recipe.model.dtype
    if dtype != here.model.dtype:
        raise RecipeError(
            f"The recipe's model is in {dtype}, here it is in {here.model.dtype}; choose {dtype} under "
            "Change model, and open the recipe again."
        )


def _take_weights(recipe: Recipe) -> bool:
    assert recipe.sae is not None
    model, sae = recipe.model.source, recipe.sae.source
    if chosen.model == model and sae_source(model, chosen.sae) == sae_source(model, sae):
        return True
    known = world_presets().get(model)
    if known is None or sae not in (model, *known.saes):
        st.info(
            f"This recipe works with {plain(model)} and the SAE {plain(sae)}. Loading them may take minutes and disk "
            "space.",
            icon=":material/download:",
        )
        if not st.button("Load them", key="recipe_load", type="primary", icon=":material/memory:"):
            return False
    chosen.model, chosen.sae = model, sae
    return True


def _take_examples(recipe: Recipe) -> bool:
    named = recipe.examples
    assert named is not None
    if chosen.examples_id != named.sha256:
        draft = _draft_of(recipe)
        if draft is None:
            sizes = f"{named.n_positive} with {plain(named.label)}, {named.n_negative} without"
            st.info(
                f"The recipe was made with the examples {plain(named.title or named.label)} ({sizes}), which are not "
                "here. Bring the same file, and come back to this screen: the recipe waits.",
                icon=":material/lists:",
            )
            page_link(STEPS[0].page, "Go to Examples", icon=":material/arrow_forward:")
            return False
        from ui.examples_draft import take

        take(draft)
    chosen.label = named.label
    return True


def _draft_of(recipe: Recipe) -> "Draft | None":
    """The recipe's examples if they are in memory, or are texts that the embedded world can write again."""
    from steering.errors import WorldError
    from ui.examples_draft import WorldRecipe, from_examples, from_world

    named = recipe.examples
    assert named is not None
    kept = runtime.store.get("examples", named.sha256)
    if kept is not None:
        return from_examples(kept)
    if not is_world_model(recipe.model.source) or not 1 <= named.n_positive <= 500:
        return None
    try:
        draft = from_world(WorldRecipe(concept=named.label, count=named.n_positive))
    except WorldError:
        return None
    return draft if draft.examples_id == named.sha256 else None


def _ranked(recipe: Recipe) -> "RankingRun | None":
    """The ranking that the recipe was made with, None while it is being made."""
    assert recipe.examples is not None
    wanted = recipe.ranking or usual_settings(chosen.model)
    job = work.latest("ranking")
    if job is not None and not job.active:
        take_result(job)
    run = work.ranking_run()
    ranking = run.rankings.get(recipe.examples.label) if run is not None else None
    if ranking is not None and ranking.settings == wanted:
        return run
    started = st.session_state.get(_RANKED)
    if job is None or job.id != started:
        job = work.start_ranking(wanted)
        st.session_state[_RANKED] = job.id
        job.wait(2.0)
        if not job.active:
            st.rerun()
    st.markdown(f"Finding the features of **{plain(recipe.examples.label)}** as the recipe did.")
    job_panel(job, key="recipe_job")
    return None
