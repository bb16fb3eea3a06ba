"""What do the controls of a screen amount to as a recipe?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steering import runtime
from steering.presets import model_key
from steering.recipes import (
    Baselines,
    ChosenFeature,
    DiffMeanBaseline,
    ExamplesSource,
    ModelSource,
    PromptedBaseline,
    Recipe,
    SaeSource,
    SamplingSettings,
)
from ui import work
from ui.state import chosen, owner

if TYPE_CHECKING:
    from steering.jobs import Job
    from steering.lora import Adapter
    from steering.workbench import RankingRun
    from ui.compare_view import Plan
    from ui.controls import Ask, Strength

_SOON = 1.0


@dataclass(frozen=True, slots=True)
class Sources:
    """The session's weights, as recipes name them.

    Attributes:
        model: the language model.
        sae: the SAE.
        architecture: of the SAE; with the next, what decides which other tools can take its features.
        normalised: whether the SAE normalises each token.
    """

    model: ModelSource
    sae: SaeSource
    architecture: str
    normalised: bool


def sources() -> Sources | None:
    """Names and hashes of the session's model and SAE; None while they are being looked up in the worker.

    None too where the model is not loaded: a study that is opened to be read must not load it; see `load_sources`.
    """
    if known_sources() is None:
        job = work.latest("sources")
        if job is None or not job.active:
            at = work.place()
            if model_key(chosen.model, at.device, at.dtype) not in runtime.shelf().loaded("model"):
                return None
            job = load_sources()
        job.wait(_SOON)
    return known_sources()


def load_sources() -> "Job":
    """Look them up in the worker, which loads the weights if need be.

    Raises:
        QueueFullError: as `work.submit`.
    """
    return _look_up(work.key_of("sources", chosen.model, chosen.sae, work.place()))


def known_sources() -> Sources | None:
    """The same if they were looked up before; nothing is started."""
    found: Sources | None = runtime.store.get("sources", work.key_of("sources", chosen.model, chosen.sae, work.place()))
    return found


def _look_up(id: str) -> "Job":
    model, sae, at, mine = chosen.model, chosen.sae, work.place(), owner()

    def look(job: "Job") -> str:
        from steering.recipes.sources import model_source, sae_source

        with work.pair(job, model, sae, at) as loaded:
            normalised = loaded.sae.normalization != "none"
            found = Sources(model_source(loaded.model), sae_source(loaded.sae), loaded.sae.architecture, normalised)
        return runtime.store.put("sources", id, found, owner=mine)

    return work.submit("sources", "Naming the weights", look)


def steering_recipe(weights: Sources, run: "RankingRun", label: str, strength: "Strength", ask: "Ask") -> Recipe:
    """What the Steer screen would run."""
    return recipe_of(weights.model, weights.sae, run, label, strength, ask, Baselines())


def comparison_recipe(
    weights: Sources, run: "RankingRun", label: str, plan: "Plan", ask: "Ask", trained: "Adapter | None"
) -> Recipe:
    """What the Compare screen would run, or did, with this adapter."""
    return recipe_of(weights.model, weights.sae, run, label, plan.strength, ask, baselines_of(plan, trained))


def baselines_of(plan: "Plan", trained: "Adapter | None") -> Baselines:
    """The methods of a plan that take part, beside the SAE and the untouched model."""
    adapter = None
    if "LoRA" in plan.titles and trained is not None:
        from steering.recipes.sources import adapter_source

        adapter = adapter_source(trained, plan.lora_factor)
    return Baselines(
        prompted=PromptedBaseline(plan.instruction, plan.told_in) if "Prompted" in plan.titles else None,
        diff_mean=DiffMeanBaseline(plan.diff_mean_factor) if "DiffMean" in plan.titles else None,
        adapter=adapter,
    )


def adapter_id_of(sha256: str) -> str | None:
    """Store id of the adapter with these weights, None where none in memory has them."""
    kept = {id: runtime.store.get("adapter", id) for id in (chosen.adapter_id, *runtime.store.ids("adapter"))}
    adapters = {id: adapter for id, adapter in kept.items() if adapter is not None}
    if not adapters:
        return None
    from steering.fingerprints import adapter_fingerprint

    return next((id for id, adapter in adapters.items() if adapter_fingerprint(adapter) == sha256), None)


def recipe_of(
    model: ModelSource,
    sae: SaeSource,
    run: "RankingRun",
    label: str,
    strength: "Strength",
    ask: "Ask",
    beside: Baselines,
) -> Recipe:
    """Choices of a screen in a recipe's words.

    Raises:
        RecipeError: a choice that no recipe takes, such as a feature that never fires.
    """
    positive = int(run.examples.label(label).sum())
    features = (ChosenFeature(feature_id, factor, max_act) for feature_id, factor, max_act in strength.features)
    return Recipe(
        model=model,
        prompts=ask.prompts,
        sae=sae,
        features=tuple(features),
        mode=strength.mode,  # type: ignore[arg-type]  # checked there
        scope=strength.scope,  # type: ignore[arg-type]  # checked there
        sampling=SamplingSettings(ask.max_new_tokens, ask.temperature, ask.top_p, ask.count),
        seed=ask.seed,
        concept=label,
        baselines=beside,
        examples=ExamplesSource(
            run.examples.fingerprint, label, positive, run.examples.n - positive, run.examples.name
        ),
        ranking=run.rankings[label].settings if label in run.rankings else None,
    )
