"""Which recipe makes the answers on the screen again?"""

from dataclasses import replace
from typing import TYPE_CHECKING

from steering.errors import RecipeError, SaeError
from steering.hook_points import parse_hook_name
from steering.presets import sae_source, sae_title
from steering.recipes.recipe import Baselines, ModelSource, SaeSource
from steering.recipes.writing import write_recipe
from ui import recipe_work
from ui.compare_view import Plan
from ui.state import chosen

if TYPE_CHECKING:
    from steering.lora import Adapter
    from steering.ranking.run import RankingRun
    from ui.work import Generated


def recipe_text(run: "RankingRun", label: str, done: "Generated | None", adapter: "Adapter | None") -> str | None:
    """The recipe's JSON, None where a recipe has no word for what was done."""
    if done is None or done.request.earlier:  # a turn goes on from answers, which no recipe has
        return None
    settings, ask = done.request.settings, done.request.ask
    strength = settings.strength if isinstance(settings, Plan) else settings
    try:
        known = recipe_work.known_sources()
        recipe = recipe_work.recipe_of(
            _model() if known is None else known.model,
            _sae(run) if known is None else known.sae,
            run,
            label,
            strength,
            ask,
            recipe_work.baselines_of(settings, adapter) if isinstance(settings, Plan) else Baselines(),
        )
        versions = dict(done.completions[0].receipt.versions) if done.completions else {}
        recipe = replace(recipe, seed=ask.seed + ask.draw, concept=done.concept, versions=versions)
    except (RecipeError, SaeError):  # such as a feature that never fires, or a module that two sites share
        return None
    return write_recipe(recipe)


def _model() -> ModelSource:
    """The session's model by its name, where its weights were never looked up."""
    dtype = chosen.dtype
    return ModelSource(chosen.model) if dtype == "auto" else ModelSource(chosen.model, dtype=dtype)


def _sae(run: "RankingRun") -> SaeSource:
    """The session's SAE by its name, likewise; older studies say the hooked module alone."""
    point = run.hook_point or parse_hook_name(run.hook_module)
    return SaeSource(sae_title(sae_source(chosen.model, chosen.sae)), str(point))
