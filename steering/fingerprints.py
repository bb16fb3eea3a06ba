"""Are these the weights that an earlier result was made with?"""

import hashlib
import json

import torch

from steering.errors import ModelError
from steering.lora import Adapter
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder

PROBES = 16
"""Numbers of every weight tensor of a language model that go into its fingerprint."""


def weights_fingerprint(model: LanguageModel) -> str:
    """SHA-256 over the names and shapes of all weights and 16 numbers of each, spread evenly.

    A folder whose model was trained on keeps its name and changes its fingerprint, without all of it being read.

    Raises:
        ModelError: some of the weights lie on the disk, or in main memory for want of room on the accelerators.
    """
    digest = hashlib.sha256()
    with model.running() as network:
        for name, weight in network.named_parameters():
            if weight.is_meta:
                raise ModelError(
                    f"{model.name} does not fit on the accelerators, so {name} is kept elsewhere until it is used and "
                    "its weights cannot be recorded or checked; load it where it fits (--device cpu, or --dtype "
                    "bfloat16)."
                )
            flat = weight.detach().reshape(-1)
            places = torch.linspace(0, flat.numel() - 1, min(PROBES, flat.numel()), dtype=torch.float64).long()
            values = flat[places.to(flat.device)].double().cpu().numpy().tobytes()
            digest.update(f"{name} {tuple(weight.shape)}".encode() + values)
    return digest.hexdigest()


def sae_fingerprint(sae: SparseAutoencoder) -> str:
    """SHA-256 over every number of an SAE and over what else decides its activations."""
    digest = hashlib.sha256(
        f"{sae.architecture} {sae.k} {sae.apply_b_dec_to_input} {sae.normalization} {sae.center_input}".encode()
    )
    for name in ("W_enc", "W_dec", "b_enc", "b_dec", "threshold", "r_mag", "b_mag", "act_scale"):
        tensor = getattr(sae, name)
        if tensor is not None:
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            whole = tensor.detach().cpu().contiguous()
            numbers = whole if whole.dtype == torch.float32 else whole.view(torch.int16)  # numpy knows no bfloat16
            digest.update(memoryview(numbers.numpy()).cast("B"))
    return digest.hexdigest()


def adapter_fingerprint(adapter: Adapter) -> str:
    """SHA-256 over every number of a LoRA adapter and over what of its configuration scales them."""
    scaling = {
        name: adapter.config.get(name) for name in ("r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern")
    }
    digest = hashlib.sha256(json.dumps(scaling, sort_keys=True).encode())
    for name, tensor in sorted(adapter.tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode() + tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
