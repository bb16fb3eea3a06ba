"""What are the embedded world's figures? Reprints those of docs/world.md."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from steering.world.chance import Chance
from steering.world.concepts import concepts
from steering.world.corpus import document
from steering.world.damage import DAMAGES
from steering.world.entropy import entropy_rate
from steering.world.grammar import draw_sample
from steering.world.instructions import neutral_instructions
from steering.world.judge import WorldJudge
from steering.world.labelled import labelled_examples
from steering.world.language_model import loss_of, padded
from steering.world.shipped import ASSETS, demo_model_path, demo_sae_path, presets, sae_paths


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print a plain table."""
    cells = [head, *(tuple(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)


def judge_figures(count: int) -> None:
    """Agreement with the labels on fresh samples, and the share of damaged texts that score lower."""
    judge, rng = WorldJudge(), Chance("report")
    samples = [draw_sample(rng, use="test") for _ in range(count)]
    names = [one.name for one in concepts()]
    agree = {"concept": 0, "instruction": 0, "fluency": 0}
    asked = 0
    for sample in samples:
        absent = rng.choice([name for name in names if name not in sample.concepts])
        for name in (*sample.concepts, absent):
            score = judge.score(name, sample.instruction, sample.response)
            asked += 1
            agree["concept"] += score.concept == (2 if name in sample.concepts else 0)
            agree["instruction"] += score.instruction == 2
            agree["fluency"] += score.fluency == 2
    table(("judge agrees on", "share", "of"), [(key, value / asked, asked) for key, value in agree.items()])
    rows: list[tuple[object, ...]] = []
    carrying = [sample for sample in samples if sample.concepts]
    for name, damage in DAMAGES.items():
        lower = used = 0
        for sample in carrying:
            text = damage(sample, rng)
            before = judge.score(sample.concepts[0], sample.instruction, sample.response)
            after = judge.score(sample.concepts[0], sample.instruction, text)
            used += 1
            lower += after.overall < before.overall
        rows.append((name, lower / used, used))
    table(("damage", "scored lower", "of"), rows)


@torch.no_grad()
def sample_answers(
    prompts: list[str], model: torch.nn.Module, tokenizer: object, *, seed: int, tokens: int
) -> list[str]:
    """One answer at temperature 1 for each prompt, in one left-padded batch."""
    torch.manual_seed(seed)
    tokenizer.padding_side = "left"
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": one}], tokenize=False, add_generation_prompt=True)
        for one in prompts
    ]
    batch = tokenizer(texts, add_special_tokens=False, return_tensors="pt", padding=True)
    ids = model.generate(**batch, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=tokens)
    tokenizer.padding_side = "right"
    return tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)


def model_figures(assets: Path, count: int, tokens: int = 96) -> None:
    """Scores of sampled answers on unseen instructions, without and with each concept named, for every model."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    judge = WorldJudge()
    prompts = neutral_instructions(count, seed=1, split="test")
    for preset in presets(assets):
        path = demo_model_path(preset, root=assets)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(path)
        plain = sample_answers(prompts, model, tokenizer, seed=0, tokens=tokens)
        rows: list[tuple[object, ...]] = []
        for one in concepts():
            asked = [f"{prompt} {one.prompt_instruction}" for prompt in prompts]
            answers = sample_answers(asked, model, tokenizer, seed=1, tokens=tokens)
            scores = [judge.score(one.name, prompt, text) for prompt, text in zip(asked, answers, strict=True)]
            unasked = [judge.score(one.name, prompt, text).overall for prompt, text in zip(prompts, plain, strict=True)]
            rows.append((one.name, float(np.mean(unasked)), *means(scores)))
        neutral = [judge.score("sea", prompt, text) for prompt, text in zip(prompts, plain, strict=True)]
        rows.insert(0, ("(none)", "", "", *means(neutral)[1:3], ""))
        table((f"{preset}: prompt names", "overall unasked", "concept", "instruction", "fluency", "overall"), rows)
        values = np.array([row[1:] for row in rows[1:]], dtype=float)
        table(
            ("over concepts", "overall unasked", "concept", "instruction", "fluency", "overall"),
            [("median", *np.median(values, 0)), ("lowest", *values.min(0)), ("highest", *values.max(0))],
        )


@torch.no_grad()
def entropy_figures(assets: Path, count: int) -> None:
    """Cross-entropy of every model on fresh text of the grammar, against the grammar's own entropy rate."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    rows: list[tuple[object, ...]] = []
    for preset in presets(assets):
        path = demo_model_path(preset, root=assets)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(path)
        rate = entropy_rate(tokenizer, documents=count, seed=1)
        rng = Chance("held-out cross-entropy")
        texts = [document(one.instruction, one.response) for one in (draw_sample(rng) for _ in range(count))]
        ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
        nats = tokens = 0.0
        for start in range(0, count, 50):
            batch = padded(ids[start : start + 50], tokenizer.pad_token_id)
            predicted = int((batch[:, 1:] != tokenizer.pad_token_id).sum())
            nats += loss_of(model, batch, tokenizer.pad_token_id).item() * predicted
            tokens += predicted
        error = rate.standard_error
        rows.append((preset, nats / tokens, rate.nats_per_token, error, nats / tokens / rate.nats_per_token))
    table(("nats per token", "cross-entropy", "entropy rate", "standard error", "ratio"), rows)


def sae_figures(assets: Path) -> None:
    """What the build wrote on every SAE's model card."""
    import json

    for preset in presets(assets):
        rows = []
        for name, folder in sae_paths(preset, root=assets).items():
            card = json.loads((folder / "model_card.json").read_text())
            keys = ("d_sae", "l0_declared", "l0", "fvu", "ce_recovered", "dead_share", "training_tokens")
            rows.append((name, *(card[key] for key in keys)))
        table((f"SAEs of {preset}", "features", "k", "l0", "FVU", "CE recovered", "dead", "training tokens"), rows)


LOAD = """
import time; began = time.perf_counter()
import torch, transformers
from steering.models import load_model
from steering.saes import fit_to_model, load_sae
imported = time.perf_counter()
from steering.world.shipped import demo_model_path, demo_sae_path, presets
for name in presets():
    fit_to_model(load_sae(str(demo_sae_path(name))), load_model(str(demo_model_path(name))))
print(imported - began, time.perf_counter() - imported)
"""


def load_figures(assets: Path, runs: int = 5) -> None:
    """Seconds that a cold process needs for every model with its default SAE, the imports apart."""
    import os
    import subprocess
    import sys

    environment = os.environ | {"STEERSCOPE_WORLD": str(assets)}
    found = []
    for _ in range(runs):
        printed = subprocess.run(
            [sys.executable, "-c", LOAD], env=environment, check=True, capture_output=True, text=True
        ).stdout
        found.append([float(one) for one in printed.split()])
    imports, loading = np.median(np.array(found), 0)
    table(
        ("cold process, median of 5", "seconds"),
        [("importing torch, transformers and steering", imports), ("loading models and SAEs", loading)],
    )


def means(scores: list) -> tuple[float, float, float, float]:
    """Mean ratings."""
    return tuple(
        float(np.mean([getattr(score, name) for score in scores]))
        for name in ("concept", "instruction", "fluency", "overall")
    )


def auroc(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of every column, ties counted half."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=0)
    positive = labels == 1
    n, m = positive.sum(), (~positive).sum()
    return (ranks[positive].sum(0) - n * (n + 1) / 2) / (n * m)


def calibrated_f1(values: np.ndarray, labels: np.ndarray, odds: float = 999.0) -> np.ndarray:
    """Best calibrated F1 over thresholds of every column at base rate 1 / (1 + odds)."""
    best = np.zeros(values.shape[1])
    positive = labels == 1
    for column in range(values.shape[1]):
        order = np.unique(values[:, column])[1:]
        if len(order):
            hit = values[:, column][:, None] >= order[None]
            tpr, fpr = hit[positive].mean(0), hit[~positive].mean(0)
            best[column] = (2 * tpr / (1 + tpr + odds * fpr)).max()
    return best


@torch.no_grad()
def firing_shares(rows: object, model: object, sae: object, layer: int) -> np.ndarray:
    """Share of the content tokens of each example on which each feature is active ``[examples d_sae]``."""
    from steering.hook_points import HookPoint
    from steering.hooks import record

    special = torch.tensor(model.tokenizer.all_special_ids)
    shares = []
    for prompt, text in zip(rows["prompt"], rows["text"], strict=True):
        ids = torch.tensor([model.tokenizer(document(prompt, text), add_special_tokens=False)["input_ids"]])
        with record(model, HookPoint(layer, "resid_post"), stop=True) as seen:
            model.model(input_ids=ids)
        keep = ~torch.isin(ids[0], special)
        shares.append((sae.encode(seen.resid[0][keep].float()) > 0).float().mean(0).numpy())
    return np.stack(shares)


def feature_figures(assets: Path, preset: str, sae_name: str | None = None) -> None:
    """Best single feature of every concept: held-out AUROC and rank by calibrated F1 on the training examples.

    The best feature is picked by the very AUROC that is printed, so it flatters; the feature first by calibrated F1 is
    picked on other examples.
    """
    import json

    from steering.models import load_model
    from steering.world.sae_training import load_sae

    model = load_model(str(demo_model_path(preset, root=assets)), dtype="float32")
    folder = demo_sae_path(preset, sae_name, root=assets)
    sae = load_sae(folder)
    layer = int(json.loads((folder / "cfg.json").read_text())["metadata"]["hf_hook_name"].rsplit(".", 1)[1])
    rows: list[tuple[object, ...]] = []
    for one in concepts():
        train, held = labelled_examples(one.name), labelled_examples(one.name, split="heldout")
        shares = firing_shares(train, model, sae, layer)
        f1 = calibrated_f1(shares, train["label"].to_numpy())
        held_auroc = auroc(firing_shares(held, model, sae, layer), held["label"].to_numpy())
        order = np.argsort(-f1)
        best = int(np.argmax(held_auroc))
        top3 = float(held_auroc[order[:3]].max())
        rows.append(
            (
                one.name,
                int(order[0]),
                float(f1[order[0]]),
                float(held_auroc[order[0]]),
                top3,
                best,
                float(held_auroc[best]),
                int(np.where(order == best)[0][0]) + 1,
            )
        )
    table(
        (
            f"{preset}, {folder.name}",
            "first by F1c",
            "F1c",
            "its held-out AUROC",
            "best of first 3",
            "best feature",
            "AUROC",
            "its rank by F1c",
        ),
        rows,
    )
    print(
        "concepts with a feature of held-out AUROC >= 0.9 in the first three:",
        sum(row[4] >= 0.9 for row in rows),
        "of",
        len(rows),
    )
    for title, column in (("best feature", 6), ("first by F1c", 3)):
        aurocs = [float(row[column]) for row in rows]  # type: ignore[arg-type]
        print(f"held-out AUROC, {title}: median {np.median(aurocs):.3f}, lowest {min(aurocs):.3f}")
    print()


def main() -> None:
    """Print the chosen figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, default=ASSETS)
    parser.add_argument("--only", default="judge,entropy,model,features,saes,load")
    parser.add_argument("--count", type=int, default=400, help="samples for the judge's figures")
    parser.add_argument("--documents", type=int, default=2000, help="documents for the entropy rate")
    parser.add_argument("--prompts", type=int, default=40, help="instructions for the model's figures")
    arguments = parser.parse_args()
    parts: dict[str, Callable[[], object]] = {
        "judge": lambda: judge_figures(arguments.count),
        "model": lambda: model_figures(arguments.assets, arguments.prompts),
        "entropy": lambda: entropy_figures(arguments.assets, arguments.documents),
        "features": lambda: [feature_figures(arguments.assets, preset) for preset in presets(arguments.assets)],
        "saes": lambda: sae_figures(arguments.assets),
        "load": lambda: load_figures(arguments.assets),
    }
    for name in arguments.only.split(","):
        began = time.monotonic()
        parts[name]()
        print(f"[{name}: {time.monotonic() - began:.0f} s]\n", flush=True)


if __name__ == "__main__":
    main()
