"""Does this SAE fit this model, and what must be done to the residual before it reads?"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

from steering.catalogue.names import another_model
from steering.errors import SaeError
from steering.layout import ModelLayout
from steering.presets import published_name
from steering.saes.autoencoder import SparseAutoencoder


@runtime_checkable
class HostModel(Protocol):
    """What fitting needs to know of a model; ``steering.models.LanguageModel`` knows it."""

    @property
    def name(self) -> str:
        """Preset, folder or Hub id."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""

    @property
    def layout(self) -> ModelLayout:
        """Where its decoder layers are."""

    @property
    def uses_layer_norm(self) -> bool:
        """Whether it normalises with LayerNorm."""


def fit_to_model(sae: SparseAutoencoder, model: HostModel) -> SparseAutoencoder:
    """Check the SAE against the model and set what its reading of this model needs.

    An SAE trained on a LayerNorm model with centred writing weights (TransformerLens' default processing) saw
    ``x - mean(x)`` over d_model. That is exact to reproduce: ``center_input`` is set. RMSNorm models are never centred.

    Raises:
        SaeError: width, layer, site or hooked module do not fit; the message holds both numbers.
    """
    point, layout = sae.hook_point, model.layout
    if sae.d_model != model.d_model:
        raise SaeError(
            f"The SAE {sae.name} reads a residual stream of width {sae.d_model}, but {model.name} has width "
            f"{model.d_model}; choose an SAE that was trained on this model{_trained_on(sae)}."
        )
    if point.layer >= layout.n_layers:
        raise SaeError(
            f"The SAE {sae.name} reads layer {point.layer}, but {model.name} has layers 0 to {layout.n_layers - 1}; "
            f"choose an SAE that was trained on this model{_trained_on(sae)}."
        )
    if point.site not in layout.family.sites:
        raise SaeError(
            f"The SAE {sae.name} reads {point.site}, which models of the {layout.family.name} family such as "
            f"{model.name} do not have ({layout.family.lacks}); they have {', '.join(layout.family.sites)}."
        )
    _check_module(sae, model)
    return replace(sae, center_input=sae.metadata.center_writing_weights and model.uses_layer_norm)


def trained_on_another(sae: SparseAutoencoder, model_name: str) -> str | None:
    """A sentence if the SAE names another model than this one, or one that cannot be compared with it; else None.

    Reading an instruction-tuned model with its base model's SAE is common and mostly works, so this is never an error.
    """
    return another_model(sae.metadata.model_name, published_name(model_name))


def _trained_on(sae: SparseAutoencoder) -> str:
    return f" (this one was trained on {sae.metadata.model_name})" if sae.metadata.model_name else ""


def _check_module(sae: SparseAutoencoder, model: HostModel) -> None:
    """Refuse a module path that means another place in this family: in Gemma ``mlp`` comes before the norm that
    belongs to what the MLP adds to the residual.
    """
    name = sae.metadata.hf_hook_name or sae.metadata.hook_name or ""
    if name.startswith("blocks."):
        return
    path, _, end = name.rpartition(".") if name.endswith((".input", ".output")) else (name, "", "output")
    part = path.rpartition(".")[2]
    if part.isdigit():
        return
    hooked = model.layout.locate(sae.hook_point)
    if (hooked.path.rpartition(".")[2], hooked.end) != (part, end):
        raise SaeError(
            f"The SAE {sae.name} was trained on the module {name}, but in {model.name} {sae.hook_point.site} is "
            f"{hooked}; choose an SAE of that module."
        )
