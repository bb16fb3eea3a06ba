"""Why can a recipe not become a script? No torch here, so that a screen can say it before anybody presses a button."""

from steering.recipes.recipe import Recipe


def script_refusal(recipe: Recipe) -> str | None:
    """The reason, None where there is none but, perhaps, a prompt that spells a special token of its tokenizer."""
    told = recipe.baselines.prompted
    if not recipe.features or recipe.sae is None:
        return "The recipe writes no feature, so there is nothing to put into a script; choose one."
    if not all(isinstance(prompt, str) for prompt in recipe.prompts):
        return "The recipe holds a conversation, which no script goes on with; use prompts of one text."
    if told is not None and told.told != "prompt":
        return "The prompted baseline is told in a system turn, which no script does yet; tell it in the prompt."
    return None
