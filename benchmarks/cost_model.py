"""What does a benchmark cost, from rates measured on a device?

    python -m benchmarks.cost_model --model demo                        rates of this machine, and what they foretell
    python -m benchmarks.cost_model --model demo --check FOLDER         beside the seconds that a finished run took
    python -m benchmarks.cost_model --twin gemma-2-9b --device cuda     random weights: rates need no download
    python -m benchmarks.cost_model --assumed gemma-2-9b                from rates that nobody has measured, and says so

Hours = tokens written / writing rate + tokens read / reading rate + tokens trained on / training rate, divided by the
devices: concepts and methods do not wait for each other. What the model leaves out: loading, judging, and the last
devices waiting for the longest unit.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from steering.benchmark.settings import BenchmarkSettings, TestFactors
    from steering.models import LanguageModel

EXAMPLE_TOKENS, PROMPT_TOKENS = 160, 40
"""Of one example with its prompt, and of one instruction, as in AxBench's sets for Gemma-2 (rounded up)."""
TRAINED_SIDES = {"lora": 1, "sft": 1, "ssv": 1, "reft_r1": 2}
READS = {"diffmean": 2, "pca": 2, "lat": 2, "probe": 2, "random_direction": 1, "reft_r1": 1}
"""Passes over the examples; every SAE method of a concept shares one."""
ROUNDS = 3
TWINS = {
    "gemma-2-2b": {"hidden_size": 2304, "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4,
                   "head_dim": 256, "intermediate_size": 9216, "vocab_size": 256_000},
    "gemma-2-9b": {"hidden_size": 3584, "num_hidden_layers": 42, "num_attention_heads": 16, "num_key_value_heads": 8,
                   "head_dim": 256, "intermediate_size": 14336, "vocab_size": 256_000},
}  # fmt: skip
"""Sizes from the models' published configurations."""
A100_FLOPS, A100_BYTES = 312e12, 2.0e12
"""Dense bfloat16 operations and bytes of memory a second of an A100 with 80 GB, from its data sheet."""
PARAMETERS = {"gemma-2-2b": 2.61e9, "gemma-2-9b": 9.24e9}
ASSUMED_SHARE = {"written": 0.1, "read": 0.4, "trained": 0.4}
"""Of what the data sheet allows. Writing is bound by reading the weights once for every token of a batch, and hooks,
sampling and the two passes that measure KL and perplexity cost besides; guesses, all three."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens a second of one device.

    Attributes:
        written: tokens sampled with an edit at every position and measured for KL and perplexity.
        read: tokens of a forward pass.
        trained: tokens of a forward and a backward pass.
        batch: rows written at once.
    """

    written: float
    read: float
    trained: float
    batch: int


@dataclass(frozen=True, slots=True)
class Work:
    """Tokens of a run, by what is done with them."""

    written: int
    read: int
    trained: int

    def seconds(self, rates: Rates) -> float:
        """On one device."""
        return self.written / rates.written + self.read / rates.read + self.trained / rates.trained


def epochs_of(method: str) -> int:
    """Passes over the examples while a method is trained, 0 where nothing is."""
    from steering.directions.settings import REFT_PRESETS, SSV_PRESETS
    from steering.finetuning.settings import FineTuneSettings
    from steering.lora import LoraSettings

    learned = {
        "lora": LoraSettings().epochs,
        "sft": FineTuneSettings().epochs,
        "ssv": SSV_PRESETS["axbench_9b"].epochs,
        "reft_r1": REFT_PRESETS["axbench_9b"].epochs,
    }
    return learned.get(method, 0)


def axbench(methods: tuple[str, ...], *, test_factors: "TestFactors", new_tokens: int) -> "BenchmarkSettings":
    """AxBench's protocol on Concept500: five prompts in each half, one seed."""
    from steering.benchmark.settings import BenchmarkSettings

    # Only sizes are asked of these settings, so any model with examples of its own will do.
    return BenchmarkSettings(
        "demo", methods, tuple(f"concept {number}" for number in range(500)), n_select=5, n_test=5,
        max_new_tokens=new_tokens, test_factors=test_factors,
    )  # fmt: skip


def work_of(settings: "BenchmarkSettings", method: str) -> Work:
    """What one unit, a method on a concept under one seed, needs."""
    completions = settings.completions_of(method)
    side = settings.n_examples * EXAMPLE_TOKENS
    # A sae method reads the examples once for its concept; it is counted with the first of them in `total_work`.
    return Work(
        written=completions * settings.max_new_tokens,
        read=completions * PROMPT_TOKENS + READS.get(method, 0) * 2 * side,
        trained=epochs_of(method) * TRAINED_SIDES.get(method, 0) * side,
    )


def total_work(settings: "BenchmarkSettings") -> Work:
    """What a whole run needs."""
    units = [work_of(settings, name) for name in settings.methods]
    needs_sae = any(name.startswith("sae") for name in settings.methods)
    shared = 2 * settings.n_examples * EXAMPLE_TOKENS if needs_sae else 0
    times = len(settings.concepts) * len(settings.seeds)
    return Work(
        times * sum(unit.written for unit in units),
        times * (sum(unit.read for unit in units) + shared),
        times * sum(unit.trained for unit in units),
    )


def measure(model: "LanguageModel", *, batch: int, new_tokens: int) -> Rates:
    """Measure the three rates of a model where it is.

    Args:
        model: any.
        batch: rows written at once.
        new_tokens: of each.
    """
    from steering.directions.random_direction import random_direction
    from steering.encoding import encode_example, pad_left
    from steering.generation import Condition, Sampling, generate
    from steering.hook_points import HookPoint
    from steering.lora import LoraSettings, train_lora

    texts = ["The bread is baked in the morning and sold by noon. " * 8] * batch
    prompts = [f"Explain how bread is baked, part {one}." for one in range(batch)]
    encoded = [encode_example(model, text, prompt) for text, prompt in zip(texts, prompts, strict=True)]
    point = HookPoint(model.n_layers // 2, "resid_post")
    found = random_direction(model, point, encoded[:2])
    condition = Condition("direction", direction=found, factor=0.1)

    def write() -> int:
        answers = generate(
            model, [condition], prompts, sampling=Sampling(new_tokens), seed=time.monotonic_ns() % 2**31,
            with_tokens=False,
        )  # fmt: skip
        return sum(len(one.token_ids) for one in answers)

    def read() -> int:
        tokens = pad_left(encoded, pad_id=int(model.tokenizer.pad_token_id or 0), device=model.device)
        with model.running() as network:
            network(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, logits_to_keep=1)
        return sum(map(len, encoded))

    def train() -> int:
        n = min(batch, 18)
        train_lora(model, texts[:n], prompts[:n], settings=LoraSettings(epochs=1, batch_size=n))
        return sum(map(len, encoded[:n]))

    # On one core the process's own seconds count, so that what else the machine does costs nothing.
    clock = time.process_time if model.device.type == "cpu" else time.perf_counter
    return Rates(_rate(write, clock), _rate(read, clock), _rate(train, clock), batch)


def assumed(name: str, *, batch: int) -> Rates:
    """Rates that were not measured: shares of an A100's data sheet that were assumed.

    Args:
        name: of a published shape.
        batch: rows written at once.
    """
    read = A100_FLOPS / (2 * PARAMETERS[name])  # two operations a parameter and token; three times that to train
    written = batch * A100_BYTES / (2 * PARAMETERS[name])  # two bytes a parameter, read once for a token of each row
    share = ASSUMED_SHARE
    return Rates(share["written"] * min(written, read), share["read"] * read, share["trained"] * read / 3, batch)


def table(rates: Rates, *, new_tokens: int) -> str:
    """Hours of AxBench's Concept500 at these rates."""
    from steering.methods.registry import METHODS

    methods = tuple(one.name for one in METHODS if not one.is_control)
    lines = [
        f"Concept500, {len(methods)} methods, 14 factors, one seed, {new_tokens} new tokens, hours:",
        "",
        "| test half | tokens written | 1 device | 8 devices | 64 devices |",
        "|---|---|---|---|---|",
    ]
    halves: dict[TestFactors, str] = {"all": "at every factor", "chosen": "at the chosen factor alone"}
    for test_factors, title in halves.items():
        work = total_work(axbench(methods, test_factors=test_factors, new_tokens=new_tokens))
        hours = [work.seconds(rates) / 3600 / devices for devices in (1, 8, 64)]
        lines.append(f"| {title} | {work.written / 1e6:,.0f} M | " + " | ".join(f"{one:,.1f}" for one in hours) + " |")
    return "\n".join(lines)


def told(rates: Rates) -> str:
    """The three rates."""
    return (
        f"batch {rates.batch}: written {rates.written:,.0f}, read {rates.read:,.0f}, trained on {rates.trained:,.0f} "
        "tokens a second"
    )


def _rate(step: Callable[[], int], clock: Callable[[], float]) -> float:
    """Median tokens a second of a few rounds after one that does not count."""
    step()
    rates = []
    for _ in range(ROUNDS):
        _wait()
        began = clock()
        tokens = step()
        _wait()
        rates.append(tokens / (clock() - began))
    return statistics.median(rates)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def twin(name: str, device: str) -> "LanguageModel":
    """A model of a published shape with random weights in bfloat16 and a byte tokenizer, made where it is to run."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from steering.models import wrap_model
    from tests.tiny import GEMMA, byte_tokenizer

    with torch.device(device):
        network = AutoModelForCausalLM.from_config(AutoConfig.for_model("gemma2", **TWINS[name]), dtype=torch.bfloat16)
    return wrap_model(network, byte_tokenizer(chat_template=GEMMA), name=f"{name} with random weights")


def check(folder: Path, rates: Rates) -> None:
    """Print what a finished run took beside what the rates foretell, method by method."""
    from steering.benchmark.runs import read_run

    run = read_run(folder)
    print("| method | seconds a unit, mean | foretold | foretold / taken |\n|---|---|---|---|")
    for name, mean in run.seconds().items():
        foretold = work_of(run.settings, name).seconds(rates)
        print(f"| {name} | {mean:.1f} | {foretold:.1f} | {foretold / mean:.2f} |")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="preset, folder or Hub id")
    which.add_argument("--twin", choices=sorted(TWINS), help="random weights in a published shape")
    which.add_argument("--assumed", choices=sorted(TWINS), help="rates that were NOT measured, on an A100")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=140, metavar="N", help="rows at once (default 140)")
    parser.add_argument("--tokens", type=int, default=128, metavar="N", help="of a completion (default 128)")
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="finished run of the same model to compare with")
    arguments = parser.parse_args()
    if arguments.assumed:
        rates = assumed(arguments.assumed, batch=arguments.batch)
        print(
            f"ASSUMED, NOT MEASURED: {arguments.assumed} on an A100 80 GB, at {ASSUMED_SHARE['written']:.0%} of what "
            f"its data sheet allows for writing and {ASSUMED_SHARE['read']:.0%} for the rest; {told(rates)}\n\n"
            + table(rates, new_tokens=arguments.tokens)
        )
        return 0
    from steering.models import load_model

    if arguments.device == "cpu":
        torch.set_num_threads(1)  # as a benchmark's worker
    source = arguments.twin or arguments.model
    model = twin(source, arguments.device) if arguments.twin else load_model(source, device=arguments.device)
    rates = measure(model, batch=arguments.batch, new_tokens=arguments.tokens)
    where = torch.cuda.get_device_name() if model.device.type == "cuda" else "one CPU core"
    print(
        f"Measured: {model.name}, {model.n_parameters / 1e9:.3g} billion parameters, {model.dtype}, {where}, "
        f"{told(rates)}\n"
    )
    if arguments.check:
        check(arguments.check, rates)
        return 0
    print(table(rates, new_tokens=arguments.tokens))
    print(json.dumps({"rates": {"written": rates.written, "read": rates.read, "trained": rates.trained}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
