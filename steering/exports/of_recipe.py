"""How does a recipe leave for other tools: as what it writes, or as a script of its own?"""

import tempfile
from pathlib import Path

from steering.errors import ExportError
from steering.exports.packing import zipped
from steering.exports.subject import Subject
from steering.presets import sae_title
from steering.recipes import Recipe
from steering.recipes.running import Ingredients, intervention_of
from steering.recipes.script import write_script
from steering.workbench import Loaded


def subject_of(recipe: Recipe, loaded: Loaded, *, library: str = "transformers") -> Subject:
    """What the recipe's steered condition writes.

    Args:
        recipe: with features.
        loaded: the model and the SAE it names.
        library: whose calls a snippet uses.

    Raises:
        ExportError: no features, or an SAE of another place than the recipe's.
        InterventionError: a feature that the SAE does not have.
    """
    if recipe.sae is None or not recipe.features:
        raise ExportError("The recipe writes no features, so there is nothing to export; add an sae and features.")
    if str(loaded.sae.hook_point) != recipe.sae.hook_point:
        raise ExportError(
            f"The recipe's SAE belongs to {recipe.sae.hook_point} and the one found to {loaded.sae.hook_point}; name "
            "the SAE that the recipe was made with."
        )
    intervention = intervention_of(recipe)
    for one in intervention.feature_ids:
        loaded.sae.decoder_direction(one)
    first = next((one for one in recipe.prompts if isinstance(one, str)), None)
    return Subject(
        model=loaded.model,
        sae=loaded.sae,
        sae_name=sae_title(loaded.sae.name),
        intervention=intervention,
        concept=recipe.concept,
        recipe_digest=recipe.digest,
        library=library,
        **({} if first is None else {"prompt": first}),
    )


def script_zip(recipe: Recipe, loaded: Loaded) -> bytes:
    """The folder of :func:`steering.recipes.script.write_script`, packed.

    Raises:
        RecipeError: no script does what the recipe asks.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_script(recipe, Ingredients(loaded.model, loaded), Path(folder))
        return zipped(Path(folder))
