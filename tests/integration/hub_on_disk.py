"""A Hub without a network: tiny models and SAEs of five families, laid out as the Hub's cache and as its repositories.

Under their real names and in the real file formats, so that the libraries' own loaders read them. Widths are tiny.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import Gemma3TextConfig

from steering.models import LanguageModel
from tests import tiny

COMMIT = "0" * 40
D_MODEL, D_SAE = 32, 96
PAIRS = {
    "google/gemma-2-2b": "gemma-scope-2b-pt-res-canonical/layer_1/width_16k/canonical",
    "gpt2": "gpt2-small-res-jb/blocks.1.hook_resid_pre",
    "meta-llama/Llama-3.1-8B": "llama_scope_lxr_8x/l1r_8x",
    "EleutherAI/pythia-70m-deduped": "sae_bench_pythia70m_sweep_topk_ctx128_0730/blocks.3.hook_resid_post__trainer_0",
    "google/gemma-3-270m": "gemma-scope-2-270m-pt-res-all/layer_1_width_16k_l0_big",
}
"""Model → an SAE for it in sae-lens' directory."""
LLAMA_FACTOR = 39.76699029126213
"""The norm factor of that Llama Scope SAE in sae-lens' list: sqrt(d_model) over the average norm in training."""


def snapshot(cache: Path, repo: str) -> Path:
    """The folder of a repository's only commit in a cache."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True, exist_ok=True)
    return folder / "snapshots" / COMMIT


def save_model(model: LanguageModel, folder: Path) -> None:
    """As the author of a repository uploads it."""
    model.model.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)


def fill_with_models(cache: Path) -> None:
    """The five models of `PAIRS`, four layers each."""
    three, tiny.N_LAYERS = tiny.N_LAYERS, 4
    try:
        for name, build in (
            ("google/gemma-2-2b", tiny.tiny_gemma2),
            ("gpt2", tiny.tiny_gpt2),
            ("meta-llama/Llama-3.1-8B", tiny.tiny_llama),
            ("EleutherAI/pythia-70m-deduped", tiny.tiny_neox),
            ("google/gemma-3-270m", _gemma3),
        ):
            save_model(build(), snapshot(cache, name))
    finally:
        tiny.N_LAYERS = three


def _gemma3() -> LanguageModel:
    config = Gemma3TextConfig(
        hidden_size=D_MODEL, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        query_pre_attn_scalar=8, sliding_window=32, **tiny._common(),
    )  # fmt: skip
    return tiny._build(config, tiny.byte_tokenizer(bos="<bos>", eos="<eos>"), "tiny-gemma3", 0)


def weights(seed: int) -> dict[str, torch.Tensor]:
    """W_enc, W_dec and the biases; decoder rows are far from unit length."""
    generator = torch.Generator().manual_seed(seed)
    W_dec = torch.randn(D_SAE, D_MODEL, generator=generator)
    return {
        "W_enc": (W_dec.T / D_MODEL**0.5).contiguous(),
        "W_dec": W_dec,
        "b_enc": 0.1 * torch.randn(D_SAE, generator=generator),
        "b_dec": 0.1 * torch.randn(D_MODEL, generator=generator),
    }


def fill_with_saes(cache: Path) -> None:
    """The five SAEs of `PAIRS`, each in the format of its authors."""
    gemma = snapshot(cache, "google/gemma-scope-2b-pt-res") / "layer_1/width_16k/average_l0_102"
    gemma.mkdir(parents=True)
    threshold = torch.full((D_SAE,), 0.3)
    np.savez(
        gemma / "params.npz", **{key: value.numpy() for key, value in (weights(0) | {"threshold": threshold}).items()}
    )

    _write_res_jb(cache, 1)

    llama = snapshot(cache, "fnlp/Llama3_1-8B-Base-LXR-8x") / "Llama3_1-8B-Base-L1R-8x"
    (llama / "checkpoints").mkdir(parents=True)
    hyper = {
        "d_model": D_MODEL,
        "d_sae": D_SAE,
        "jump_relu_threshold": 0.1,
        "hook_point_in": "blocks.1.hook_resid_post",
    }
    hyper["dataset_average_activation_norm"] = {"in": D_MODEL**0.5 / LLAMA_FACTOR}
    (llama / "hyperparams.json").write_text(json.dumps(hyper))
    own = weights(2)
    linear = {
        "encoder.weight": own["W_enc"].T.contiguous(), "encoder.bias": own["b_enc"],
        "decoder.weight": own["W_dec"].T.contiguous(), "decoder.bias": own["b_dec"],
    }  # fmt: skip
    save_file({key: value.bfloat16() for key, value in linear.items()}, llama / "checkpoints/final.safetensors")

    pythia = snapshot(cache, "canrager/lm_sae") / "pythia70m_sweep_topk_ctx128_0730/resid_post_layer_3/trainer_0"
    pythia.mkdir(parents=True)
    write_dictionary_learning(pythia, weights(3))

    gemma3 = snapshot(cache, "google/gemma-scope-2-270m-pt") / "resid_post_all/layer_1_width_16k_l0_big"
    gemma3.mkdir(parents=True)
    config = {"architecture": "jump_relu", "model_name": "gemma-3-270m", "hf_hook_point_in": "model.layers.1.output"}
    (gemma3 / "config.json").write_text(json.dumps(config))
    lower = {key.lower(): value for key, value in weights(4).items()}
    save_file(lower | {"threshold": threshold}, gemma3 / "params.safetensors")


def fill_with_gpt2_small(cache: Path) -> None:
    """The preset ``gpt2-small`` with its default SAE: as many layers as it has, and tiny otherwise."""
    three, tiny.N_LAYERS = tiny.N_LAYERS, 12
    try:
        save_model(tiny.tiny_gpt2(), snapshot(cache, "openai-community/gpt2"))
    finally:
        tiny.N_LAYERS = three
    _write_res_jb(cache, 8)


def _write_res_jb(cache: Path, layer: int) -> None:
    folder = snapshot(cache, "jbloom/GPT2-Small-SAEs-Reformatted") / f"blocks.{layer}.hook_resid_pre"
    folder.mkdir(parents=True)
    flat = {"model_name": "gpt2-small", "hook_point": f"blocks.{layer}.hook_resid_pre", "hook_point_layer": layer}
    flat |= {"hook_point_head_index": None, "d_in": D_MODEL, "d_sae": D_SAE, "dtype": "torch.float32", "device": "cpu"}
    (folder / "cfg.json").write_text(json.dumps(flat))
    save_file(weights(1), folder / "sae_weights.safetensors")


def write_dictionary_learning(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    """A top-k SAE as dictionary_learning saves it: torch's spelling, plain tensors in a .pt file."""
    trainer = {"layer": 3, "dict_class": "AutoEncoderTopK", "k": 12, "lm_name": "EleutherAI/pythia-70m-deduped"}
    trainer |= {"activation_dim": D_MODEL, "dict_size": D_SAE}
    (folder / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": {"ctx_len": 128}}))
    stored = {
        "encoder.weight": tensors["W_enc"].T.contiguous(), "encoder.bias": tensors["b_enc"],
        "decoder.weight": tensors["W_dec"].T.contiguous(), "b_dec": tensors["b_dec"], "k": torch.tensor(12),
    }  # fmt: skip
    torch.save(stored, folder / "ae.pt")
