"""A whole benchmark that runs in seconds: a tiny model and SAE on disk, examples of two concepts, prompts, a judge."""

import json
from pathlib import Path

from safetensors.torch import save_file

from steering.benchmark.settings import BenchmarkSettings
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder
from tests.tiny_sae import tiny_sae

JUDGE = "python:tests.unit.benchmark.stub_judge:StubJudge"
CONCEPTS = ("zed", "vowel")
_MARKS = {"zed": "zzz zz zzz zz", "vowel": "aeiou eia uoa"}
_PLAIN = ("the stone", "and then", "on the road", "her friend", "seen first", "in order")


def save_sae(sae: SparseAutoencoder, folder: Path) -> None:
    """As sae-lens would."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architecture": "jumprelu",
        "d_in": sae.d_model,
        "d_sae": sae.d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"hook_name": f"blocks.{sae.hook_point.layer}.hook_resid_post", "model_name": "tiny"},
    }
    (folder / "cfg.json").write_text(json.dumps(config))
    tensors = {name: getattr(sae, name).contiguous() for name in ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")}
    save_file(tensors, folder / "sae_weights.safetensors")


def rows() -> list[dict[str, str]]:
    found = []
    for place in range(48):
        concept = ("zed", "vowel", "", "")[place % 4]
        plain = f"{_PLAIN[place % 6]} {_PLAIN[place // 6 % 6]} number {place}"
        text = f"{_MARKS[concept]} {plain} {_MARKS[concept]}" if concept else f"{plain}, {plain}"
        found.append({"prompt": f"Question {place}?", "text": text, "labels": concept})
    return found


def lines() -> str:
    """The rows as a file of examples has them. Lists: two bare values would be read as the two sides of one label."""
    return "".join(json.dumps(row | {"labels": [row["labels"]] if row["labels"] else []}) + "\n" for row in rows())


def write_bench(folder: Path, model: LanguageModel) -> Path:
    """Everything that the settings below name."""
    model.model.save_pretrained(folder / "model")
    model.tokenizer.save_pretrained(folder / "model")
    save_sae(tiny_sae(model.d_model), folder / "sae")
    (folder / "examples.jsonl").write_text(lines())
    (folder / "prompts.txt").write_text("".join(f"Say something about thing {place}.\n" for place in range(12)))
    return folder


def bench_settings(folder: Path, **changes: object) -> BenchmarkSettings:
    values: dict[str, object] = {
        "model": str(folder / "model"),
        "sae": str(folder / "sae"),
        "methods": ("none", "prompt", "sae_f1c", "diffmean"),
        "concepts": CONCEPTS,
        "n_select": 2,
        "n_test": 3,
        "max_new_tokens": 4,
        "n_examples": 8,
        "judge": JUDGE,
        "batch_size": 20,
        "examples": str(folder / "examples.jsonl"),
        "prompts": str(folder / "prompts.txt"),
    }
    return BenchmarkSettings(**(values | changes))  # type: ignore[arg-type]
