"""The same numbers as sae-lens, and its own loaders behind ``load_sae``, without a network."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from steering.errors import SaeError
from steering.saes.building import build_autoencoder
from steering.saes.fitting import fit_to_model
from steering.saes.loading import load_sae
from steering.saes.releases import from_sae_lens
from tests.unit.saes.tiny_saes import ARCHITECTURES, NORMALIZATIONS, config_of, residuals, tensors_of

ROOT = Path(__file__).parents[2]
GEMMA, GEMMA_ID = "gemma-scope-2b-pt-res-canonical", "layer_12/width_16k/canonical"
JB, JB_ID = "gpt2-small-res-jb", "blocks.8.hook_resid_pre"


def reference(architecture, **changes):
    from sae_lens import SAE

    sae = SAE.from_dict(config_of(architecture, **changes))
    sae.load_state_dict(tensors_of(architecture))
    return sae.eval().requires_grad_(False)


@pytest.mark.parametrize("apply_b_dec_to_input", [True, False])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize(
    ("architecture", "rescale"), [*((architecture, False) for architecture in ARCHITECTURES), ("topk", True)]
)
def test_same_numbers_as_sae_lens(tmp_path, architecture, rescale, normalization, apply_b_dec_to_input):
    """Saved by sae-lens, read by us; the activations of folded rows are the stored SAE's times the row's length."""
    changes = {"normalize_activations": normalization, "apply_b_dec_to_input": apply_b_dec_to_input}
    if architecture == "topk":
        changes["rescale_acts_by_decoder_norm"] = rescale
    theirs = reference(architecture, **changes)
    theirs.save_model(tmp_path)
    resid = residuals(4, 9)
    acts = theirs.encode(resid)
    reconstruction = theirs.decode(acts)
    norms = torch.ones(theirs.cfg.d_sae) if rescale else theirs.W_dec.norm(dim=-1)
    assert (acts > 0).any()
    assert (acts == 0).any()

    for ours in (load_sae(str(tmp_path)), from_sae_lens(theirs, where="The SAE")):
        assert ours.decoder_norms_folded
        assert close(ours.encode(resid), acts * norms)
        assert close(ours.reconstruct(resid), reconstruction)


@pytest.mark.parametrize("architecture", ["standard", "jumprelu", "gated"])
def test_same_folding_as_sae_lens(architecture):
    theirs = reference(architecture)
    ours = from_sae_lens(theirs, where="The SAE")
    theirs.fold_W_dec_norm()
    resid = residuals(20)
    assert close(ours.encode(resid), theirs.encode(resid))
    assert close(ours.W_dec, theirs.W_dec)
    again = from_sae_lens(theirs, where="The SAE")
    assert not again.decoder_norms_folded
    assert torch.equal(again.W_enc, theirs.W_enc), "rows of unit length are left bit for bit as they are"


def test_a_trained_batchtopk_sae_is_read_as_jumprelu(tmp_path):
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    metadata = SAEMetadata(hook_name="blocks.1.hook_resid_post", hf_hook_name="model.layers.1")
    trained = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=12, d_sae=40, k=4, metadata=metadata))
    trained.topk_threshold.fill_(0.25)
    trained.save_inference_model(tmp_path)
    sae = load_sae(str(tmp_path))
    assert sae.architecture == "jumprelu"
    assert sae.metadata.training_architecture == "batchtopk"
    assert sae.threshold.unique().numel() == 1


@pytest.mark.parametrize("rescaled", [False, True])
@pytest.mark.parametrize("scaling_factor", [None, 3.0])
def test_a_training_checkpoint_is_read_as_what_sae_lens_saves_of_it(tmp_path, rescaled, scaling_factor):
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    config = BatchTopKTrainingSAEConfig(
        d_in=12,
        d_sae=40,
        k=4,
        rescale_acts_by_decoder_norm=rescaled,
        normalize_activations="none" if scaling_factor is None else "expected_average_only_in",
        metadata=SAEMetadata(hook_name="blocks.1.hook_resid_post"),
    )
    trained = BatchTopKTrainingSAE(config)
    for name in ("W_enc", "W_dec", "b_enc", "b_dec"):
        getattr(trained, name).data.copy_(tensors_of("standard")[name])
    trained.topk_threshold.fill_(1.5)
    trained.save_model(tmp_path / "checkpoint")
    if scaling_factor is not None:
        (tmp_path / "checkpoint" / "activation_scaler.json").write_text(json.dumps({"scaling_factor": scaling_factor}))
        trained.fold_activation_norm_scaling_factor(scaling_factor)
    trained.save_inference_model(tmp_path / "inference")
    ours, theirs = load_sae(str(tmp_path / "checkpoint")), load_sae(str(tmp_path / "inference"))
    assert (ours.architecture, ours.metadata.training_architecture) == ("jumprelu", "batchtopk")
    for name in ("W_enc", "W_dec", "b_enc", "b_dec", "threshold"):
        assert close(getattr(ours, name), getattr(theirs, name)), name
    resid = residuals(20)
    acts = ours.encode(resid)
    assert 0 < int((acts > 0).sum()) < acts.numel()
    assert close(acts, theirs.encode(resid))
    if scaling_factor is None:
        assert torch.equal(acts, theirs.encode(resid)), "to the last bit"


def test_a_trained_matryoshka_sae_is_read_as_jumprelu_and_fires_as_sae_lens_says(tmp_path):
    from sae_lens import SAE, MatryoshkaBatchTopKTrainingSAE, MatryoshkaBatchTopKTrainingSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    metadata = SAEMetadata(hook_name="blocks.1.hook_resid_post")
    trained = MatryoshkaBatchTopKTrainingSAE(
        MatryoshkaBatchTopKTrainingSAEConfig(d_in=12, d_sae=40, k=4, matryoshka_widths=[10, 40], metadata=metadata)
    )
    for name in ("W_enc", "W_dec", "b_enc", "b_dec"):
        getattr(trained, name).data.copy_(tensors_of("standard")[name])
    trained.topk_threshold.fill_(5.0)
    trained.save_inference_model(tmp_path)
    ours, theirs = load_sae(str(tmp_path)), SAE.load_from_disk(tmp_path).eval().requires_grad_(False)
    assert (ours.architecture, ours.metadata.training_architecture) == ("jumprelu", "matryoshka_batchtopk")
    resid = residuals(20)
    acts = theirs.encode(resid)
    assert 0 < int((acts > 0).sum()) < acts.numel()
    assert close(ours.encode(resid), acts * theirs.W_dec.norm(dim=-1))
    assert close(ours.reconstruct(resid), theirs.decode(acts))
    trained.save_model(tmp_path / "checkpoint")
    assert torch.equal(load_sae(str(tmp_path / "checkpoint")).encode(resid), ours.encode(resid))


def close(ours, theirs):
    """To 1e-5 of the largest number: both are float32 sums in different orders."""
    return float((ours - theirs).abs().max()) <= 1e-5 * max(1.0, float(theirs.abs().max()))


# --- the real loaders, on a crafted cache of the Hub ----------------------------------------------------------------


@pytest.fixture(scope="module")
def hub_cache(tmp_path_factory):
    """What the Hub's cache looks like after a download: snapshots of plain files under a commit."""
    cache = tmp_path_factory.mktemp("hub")
    rng = np.random.default_rng(0)

    gemma = snapshot(cache, "google/gemma-scope-2b-pt-res") / "layer_12/width_16k/average_l0_82"
    gemma.mkdir(parents=True)
    weights = {
        "W_enc": rng.normal(size=(64, 256)),
        "W_dec": rng.normal(size=(256, 64)),
        "b_enc": rng.normal(size=256),
        "b_dec": rng.normal(size=64),
        "threshold": np.abs(rng.normal(size=256)),
    }
    np.savez(gemma / "params.npz", **{name: array.astype(np.float32) for name, array in weights.items()})

    whole = (gemma / "params.npz").read_bytes()
    cut_off = snapshot(cache, "google/gemma-scope-2b-pt-res") / "layer_13/width_16k/average_l0_84"
    cut_off.mkdir(parents=True)
    (cut_off / "params.npz").write_bytes(whole[: len(whole) // 2])

    jb = snapshot(cache, "jbloom/GPT2-Small-SAEs-Reformatted") / JB_ID
    flat = {
        "model_name": "gpt2-small",
        "hook_point": JB_ID,
        "hook_point_layer": 8,
        "hook_point_head_index": None,
        "d_in": 12,
        "d_sae": 40,
        "dtype": "torch.float32",
        "device": "cpu",
        "activation_fn_str": "relu",
    }
    write_folder(jb, flat, "standard")
    write_folder(snapshot(cache, "me/my-saes") / "l1", config_of("gated"), "gated")
    write_folder(snapshot(cache, "me/my-saes") / "nan", config_of(), "standard", nan=True)
    write_folder(snapshot(cache, "me/my-saes") / "narrow", config_of(d_in=13), "standard")
    write_folder(
        snapshot(cache, "me/my-saes") / "z",
        config_of(metadata={"sae_lens_version": "6.54.12", "hook_name": "blocks.1.attn.hook_z"}),
        "standard",
    )
    write_folder(snapshot(cache, "me/my-saes") / "cut", config_of(), "standard")
    cut = snapshot(cache, "me/my-saes") / "cut" / "sae_weights.safetensors"
    cut.write_bytes(cut.read_bytes()[:-100])
    return cache


def snapshot(cache, repo):
    folder = cache / f"models--{repo.replace('/', '--')}"
    commit = "0" * 40
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "snapshots" / commit).mkdir(parents=True, exist_ok=True)
    return folder / "snapshots" / commit


def write_folder(folder, config, architecture, *, nan=False):
    folder.mkdir(parents=True)
    (folder / "cfg.json").write_text(json.dumps(config))
    tensors = tensors_of(architecture)
    if nan:
        tensors["b_enc"][0] = float("nan")
    save_file(tensors, folder / "sae_weights.safetensors")


SCRIPT = """
import json, sys, warnings
warnings.simplefilter("error", UserWarning)
import torch
from steering.errors import SaeError
from steering.saes.building import build_autoencoder
from steering.saes.fitting import fit_to_model
from steering.saes.loading import load_sae

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sae_lens import SAE
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory
# the loader takes widths from the release's name; a tiny file needs them told
get_pretrained_saes_directory()["gemma-scope-2b-pt-res-canonical"].config_overrides = {"d_in": 64, "d_sae": 256}

answers = []
for source in sys.argv[1:]:
    try:
        sae = load_sae(source)
    except SaeError as error:
        answers.append({"error": str(error)})
        continue
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SAE.from_pretrained(sae.release, sae.sae_id).requires_grad_(False)
    resid = torch.linspace(-3, 4, 5 * sae.d_model).view(5, sae.d_model).sin() * 3 + 0.5
    acts = theirs.encode(resid)
    recon = theirs.decode(acts)
    answers.append({
        "architecture": sae.architecture, "hook_point": str(sae.hook_point), "d_model": sae.d_model,
        "d_sae": sae.d_sae, "release": sae.release, "sae_id": sae.sae_id, "name": sae.name,
        "model_name": sae.metadata.model_name, "prepend_bos": sae.metadata.prepend_bos,
        "center": sae.metadata.center_writing_weights, "apply_b_dec": sae.apply_b_dec_to_input,
        "folded": sae.decoder_norms_folded, "url": sae.neuronpedia_url(3), "firing": int((acts > 0).sum()),
        "encode_error": float((sae.encode(resid) - acts * theirs.W_dec.norm(dim=-1)).abs().max() / acts.max()),
        "decode_error": float((sae.reconstruct(resid) - recon).abs().max() / recon.abs().max()),
    })
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(hub_cache):
    """Everything in one process, which pays once for importing sae-lens; environment first, as hub reads it then."""
    sources = [
        f"{GEMMA}/{GEMMA_ID}",
        f"{JB}/{JB_ID}",
        f"{GEMMA}/layer_13/width_16k/canonical",
        "me/my-saes/l1",
        "me/my-saes/nan",
        "me/my-saes/narrow",
        "me/my-saes/z",
        "me/my-saes/cut",
        "me/my-saes/nowhere",
        "me/other/l1",
        f"{JB}/blocks.9.hook_resid_pre",
        f"{JB}/blocks.80.hook_resid_pre",
        JB,
        f"{GEMMA.removesuffix('l')}/{GEMMA_ID}",
        "gpt2-small-res/blocks.8.hook_resid_pre",
        "nothing",
        "me/my-saes/weights.pt",
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(hub_cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *sources],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(sources, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_gemma_scope_loads_through_its_own_loader(answers):
    found = answers[f"{GEMMA}/{GEMMA_ID}"]
    assert found | {"encode_error": 0, "decode_error": 0, "firing": 0} == {
        "architecture": "jumprelu",
        "hook_point": "blocks.12.hook_resid_post",
        "d_model": 64,
        "d_sae": 256,
        "release": GEMMA,
        "sae_id": GEMMA_ID,
        "name": f"{GEMMA}/{GEMMA_ID}",
        "model_name": "gemma-2-2b",
        "prepend_bos": True,
        "center": False,
        "apply_b_dec": False,
        "folded": True,
        "url": "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-res-16k/3",
        "firing": 0,
        "encode_error": 0,
        "decode_error": 0,
    }
    assert found["firing"] > 0
    assert max(found["encode_error"], found["decode_error"]) < 1e-5


def test_gpt2_small_loads_with_the_centring_it_needs(answers):
    found = answers[f"{JB}/{JB_ID}"]
    assert found["hook_point"] == "blocks.8.hook_resid_pre"
    assert found["center"] is True
    assert (found["model_name"], found["prepend_bos"]) == ("gpt2-small", True)
    assert found["url"] == "https://www.neuronpedia.org/gpt2-small/8-res-jb/3"
    assert found["firing"] > 0
    assert max(found["encode_error"], found["decode_error"]) < 1e-5


def test_a_hub_repository_is_a_release(answers):
    found = answers["me/my-saes/l1"]
    assert (found["release"], found["sae_id"], found["architecture"]) == ("me/my-saes", "l1", "gated")
    assert max(found["encode_error"], found["decode_error"]) < 1e-5


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("me/my-saes/nan", "b_enc holds NaN"),
        ("me/my-saes/narrow", "size mismatch"),
        ("me/my-saes/z", "hook_z"),
        ("me/my-saes/cut", "remove it from the cache"),
        (f"{GEMMA}/layer_13/width_16k/canonical", "remove it from the cache"),
        ("me/my-saes/nowhere", "not in the local cache"),
        ("me/other/l1", "not in the local cache"),
        (f"{JB}/blocks.9.hook_resid_pre", "not in the local cache"),
        (
            f"{JB}/blocks.80.hook_resid_pre",
            "has no SAE 'blocks.80.hook_resid_pre'; close ones are blocks.8.hook_resid_pre",
        ),
        (JB, "add the id of one; it has 13, among them blocks.0.hook_resid_pre"),
        (f"{GEMMA.removesuffix('l')}/{GEMMA_ID}", f"close ones are {GEMMA}"),
        ("gpt2-small-res/blocks.8.hook_resid_pre", f"close ones are {JB}"),
        ("nothing", "no folder and no release 'nothing'; the list of sae-lens has 1"),
        ("me/my-saes/weights.pt", "pickle file"),
    ],
)
def test_what_cannot_be_loaded_says_why_in_one_sentence(answers, source, part):
    message = answers[source]["error"]
    assert part in message
    assert "\n" not in message


def test_fitting_real_models(tiny_gpt2, tiny_llama, tiny_gemma2):
    metadata = {
        "hook_name": "blocks.1.hook_resid_pre",
        "model_from_pretrained_kwargs": {"center_writing_weights": True},
    }
    sae = build_autoencoder(config_of(d_in=32, metadata=metadata), tensors_of(d_model=32), where="The SAE")
    assert fit_to_model(sae, tiny_gpt2).center_input, "LayerNorm"
    assert not fit_to_model(sae, tiny_llama).center_input, "RMSNorm"
    wide = build_autoencoder(config_of(metadata=metadata), tensors_of(), where="The SAE")
    with pytest.raises(SaeError, match="width 12, but tiny-llama has width 32"):
        fit_to_model(wide, tiny_llama)
    before_the_norm = {"hook_name": "blocks.1.hook_mlp_out", "hf_hook_name": "model.layers.1.mlp"}
    sae = build_autoencoder(config_of(d_in=32, metadata=before_the_norm), tensors_of(d_model=32), where="The SAE")
    assert fit_to_model(sae, tiny_llama).hook_point.site == "mlp_out"
    with pytest.raises(SaeError, match="post_feedforward_layernorm"):
        fit_to_model(sae, tiny_gemma2)
