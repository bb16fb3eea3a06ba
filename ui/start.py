"""What can be opened with one click, and what does the warm-up load?

The frame and the landing page ask here and know nothing about the embedded world.
"""

from dataclasses import dataclass

from steering import runtime
from steering.errors import WorldError
from steering.presets import is_world_model, model_key, presets, sae_key
from ui.state import chosen

DEFAULT_MODEL = "demo"


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample set that stands one click away.

    Attributes:
        id: name of the world's concept.
        title: on the button, two or three words.
        description: one line below it.
        icon: a Material icon, ``:material/...:``.
    """

    id: str
    title: str
    description: str
    icon: str = ":material/science:"


_SAMPLES = (
    Sample(
        "french", "French phrases", "72 answers that drop into French, 72 that do not", ":material/language_french:"
    ),
    Sample("sea", "The sea and sailing", "72 answers that bring in the sea, 72 that do not", ":material/waves:"),
    Sample("pirate", "Pirate speech", "72 answers that talk like a pirate, 72 that do not", ":material/sailing:"),
)


def samples() -> list[Sample]:
    """The samples that can be opened now; empty while the embedded world is not built."""
    if DEFAULT_MODEL not in presets():
        return []
    from steering.world.concepts import concepts

    known = {concept.name for concept in concepts()}
    return [sample for sample in _SAMPLES if sample.id in known]


def open_sample(id: str) -> None:
    """Make a sample's examples the session's examples, on a model that knows them.

    Raises:
        WorldError: no sample has that id.
    """
    from ui.examples_draft import WorldRecipe, from_world, take

    if id not in {sample.id for sample in samples()}:
        raise WorldError(f"There is no sample {id!r}; choose one of those on the start page.")
    if not is_world_model(chosen.model):
        chosen.model = chosen.sae = DEFAULT_MODEL
        chosen.device, chosen.dtype, chosen.sae_dtype = "auto", "auto", "float32"
    take(from_world(WorldRecipe(concept=id)))


def register_warm_models() -> None:
    """Tell the runtime what to load in the background; called before the warm-up starts, cheap, any number of times."""
    if DEFAULT_MODEL not in presets():
        return

    def load_model() -> object:
        from steering.models import load_model

        return load_model(DEFAULT_MODEL)

    def load_sae() -> object:
        from steering.workbench import load_fitted_sae

        return load_fitted_sae(DEFAULT_MODEL)

    def available() -> bool:
        return DEFAULT_MODEL in presets()

    for kind, name, title, loader in (
        ("model", model_key(DEFAULT_MODEL), "the model", load_model),
        ("sae", sae_key(DEFAULT_MODEL), "the SAE", load_sae),
    ):
        runtime.register_warm_model(runtime.WarmModel(kind, name, title, loader, available))
