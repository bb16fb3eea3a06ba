import hashlib
import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from steering import presets
from steering.errors import SaeError
from steering.hook_points import HookPoint
from steering.presets import Preset
from steering.saes import loading
from steering.saes.loading import load_sae
from steering.saes.reading import read_folder
from tests.unit.saes.tiny_saes import ARCHITECTURES, built, config_of, residuals, tensors_of


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "sae", "jumprelu")
    return tmp_path / "sae"


def write(folder, architecture, config=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cfg.json").write_text(json.dumps(config or config_of(architecture)))
    save_file(tensors_of(architecture), folder / "sae_weights.safetensors")


def refused(source, match):
    with pytest.raises(SaeError, match=match) as caught:
        load_sae(str(source))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_folder_is_read(tmp_path, architecture):
    write(tmp_path, architecture)
    sae = load_sae(str(tmp_path))
    assert torch.equal(sae.encode(residuals(4)), built(architecture).encode(residuals(4)))
    assert sae.metadata.path == sae.name == str(tmp_path)
    digest = hashlib.sha256((tmp_path / "sae_weights.safetensors").read_bytes()).hexdigest()
    assert sae.metadata.sha256 == digest


def test_either_file_names_its_folder(folder):
    assert load_sae(str(folder / "cfg.json")).metadata.path == str(folder)
    assert load_sae(str(folder / "sae_weights.safetensors")).metadata.path == str(folder)
    save_file(tensors_of(), folder / "other.safetensors")
    refused(folder / "other.safetensors", "lacks threshold")
    (folder / "notes.txt").write_text("")
    refused(folder / "notes.txt", "give the folder")


@pytest.mark.parametrize("name", ["cfg.json", "sae_weights.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    refused(folder, f"has no {name};")


def test_an_empty_folder_and_none(tmp_path):
    refused(tmp_path, "has no cfg.json and no sae_weights.safetensors")
    refused(tmp_path / "nowhere", "There is no file or folder")
    refused("./nowhere", "There is no file or folder")


def test_a_folder_of_folders_lists_them(folder):
    refused(folder.parent, "holds several SAEs; name one of them: .*sae")


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".pkl"])
def test_pickles_are_refused_unopened(folder, suffix):
    (folder / "sae_weights.safetensors").unlink()
    bomb = folder / f"sae_weights{suffix}"
    bomb.write_bytes(pickle.dumps(Bomb()))
    refused(folder, "pickle file, which can run code")
    refused(bomb, "pickle file, which can run code")
    assert not Bomb.exploded


def test_a_pickle_under_a_safetensors_name(folder):
    (folder / "sae_weights.safetensors").write_bytes(pickle.dumps(Bomb()))
    refused(folder, "not a whole safetensors file")
    assert not Bomb.exploded


class Bomb:
    exploded = False

    def __reduce__(self):
        return setattr, (Bomb, "exploded", True)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_truncated_file(folder, size):
    weights = folder / "sae_weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    refused(folder, "not a whole safetensors file")


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"', "\x00"])
def test_a_config_that_is_none(folder, content):
    (folder / "cfg.json").write_text(content)
    refused(folder, "cfg.json (cannot be read as JSON|holds a)")


def test_damaged_numbers_are_named_with_their_folder(tmp_path):
    write(tmp_path, "standard")
    tensors = tensors_of()
    tensors["W_enc"][0, 0] = float("nan")
    save_file(tensors, tmp_path / "sae_weights.safetensors")
    refused(tmp_path, f"The SAE in {tmp_path}: W_enc holds NaN")


def test_the_scaling_factor_of_a_checkpoint_is_folded(tmp_path):
    write(tmp_path, "standard", config_of(normalize_activations="expected_average_only_in"))
    refused(tmp_path, "expected_average_only_in")
    (tmp_path / "activation_scaler.json").write_text('{"scaling_factor": 0.5}')
    resid = residuals(3)
    assert torch.allclose(read_folder(tmp_path).encode(resid), built().encode(resid * 0.5) / 0.5, atol=1e-4)


def before_6(**changes):
    return {
        "model_name": "gpt2-small",
        "hook_point": "blocks.8.hook_resid_pre",
        "hook_point_layer": 8,
        "hook_point_head_index": None,
        "d_in": 12,
        "d_sae": 40,
        "dtype": "torch.float32",
        "context_size": 128,
    } | changes


def test_flat_configs_of_older_versions(tmp_path):
    write(tmp_path, "standard", before_6())
    sae = load_sae(str(tmp_path))
    assert sae.architecture == "standard"
    assert sae.hook_point == HookPoint(8, "resid_pre")
    assert (sae.metadata.model_name, sae.metadata.prepend_bos, sae.metadata.context_size) == ("gpt2-small", True, 128)
    assert sae.apply_b_dec_to_input

    write(
        tmp_path, "topk", before_6(activation_fn_str="topk", activation_fn_kwargs={"k": 3}, normalize_activations=False)
    )
    sae = load_sae(str(tmp_path))
    assert (sae.architecture, sae.k, sae.normalization) == ("topk", 3, "none")

    write(tmp_path, "standard", before_6(activation_fn_str="tanh-relu"))
    refused(tmp_path, "tanh-relu")
    write(tmp_path, "standard", before_6(normalize_activations=True))
    refused(tmp_path, "expected_average_only_in")
    write(tmp_path, "standard", before_6(hook_point_head_index=2))
    refused(tmp_path, "attention head 2")


def test_presets_are_names_too(folder, monkeypatch):
    demo = Preset(
        "demo", "Demo", "A demo.", str(folder.parent), {"mine": str(folder), "other": str(folder.parent / "nothing")},
        chat=True, dtype="float32",
    )  # fmt: skip
    monkeypatch.setattr(presets, "presets", lambda: {"demo": demo})
    monkeypatch.setattr(loading, "presets", lambda: {"demo": demo})
    assert load_sae("demo").metadata.path == str(folder)
    assert load_sae("demo/mine").metadata.path == str(folder)
    refused("demo/theirs", "it has mine, other")
