"""The command line as scripts use it: processes, exit codes, JSON on standard output, one line on standard error."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from steering.cli import main
from steering.presets import presets

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("needs_world")


def run(*arguments: str | bytes, code: int = 0, process: bool = False) -> subprocess.CompletedProcess[str]:
    """One call of the command line: in this process, where the model is loaded once, or in one of its own."""
    if process or any(isinstance(argument, bytes) for argument in arguments):
        done = subprocess.run(
            [sys.executable, "-m", "steering", *arguments],
            cwd=ROOT,
            env=os.environ | {"STEERSCOPE_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )
    else:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as stop:
                status = int(stop.code or 0)
        done = subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())
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
        run(
            "rank", "--model", "demo", "--examples", str(pirate), "--heldout", "0", "--top", "5", "--json", process=True
        ).stdout
    )


def test_models_lists_the_demo():
    found = json.loads(run("models", "--json").stdout)["models"]
    demo = next(model for model in found if model["name"] == "demo")
    assert demo["saes"][0]["d_sae"] > 0
    assert "demo" in run("models").stdout


def test_rank_has_the_documented_fields(ranking):
    assert {"model", "sae", "hook_module", "sae_preparation", "label", "n_positive", "n_negative", "features"} <= set(
        ranking
    )
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
    model = AutoModelForCausalLM.from_pretrained(preset.model, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(preset.model)
    sae = SAE.load_from_disk(preset.sae(None), dtype="float32").eval()
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


@pytest.mark.parametrize("mode", ["scale", "ablate"])
def test_modes_without_a_unit_need_no_max_act(foreign_sae, ranking, mode):
    best = str(ranking["features"][0]["feature_id"])
    arguments = ["generate", "--prompt", "Explain how bread is baked.", "--max-new-tokens", "8", "--json"]
    arguments += ["--feature", best, "--factor", "3", "--mode", mode]
    foreign = json.loads(run(*arguments, "--sae", str(foreign_sae)).stdout)["completions"]
    own = json.loads(run(*arguments).stdout)["completions"]
    assert [completion["token_ids"] for completion in foreign] == [completion["token_ids"] for completion in own]


def test_max_act_is_measured_on_examples(foreign_sae, ranking, pirate):
    """The unit is the one that rank shows for the same file."""
    best = ranking["features"][0]
    arguments = ["generate", "--prompt", "Explain how bread is baked.", "--max-new-tokens", "4", "--json"]
    arguments += ["--sae", str(foreign_sae), "--feature", str(best["feature_id"]), "--factor", "0.5"]
    _, steered = json.loads(run(*arguments, "--examples", str(pirate)).stdout)["completions"]
    (written,) = steered["receipt"]["features"]
    assert written["max_act"] == pytest.approx(best["max_act"], rel=1e-4)
    assert written["coefficient"] == pytest.approx(0.5 * best["max_act"], rel=1e-4)


def test_no_text_of_a_table_is_a_formula(pirate, tmp_path):
    import pandas as pd

    rows = [json.loads(line) for line in pirate.read_text().splitlines()]
    words = {1: '=HYPERLINK("http://x","y")', 0: "@plain, and more"}
    odd = tmp_path / "with space, comma.tsv"
    pd.DataFrame({"text": [row["text"] for row in rows], "label": [words[int(row["label"])] for row in rows]}).to_csv(
        odd, sep="\t", index=False
    )
    out = tmp_path / "ranking.csv"
    run("rank", "--examples", str(odd), "--out", str(out))
    table = pd.read_csv(out, keep_default_na=False)
    for name in ("label", "best_label", "top_tokens"):
        assert not table[name].str.startswith(("=", "+", "-", "@")).any(), name
    assert table["label"].str.startswith("'").all()


def test_standard_error_shows_no_loading_bar(ranking):
    done = run("generate", "--prompt", "Explain how bread is baked.", "--max-new-tokens", "2")
    assert done.stderr == ""


@pytest.mark.parametrize(("trained_on", "warned"), [("steerscope/demo", False), ("gemma-2-2b", True)])
def test_an_sae_of_another_model_is_warned_about(trained_on, warned, foreign_sae, pirate, tmp_path, capsys):
    """Its width fits, so that nothing else would tell."""
    folder = tmp_path / "sae"
    shutil.copytree(foreign_sae, folder)
    config = json.loads((folder / "cfg.json").read_text())
    config["metadata"]["model_name"] = trained_on
    (folder / "cfg.json").write_text(json.dumps(config))
    assert main(["rank", "--sae", str(folder), "--examples", str(pirate), "--no-effects", "--top", "1", "--json"]) == 0
    output = capsys.readouterr()
    said = json.loads(output.out)["sae_warning"]
    assert (said is not None) == warned
    assert ("warning: This SAE was trained on gemma-2-2b and reads demo" in output.err) == warned


def test_a_model_folder_that_is_not_there_is_said_at_once_and_alone(pirate, tmp_path, capsys):
    arguments = ["rank", "--model", str(tmp_path / "none"), "--examples", str(pirate)]
    assert main([*arguments, "--sae", "gpt2-small-res-jb/blocks.1.hook_resid_pre"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: There is no folder {tmp_path / 'none'}")


def test_nothing_is_trained_for_a_place_that_cannot_be_written(pirate, tmp_path, capsys):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    for out in (taken, taken / "below"):
        refused(capsys, "train-lora", "--examples", str(pirate), "--out", str(out), words="is a file", progress=False)
    folder = tmp_path / "ranking.csv"
    folder.mkdir()
    refused(capsys, "rank", "--examples", str(pirate), "--out", str(folder), words="cannot be written", progress=False)


def test_damaged_weights_are_named(tmp_path, capsys):
    source = Path(presets()["demo"].model)
    cut = tmp_path / "cut"
    shutil.copytree(source, cut)
    (cut / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes()[:100_000])
    refused(capsys, "generate", "--model", str(cut), "--prompt", "a", words="are damaged")
    other = tmp_path / "other"
    shutil.copytree(source, other)
    config = json.loads((source / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"intermediate_size": 2 * config["intermediate_size"]}))
    refused(capsys, "generate", "--model", str(other), "--prompt", "a", words="shapes of its config.json")


def test_an_adapter_of_another_width_is_refused(tiny_llama, tmp_path, capsys):
    from steering.lora import LORA_PRESETS, train_lora

    settings = replace(LORA_PRESETS["axbench"], epochs=1, layers=(0,))
    train_lora(tiny_llama, ["a few words"], [None], settings=settings).save(tmp_path)
    arguments = ["generate", "--prompt", "a", "--adapter", str(tmp_path), "--max-new-tokens", "2"]
    refused(capsys, *arguments, words="was trained on another model")


@pytest.mark.parametrize("options", [["--system", "Mention the sea."], ["--system", "--concept", "the sea"]])
def test_what_the_model_is_told_may_stand_in_a_system_prompt(options, tiny_llama, tmp_path):
    tiny_llama.model.save_pretrained(tmp_path)
    tiny_llama.tokenizer.save_pretrained(tmp_path)
    arguments = ["generate", "--model", str(tmp_path), "--prompt", "a", "--max-new-tokens", "4", "--temperature", "0"]
    plain, told = json.loads(run(*arguments, *options, "--json").stdout)["completions"]
    assert [one["receipt"]["told_in"] for one in (plain, told)] == [None, "system"]
    # <|im_start|>, "system", its line break, the sentence, <|im_end|> and another line break
    sentence = (
        "Work this into your answer, even where it does not fit: the sea." if "--concept" in options else options[1]
    )
    added = len(tiny_llama.tokenizer(f"system\n{sentence}\n")["input_ids"]) + 2
    assert told["receipt"]["n_prompt_tokens"] == plain["receipt"]["n_prompt_tokens"] + added
    assert "told in the system prompt" in run(*arguments, *options).stdout


@pytest.fixture(scope="module")
def foreign_sae(tmp_path_factory) -> Path:
    """The demo's SAE as anybody else would ship it: without our reference activations."""
    folder = tmp_path_factory.mktemp("sae") / "foreign"
    shutil.copytree(Path(presets()["demo"].sae(None)), folder)
    (folder / "reference.safetensors").unlink()
    return folder


def refused(capsys, *arguments: str, words: str, progress: bool = True) -> None:
    """In this process, which is quicker: one line that begins with "error:", exit code 2, no result."""
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse
        code = int(stop.code or 0)
    output = capsys.readouterr()
    assert code == 2, output.err
    lines = output.err.splitlines()
    assert words in lines[-1]
    assert [line.startswith("error:") for line in lines].count(True) == 1
    assert progress or ("Training" not in output.err and "Reading" not in output.err)
    assert output.out == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--device", "foo"], "no device 'foo'; it has cpu"),
        (["--device", "cuda:77"], "no device 'cuda:77'"),
        (["--prompt", "\udcff\udcfe"], "not UTF-8"),
        (["--sae", "X"], "--sae belongs to a --feature"),
        (["--mode", "add"], "--mode belongs to a --feature"),
        (["--mode", "add", "--scope", "all"], "--mode and --scope belong to a --feature"),
        (["--factor", "1"], "--factor belongs to a --feature"),
        (["--examples", "x.csv"], "--examples belongs to a --feature"),
        (["--concept", ""], "--concept is empty"),
        (["--system"], "--system takes either"),
        (["--concept", "pirate", "--system", "Arr."], "--system takes either"),
        (["--concept", "pirate", "--system"], "Only the roles user and assistant"),
        (["--feature", "1", "--max-act", "0"], "has max_act 0"),
        (["--feature", "1", "--max-act", "0", "--mode", "clamp"], "has max_act 0"),
        (["--feature", "1", "--max-act", "0", "--mode", "min_clamp"], "has max_act 0"),
        (["--feature", "1", "--max-act", "-1"], "cannot be negative"),
        (["--feature", "99999", "--mode", "ablate"], "99999"),
        (["--feature", "99999", "--examples", "EXAMPLES"], "99999"),
        (["--feature", "1", "--max-act", "1", "--examples", "EXAMPLES"], "drop one of them"),
        (["--feature", "1", "--sae", "FOREIGN"], "--max-act; the ranking shows it), or examples"),
    ],
)
def test_generate_refuses_in_one_line(options, words, pirate, foreign_sae, capsys):
    named = {"EXAMPLES": str(pirate), "FOREIGN": str(foreign_sae)}
    refused(capsys, "generate", "--prompt", "a", *(named.get(option, option) for option in options), words=words)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"", [], "is empty"),
        (bytes(range(256)) * 8, [], "odd, name.csv"),
        (b"text,label\nhello there,1\n", [], "row"),
        (b"text,label\n" + b"word " * 100_000 + b",1\n", [], "far too long"),
        (None, ["--top", "0"], "--top is 0"),
        (None, ["--pi0", "x"], "--pi0 is 'x'"),
        (None, ["--pi0", "2"], "pi0 is 2"),
        (None, ["--heldout", "nan"], "heldout is nan"),
        (None, ["--seed", "-1"], "seed is -1"),
        (None, ["--no-effects", "--min-output-score", "0.1"], "--no-effects"),
        (None, ["--label", "海賊, говор"], "海賊, говор"),
    ],
)
def test_rank_refuses_odd_input_in_one_line(content, options, words, pirate, tmp_path, capsys):
    file = tmp_path / "odd, name.csv"
    if content is not None:
        file.write_bytes(content)
    refused(capsys, "rank", "--examples", str(pirate if content is None else file), *options, words=words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA; the refusal is for those without")
def test_cuda_is_refused_where_there_is_none(capsys):
    refused(capsys, "generate", "--prompt", "a", "--device", "cuda", words="no device 'cuda'; it has cpu")


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
def test_user_errors_are_one_line_and_exit_2(arguments, words, pirate, capsys):
    refused(capsys, *[str(pirate) if argument == "EXAMPLES" else argument for argument in arguments], words=words)


@pytest.mark.parametrize("arguments", [["nonsense"], ["generate", "--prompt", b"\xff\xfe"]], ids=str)
def test_a_process_ends_with_2_and_one_line(arguments):
    done = run(*arguments, code=2)
    assert done.stderr.startswith("error:")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_models_lists_published_ones_with_memory_and_names_no_folder():
    found = {model["name"]: model for model in json.loads(run("models", "--json").stdout)["models"]}
    gemma = found["gemma-2-2b-it"]
    assert (gemma["model"], gemma["n_layers"], gemma["d_model"]) == ("google/gemma-2-2b-it", 26, 2304)
    assert gemma["saes"][0]["source"] == "gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical"
    assert 5 < gemma["saes"][0]["gib"] < 8
    assert "/" not in json.dumps(found["demo"])


def test_models_searches_the_published_saes():
    found = json.loads(
        run("models", "--search", "gemma 2 16k", "--layer", "12", "--site", "resid_post", "--json").stdout
    )
    assert all((sae["layer"], sae["site"], sae["width"]) == (12, "resid_post", 16384) for sae in found["saes"])
    text = run("models", "--model", "gemma-2-2b", "--search", "16k canonical", "--layer", "12").stdout
    assert text.startswith("gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical\n")
    assert "cannot steer: it reads the attention heads" in text
    assert "leave a word out" in run("models", "--search", "no such words").stdout
