"""What is said about a choice before anything is loaded, and does it ask nobody?"""

import json
import socket

import pytest
import torch
from safetensors.torch import save_file

from steering import outlook
from steering.errors import ModelError, SaeError
from steering.memory import weight_bytes
from steering.models import load_model
from steering.outlook import look_ahead, model_shape
from steering.presets import preset
from steering.shapes import shape_of_config, shape_of_folder
from tests.tiny import TINY


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, tmp_path):
    def refuse(*_arguments):
        raise AssertionError("a request left the machine")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("STEERSCOPE_WORLD", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)


@pytest.mark.parametrize("family", list(TINY))
def test_a_folder_takes_the_bytes_that_the_loaded_model_takes(family, tmp_path):
    model = TINY[family]().model
    model.save_pretrained(tmp_path)
    shape = shape_of_folder(tmp_path)
    measured = sum(part.nbytes for part in model.parameters())
    assert weight_bytes(shape, "float32") == measured
    text = model.config.get_text_config()
    assert (shape.n_layers, shape.d_model, shape.vocab_size) == (3, 32, 300)
    assert shape.n_kv_heads == getattr(text, "num_key_value_heads", 4)
    assert shape_of_config(tmp_path) == shape, "the same without its weights"


def test_the_embedded_world():
    found = look_ahead("demo", "demo")
    assert found.refusal is None
    assert found.warning is None
    assert (found.device, found.dtype) == ("cpu", "float32")
    assert (found.files, found.sae.files, found.download) == ("here", "here", 0)
    assert found.memory is not None
    assert found.with_sae
    assert found.free is not None
    assert found.fits


def test_a_base_sae_on_an_instruct_model_is_warned_about_and_not_refused():
    found = look_ahead("gemma-2-2b-it", "layer20-16k")
    assert found.refusal is None
    assert "google/gemma-2-2b" in str(found.warning)
    assert (found.files, found.sae.files, found.gated) == ("missing", "missing", True)
    shape = preset("gemma-2-2b-it").shape
    assert shape is not None
    assert found.download == weight_bytes(shape, "bfloat16") + 4 * (2 * 2304 * 16384 + 2304 + 3 * 16384)
    assert look_ahead("google/gemma-2-2b-it", found.sae.id).memory == found.memory, "by its id as by its name"
    assert look_ahead("gemma-2-9b-it", "layer20-16k").warning is None


def test_dtype_and_device_are_settled():
    assert look_ahead("gemma-2-2b-it", "layer20-16k", device="cpu").dtype == "float32"
    half = look_ahead("gemma-2-2b-it", "layer20-16k", device="cpu", dtype="bfloat16")
    assert half.memory is not None
    shape = preset("gemma-2-2b-it").shape
    assert shape is not None
    assert half.memory.weights == 2 * shape.n_parameters


def test_what_cannot_steer_is_refused_with_its_reason():
    found = look_ahead("gemma-2-2b", "gemma-scope-2b-pt-att-canonical/layer_0/width_16k/canonical")
    assert "hook_z" in str(found.refusal)
    assert "transcoder" in str(
        look_ahead("gemma-2-2b", "gemma-scope-2b-pt-transcoders/layer_0/width_16k/average_l0_76").refusal
    )


def test_another_width_is_refused_with_both_numbers():
    found = look_ahead("gemma-2-9b-it", "gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical")
    assert "2304" in str(found.refusal)
    assert "3584" in str(found.refusal)
    assert "layer 30" in str(look_ahead("gemma-2-2b", "llama_scope_lxr_8x/l30r_8x").refusal) or "4096" in str(
        look_ahead("gemma-2-2b", "llama_scope_lxr_8x/l30r_8x").refusal
    )


def test_an_sae_folder_tells_its_width(tmp_path):
    config = {"d_in": 64, "d_sae": 512, "architecture": "topk",
              "metadata": {"hook_name": "blocks.1.hook_resid_post", "model_name": "demo", "l0": 12.5}}  # fmt: skip
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    assert "has no sae_weights.safetensors" in str(look_ahead("demo", str(tmp_path)).refusal)
    save_file({"b_dec": torch.zeros(64)}, tmp_path / "sae_weights.safetensors")
    found = look_ahead("demo", str(tmp_path))
    assert (found.sae.width, found.sae.l0, found.sae.architecture) == (512, 12.5, "topk")
    assert "64" in str(found.refusal)
    assert "128" in str(found.refusal)
    (tmp_path / "cfg.json").write_text(
        json.dumps({**config, "d_in": 128, "metadata": {"hook_name": "blocks.9.hook_z"}})
    )
    assert "hook_z" in str(look_ahead("demo", str(tmp_path)).refusal)
    (tmp_path / "cfg.json").write_text("{")
    with pytest.raises(SaeError, match=r"cfg\.json"):
        look_ahead("demo", str(tmp_path))


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(ModelError, match="no safetensors"):
        look_ahead(str(tmp_path), "a/b/c")
    save_file({"x": torch.zeros(2, 3)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"config\.json"):
        look_ahead(str(tmp_path), "a/b/c")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="num_hidden_layers"):
        look_ahead(str(tmp_path), "a/b/c")
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        look_ahead(str(tmp_path), "a/b/c")


def test_an_unknown_id_is_not_asked_for():
    found = look_ahead("nobody/nothing", "nobody/repo/folder")
    assert (found.shape, found.memory, found.download) == (None, None, None)
    assert (found.files, found.sae.files) == ("missing", "unknown")
    assert found.refusal is None


def test_files_in_the_hub_cache_are_seen(monkeypatch, tmp_path):
    here = {("me/model", "model.safetensors.index.json"), ("me/model", "a.safetensors")}
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}))
    monkeypatch.setattr(outlook, "_cached", lambda repo, name: index if (repo, name) in here else None)
    assert outlook.model_files("me/model") == "missing", "one part of two"
    here.add(("me/model", "b.safetensors"))
    assert outlook.model_files("me/model") == "here"
    sae = ("google/gemma-scope-2b-pt-res", "layer_12/width_16k/average_l0_82/params.npz")
    here.add(sae)
    assert look_ahead("gemma-2-2b", "layer12-16k").sae.files == "here"


def test_a_cached_config_is_measured_when_asked(monkeypatch, tmp_path):
    tiny = TINY["qwen2"]().model
    tiny.config.save_pretrained(tmp_path)
    monkeypatch.setattr(outlook, "_cached", lambda _repo, name: tmp_path / name if name == "config.json" else None)
    assert model_shape("me/model") is None
    shape = model_shape("me/model", measure=True)
    assert shape is not None
    assert shape.n_parameters == sum(part.numel() for part in tiny.parameters())


def test_a_revision_is_no_part_of_the_name(monkeypatch, tmp_path):
    plain, pinned = (look_ahead(f"google/gemma-2-2b-it{at}", "a/b/c") for at in ("", "@main"))
    assert (pinned.shape, pinned.gated, pinned.dtype) == (plain.shape, True, plain.dtype)
    assert pinned.shape is not None
    folder = tmp_path / "hub" / "models--me--model"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "old").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (folder / "snapshots" / ("0" * 40) / "model.safetensors").write_bytes(b"")
    assert outlook.model_files("me/model@old") == "here"
    assert outlook.model_files("me/model@new") == "missing"


def test_a_config_is_fetched_at_its_revision_and_a_refusal_explained(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked = []

    def download(repo, name, **options):
        asked.append((repo, name, options["revision"]))
        if repo == "me/none":
            raise LocalEntryNotFoundError("no")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(outlook, "is_reachable", lambda: False)
    outlook.fetch_config("me/model@v1")
    assert asked == [("me/model", "config.json", "v1")]
    with pytest.raises(ModelError, match="me/none@v2 is not in the local cache"):
        outlook.fetch_config("me/none@v2")


def test_only_the_weights_that_are_loaded_are_counted(tmp_path):
    model = TINY["llama"]().model
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert (tmp_path / "model.safetensors.index.json").is_file()
    once = shape_of_folder(tmp_path)
    assert once.n_parameters == sum(part.numel() for part in model.parameters())
    save_file({"x": torch.zeros(2, 3)}, tmp_path / "consolidated.safetensors")  # as Mistral has it
    assert shape_of_folder(tmp_path) == once


@pytest.mark.parametrize("config", ["[]", '{"model_type": "llama", "hidden_size": "x"}', '{"model_type": [1]}'])
def test_a_config_of_another_kind_is_one_sentence(tmp_path, config):
    save_file({"x": torch.zeros(2, 3)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "tokenizer.json").write_text("{}")
    for read in (shape_of_folder, shape_of_config, lambda folder: load_model(str(folder))):
        with pytest.raises(ModelError) as caught:
            read(tmp_path)
        assert "\n" not in str(caught.value)


def test_an_error_without_words_has_a_name(tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise ValueError

    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", fail)
    with pytest.raises(ModelError, match="ValueError"):
        shape_of_config(tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: whole[:-1], "its header asks for"),
        (lambda whole: whole + b"0", "its header asks for"),
        (lambda whole: whole[:20], "in its header"),
        (lambda _whole: b"", "in its header"),
        (lambda _whole: (2).to_bytes(8, "little") + b"[]", "does not list tensors"),
    ],
)
def test_an_sae_whose_file_is_cut_off_is_refused_before_it_is_used(tmp_path, damage, words):
    config = {"d_in": 128, "d_sae": 4, "metadata": {"hook_name": "blocks.1.hook_resid_post", "model_name": "demo"}}
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    weights = tmp_path / "sae_weights.safetensors"
    save_file({"W_enc": torch.zeros(128, 4)}, weights)
    assert look_ahead("demo", str(tmp_path)).refusal is None
    weights.write_bytes(damage(weights.read_bytes()))
    assert "not a whole safetensors file" in str(look_ahead("demo", str(tmp_path)).refusal)
    assert words in str(look_ahead("demo", str(tmp_path)).refusal)


@pytest.mark.parametrize("named", ["/abs/no-model", "./no-model", "../no-model", "~/no-model", "own/models/none"])
def test_a_path_is_never_looked_for_on_the_hub(named):
    with pytest.raises(ModelError, match=f"There is no folder {named}"):
        look_ahead(named, "gpt2-small-res-jb/blocks.1.hook_resid_pre")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "model").write_text("")
    with pytest.raises(ModelError, match="There is no folder"):
        look_ahead(str(tmp_path / "model"), "gpt2-small-res-jb/blocks.1.hook_resid_pre")


def test_a_folder_is_compared_by_name(tmp_path):
    TINY["llama"]().model.save_pretrained(tmp_path / "tiny-llama")
    sae = tmp_path / "sae"
    sae.mkdir()
    save_file({"b_dec": torch.zeros(32)}, sae / "sae_weights.safetensors")
    config = {"d_in": 32, "d_sae": 4, "metadata": {"hook_name": "blocks.1.hook_resid_post"}}
    for trained_on, words in {"tiny-llama": None, "gemma-2-2b": "cannot be checked", None: None}.items():
        config["metadata"]["model_name"] = trained_on
        (sae / "cfg.json").write_text(json.dumps(config))
        warning = look_ahead(str(tmp_path / "tiny-llama"), str(sae)).warning
        assert (words or "None") in str(warning), trained_on
