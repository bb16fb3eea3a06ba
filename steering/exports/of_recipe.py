"""How does a recipe become a subject: which model and SAE are opened, and which features are written into them?"""

from steering.errors import ExportError
from steering.exports.subject import Subject
from steering.interventions import FeatureEdit, Intervention
from steering.presets import sae_title
from steering.recipes import Recipe
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
    edits = tuple(FeatureEdit(one.feature_id, one.factor, one.max_act) for one in recipe.features)
    for one in edits:
        loaded.sae.decoder_direction(one.feature_id)
    first = next((one for one in recipe.prompts if isinstance(one, str)), None)
    return Subject(
        model=loaded.model,
        sae=loaded.sae,
        sae_name=sae_title(loaded.sae.name),
        intervention=Intervention(edits, mode=recipe.mode, scope=recipe.scope, shared_budget=recipe.shared_budget),
        concept=recipe.concept,
        recipe_digest=recipe.digest,
        library=library,
        **({} if first is None else {"prompt": first}),
    )
