"""Files of bare tensors: the spellings, which way round they lie, and what must be told."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from steering.errors import SaeError
from steering.saes.loading import find_plain, load_sae
from steering.saes.plain import _read_tensors, peek_plain
from tests.unit.saes.tiny_saes import D_MODEL, D_SAE, K, built, config_of, residuals, tensors_of

POINT = "blocks.1.hook_resid_post"


def refused(source, match):
    with pytest.raises(SaeError, match=match) as caught:
        load_sae(str(source))
    assert "\n" not in str(caught.value)


def same(sae, other):
    resid = residuals(5)
    assert sae.architecture == other.architecture
    assert sae.hook_point == other.hook_point
    assert (other.encode(resid) > 0).any()
    assert torch.equal(sae.encode(resid), other.encode(resid))
    assert torch.equal(sae.reconstruct(resid), other.reconstruct(resid))


@pytest.fixture
def gemma(tmp_path):
    """Gemma Scope's file, in a folder of its own as on the Hub."""
    folder = tmp_path / "average_l0_82"
    folder.mkdir()
    np.savez(folder / "params.npz", **{name: tensor.numpy() for name, tensor in tensors_of("jumprelu").items()})
    return folder / "params.npz"


def test_gemma_scope_npz_is_told_where_it_belongs(gemma):
    expected = built("jumprelu", apply_b_dec_to_input=False)
    sae = load_sae(f"{gemma}@{POINT}")
    same(sae, expected)
    same(load_sae(f"{gemma.parent}@{POINT}"), expected)
    assert sae.name == f"{gemma}@{POINT}"
    same(load_sae(sae.name), expected)
    refused(gemma, "does not say where it belongs; write FILE@blocks.LAYER.hook_SITE")
    refused(f"{gemma}@nowhere", "'nowhere' cannot be steered")


def torch_names(architecture, bias):
    ours = tensors_of(architecture)
    return {
        "encoder.weight": ours["W_enc"].T.contiguous(),
        "encoder.bias": ours["b_enc"],
        "decoder.weight": ours["W_dec"].T.contiguous(),
        bias: ours["b_dec"],
    }


@pytest.mark.parametrize(
    ("bias", "subtracted"), [("b_dec", True), ("bias", True), ("pre_bias", True), ("decoder.bias", False)]
)
def test_torch_spellings_are_turned_round(tmp_path, bias, subtracted):
    file = tmp_path / "ae.safetensors"
    save_file(torch_names("standard", bias), file)
    same(load_sae(f"{file}@{POINT}"), built("standard", apply_b_dec_to_input=subtracted))
    same(load_sae(f"{file}@{POINT},k={K}"), built("topk", apply_b_dec_to_input=subtracted))
    same(
        load_sae(f"{file}@{POINT},apply_b_dec_to_input={str(not subtracted).lower()}"),
        built("standard", apply_b_dec_to_input=not subtracted),
    )


def test_a_stored_k_and_a_stored_threshold(tmp_path):
    file = tmp_path / "ae.safetensors"
    save_file(torch_names("standard", "b_dec") | {"k": torch.tensor(K)}, file)
    same(load_sae(f"{file}@{POINT}"), built("topk"))
    save_file(torch_names("standard", "b_dec") | {"k": torch.tensor(K), "threshold": torch.tensor(0.5)}, file)
    refused(f"{file}@{POINT}", "has a threshold and k 5")
    sae = load_sae(f"{file}@{POINT},activation=jumprelu")
    assert sae.architecture == "jumprelu"
    same(load_sae(f"{file}@{POINT},activation=topk"), built("topk"))
    save_file(torch_names("standard", "b_dec") | {"threshold": torch.tensor(-1.0)}, file)
    refused(f"{file}@{POINT}", "threshold of -1, expected 0 or more")


def test_names_of_sae_lens_leave_one_thing_open(tmp_path):
    file = tmp_path / "mine.safetensors"
    tensors = tensors_of("standard")
    save_file(tensors, file)
    refused(f"{file}@{POINT}", "tell apply_b_dec_to_input")
    same(load_sae(f"{file}@{POINT},apply_b_dec_to_input=true"), built("standard"))
    save_file(tensors | {"b_dec": torch.zeros(D_MODEL)}, file)
    assert load_sae(f"{file}@{POINT}").b_dec.count_nonzero() == 0


def test_a_config_beside_the_file_wins(tmp_path, gemma):
    (gemma.parent / "cfg.json").write_text(
        json.dumps({"hook_name": POINT, "model_name": "gemma-2-2b", "apply_b_dec_to_input": True})
    )
    sae = load_sae(str(gemma))
    same(sae, built("jumprelu"))
    assert sae.metadata.model_name == "gemma-2-2b"
    refused(f"{gemma}@blocks.2.hook_resid_post", "cfg.json says blocks.1.hook_resid_post, you say blocks.2")
    (gemma.parent / "cfg.json").write_text(json.dumps({"hook_name": POINT, "d_in": 99}))
    refused(gemma, "d_in 12 and d_sae 40, but its cfg.json says 99")
    (gemma.parent / "cfg.json").write_text("[")
    refused(gemma, "cannot be read as JSON")


def test_shapes_that_do_not_tell_are_refused(tmp_path):
    file = tmp_path / "square.safetensors"
    square = {name: torch.ones(8, 8) for name in ("W_enc", "W_dec")} | {
        name: torch.ones(8) for name in ("b_enc", "b_dec")
    }
    save_file(square, file)
    refused(f"{file}@{POINT}", r"as many features as the stream is wide \(8\)")
    save_file(tensors_of() | {"W_dec": torch.ones(D_SAE, D_MODEL + 1)}, file)
    refused(f"{file}@{POINT}", r"W_dec has the shape \[40, 13\], but its biases .* ask for \[40, 12\]")
    save_file({name: tensor for name, tensor in tensors_of().items() if name != "b_enc"}, file)
    refused(f"{file}@{POINT}", "has no tensor for b_enc, expected one of b_enc, encoder.bias")
    save_file(tensors_of() | {"encoder.weight": torch.ones(1)}, file)
    refused(f"{file}@{POINT}", "has W_enc and encoder.weight for W_enc")
    save_file(tensors_of() | {"W_skip": torch.ones(1)}, file)
    refused(f"{file}@{POINT}", "holds W_skip")


def test_damaged_files_and_pickles_are_refused(tmp_path, gemma):
    whole = gemma.read_bytes()
    gemma.write_bytes(whole[: len(whole) // 2])
    refused(f"{gemma}@{POINT}", "not a whole npz file")
    arrays = {name: tensor.numpy() for name, tensor in tensors_of("jumprelu").items()}
    np.savez(gemma, **arrays | {"b_enc": np.array([{"a": 1}], dtype=object)})
    refused(f"{gemma}@{POINT}", "only pickle could read")
    arrays["b_enc"][3] = np.nan
    np.savez(gemma, **arrays)
    refused(f"{gemma}@{POINT}", "b_enc holds NaN")
    (tmp_path / "ae.pt").write_bytes(b"x")
    refused(f"{tmp_path / 'ae.pt'}@{POINT}", "pickle file")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    refused(f"{tmp_path / 'cut.safetensors'}@{POINT}", "not a whole safetensors file")


@pytest.mark.parametrize("setting", ["k=many", "kk=3", "activation=gelu", "apply_b_dec_to_input=yes", "k=3,k=4"])
def test_what_cannot_be_told_is_refused(gemma, setting):
    refused(f"{gemma}@{POINT},{setting}", "says nothing about an SAE; write FILE@")


def test_a_folder_of_sae_lens_is_told_nothing(tmp_path):
    (tmp_path / "cfg.json").write_text(json.dumps(config_of()))
    save_file(tensors_of(), tmp_path / "sae_weights.safetensors")
    refused(f"{tmp_path}@{POINT}", "says itself where it belongs")


def test_bfloat16_is_encoded_in_float32(tmp_path):
    """The stored numbers are bfloat16's, the sums over them are not."""
    file = tmp_path / "ae.safetensors"
    halves = {name: tensor.bfloat16() for name, tensor in torch_names("standard", "b_dec").items()}
    save_file(halves, file)
    sae = load_sae(f"{file}@{POINT}")
    resid = residuals(6).bfloat16()
    W_enc, W_dec = halves["encoder.weight"].T.double(), halves["decoder.weight"].T.double()
    exact = ((resid.double() - halves["b_dec"].double()) @ W_enc + halves["encoder.bias"].double()).relu()
    acts = sae.encode(resid)
    assert acts.dtype == torch.float32
    assert torch.allclose(acts.double(), exact * W_dec.norm(dim=-1), rtol=1e-5, atol=1e-4)
    rounded = ((resid - halves["b_dec"]) @ halves["encoder.weight"].T + halves["encoder.bias"]).relu().double()
    assert (rounded - exact).abs().max() > 100 * (acts.double() / W_dec.norm(dim=-1) - exact).abs().max()


def test_an_at_in_a_folders_name_belongs_to_it(tmp_path, gemma):
    folder = tmp_path / "a@b"
    folder.mkdir()
    file = folder / "params.npz"
    file.write_bytes(gemma.read_bytes())
    sae = load_sae(f"{file}@{POINT}")
    same(sae, built("jumprelu", apply_b_dec_to_input=False))
    same(load_sae(sae.name), sae)
    refused(file, "does not say where it belongs")
    refused(folder / "none.npz", "There is no file or folder")
    refused(f"{gemma}@{POINT},k={'9' * 5000}", "says nothing about an SAE")


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_looking_into_a_file_says_the_same_as_reading_it_and_reads_no_matrix(tmp_path, suffix, monkeypatch):
    tensors = tensors_of("jumprelu")
    file = tmp_path / f"params.{suffix}"
    if suffix == "npz":
        np.savez(file, **{name: tensor.numpy() for name, tensor in tensors.items()})
    else:
        save_file(tensors, file)
    told = f"{file}@{POINT},apply_b_dec_to_input=false"
    sae = load_sae(told)
    monkeypatch.setattr("steering.saes.plain.build_autoencoder", lambda *_a, **_k: 1 / 0)
    config = peek_plain(*find_plain(told))
    assert (config["d_in"], config["d_sae"], config["architecture"]) == (sae.d_model, sae.d_sae, sae.architecture)
    assert config["metadata"]["hook_name"] == POINT
    shapes = _read_tensors(file, matrices=False)
    assert {name for name, tensor in shapes.items() if tensor.is_meta} == {"W_enc", "W_dec"}
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SaeError, match="is not a whole"):
        peek_plain(*find_plain(told))


def test_a_place_is_compared_however_it_is_spelt(gemma):
    config = gemma.parent / "cfg.json"
    config.write_text(json.dumps({"hf_hook_name": "model.layers.1.output", "apply_b_dec_to_input": True}))
    refused(f"{gemma}@blocks.5.hook_resid_post", r"cfg.json says blocks.1.hook_resid_post, you say blocks.5")
    refused(f"{gemma}@nowhere", "'nowhere' cannot be steered")
    assert load_sae(f"{gemma}@{POINT}").hook_point == load_sae(str(gemma)).hook_point
    config.write_text(json.dumps({"hook_name": POINT, "apply_b_dec_to_input": True}))
    assert load_sae(f"{gemma}@model.layers.1.output").hook_point == load_sae(str(gemma)).hook_point
    refused(f"{gemma}@model.layers.1.mlp", r"cfg.json says blocks.1.hook_resid_post, you say model.layers.1.mlp")
    # What the module path leaves open is told, and is then no contradiction.
    config.write_text(
        json.dumps({"hf_hook_name": "model.layers.1.post_attention_layernorm.output", "apply_b_dec_to_input": True})
    )
    assert str(load_sae(f"{gemma}@blocks.1.hook_resid_mid").hook_point) == "blocks.1.hook_resid_mid"


def test_a_place_that_there_is_not_is_said_before_anything_is_asked_for(tmp_path):
    tensors = {"W_enc": torch.ones(4, 6), "W_dec": torch.ones(6, 4), "b_enc": torch.ones(6), "b_dec": torch.ones(4)}
    save_file(tensors, tmp_path / "plain.safetensors")
    refused(f"{tmp_path}/plain.safetensors@nonsense", "nonsense")
    refused(f"{tmp_path}/plain.safetensors@blocks.1.hook_resid_post", "apply_b_dec_to_input")
