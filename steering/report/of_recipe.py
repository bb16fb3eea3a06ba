"""How does a recipe become a report: run it, let a judge read the answers if one knows the concept, put it together?"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from steering.judges.choice import judge_for
from steering.report.building import build_report, feature_part
from steering.report.content import Report

if TYPE_CHECKING:
    from steering.conversation import Prompt
    from steering.generation import Token
    from steering.recipes import Recipe
    from steering.recipes.running import Ingredients

TITLES = {"baseline": "Baseline", "prompted": "Prompted", "direction": "DiffMean", "steered": "SAE", "adapted": "LoRA"}
"""Of the methods, by the kind of their condition."""
WORLD_JUDGE = "the embedded world, which knows the truth"


def report_of_recipe(
    recipe: "Recipe", ingredients: "Ingredients", *, on_token: "Callable[[Token], None] | None" = None
) -> Report:
    """Run a recipe and report what came out.

    Args:
        recipe: any.
        ingredients: as :func:`steering.recipes.running.opened` gives them.
        on_token: told of every token that is written.

    Raises:
        SteeringError: as :func:`steering.recipes.running.run_recipe`.
    """
    from steering.recipes.running import run_recipe

    found = run_recipe(recipe, ingredients, on_token=on_token)
    judge = judge_for(recipe.model.source, recipe.concept)
    sae = ingredients.loaded.sae if ingredients.loaded is not None else None
    known = None if sae is None else sae.metadata.neuronpedia_id
    return build_report(
        title=f"Steering towards {recipe.concept}" if recipe.concept else "Comparison",
        made=time_of_day(),
        titles=[TITLES[kind] for kind in dict.fromkeys(one.kind for one in found)],  # each kind at most once
        prompts=[_told(prompt) for prompt in recipe.prompts],
        count=recipe.sampling.count,
        completions=found,
        scores=[judge.score(str(recipe.concept), one.prompt, one.text) for one in found] if judge else (),
        judge=WORLD_JUDGE,
        facts=_facts(recipe),
        features=[
            feature_part(one.feature_id, mode=recipe.mode, factor=one.factor, max_act=one.max_act, neuronpedia_id=known)
            for one in recipe.features
        ],
        recipe=recipe,
    )


def time_of_day() -> str:
    """Now, as the head of a report says it."""
    return datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")


def _facts(recipe: "Recipe") -> dict[str, str]:
    facts = {"Concept": recipe.concept or "", "Model": recipe.model.source}
    if recipe.sae is not None:
        facts |= {"SAE": recipe.sae.source, "Hook point": recipe.sae.hook_point}
    if recipe.features:
        facts["Mode, where"] = f"{recipe.mode}, {recipe.scope}"
    if recipe.examples is not None:
        facts["Examples"] = recipe.examples.title or recipe.examples.label
    return {name: value for name, value in facts.items() if value}


def _told(prompt: "Prompt") -> str:
    """A prompt as it is read: a conversation as who says what."""
    if isinstance(prompt, str):
        return prompt
    system = [] if prompt.system is None else [f"system: {prompt.system}"]
    return "\n".join(system + [f"{turn.role}: {turn.text}" for turn in prompt.turns])
