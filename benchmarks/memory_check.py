"""Is the memory that is announced before loading what is really taken?

Run from the repository root: ``python -m benchmarks.memory_check``. Prints a Markdown table. Each line is a process of
its own, on the CPU, without a network: a Llama with random weights lies in a Hub cache made for this, a JumpReLU SAE
with decoder rows to be folded in a folder; both are opened, 8 texts of 512 tokens are ranked, then 4 prompts of 448
tokens are answered with 64 under two conditions, with KL. What Python and the libraries take is measured first, by the
same work with a tiny model, and taken off. The most of each phase is of the process' own memory (RssAnon, looked at
every few milliseconds): pages of a file that is mapped while it is read can be taken away again at any time. The last
column is the kernel's peak with them (VmHWM).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

TINY = (64, 2, 128, 1000)
SIZE = (1024, 4, 4096, 150_000)
"""d_model, layers, d_mlp, vocabulary."""
HEADS = 8
CASES = (
    ("float32", "float32", "float32", 16_384),
    ("bfloat16", "float32", "float32", 16_384),
    ("bfloat16", "bfloat16", "float32", 16_384),
    ("bfloat16", "bfloat16", "bfloat16", 16_384),
)
"""Number format of the model's file, of its weights in memory, of the SAE's file; features."""
TEXTS, TOKENS, ANSWER = 8, 512, 64
WORDS = "the sea was rough near the rocks and a hill stood in the sun "


def main() -> None:
    """Print the table, or do the part of it that belongs into a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=list(range(len(CASES))), help="lines, from 0")
    parser.add_argument("--write", nargs=4, metavar=("FOLDER", "MODEL", "SAE", "D_SAE"), help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "CASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        folder, stored, stored_sae, d_sae = arguments.write
        write(Path(folder), "tiny", TINY, stored, stored_sae, 256)
        write(Path(folder), "large", SIZE, stored, stored_sae, int(d_sae))
        return
    if arguments.measure:
        measure(Path(arguments.measure[0]), CASES[int(arguments.measure[1])])
        return
    print("| parameters | model's file | in memory | SAE's file | weights and SAE: said | held | all: said "
          "| loading | ranking | generating | most / said | with pages of files |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for number in arguments.cases:
        stored, _, stored_sae, d_sae = CASES[number]
        with tempfile.TemporaryDirectory() as folder:
            again = [sys.executable, "-m", "benchmarks.memory_check"]
            environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": folder}
            subprocess.run([*again, "--write", folder, stored, stored_sae, str(d_sae)], check=True)
            subprocess.run([*again, "--measure", folder, str(number)], check=True, env=environment)


def write(folder: Path, name: str, size: tuple[int, int, int, int], stored: str, stored_sae: str, d_sae: int) -> None:
    """Write a model ``random/NAME`` into the cache at ``folder``, and its SAE beside it."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from steering.presets import world_presets

    d_model, n_layers, d_mlp, vocab_size = size
    repository = folder / f"models--random--{name}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    tokenizer = AutoTokenizer.from_pretrained(world_presets()["demo"].model)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(snapshot)
    config = LlamaConfig(
        hidden_size=d_model, intermediate_size=d_mlp, num_hidden_layers=n_layers, num_attention_heads=HEADS,
        num_key_value_heads=HEADS, vocab_size=max(vocab_size, len(tokenizer)), max_position_embeddings=1024,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=None, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(getattr(torch, stored)).save_pretrained(snapshot)

    W_dec = torch.randn(d_sae, d_model)
    tensors = {
        "W_enc": (W_dec.T / d_model**0.5).contiguous(), "W_dec": W_dec, "b_enc": torch.zeros(d_sae),
        "b_dec": torch.zeros(d_model), "threshold": torch.full((d_sae,), 1.0),
    }  # fmt: skip
    config_of_sae = {"architecture": "jumprelu", "d_in": d_model, "d_sae": d_sae, "dtype": stored_sae, "device": "cpu"}
    config_of_sae |= {"apply_b_dec_to_input": False, "normalize_activations": "none"}
    (folder / f"{name}-sae").mkdir()
    (folder / f"{name}-sae" / "cfg.json").write_text(
        json.dumps(config_of_sae | {"metadata": {"hook_name": f"blocks.{n_layers // 2}.hook_resid_post"}})
    )
    dtype = getattr(torch, stored_sae)
    save_file({key: value.to(dtype) for key, value in tensors.items()}, folder / f"{name}-sae/sae_weights.safetensors")


def measure(folder: Path, case: tuple[str, str, str, int]) -> None:
    """Open the pair, work with it, and print its line."""
    import torch

    from steering import runtime
    from steering.outlook import look_ahead

    stored, dtype, stored_sae, _ = case
    torch.manual_seed(0)
    work(folder, "tiny", dtype, {})  # what the libraries need once
    runtime.shelf().clear()
    runtime.release_memory()
    before = resident()
    peaks: dict[str, int] = {}
    n_parameters = work(folder, "large", dtype, peaks)
    said = look_ahead("random/large", str(folder / "large-sae"), device="cpu", dtype=dtype, measure=True).memory
    assert said is not None
    held, kernels = peaks.pop("held") - before, resident("VmHWM") - before
    highest = max(peaks.values()) - before
    mib = [f"{part / 2**20:,.0f} MiB" for part in (said.weights + said.sae, held, said.total)]
    by_phase = [f"{(peaks[phase] - before) / 2**20:,.0f} MiB" for phase in ("loading", "ranking", "generating")]
    cells = [f"{n_parameters / 1e6:.0f} M", stored, dtype, stored_sae, *mib, *by_phase, f"{highest / said.total:.2f}"]
    cells.append(f"{kernels / 2**20:,.0f} MiB")
    print(f"| {' | '.join(cells)} |", flush=True)


def resident(field: str = "RssAnon") -> int:
    """Memory of this process, in bytes: its own now, or all of it at most since the last `forget_peak` (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def forget_peak() -> None:
    """Let the kernel count the peak from here on."""
    Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def watched(peaks: dict[str, int], phase: str) -> Iterator[None]:
    """Keep the most of this process' own memory during the block."""
    peaks[phase] = resident()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.003):
            peaks[phase] = max(peaks[phase], resident())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def work(folder: Path, name: str, dtype: str, peaks: dict[str, int]) -> int:
    """Load, rank and generate as the command line does; returns the number of parameters."""
    import numpy as np

    from steering.examples import LabelledExamples
    from steering.generation import Condition, Sampling, generate
    from steering.interventions import FeatureEdit, Intervention
    from steering.ranking import RankingSettings
    from steering.workbench import open_pair, rank_examples

    forget_peak()
    with ExitStack() as stack:
        with watched(peaks, "loading"):
            loaded = stack.enter_context(
                open_pair(f"random/{name}", str(folder / f"{name}-sae"), dtype=dtype)  # type: ignore[arg-type]
            )
        peaks["held"] = resident()
        tokenizer = loaded.model.tokenizer
        ids = tokenizer(WORDS * 60, add_special_tokens=False)["input_ids"]
        texts = [f"{number} {tokenizer.decode(ids[: TOKENS - 4])}" for number in range(TEXTS)]
        examples = LabelledExamples.from_rows("sea", texts, np.arange(TEXTS)[:, None] % 2 == 0, ["sea"])
        with watched(peaks, "ranking"):
            rank_examples(loaded, examples, RankingSettings(heldout=0.0))
        prompts = [f"{number} {tokenizer.decode(ids[: TOKENS - ANSWER - 4])}" for number in range(TEXTS // 2)]
        edit = Intervention((FeatureEdit(3, 1.0, 1.0),))
        conditions = [Condition("baseline"), Condition("steered", intervention=edit)]
        with watched(peaks, "generating"):
            generate(loaded.model, conditions, prompts, sae=loaded.sae, sampling=Sampling(ANSWER, 1.0), seed=0)
        return loaded.model.n_parameters


if __name__ == "__main__":
    main()
