"""Which names stand for models, are the shipped weights those that were built, and are the published ones as listed?"""

import shutil
import tomllib
from pathlib import Path

import pytest

from steering.catalogue import another_model
from steering.catalogue.names import family
from steering.errors import ModelError, WorldError
from steering.memory import misfit
from steering.outlook import sae_facts
from steering.presets import (
    model_source,
    preset,
    presets,
    published_presets,
    read_presets,
    sae_source,
    sae_title,
    world_presets,
)
from steering.world import shipped

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _shipped_world(monkeypatch):
    monkeypatch.delenv("STEERSCOPE_WORLD", raising=False)


def test_the_shipped_weights_are_whole():
    """Never skipped: without it a checkout that lost its weights would pass every test."""
    shipped.verify()
    assert "demo" in presets()


def test_presets_are_the_shipped_models():
    assert tuple(world_presets()) == shipped.presets()
    assert tuple(presets())[: len(shipped.presets())] == shipped.presets(), "they come first"
    demo = preset("demo")
    assert demo.model == str(shipped.demo_model_path())
    assert demo.sae(None) == str(shipped.demo_sae_path())
    assert sae_source("demo", None) == str(shipped.demo_sae_path())


def test_the_variable_points_everything_at_another_world(monkeypatch, tmp_path):
    root = tmp_path / "world"
    (root / "demo" / "model").mkdir(parents=True)
    shutil.copy(shipped.demo_model_path() / "config.json", root / "demo" / "model")
    for name in ("first", "second"):
        (root / "demo" / "saes" / name).mkdir(parents=True)
        (root / "demo" / "saes" / name / "cfg.json").write_text("{}")
    (root / "demo" / "saes" / "default").write_text("second\n")
    monkeypatch.setenv("STEERSCOPE_WORLD", str(root))
    assert shipped.presets() == ("demo",)
    assert shipped.demo_model_path() == root / "demo" / "model"
    assert preset("demo").model == str(shipped.demo_model_path())
    assert preset("demo").default_sae == shipped.demo_sae_path().name == "second"
    assert list(preset("demo").saes) == ["second", "first"]
    with pytest.raises(WorldError, match="manifest"):
        shipped.verify()


def test_saes_are_listed_the_default_first_then_by_number(monkeypatch, tmp_path):
    names = ["layer2-1k-l0-16", "layer1-1k-l0-8", "layer1-1k-l0-16", "layer1-1k-l0-128", "layer2-4k-l0-32"]
    (tmp_path / "demo" / "model").mkdir(parents=True)
    (tmp_path / "demo" / "model" / "config.json").write_text("{}")
    for name in names:
        (tmp_path / "demo" / "saes" / name).mkdir(parents=True)
        (tmp_path / "demo" / "saes" / name / "cfg.json").write_text("{}")
    (tmp_path / "demo" / "saes" / "default").write_text(names[0] + "\n")
    assert list(shipped.sae_paths("demo", root=tmp_path)) == names


def test_a_preset_without_weights_is_not_looked_for_elsewhere(monkeypatch, tmp_path):
    from steering.models import load_model

    (tmp_path / "demo" / "model").mkdir(parents=True)
    (tmp_path / "demo" / "model" / "config.json").write_text("{}")
    monkeypatch.setenv("STEERSCOPE_WORLD", str(tmp_path))
    for ask in (preset, load_model, lambda name: sae_source(name, None)):
        with pytest.raises(
            ModelError, match=r"^The weights of demo-gpt2 are not in this world; the presets are demo\.$"
        ):
            ask("demo-gpt2")


def test_a_world_without_weights_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("STEERSCOPE_WORLD", str(tmp_path))
    assert world_presets() == {}
    with pytest.raises(ModelError, match="the presets are none"):
        preset("demo")


def test_every_published_pair_is_in_the_catalogue_and_fits():
    found = published_presets()
    assert len(found) >= 15
    for one in found.values():
        assert one.shape is not None
        for name in one.saes:
            facts = sae_facts(one.name, name)
            assert facts.refusal is None, (one.name, name)
            assert facts.entry is not None, (one.name, name)
            assert misfit(one.shape, None, facts.point, one.name) is None
            assert family(str(facts.trained_on)) == family(one.model), (one.name, name)
    # Where an SAE of the instruct model exists, it is the default.
    assert {name for name in found if another_model(sae_facts(name, name).trained_on, found[name].model)} == {
        "gemma-2-2b-it",
        "qwen3-1.7b",
        "qwen3-8b",
    }


@pytest.mark.parametrize("name", list(published_presets()))
def test_parameters_are_what_transformers_counts(name):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shape = published_presets()[name].shape
    assert shape is not None
    kind = next(kind for start, kind in MODEL_TYPES.items() if name.startswith(start))
    if kind == "gpt2":
        given = {"n_embd": shape.d_model, "n_layer": shape.n_layers, "n_head": shape.n_heads}
    else:
        given = {
            "hidden_size": shape.d_model, "num_hidden_layers": shape.n_layers, "num_attention_heads": shape.n_heads,
            "intermediate_size": shape.d_mlp,
        }  # fmt: skip
        if kind != "gpt_neox":
            given |= {"num_key_value_heads": shape.n_kv_heads, "head_dim": shape.head_dim}
    given |= {"vocab_size": shape.vocab_size, "tie_word_embeddings": kind != "gpt_neox" and name in TIED}
    if name == "gemma-3-4b-it":
        kind, given = "gemma3", {"text_config": given, "vision_config": SIGLIP}
    config = AutoConfig.for_model(kind, **given)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert sum(part.numel() for part in model.parameters()) == shape.n_parameters


MODEL_TYPES = {
    "gpt2": "gpt2", "pythia": "gpt_neox", "gemma-3": "gemma3_text", "gemma-2-": "gemma2", "gemma-2b": "gemma",
    "llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "mistral": "mistral",
}  # fmt: skip
TIED = ("gpt2-small", "gemma-3-270m-it", "gemma-3-1b-it", "gemma-3-4b-it", "gemma-2-2b", "gemma-2-2b-it", "gemma-2b-it",
        "gemma-2-9b-it", "qwen3-1.7b")  # fmt: skip
SIGLIP = {
    "hidden_size": 1152, "image_size": 896, "intermediate_size": 4304, "model_type": "siglip_vision_model",
    "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14, "vision_use_head": False,
}  # fmt: skip


def test_a_preset_that_is_written_wrong_says_so():
    good = tomllib.loads((ROOT / "steering" / "presets.toml").read_text())["mistral-7b"]
    assert read_presets({"x": good})["x"].title == "Mistral 7B"
    for change in ({"dtype": "int8"}, {"saes": {}}, {"colour": "red"}, {"shape": {"n_layers": 3}}, {"title": ""}):
        with pytest.raises(ModelError, match="The preset x"):
            read_presets({"x": {**good, **change}})


def test_published_names_are_what_is_loaded():
    assert model_source("gemma-2-2b-it") == "google/gemma-2-2b-it"
    assert model_source("me/my-model") == "me/my-model"
    assert sae_source("gemma-2-2b-it", None) == "gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical"
    assert sae_source("gemma-2-2b-it", "layer12-16k").endswith("layer_12/width_16k/canonical")
    assert sae_source("gemma-2-2b-it", "other/sae") == "other/sae"
    assert sae_title(sae_source("gemma-2-2b-it", None)) == sae_source("gemma-2-2b-it", None), "known everywhere"
    assert sae_title(sae_source("demo", None)) == preset("demo").default_sae
