"""Random SAEs that fit the tiny models, built through the same door as real ones."""

import torch

from steering.saes import SparseAutoencoder
from steering.saes.building import build_autoencoder

D_SAE = 48


def tiny_sae(
    d_model: int = 32,
    *,
    layer: int = 1,
    site: str = "resid_post",
    architecture: str = "jumprelu",
    seed: int = 0,
    normalize: str = "none",
    d_sae: int = D_SAE,
) -> SparseAutoencoder:
    """About a third of the features fire on a token; decoder rows of unequal length, so folding has work to do."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    W_dec = normal(d_sae, d_model)
    tensors = {
        "W_dec": W_dec,
        "W_enc": W_dec.T.contiguous() / d_model**0.5 + 0.1 * normal(d_model, d_sae),
        "b_enc": 0.1 * normal(d_sae),
        "b_dec": 0.1 * normal(d_model),
    }
    config: dict[str, object] = {
        "architecture": architecture,
        "d_in": d_model,
        "d_sae": d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": normalize,
        "reshape_activations": "none",
        "metadata": {"hook_name": f"blocks.{layer}.hook_{site}", "model_name": "tiny"},
    }
    if architecture == "jumprelu":
        tensors["threshold"] = 0.3 + 0.1 * normal(d_sae).abs()
    if architecture == "topk":
        config |= {"k": 8, "rescale_acts_by_decoder_norm": True}
    return build_autoencoder(config, tensors, where="the tiny SAE")
