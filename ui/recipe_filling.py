"""How does a recipe set the controls of a screen, and which recipes can a screen not show?

The widget keys are those of ``ui.controls`` and ``ui.compare_view``. Nothing is set before all of it is known to fit:
half a recipe on the screen would be another one.
"""

from typing import TYPE_CHECKING

import streamlit as st

from steering.errors import RecipeError
from steering.recipes import Baselines, Recipe
from ui.compare_view import LORA_LIMIT, MAX_INSTRUCTION, Plan, put_plan
from ui.controls import FACTOR_LIMIT, Ask, Strength, lowest_factor, not_asked, put_ask, put_strength
from ui.feature_view import MOST_FEATURES, choose_features
from ui.state import chosen

if TYPE_CHECKING:
    from steering.workbench import RankingRun

_SAME_UNIT = 1e-3
_KEYS = {"max_new_tokens": "sampling.", "temperature": "sampling.", "top_p": "sampling.", "count": "sampling."}
"""Field of `Ask` → where it stands in a recipe, if not at the top."""


def check_shown(recipe: Recipe, run: "RankingRun", screen: str) -> None:
    """Make sure that the controls of a screen, ``steer`` or ``compare``, can show all of a recipe.

    Raises:
        RecipeError: a value that is outside of what the screen offers; the message names the key.
    """
    for place, prompt in enumerate(recipe.prompts):
        if not isinstance(prompt, str):
            raise RecipeError(f"prompts[{place}] is a conversation; the screen takes prompts of one line each.")
    for field, why in not_asked(_ask(recipe)).items():
        raise RecipeError(f"{_KEYS.get(field, '')}{field}: {why} of this screen; use the command line for it.")
    if len(recipe.features) > MOST_FEATURES:
        raise RecipeError(
            f"features: {len(recipe.features)} are more than the {MOST_FEATURES} of this screen; use the command line "
            "for them."
        )
    if not recipe.shared_budget:
        raise RecipeError("shared_budget is false, this screen always shares it; use the command line for it.")
    if not recipe.features:
        raise RecipeError("features is empty; name at least one.")
    for place, feature in enumerate(recipe.features):
        if feature.feature_id >= run.statistics.d_sae:
            raise RecipeError(
                f"features[{place}].feature_id is {feature.feature_id}, the last is {run.statistics.d_sae - 1}."
            )
        low = lowest_factor(recipe.mode)
        if not low <= feature.factor <= FACTOR_LIMIT:
            raise RecipeError(
                f"features[{place}].factor is {feature.factor:g}; this screen takes {low:g} to {FACTOR_LIMIT:g}."
            )
        unit = float(run.statistics.max_act[feature.feature_id])
        if abs(feature.max_act - unit) > _SAME_UNIT * max(unit, feature.max_act):
            raise RecipeError(
                f"features[{place}].max_act is {feature.max_act:g}, but on these examples it is {unit:.6g}; write that."
            )
    if screen == "compare":
        _check_beside(recipe, run)
    elif recipe.baselines != Baselines():
        raise RecipeError("baselines stand beside on the Compare screen; write them there.")


def _check_beside(recipe: Recipe, run: "RankingRun") -> None:
    beside = recipe.baselines
    if beside.prompted is not None and beside.prompted.told == "system" and run.chat.no_system is not None:
        raise RecipeError(f'baselines.prompted.told is "system": {run.chat.no_system}')
    if beside.prompted is not None and len(beside.prompted.instruction) > MAX_INSTRUCTION:
        raise RecipeError(
            f"baselines.prompted.instruction is longer than the {MAX_INSTRUCTION} letters of this screen."
        )
    if beside.diff_mean is not None and abs(beside.diff_mean.factor) > FACTOR_LIMIT:
        raise RecipeError(f"baselines.diff_mean.factor is more than the {FACTOR_LIMIT:g} of this screen.")
    if beside.adapter is not None and not 0 <= beside.adapter.factor <= LORA_LIMIT:
        raise RecipeError(f"baselines.adapter.factor is outside of the 0 to {LORA_LIMIT:g} of this screen.")


def fill_controls(recipe: Recipe, run: "RankingRun", screen: str) -> tuple[str, ...]:
    """Set the controls of a screen, ``steer`` or ``compare``, before they are drawn. `check_shown` has been asked.

    Returns:
        What the screen does otherwise all the same, a sentence each.
    """
    ids = tuple(feature.feature_id for feature in recipe.features)
    if ids != chosen.features:
        choose_features(ids)
    features = tuple((feature.feature_id, feature.factor, feature.max_act) for feature in recipe.features)
    strength = Strength(features, recipe.mode, recipe.scope)
    left = list(put_ask(_ask(recipe), key=screen))
    if screen == "steer":
        st.session_state["steer_form"] = "Prompts"
        left += put_strength(strength, run)
    else:
        beside = recipe.baselines
        told, diff_mean, adapter = beside.prompted, beside.diff_mean, beside.adapter
        plan = Plan(
            titles=(),
            instruction="" if told is None else told.instruction,
            told_in="prompt" if told is None else told.told,
            diff_mean_factor=0.0 if diff_mean is None else diff_mean.factor,
            strength=strength,
            lora_factor=1.0 if adapter is None else adapter.factor,
        )
        left += put_plan(plan, str(chosen.label), run)
        if diff_mean is not None and diff_mean.factor == 0:
            left.append("DiffMean at factor 0 is the baseline, and is left out.")
    if recipe.concept not in (None, chosen.label):
        left.append(f"The recipe is judged for {recipe.concept}, this screen judges for {chosen.label}.")
    return tuple(left)


def _ask(recipe: Recipe) -> Ask:
    sampling, prompts = recipe.sampling, tuple(str(prompt) for prompt in recipe.prompts)
    return Ask(prompts, sampling.max_new_tokens, sampling.temperature, sampling.top_p, recipe.seed, sampling.count)
