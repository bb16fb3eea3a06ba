"""Is the memory that is announced before loading what is really taken?

Run from the repository root: ``python -m benchmarks.memory_check``. Prints a Markdown table. Each line is a process of
its own, on the CPU: a Llama and a JumpReLU SAE with random weights, the decoder's rows to be folded; 8 texts of 512
tokens are read, then 4 prompts of 450 tokens answered under two conditions, with KL. What Python and the libraries take
is measured first, by the same work with a tiny model, and taken off the peak.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

D_MODEL, N_LAYERS, D_MLP, N_HEADS, VOCAB = 512, 8, 2048, 8, 32_000
CASES = (("float32", 16_384), ("float32", 65_536), ("bfloat16", 16_384))
TEXTS, TOKENS, ANSWER = 8, 512, 64


def main() -> None:
    """Print the table, or with ``--one`` a line of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=2, metavar=("DTYPE", "D_SAE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one_case(arguments.one[0], int(arguments.one[1]))
        return
    print("| parameters | dtype | features | weights | SAE | work | estimate | measured | measured / estimate |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for dtype, d_sae in CASES:
        command = [sys.executable, "-m", "benchmarks.memory_check", "--one", dtype, str(d_sae)]
        subprocess.run(command, check=True)


def one_case(dtype: str, d_sae: int) -> None:
    """Measure one model and SAE and print their line."""
    from steering.memory import ModelShape, SaeShape, estimate

    work(D_MODEL // 8, 1, 128, "float32", 256, tokens=16)  # what the libraries need once
    before = resident_bytes()
    n_parameters = work(D_MODEL, N_LAYERS, D_MLP, dtype, d_sae, tokens=TOKENS)
    measured = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    shape = ModelShape(n_parameters, N_LAYERS, D_MODEL, D_MLP, N_HEADS, N_HEADS, D_MODEL // N_HEADS, VOCAB)
    said = estimate(shape, SaeShape(D_MODEL, d_sae, "jumprelu"), dtype=dtype, device="cpu", batch=TEXTS, context=TOKENS)
    mib = [f"{part / 2**20:,.0f} MiB" for part in (said.weights, said.sae, said.work, said.total, measured)]
    print(f"| {n_parameters / 1e6:.0f} M | {dtype} | {d_sae:,} | {' | '.join(mib)} | {measured / said.total:.2f} |",
          flush=True)  # fmt: skip


def resident_bytes() -> int:
    """Memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def work(d_model: int, n_layers: int, d_mlp: int, dtype: str, d_sae: int, *, tokens: int) -> int:
    """Load, read and generate as the app does; returns the number of parameters."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from steering.activations import collect_statistics
    from steering.generation import Condition, Sampling, generate
    from steering.interventions import FeatureEdit, Intervention
    from steering.models import wrap_model
    from steering.presets import world_presets
    from steering.saes import load_sae

    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(world_presets()["demo"].model)
    tokenizer.chat_template = None
    config = LlamaConfig(
        hidden_size=d_model, intermediate_size=d_mlp, num_hidden_layers=n_layers, num_attention_heads=N_HEADS,
        num_key_value_heads=N_HEADS, vocab_size=VOCAB, max_position_embeddings=1024,
    )  # fmt: skip
    before, default = torch.get_default_dtype(), getattr(torch, dtype)
    torch.set_default_dtype(default)
    network = LlamaForCausalLM(config)
    torch.set_default_dtype(before)
    model = wrap_model(network, tokenizer, name="random")

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-c", _WRITE_SAE, folder, str(d_model), str(d_sae)], check=True
        )  # elsewhere, so that it does not count
        sae = load_sae(folder)
        words = "the sea was rough near the rocks and a hill stood in the sun "
        ids = tokenizer(words * 200, add_special_tokens=False)["input_ids"]
        text = tokenizer.decode(ids[: tokens - 2])
        collect_statistics(model, sae, [f"{text} {n}" for n in range(TEXTS)], [None] * TEXTS)
        prompt = tokenizer.decode(ids[: max(4, tokens - ANSWER - 2)])
        edit = Intervention((FeatureEdit(3, 1.0, 1.0),))
        conditions = [Condition("baseline"), Condition("steered", intervention=edit)]
        generate(
            model, conditions, [f"{prompt} {n}" for n in range(TEXTS // 2)], sae=sae,
            sampling=Sampling(min(ANSWER, tokens), 1.0), seed=0,
        )  # fmt: skip
    return model.n_parameters


_WRITE_SAE = """
import json, sys, torch
from pathlib import Path
from safetensors.torch import save_file
folder, d_model, d_sae = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
generator = torch.Generator().manual_seed(0)
W_dec = torch.randn(d_sae, d_model, generator=generator)
cfg = dict(architecture="jumprelu", d_in=d_model, d_sae=d_sae, dtype="float32", device="cpu",
           apply_b_dec_to_input=False, normalize_activations="none",
           metadata=dict(hook_name="blocks.0.hook_resid_post"))
(folder / "cfg.json").write_text(json.dumps(cfg))
threshold = torch.full((d_sae,), 1.0)
tensors = dict(W_enc=(W_dec.T / d_model**0.5).contiguous(), W_dec=W_dec, b_enc=torch.zeros(d_sae),
               b_dec=torch.zeros(d_model), threshold=threshold)
save_file(tensors, folder / "sae_weights.safetensors")
"""


if __name__ == "__main__":
    main()
