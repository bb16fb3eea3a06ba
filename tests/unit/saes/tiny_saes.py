"""SAEs by config and tensors, as a file holds them."""

from typing import Any

import torch
from torch import Tensor

from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.building import build_autoencoder

D_MODEL, D_SAE, K = 12, 40, 5
ARCHITECTURES = ("standard", "jumprelu", "topk", "gated")
NORMALIZATIONS = ("none", "layer_norm", "constant_norm_rescale")


def config_of(architecture: str = "standard", **changes: Any) -> dict[str, Any]:
    config: dict[str, Any] = {
        "architecture": architecture,
        "d_in": D_MODEL,
        "d_sae": D_SAE,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": "6.54.12", "hook_name": "blocks.1.hook_resid_post"},
    }
    if architecture == "topk":
        config |= {"k": K, "rescale_acts_by_decoder_norm": False}
    return config | changes


def tensors_of(architecture: str = "standard", *, seed: int = 0, d_model: int = D_MODEL) -> dict[str, Tensor]:
    """Random weights whose decoder rows have lengths between 0.5 and 3."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    rows = normal(D_SAE, d_model)
    lengths = 0.5 + 2.5 * torch.rand(D_SAE, 1, generator=generator)
    tensors = {
        "W_enc": normal(d_model, D_SAE),
        "W_dec": rows / rows.norm(dim=-1, keepdim=True) * lengths,
        "b_dec": normal(d_model),
    }
    if architecture == "gated":
        return tensors | {"b_gate": normal(D_SAE), "b_mag": normal(D_SAE), "r_mag": 0.3 * normal(D_SAE)}
    tensors["b_enc"] = normal(D_SAE)
    if architecture == "jumprelu":
        tensors["threshold"] = normal(D_SAE).abs()
    return tensors


def built(architecture: str = "standard", **changes: Any) -> SparseAutoencoder:
    return build_autoencoder(config_of(architecture, **changes), tensors_of(architecture), where="The SAE")


def residuals(*shape: int, d_model: int = D_MODEL, seed: int = 1) -> Tensor:
    """Residuals with a mean over d_model and norms far from sqrt(d_model), as LayerNorm models have them."""
    generator = torch.Generator().manual_seed(seed)
    return 3.0 * torch.randn(*shape, d_model, generator=generator) + 0.7
