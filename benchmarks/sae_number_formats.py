"""How often does a feature fire where it would not, if an SAE is kept in bfloat16, or computed with in it?

Run from the repository root: ``python -m benchmarks.sae_number_formats``. Prints a Markdown table. The demo SAE reads
the demo model on the world's examples; a JumpReLU SAE with 16,384 features and random weights (d_model 1024, about 100
fire on a token) reads random residuals, once published in float32 and once in bfloat16, its decoder rows of other
lengths than 1. What is compared with is the same file in float32 throughout.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from steering.saes import SparseAutoencoder

D_MODEL, D_SAE, FIRING, TOKENS = 1024, 16_384, 100, 128
EXAMPLES = 40


def main() -> None:
    """Print the table."""
    import torch

    torch.set_grad_enabled(False)
    print("| SAE | kept in | computed in | decisions to fire | lost | gained | agreement among them "
          "| largest change of an activation |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|", flush=True)
    sae, resid = demo()
    compare("demo, published in float32", sae, resid)
    for stored in ("float32", "bfloat16"):
        sae, resid = random_sae(stored)
        compare(f"random, 16,384 features, published in {stored}", sae, resid)


def demo() -> "tuple[SparseAutoencoder, Tensor]":
    """The demo SAE and what it reads on the world's examples."""
    import torch

    from steering.activations import batches_by_length, encode_examples, read_resid
    from steering.encoding import pad_left
    from steering.workbench import open_pair
    from steering.world.labelled import labelled_examples

    texts = list(labelled_examples("pirate", count=EXAMPLES // 2)["text"])
    with open_pair("demo") as loaded:
        encoded = encode_examples(loaded.model, texts, [None] * len(texts))
        parts = []
        for rows in batches_by_length(encoded):
            batch = pad_left([encoded[row] for row in rows], pad_id=0, device=loaded.model.device)
            parts.append(read_resid(loaded.model, loaded.sae.hook_point, batch)[batch.eligible])
        return loaded.sae, torch.cat(parts)


def random_sae(stored: str) -> "tuple[SparseAutoencoder, Tensor]":
    """An SAE read from a folder of sae-lens' format, and residuals of length sqrt(d_model)."""
    import json

    import torch
    from safetensors.torch import save_file

    from steering.saes import load_sae

    generator = torch.Generator().manual_seed(0)
    lengths = torch.empty(D_SAE, 1).uniform_(0.5, 2.0, generator=generator)
    W_dec = torch.randn(D_SAE, D_MODEL, generator=generator) / D_MODEL**0.5 * lengths
    resid = torch.randn(TOKENS, D_MODEL, generator=generator)
    W_enc = W_dec.T.contiguous()
    places = resid @ W_enc
    threshold = places.quantile(1 - FIRING / D_SAE, dim=0)
    tensors = {
        "W_enc": W_enc, "W_dec": W_dec, "b_enc": torch.zeros(D_SAE), "b_dec": torch.zeros(D_MODEL),
        "threshold": threshold,
    }  # fmt: skip
    config = {"architecture": "jumprelu", "d_in": D_MODEL, "d_sae": D_SAE, "dtype": stored, "device": "cpu"}
    config |= {"apply_b_dec_to_input": False, "normalize_activations": "none"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cfg.json").write_text(
            json.dumps(config | {"metadata": {"hook_name": "blocks.0.hook_resid_post"}})
        )
        dtype = getattr(torch, stored)
        save_file({key: value.to(dtype) for key, value in tensors.items()}, Path(folder) / "sae_weights.safetensors")
        return load_sae(folder), resid


def compare(name: str, sae: "SparseAutoencoder", resid: "Tensor") -> None:
    """Print the two lines of an SAE."""
    whole = sae.encode(resid)
    row(name, "bfloat16", "float32", whole, sae.kept_as("bfloat16").encode(resid))
    row(name, "bfloat16", "bfloat16", whole, in_bfloat16(sae, resid))


def in_bfloat16(sae: "SparseAutoencoder", resid: "Tensor") -> "Tensor":
    """What a JumpReLU SAE gives if residual, matrix, bias and threshold are all bfloat16, which is not done here."""
    import torch

    assert sae.threshold is not None
    x = resid.float() - sae.b_dec if sae.apply_b_dec_to_input else resid.float()
    pre_acts = x.bfloat16() @ sae.W_enc.bfloat16() + sae.b_enc.bfloat16()
    return (pre_acts.relu() * (pre_acts > sae.threshold.bfloat16())).to(torch.float32)


def row(name: str, kept: str, computed: str, whole: "Tensor", other: "Tensor") -> None:
    """Print a line."""
    fires, fires_there = whole > 0, other > 0
    both = fires & fires_there
    lost, gained = int((fires & ~fires_there).sum()), int((fires_there & ~fires).sum())
    agreement = int(both.sum()) / max(1, int((fires | fires_there).sum()))
    change = float(((whole - other).abs()[both] / whole[both]).max()) if bool(both.any()) else 0.0
    cells = [name, kept, computed, f"{int(fires.sum()):,}", f"{lost:,}", f"{gained:,}", f"{agreement:.4%}"]
    print(f"| {' | '.join(cells)} | {change:.2g} |", flush=True)


if __name__ == "__main__":
    main()
