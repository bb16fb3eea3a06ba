"""Which weights and which examples are these, so that a recipe can name them and a run can check them?"""

from typing import get_args

from steering.errors import RecipeError
from steering.examples import LabelledExamples
from steering.fingerprints import adapter_fingerprint, weights_fingerprint
from steering.lora import Adapter
from steering.models import LanguageModel
from steering.presets import sae_title
from steering.recipes.recipe import AdapterSource, ExamplesSource, ModelSource, RecipeDtype, SaeSource
from steering.saes import SparseAutoencoder
from steering.versions import versions_of

PACKAGES = ("torch", "transformers", "sae-lens", "peft")


def model_source(model: LanguageModel) -> ModelSource:
    """A model in memory, as a recipe names it.

    Raises:
        RecipeError: its weights are in a number format that a recipe has no word for.
    """
    dtype = str(model.dtype).removeprefix("torch.")
    if dtype not in get_args(RecipeDtype):
        raise RecipeError(f"{model.name} is in {dtype}; load it as one of {', '.join(get_args(RecipeDtype))}.")
    return ModelSource(model.name, model.revision, weights_fingerprint(model), dtype)  # type: ignore[arg-type]  # checked


def sae_source(sae: SparseAutoencoder) -> SaeSource:
    """An SAE in memory, as a recipe names it."""
    metadata = sae.metadata
    return SaeSource(sae_title(sae.name), str(sae.hook_point), metadata.revision, metadata.sha256)


def examples_source(examples: LabelledExamples, label: str) -> ExamplesSource:
    """Labelled examples, as a recipe names them.

    Raises:
        ExamplesError: there is no such label.
    """
    positive = int(examples.label(label).sum())
    return ExamplesSource(examples.fingerprint, label, positive, examples.n - positive, examples.name)


def adapter_source(adapter: Adapter, factor: float = 1.0) -> AdapterSource:
    """A LoRA adapter, as a recipe names it."""
    return AdapterSource(adapter_fingerprint(adapter), factor, adapter.settings)


def present_versions() -> dict[str, str]:
    """Versions of the packages that decide tokens."""
    return versions_of(PACKAGES)
