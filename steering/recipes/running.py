"""How is a recipe run again, to the same tokens, and what keeps it from quietly running with other weights?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from steering import presets
from steering.errors import RecipeError
from steering.examples import LabelledExamples, split_examples
from steering.fingerprints import adapter_fingerprint
from steering.generation import Completion, Condition, Sampling, Token, generate
from steering.hub import at, is_commit, split_revision
from steering.interventions import FeatureEdit, Intervention
from steering.lora import Adapter
from steering.models import LanguageModel
from steering.paths import existing_path
from steering.recipes.recipe import Recipe, SaeSource, same_weights
from steering.recipes.sources import model_source, sae_source
from steering.workbench import Loaded, Progress, difference_direction, open_model, open_pair


@dataclass(frozen=True, slots=True, eq=False)
class Ingredients:
    """What a recipe names and does not hold.

    Attributes:
        model: in memory.
        loaded: the model with its SAE, None where the recipe has none.
        adapter: where the recipe has one.
        examples: where the recipe has a DiffMean baseline.
    """

    model: LanguageModel
    loaded: Loaded | None
    adapter: Adapter | None = None
    examples: LabelledExamples | None = None


@contextmanager
def opened(
    recipe: Recipe,
    *,
    device: str = "cpu",
    adapter: Adapter | None = None,
    examples: LabelledExamples | None = None,
    other_weights: bool = False,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Progress | None = None,
) -> Iterator[Ingredients]:
    """Hold what a recipe needs in memory, checked against what it recorded.

    Args:
        recipe: what is to be run.
        device: a torch device.
        adapter: the one that the recipe names.
        examples: those that the recipe names; only DiffMean needs them.
        other_weights: run with weights other than the recorded ones.
        should_stop: asked while waiting for room.
        on_progress: told megabytes while something is downloaded.

    Raises:
        RecipeError: something is missing or needless, or is not what was recorded.
        ModelError: the model cannot be loaded.
        SaeError: the SAE cannot be loaded, or does not fit the model.
    """
    _check_brought(recipe, adapter, examples, other_weights=other_weights)
    source = recipe.model.source if other_weights else _pinned(recipe)
    dtype = recipe.model.dtype
    if recipe.sae is None:
        with open_model(source, device=device, dtype=dtype, should_stop=should_stop, on_progress=on_progress) as model:
            _check_weights(recipe, model, None, other_weights=other_weights)
            yield Ingredients(model, None, adapter, examples)
        return
    sae = presets.sae_source(recipe.model.source, recipe.sae.source)  # a preset's SAE goes by its model's name
    commit = recipe.sae.revision
    if is_commit(commit) and not other_weights and existing_path(sae) is None:
        sae = at(sae, commit)
    with open_pair(source, sae, device=device, dtype=dtype, should_stop=should_stop, on_progress=on_progress) as loaded:
        _check_weights(recipe, loaded.model, loaded, other_weights=other_weights)
        yield Ingredients(loaded.model, loaded, adapter, examples)


def _pinned(recipe: Recipe) -> str:
    """What the recipe's model is loaded from, at the commit that was recorded."""
    source, revision = recipe.model.source, recipe.model.revision
    repo, _ = split_revision(presets.model_source(source))
    if revision is None or existing_path(repo) is not None:
        return source
    return at(repo, revision)


def conditions_of(recipe: Recipe, ingredients: Ingredients) -> list[Condition]:
    """What is done to model and prompt, in the order of the panes: baseline, prompted, DiffMean, steered, adapted.

    Raises:
        InterventionError: an intervention that is not defined.
    """
    beside = recipe.baselines
    conditions = [Condition("baseline")]
    if beside.prompted is not None:
        told = beside.prompted
        conditions.append(Condition("prompted", instruction=told.instruction, told_in=told.told))
    if beside.diff_mean is not None:
        conditions.append(_difference(recipe, ingredients, beside.diff_mean.factor))
    if recipe.features:
        conditions.append(Condition("steered", intervention=intervention_of(recipe)))
    if beside.adapter is not None:
        conditions.append(Condition("adapted", adapter=ingredients.adapter, factor=beside.adapter.factor))
    return conditions


def intervention_of(recipe: Recipe) -> Intervention:
    """The recipe's features as one intervention.

    Raises:
        InterventionError: it has none.
    """
    edits = tuple(FeatureEdit(one.feature_id, one.factor, one.max_act) for one in recipe.features)
    return Intervention(edits, mode=recipe.mode, scope=recipe.scope, shared_budget=recipe.shared_budget)


def run_recipe(
    recipe: Recipe,
    ingredients: Ingredients,
    *,
    on_token: Callable[[Token], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Completion]:
    """Complete every prompt of a recipe under all of its conditions, as :func:`steering.generation.generate` does.

    Raises:
        SteeringError: see :func:`steering.generation.generate` and :func:`conditions_of`.
    """
    sampling = recipe.sampling
    return generate(
        ingredients.model,
        conditions_of(recipe, ingredients),
        recipe.prompts,
        sae=ingredients.loaded.sae if ingredients.loaded is not None else None,
        sampling=Sampling(sampling.max_new_tokens, sampling.temperature, sampling.top_p),
        seed=recipe.seed,
        count=sampling.count,
        on_token=on_token,
        should_stop=should_stop,
    )


def _difference(recipe: Recipe, ingredients: Ingredients, factor: float) -> Condition:
    """DiffMean of the recipe's examples, from the training part that its ranking had."""
    examples, ranking, named = ingredients.examples, recipe.ranking, recipe.examples
    if ingredients.loaded is None or examples is None or ranking is None or named is None:
        raise RuntimeError("opened() checks that these are there")
    split = split_examples(examples, heldout=ranking.heldout, seed=ranking.seed)
    direction = difference_direction(ingredients.loaded, examples, named.label, split, positions=ranking.positions)
    return Condition("direction", direction=direction, factor=factor, scope=ranking.positions)


def _check_brought(
    recipe: Recipe, adapter: Adapter | None, examples: LabelledExamples | None, *, other_weights: bool
) -> None:
    named = recipe.baselines.adapter
    if (named is None) != (adapter is None):
        raise RecipeError(
            "An adapter was given for a recipe without one; leave it out."
            if named is None
            else f"The recipe needs a LoRA adapter (sha256 {named.sha256[:12]}); give its folder (--adapter DIR)."
        )
    if adapter is not None and named is not None and not other_weights:
        _check_same("adapter", named.sha256, adapter_fingerprint(adapter))
    if recipe.baselines.diff_mean is not None and examples is None and recipe.examples is not None:
        raise RecipeError(
            f"DiffMean needs the examples of the recipe (sha256 {recipe.examples.sha256[:12]}, label "
            f"{recipe.examples.label!r}); give their file (--examples FILE)."
        )
    if examples is not None and recipe.examples is None:
        raise RecipeError("Examples were given for a recipe without them; leave them out.")
    if examples is not None and recipe.examples is not None and examples.fingerprint != recipe.examples.sha256:
        raise RecipeError(
            f"These examples have sha256 {examples.fingerprint[:12]}, those of the recipe "
            f"{recipe.examples.sha256[:12]}; give the file that the recipe was made with."
        )


def _check_weights(recipe: Recipe, model: LanguageModel, loaded: Loaded | None, *, other_weights: bool) -> None:
    if loaded is not None and recipe.sae is not None:
        found = sae_source(loaded.sae)
        if found.hook_point != recipe.sae.hook_point:
            raise RecipeError(
                f"The SAE {recipe.sae.source} works at {found.hook_point}, the recipe says {recipe.sae.hook_point}; "
                "name the SAE that the recipe was made with."
            )
        if not other_weights and not same_weights(recipe.sae, found):
            raise _other_weights(f"SAE {recipe.sae.source}", _mark(recipe.sae), _mark(found))
    if recipe.model.sha256 is not None and not other_weights:
        _check_same(f"model {recipe.model.source}", recipe.model.sha256, str(model_source(model).sha256))


def _mark(source: SaeSource) -> str:
    """What tells an SAE from others of its name."""
    if source.sha256 is not None:
        return f"sha256 {source.sha256[:12]}"
    return "neither sha256 nor commit" if source.revision is None else f"commit {source.revision[:12]}"


def _check_same(what: str, recorded: str, found: str) -> None:
    if recorded != found:
        raise _other_weights(what, recorded[:12], f"sha256 {found[:12]}")


def _other_weights(what: str, recorded: str, found: str) -> RecipeError:
    return RecipeError(
        f"The {what} has {found}, but the recipe was made with {recorded}, so other tokens would come out; use the "
        "recorded weights, or run it all the same with --other-weights."
    )
