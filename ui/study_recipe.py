"""Which recipe makes the answers on the screen again?"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from steering.errors import RecipeError
from steering.recipes.recipe import Baselines, DiffMeanBaseline, ModelSource, PromptedBaseline, SaeSource
from steering.recipes.writing import write_recipe
from ui import recipe_work
from ui.compare_view import Plan
from ui.model_choice import shown_sae
from ui.state import chosen

if TYPE_CHECKING:
    from steering.lora import Adapter
    from steering.ranking.run import RankingRun
    from ui.work import Generated

_SITES = {"input": "resid_pre", "output": "resid_post"}


def recipe_text(run: "RankingRun", label: str, done: "Generated | None", adapter: "Adapter | None") -> str | None:
    """The recipe's JSON, None where a recipe has no word for what was done."""
    place = re.search(r"\.(\d+)\.(input|output)$", run.hook_module)
    if done is None or place is None or done.request.earlier:  # a turn goes on from answers, which no recipe has
        return None
    settings, ask = done.request.settings, done.request.ask
    strength = settings.strength if isinstance(settings, Plan) else settings
    try:
        known = recipe_work.known_sources()
        recipe = recipe_work.recipe_of(
            _model() if known is None else known.model,
            SaeSource(shown_sae(), f"blocks.{place[1]}.hook_{_SITES[place[2]]}") if known is None else known.sae,
            run,
            label,
            strength,
            ask,
            _baselines(settings, done.titles, adapter) if isinstance(settings, Plan) else Baselines(),
        )
        versions = dict(done.completions[0].receipt.versions) if done.completions else {}
        recipe = replace(recipe, seed=ask.seed + ask.draw, concept=done.concept, versions=versions)
    except RecipeError:  # such as a feature that never fires, or a name that no recipe takes
        return None
    return write_recipe(recipe)


def _model() -> ModelSource:
    """The session's model by its name, where its weights were never looked up."""
    dtype = chosen.dtype
    return ModelSource(chosen.model) if dtype == "auto" else ModelSource(chosen.model, dtype=dtype)


def _baselines(plan: Plan, titles: tuple[str, ...], adapter: "Adapter | None") -> Baselines:
    """The methods that took part."""
    beside = None
    if "LoRA" in titles and adapter is not None:
        from steering.recipes.sources import adapter_source

        beside = adapter_source(adapter, plan.lora_factor)
    return Baselines(
        adapter=beside,
        prompted=PromptedBaseline(plan.instruction, plan.told_in) if "Prompted" in titles else None,
        diff_mean=DiffMeanBaseline(plan.diff_mean_factor) if "DiffMean" in titles else None,
    )
