"""How does a recipe set the controls of a screen, and which recipes can a screen not show?

The widget keys are those of ``ui.controls`` and ``ui.compare_view``. Nothing is set before all of it is known to fit:
half a recipe on the screen would be another one.
"""

from typing import TYPE_CHECKING

import streamlit as st

from steering.errors import RecipeError
from steering.recipes import Recipe
from ui.controls import FACTOR_LIMIT, MAX_PROMPTS, Ask, Strength, put_ask, put_strength
from ui.feature_view import MOST_FEATURES, choose_features
from ui.state import chosen

if TYPE_CHECKING:
    from steering.workbench import RankingRun

MAX_TOKENS, MAX_TEMPERATURE, MAX_SAMPLES, MAX_SEED = 256, 2.0, 4, 2**31 - 1
MAX_DIFF_MEAN, MAX_LORA = FACTOR_LIMIT, 3.0
_SAME_UNIT = 1e-3


def check_shown(recipe: Recipe, run: "RankingRun") -> None:
    """Make sure that the controls can show all of a recipe.

    Raises:
        RecipeError: a value that is outside of what the screen offers; the message names the key.
    """
    sampling = recipe.sampling
    limits = (
        ("sampling.max_new_tokens", sampling.max_new_tokens, MAX_TOKENS),
        ("sampling.temperature", sampling.temperature, MAX_TEMPERATURE),
        ("sampling.count", sampling.count, MAX_SAMPLES),
        ("seed", recipe.seed, MAX_SEED),
        ("features", len(recipe.features), MOST_FEATURES),
        ("prompts", len(recipe.prompts), MAX_PROMPTS),
    )
    for name, value, most in limits:
        if value > most:
            raise RecipeError(
                f"{name}: {value:g} is more than the {most:g} of this screen; use the command line for it."
            )
    if sampling.top_p != 1:
        raise RecipeError(f"sampling.top_p is {sampling.top_p:g}, this screen keeps 1; use the command line for it.")
    if not recipe.shared_budget:
        raise RecipeError("shared_budget is false, this screen always shares it; use the command line for it.")
    if not recipe.features:
        raise RecipeError("features is empty; name at least one.")
    for place, prompt in enumerate(recipe.prompts):
        if not isinstance(prompt, str) or prompt != prompt.strip() or len(prompt.splitlines()) > 1:
            raise RecipeError(f"prompts[{place}] is more than one line of text; the screen takes a line each.")
    if len(set(recipe.prompts)) < len(recipe.prompts):
        raise RecipeError("prompts has one of them twice; give each once.")
    for place, feature in enumerate(recipe.features):
        if feature.feature_id >= run.statistics.d_sae:
            raise RecipeError(
                f"features[{place}].feature_id is {feature.feature_id}, the last is {run.statistics.d_sae - 1}."
            )
        if abs(feature.factor) > FACTOR_LIMIT or (feature.factor < 0 and recipe.mode == "scale"):
            low = 0.0 if recipe.mode == "scale" else -FACTOR_LIMIT
            raise RecipeError(
                f"features[{place}].factor is {feature.factor:g}; this screen takes {low:g} to {FACTOR_LIMIT:g}."
            )
        unit = float(run.statistics.max_act[feature.feature_id])
        if abs(feature.max_act - unit) > _SAME_UNIT * max(unit, feature.max_act):
            raise RecipeError(
                f"features[{place}].max_act is {feature.max_act:g}, but on these examples it is {unit:.6g}; write that."
            )
    beside = recipe.baselines
    if beside.prompted is not None and beside.prompted.told == "system" and run.chat.no_system is not None:
        raise RecipeError(f'baselines.prompted.told is "system": {run.chat.no_system}')
    if beside.diff_mean is not None and abs(beside.diff_mean.factor) > MAX_DIFF_MEAN:
        raise RecipeError(f"baselines.diff_mean.factor is more than the {MAX_DIFF_MEAN:g} of this screen.")
    if beside.adapter is not None and not 0 <= beside.adapter.factor <= MAX_LORA:
        raise RecipeError(f"baselines.adapter.factor is outside of the 0 to {MAX_LORA:g} of this screen.")


def fill_controls(recipe: Recipe, run: "RankingRun", screen: str) -> None:
    """Set the controls of a screen, ``steer`` or ``compare``, before they are drawn. `check_shown` has been asked."""
    state = st.session_state
    ids = tuple(feature.feature_id for feature in recipe.features)
    if ids != chosen.features:
        choose_features(ids)
    features = tuple((feature.feature_id, feature.factor, feature.max_act) for feature in recipe.features)
    put_strength(Strength(features, recipe.mode, recipe.scope), run)
    sampling, prompts = recipe.sampling, tuple(str(prompt) for prompt in recipe.prompts)
    put_ask(
        Ask(prompts, sampling.max_new_tokens, sampling.temperature, sampling.top_p, recipe.seed, sampling.count),
        key=screen,
    )
    if screen != "compare":
        return
    told = recipe.baselines.prompted
    state[f"compare_instruction_{chosen.model}_{chosen.label}"] = "" if told is None else told.instruction
    if told is not None and run.chat.no_system is None:
        state["compare_told_in"] = told.told
    if recipe.baselines.diff_mean is not None:
        state["compare_diff_mean"] = recipe.baselines.diff_mean.factor
    if recipe.baselines.adapter is not None:
        state["lora_factor"] = recipe.baselines.adapter.factor
