"""What is exported: which features of which SAE, written how, into which model?"""

import json
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from steering.exports.formats import Facts
from steering.interventions import Intervention, code_change, resid_change
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder
from steering.versions import versions_of

PACKAGES = ("torch", "transformers", "sae-lens", "safetensors", "gguf")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """An intervention together with what it is written into.

    Attributes:
        model: loaded; its module paths and name go into the files.
        sae: whose features they are, fitted to the model.
        sae_name: what the SAE is called outside this machine.
        intervention: features, factors, mode and scope.
        concept: what the features are for; None where nobody said.
        recipe_digest: of the recipe it came from; empty without one.
        library: whose calls a snippet uses.
        prompt: what a snippet asks.
    """

    model: LanguageModel
    sae: SparseAutoencoder
    sae_name: str
    intervention: Intervention
    concept: str | None = None
    recipe_digest: str = ""
    library: str = "transformers"
    prompt: str = "Explain how bread is made."

    @property
    def facts(self) -> Facts:
        """What decides which formats can hold it."""
        return Facts(
            mode=self.intervention.mode,
            scope=self.intervention.scope,
            hook_point=self.sae.hook_point,
            architecture=self.sae.architecture,
            normalised=self.sae.normalization != "none",
            neuronpedia_id=self.sae.metadata.neuronpedia_id or "",
        )

    @property
    def directions(self) -> Float[Tensor, "k d_model"]:
        """Decoder direction of each feature, unit norm, on the CPU."""
        return self.sae.decoder(list(self.intervention.feature_ids)).detach().float().cpu()

    @property
    def vector(self) -> Float[Tensor, " d_model"]:
        """What ``add`` adds to the residual stream at every written position: sum of factor × max_act × decoder
        direction, shortened to the shared budget as :func:`steering.interventions.resid_change` does.
        """
        values = torch.tensor([self.intervention.values])
        change = code_change("add", torch.zeros(1, 1, values.shape[1]), values)
        return resid_change(change, self.directions, shared_budget=self.intervention.shortens)[0, 0]

    @property
    def module_path(self) -> str:
        """The module that is hooked and the end of it, e.g. ``model.layers.2.output``."""
        return str(self.model.layout.locate(self.sae.hook_point))

    def metadata(self) -> dict[str, str]:
        """All of it in words, for formats that keep strings."""
        intervention = self.intervention
        features = [
            {"feature_id": one.feature_id, "factor": one.factor, "max_act": one.max_act, "coefficient": one.coefficient}
            for one in intervention.features
        ]
        return {
            "format": "steerscope-vector-1",
            "model": self.model.name,
            "sae": self.sae_name,
            "hook_point": str(self.sae.hook_point),
            "module_path": self.module_path,
            "features": json.dumps(features),
            "mode": intervention.mode,
            "scope": intervention.scope,
            "special": json.dumps(intervention.special),
            "shared_budget": json.dumps(intervention.shared_budget),
            "concept": self.concept or "",
            "recipe_digest": self.recipe_digest,
            "versions": json.dumps(versions_of(PACKAGES)),
        }
