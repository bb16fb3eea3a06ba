"""Five families under their real names: the real loaders of transformers and sae-lens, offline, then rank and steer."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.integration.hub_on_disk import (
    COMMIT,
    D_MODEL,
    D_SAE,
    LLAMA_FACTOR,
    PAIRS,
    fill_with_models,
    fill_with_saes,
    save_model,
    snapshot,
    weights,
    write_dictionary_learning,
)
from tests.tiny import tiny_gpt2, tiny_llama

ROOT = Path(__file__).parents[2]
GEMMA2 = PAIRS["google/gemma-2-2b"]
BENCH = "sae_bench_pythia70m_sweep_topk_ctx128_0730/blocks.3.hook_resid_post__trainer"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    fill_with_models(folder)
    fill_with_saes(folder)
    _fill_with_broken(folder)
    return folder


class Harmful:
    def __reduce__(self):
        return os.system, ("touch /tmp/never",)


def _fill_with_broken(cache):
    canrager = snapshot(cache, "canrager/lm_sae") / "pythia70m_sweep_topk_ctx128_0730/resid_post_layer_3"
    for number in (1, 2, 3, 4):
        (canrager / f"trainer_{number}").mkdir()
        write_dictionary_learning(canrager / f"trainer_{number}", weights(3))
    (canrager / "trainer_1/ae.pt").write_bytes(pickle.dumps(Harmful()))
    whole = (canrager / "trainer_2/ae.pt").read_bytes()
    (canrager / "trainer_2/ae.pt").write_bytes(whole[: len(whole) // 2])
    tensors = weights(3)
    tensors["b_enc"][5] = float("nan")
    write_dictionary_learning(canrager / "trainer_3", tensors)
    (canrager / "trainer_4/ae.pt").unlink()

    model = tiny_llama()
    for name in ("cut", "nan", "narrow", "half", "pickled", "code", "t5", "headless", "bare", "typed", "bert"):
        save_model(model, snapshot(cache, f"me/{name}"))
    at = lambda name: snapshot(cache, f"me/{name}")  # noqa: E731
    cut = at("cut") / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-64])
    state = {key: value.clone() for key, value in model.model.state_dict().items()}
    spoilt = {key: value.clone() for key, value in state.items()}
    spoilt["model.norm.weight"][0] = float("nan")
    save_file(spoilt, at("nan") / "model.safetensors", {"format": "pt"})
    save_file(state | {"model.norm.weight": torch.ones(7)}, at("narrow") / "model.safetensors", {"format": "pt"})
    (at("half") / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (at("half") / "model.safetensors.index.json").write_text(json.dumps(index))
    (at("half") / "model-00001-of-00002.safetensors").write_bytes(b"")
    (at("pickled") / "model.safetensors").rename(at("pickled") / "pytorch_model.bin")
    del state["lm_head.weight"]
    save_file(state, at("headless") / "model.safetensors", {"format": "pt"})
    for file in at("bare").glob("tokenizer*"):
        file.unlink()
    for name, changes in {
        "code": {"model_type": "my_own", "auto_map": {"AutoModelForCausalLM": "modeling.MyModel"}},
        "t5": {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]},
        "bert": {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
        "typed": {"model_type": "of_next_year"},
    }.items():
        config = json.loads((at(name) / "config.json").read_text())
        (at(name) / "config.json").write_text(json.dumps(config | changes))
    snapshot(cache, "me/empty")


REFUSED_MODELS = {
    "me/cut": "The weights of me/cut are damaged",
    "me/nan": "hold NaN or infinity in model.norm.weight",
    "me/narrow": "do not have the shapes of its config.json",
    "me/half": "has 1 of the 2 files of its weights, model-00002-of-00002.safetensors is missing",
    "me/pickled": "only pickled ones (pytorch_model.bin), which can run code and are never read",
    "me/headless": "lack 1 tensors that its config.json asks for, lm_head.weight among them",
    "me/bare": "no tokenizer files",
    "me/code": "brings Python code of its own (auto_map in its config.json), which is never run here",
    "me/t5": "is not a causal language model but T5ForConditionalGeneration",
    "me/bert": "is not a causal language model but BertForMaskedLM",
    "me/typed": "is of the type 'of_next_year', which the installed transformers does not know",
    "me/empty": "is not in the local cache, or not all of it",
    "me/nowhere": "is not in the local cache, or not all of it, and the Hub could not be reached",
    "gpt2@v9": "The model gpt2@v9 is not in the local cache",
    "no such name": "neither a folder here nor a name that the Hub can have",
    "./nowhere": "There is no folder ./nowhere; give",
}
REFUSED_SAES = {
    ("gpt2", f"{BENCH}_1"): "is a pickle file that does not hold plain weights, and is not opened",
    ("gpt2", f"{BENCH}_2"): "has a damaged file",
    ("gpt2", f"{BENCH}_3"): "b_enc holds NaN",
    ("gpt2", f"{BENCH}_4"): "is not in the local cache, or not all of it",
    ("me/wide", PAIRS["gpt2"]): "reads a residual stream of width 32, but me/wide has width 48",
    ("gpt2", f"{BENCH}_99"): "has no SAE 'blocks.3.hook_resid_post__trainer_99'; close ones are",
    ("gpt2", "gpt2-small-res-jbb/blocks.1.hook_resid_pre"): "close ones are gpt2-small-res-jb",
}

SCRIPT = """
import dataclasses, json, sys, time, warnings
import numpy as np, torch
from steering.errors import SteeringError
from steering.examples import read_examples
from steering.generation import Condition, Sampling, generate
from steering.interventions import Intervention
from steering.models import load_model
from steering.ranking import RankingSettings
from steering.saes import load_sae
from steering.workbench import feature_edit, open_model, open_pair, rank_examples
from steering.recipes.recipe import ChosenFeature, ModelSource, Recipe, SaeSource, SamplingSettings
from steering.recipes.running import opened
from steering.recipes.sources import sae_source
from tests.integration.hub_on_disk import weights
from sae_lens import SAE
from sae_lens.loading import pretrained_sae_loaders as loaders
from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory
warnings.simplefilter("ignore")
asked = json.loads(sys.argv[1])
# this loader takes widths from the release's name; a tiny file needs them told
get_pretrained_saes_directory()["gemma-scope-2b-pt-res-canonical"].config_overrides = {"d_in": %d, "d_sae": %d}
theirs_before = loaders.hf_hub_download, loaders.get_safetensors_tensor_shapes
examples, _ = read_examples(asked["examples"])
out = {"pairs": {}, "models": {}, "saes": {}}
for name, source in asked["pairs"].items():
    with open_pair(name, source) as loaded:
        model, sae = loaded.model, loaded.sae
        run = rank_examples(loaded, examples, RankingSettings(seed=1))
        ranking = next(iter(run.rankings.values()))
        best = int(np.asarray(run.statistics.max_act).argmax())
        edit = feature_edit(loaded, best, 4.0, float(run.statistics.max_act[best]))
        baseline, steered = generate(
            model, [Condition("baseline"), Condition("steered", intervention=Intervention((edit,)))], ["The sea"],
            sae=sae, sampling=Sampling(12, 0.0), seed=0,
        )
        # by hand: the model's own hidden states and the SAE as sae-lens has it
        point = sae.hook_point
        text = examples.texts[0]
        ids = model.tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        if model.prepend_bos:
            ids = torch.cat([torch.tensor([[model.tokenizer.bos_token_id]]), ids], dim=1)
        with torch.no_grad():
            seen = []
            layer = model.model.get_decoder()
            layers = getattr(layer, "layers", None) or layer.h
            if point.site == "resid_pre":
                handle = layers[point.layer].register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
            else:
                keep = lambda _m, _a, o: seen.append(o if torch.is_tensor(o) else o[0])
                handle = layers[point.layer].register_forward_hook(keep)
            model.model(ids)
            handle.remove()
            resid = seen[0]
            if sae.center_input:
                resid = resid - resid.mean(-1, keepdim=True)
            if "scope-2-" in source:  # sae-lens alone cannot load it offline
                w = weights(4)
                pre = resid[0] @ w["W_enc"] + w["b_enc"]
                acts, norms = pre.relu() * (pre > 0.3), w["W_dec"].norm(dim=-1)
            else:
                theirs = SAE.from_pretrained(sae.release, sae.sae_id, device="cpu", dtype="float32")
                acts, norms = theirs.encode(resid)[0], theirs.W_dec.norm(dim=-1)
            acts = (acts * norms)[1 if model.prepend_bos else 0 :].amax(0)
            ours = run.statistics.maximum[[0]].toarray()[0]
            error = float(np.abs(ours - acts.numpy()).max() / acts.max())
        out["pairs"][name] = {
            "error": error, "hook_module": loaded.hook_module, "center": sae.center_input,
            "architecture": sae.architecture, "revision": model.revision, "n_ranked": len(ranking.table()),
            "folded": sae.decoder_norms_folded, "firing": int((run.statistics.max_act > 0).sum()),
            "differ": baseline.text != steered.text, "kl": steered.receipt.kl, "module": steered.receipt.hook_module,
            "receipts": [[one.receipt.revision, list(one.receipt.sae_preparation)] for one in (baseline, steered)],
            "neuronpedia": run.neuronpedia_id, "n_bytes": model.n_bytes, "n_parameters": model.n_parameters,
        }
    if name.startswith("meta"):
        out["llama"] = {key: getattr(sae, key).tolist() for key in ("W_enc", "b_enc", "W_dec", "b_dec")}
pinned = Recipe(
    ModelSource("gpt2", "0" * 40), ("The sea",), SaeSource(asked["pairs"]["gpt2"], "blocks.1.hook_resid_pre", "0" * 40),
    (ChosenFeature(3, 1.0, 4.0),), sampling=SamplingSettings(max_new_tokens=4),
)
with opened(pinned) as found:
    out["pinned"] = [found.model.name, found.model.revision]
    out["pinned sae"] = dataclasses.asdict(sae_source(found.loaded.sae))
with open_pair("gpt2", pinned.sae.source) as loaded:
    out["newest sae"] = dataclasses.asdict(sae_source(loaded.sae))
for what, other in {
    "other commit": {"model": ModelSource("gpt2", "1" * 40)},
    "other commit of the sae": {"sae": dataclasses.replace(pinned.sae, revision="1" * 40)},
    "a branch of the sae": {"sae": dataclasses.replace(pinned.sae, revision="main")},
    "a file's hash": {"sae": dataclasses.replace(pinned.sae, sha256="a" * 64)},
}.items():
    try:
        with opened(dataclasses.replace(pinned, **other)):
            out[what] = "opened"
    except SteeringError as error:
        out[what] = str(error)
out["restored"] = theirs_before == (loaders.hf_hub_download, loaders.get_safetensors_tensor_shapes)
for name in asked["models"]:
    started = time.monotonic()
    try:
        with open_model(name):
            out["models"][name] = "loaded"
    except SteeringError as error:
        out["models"][name] = str(error)
    out.setdefault("seconds", {})[name] = time.monotonic() - started
for name, source in asked["saes"]:
    try:
        with open_pair(name, source):
            out["saes"][f"{name} {source}"] = "loaded"
    except SteeringError as error:
        out["saes"][f"{name} {source}"] = str(error)
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def answers(cache, tmp_path_factory):
    """Everything in one process, which pays once for importing the libraries; they read the environment then."""
    examples = tmp_path_factory.mktemp("examples") / "sea.csv"
    rows = [f"The sea was rough near the {n} rocks,sea" for n in "abcdefghij"] + [
        f"A hill stood in the {n} sun,hill" for n in "abcdefghij"
    ]
    examples.write_text("text,label\n" + "\n".join(rows) + "\n")
    wide = tiny_gpt2()
    wide_config = type(wide.model.config)(**wide.model.config.to_dict() | {"n_embd": 48})
    type(wide.model)(wide_config).save_pretrained(snapshot(cache, "me/wide"))
    wide.tokenizer.save_pretrained(snapshot(cache, "me/wide"))
    asked = {
        "examples": str(examples), "pairs": PAIRS, "models": list(REFUSED_MODELS), "saes": list(REFUSED_SAES)
    }  # fmt: skip
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT % (D_MODEL, D_SAE)), json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("model", "module", "architecture", "center"),
    [
        ("google/gemma-2-2b", "model.layers.1.output", "jumprelu", False),
        ("gpt2", "transformer.h.1.input", "standard", True),
        ("meta-llama/Llama-3.1-8B", "model.layers.1.output", "jumprelu", False),
        ("EleutherAI/pythia-70m-deduped", "gpt_neox.layers.3.output", "topk", False),
        ("google/gemma-3-270m", "model.layers.1.output", "jumprelu", False),
    ],
)
def test_a_published_pair_is_ranked_and_steered(answers, model, module, architecture, center):
    found = answers["pairs"][model]
    assert (found["hook_module"], found["module"]) == (module, module)
    assert (found["architecture"], found["center"]) == (architecture, center)
    assert found["revision"] == COMMIT
    assert found["folded"]
    assert 0 < found["firing"] <= D_SAE
    assert found["n_ranked"] > 0
    assert found["differ"]
    assert found["kl"] > 0.01
    assert bool(found["neuronpedia"]) is (model != "google/gemma-3-270m"), "as in sae-lens' list"
    assert found["n_bytes"] >= 4 * found["n_parameters"]
    assert found["error"] < 1e-5


def test_llama_scope_is_folded_with_its_norm_factor(answers):
    """Trained on x times the factor: ``W_enc`` times it, ``W_dec`` and ``b_dec`` over it, then rows of unit length."""
    stored = {key: value.bfloat16().float() for key, value in weights(2).items()}
    norms = stored["W_dec"].norm(dim=-1) / LLAMA_FACTOR
    found = {key: torch.tensor(value) for key, value in answers["llama"].items()}
    assert torch.allclose(found["W_enc"], stored["W_enc"] * LLAMA_FACTOR * norms, rtol=1e-4)
    assert torch.allclose(found["b_enc"], stored["b_enc"] * norms, rtol=1e-4)
    assert torch.allclose(found["W_dec"], stored["W_dec"] / LLAMA_FACTOR / norms[:, None], rtol=1e-4)
    assert torch.allclose(found["b_dec"], stored["b_dec"] / LLAMA_FACTOR, rtol=1e-4)


def test_receipts_say_which_commit_and_what_was_done_to_the_sae(answers):
    for pair in answers["pairs"].values():
        (at_baseline, none), (at_steered, done) = pair["receipts"]
        assert at_baseline == at_steered == COMMIT
        assert none == []
        assert "Decoder rows were stored with lengths" in done[0]
        assert any("mean over d_model is taken out" in sentence for sentence in done) is pair["center"]


def test_a_recipe_is_run_with_the_commit_that_it_recorded(answers):
    assert answers["pinned"] == [f"gpt2@{COMMIT}", COMMIT]
    assert f"The model gpt2@{'1' * 40} is not in the local cache" in answers["other commit"]


def test_so_is_its_sae(answers):
    assert answers["pinned sae"] == answers["newest sae"]
    assert answers["newest sae"]["source"] == PAIRS["gpt2"]
    assert answers["newest sae"]["revision"] == COMMIT
    assert f"The SAE {PAIRS['gpt2']} is not in the local cache" in answers["other commit of the sae"]
    assert "has commit 000000000000, but the recipe was made with commit main" in answers["a branch of the sae"]
    assert "has commit 000000000000, but the recipe was made with sha256 aaaa" in answers["a file's hash"]


def test_the_loaders_are_as_they_were(answers):
    assert answers["restored"]


@pytest.mark.parametrize(("model", "part"), REFUSED_MODELS.items())
def test_a_model_that_cannot_be_used_says_why(answers, model, part):
    message = answers["models"][model]
    assert part in message
    assert "\n" not in message
    assert answers["seconds"][model] < 5


@pytest.mark.parametrize(("pair", "part"), REFUSED_SAES.items())
def test_an_sae_that_cannot_be_used_says_why(answers, pair, part):
    message = answers["saes"][" ".join(pair)]
    assert part in message
    assert "\n" not in message
