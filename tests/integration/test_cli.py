"""The command line as scripts use it: processes, exit codes, JSON on standard output, one line on standard error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steering.presets import presets

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif("demo" not in presets(), reason="the embedded world's weights are not in this checkout")


def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "steering", *arguments],
        cwd=ROOT,
        env=os.environ | {"STEERSCOPE_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == code, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def pirate(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("examples") / "pirate.jsonl"
    run("world", "examples", "--concept", "pirate", "--count", "40", "--out", str(path))
    return path


@pytest.fixture(scope="module")
def ranking(pirate) -> dict:
    return json.loads(
        run("rank", "--model", "demo", "--examples", str(pirate), "--heldout", "0", "--top", "5", "--json").stdout
    )


def test_models_lists_the_demo():
    found = json.loads(run("models", "--json").stdout)["models"]
    demo = next(model for model in found if model["name"] == "demo")
    assert demo["saes"][0]["d_sae"] > 0
    assert "demo" in run("models").stdout


def test_rank_has_the_documented_fields(ranking):
    assert {"model", "sae", "hook_module", "label", "n_positive", "n_negative", "features"} <= set(ranking)
    assert (ranking["n_positive"], ranking["n_negative"]) == (40, 40)
    assert len(ranking["features"]) == 5
    fields = "feature_id f1c auroc tau support f1c_heldout auroc_heldout interval q_value output_score delta_confidence"
    assert set(fields.split()) | {"max_act", "density"} <= set(ranking["features"][0])


def test_rank_equals_a_plain_loop_over_hidden_states(ranking, pirate):
    """Independent of everything between file and score: transformers, sae-lens and scikit-learn alone."""
    import torch
    from sae_lens import SAE
    from sklearn.metrics import roc_auc_score
    from transformers import AutoModelForCausalLM, AutoTokenizer

    preset = presets()["demo"]
    model = AutoModelForCausalLM.from_pretrained(preset.model_path, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(preset.model_path)
    sae = SAE.load_from_disk(str(preset.sae_path(None)), dtype="float32").eval()
    layer = int(ranking["hook_module"].split(".")[2])
    rows = [json.loads(line) for line in pirate.read_text().splitlines()]
    best = [feature["feature_id"] for feature in ranking["features"]]
    frequency, largest = [], []
    for row in rows:
        turns = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["text"]}]
        ids = tokenizer.apply_chat_template(turns, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            resid = model(ids, output_hidden_states=True).hidden_states[layer + 1][0]
            acts = sae.encode(resid)
        content = ~torch.isin(ids[0], torch.tensor(tokenizer.all_special_ids))
        acts = acts[content][:, best].detach()
        frequency.append((acts > 0).float().mean(0).numpy())
        largest.append(acts.max(0).values.numpy())
    positive = [int(row["label"]) for row in rows]
    for place, feature in enumerate(ranking["features"]):
        auroc = roc_auc_score(positive, np.array(frequency)[:, place])
        assert feature["auroc"] == pytest.approx(auroc, abs=2e-3)
        assert feature["max_act"] == pytest.approx(float(np.array(largest)[:, place].max()), rel=1e-3)


def test_rank_writes_files(pirate, tmp_path):
    import pandas as pd

    for ending in ("csv", "parquet", "json"):
        out = tmp_path / f"ranking.{ending}"
        run("rank", "--examples", str(pirate), "--no-effects", "--out", str(out))
        if ending == "json":
            assert json.loads(out.read_text())["features"]
        else:
            table = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
            assert table["f1c"].is_monotonic_decreasing


def test_generate_baseline_prompted_steered(ranking):
    best = str(ranking["features"][0]["feature_id"])
    arguments = ["generate", "--prompt", "Explain how bread is baked.", "--max-new-tokens", "16", "--json"]
    found = json.loads(run(*arguments, "--feature", best, "--factor", "1", "--concept", "pirate").stdout)["completions"]
    assert [completion["kind"] for completion in found] == ["baseline", "prompted", "steered"]
    baseline, prompted, steered = found
    assert baseline["receipt"]["positions_edited_prompt"] == 0
    assert steered["receipt"]["positions_edited_prompt"] > 0
    assert steered["receipt"]["positions_edited_generated"] == len(steered["token_ids"]) - 1
    assert prompted["prompt"] == baseline["prompt"]
    zero = json.loads(run(*arguments, "--feature", best, "--factor", "0").stdout)["completions"]
    assert zero[1]["token_ids"] == zero[0]["token_ids"] == baseline["token_ids"]


def test_train_an_adapter_and_generate_with_it(pirate, tmp_path):
    folder = tmp_path / "adapter"
    run("train-lora", "--examples", str(pirate), "--out", str(folder))
    assert (folder / "adapter_model.safetensors").exists()
    found = json.loads(
        run(
            "generate",
            "--prompt",
            "Explain how bread is baked.",
            "--adapter",
            str(folder),
            "--max-new-tokens",
            "24",
            "--json",
        ).stdout
    )["completions"]
    assert [completion["kind"] for completion in found] == ["baseline", "adapted"]
    assert found[0]["token_ids"] != found[1]["token_ids"]
    assert found[1]["receipt"]["kl"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rank", "--examples", "no-such.csv"], "no-such.csv"),
        (["rank", "--model", "no-such-model", "--sae", "x", "--examples", "EXAMPLES"], "no-such-model"),
        (["rank", "--examples", "EXAMPLES", "--label", "no-such-label"], "no-such-label"),
        (["rank", "--examples", "EXAMPLES", "--heldout", "2"], "heldout"),
        (["rank", "--examples", "EXAMPLES", "--out", "x.doc"], ".csv"),
        (["generate", "--prompt", " "], "empty"),
        (["generate", "--prompt", "a", "--feature", "99999", "--factor", "1"], "99999"),
        (["generate", "--prompt", "a", "--concept", "pirates"], "pirate"),
        (["generate", "--prompt", "a", "--mode", "set"], "invalid choice"),
        (["generate", "--prompt", "a", "--adapter", "no-such-folder"], "no-such-folder"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_user_errors_are_one_line_and_exit_2(arguments, words, pirate):
    done = run(*[str(pirate) if argument == "EXAMPLES" else argument for argument in arguments], code=2)
    assert words in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert done.stdout == ""
