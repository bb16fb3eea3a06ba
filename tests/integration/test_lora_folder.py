"""An adapter's folder: peft and Steerscope read each other's, and nothing else."""

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from steering.errors import AdapterError
from steering.lora import Adapter, LoraSettings, applied, load_adapter, train_lora
from steering.models import LanguageModel
from tests.tiny import TINY

SETTINGS = LoraSettings(targets="all_linear", epochs=2, batch_size=2, micro_batch_size=2, learning_rate=1e-2)


def train(model: LanguageModel) -> Adapter:
    texts, prompts = ["the rings and the hens", "hens on the tram"], ["Write.", None]
    return train_lora(model, texts, prompts, settings=SETTINGS, name="rings")


def logits_of(model: LanguageModel) -> torch.Tensor:
    with model.running() as network:
        return network(torch.tensor([[5, 80, 90, 100]])).logits


@pytest.fixture
def folder(tiny_llama: LanguageModel, tmp_path: Path) -> Path:
    train(tiny_llama).save(tmp_path / "rings")
    return tmp_path / "rings"


def test_an_adapter_survives_saving(tiny_model: LanguageModel, tmp_path: Path) -> None:
    trained = train(tiny_model)
    trained.save(tmp_path / "a" / "b")
    loaded = load_adapter(tmp_path / "a" / "b")
    for attribute in ("name", "model_name", "settings", "losses", "validation_losses", "n_examples", "fingerprint"):
        assert getattr(loaded, attribute) == getattr(trained, attribute)
    assert dict(loaded.config) == dict(trained.config)
    with applied(tiny_model, trained):
        expected = logits_of(tiny_model)
    with applied(tiny_model, loaded):
        assert torch.equal(logits_of(tiny_model), expected)


@pytest.mark.parametrize("family", TINY)
def test_peft_reads_what_we_wrote(family: str, tmp_path: Path) -> None:
    model = TINY[family]()
    trained = train(model)
    trained.save(tmp_path)
    with applied(model, trained):
        expected = logits_of(model)
    peft_model = PeftModel.from_pretrained(TINY[family]().model, str(tmp_path)).eval()
    with torch.no_grad():
        found = peft_model(torch.tensor([[5, 80, 90, 100]])).logits
    torch.testing.assert_close(found, expected)
    assert not torch.equal(expected, logits_of(model))


@pytest.mark.parametrize("family", TINY)
def test_we_read_what_peft_wrote(family: str, tmp_path: Path) -> None:
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules="all-linear",
        rank_pattern={"layers.1.mlp.up_proj": 2},
        init_lora_weights=False,
    )
    peft_model = get_peft_model(TINY[family]().model, config).eval()
    with torch.no_grad():
        expected = peft_model(torch.tensor([[5, 80, 90, 100]])).logits
    peft_model.save_pretrained(tmp_path / "mine")
    loaded = load_adapter(tmp_path / "mine")
    assert (loaded.name, loaded.settings, loaded.n_examples) == ("mine", None, 0)
    model = TINY[family]()
    with applied(model, loaded):
        torch.testing.assert_close(logits_of(model), expected)


def test_another_models_adapter_is_refused(folder: Path, tiny_gpt2: LanguageModel) -> None:
    loaded = load_adapter(folder)
    with (
        pytest.raises(AdapterError, match=r"use the model it was trained on \(tiny-llama\)"),
        applied(tiny_gpt2, loaded),
    ):
        pass
    narrower = TINY["qwen2"]()
    weights = load_file(folder / "adapter_model.safetensors")
    wide = {name: torch.cat([tensor] * 2, dim=1) if "lora_A" in name else tensor for name, tensor in weights.items()}
    save_file(wide, folder / "adapter_model.safetensors")
    doubled = load_adapter(folder)
    with pytest.raises(AdapterError, match="96 to 32 numbers, that of tiny-qwen2 48 to 32"), applied(narrower, doubled):
        pass


def test_missing_and_broken_files_are_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"no adapter_config\.json"):
        load_adapter(tmp_path / "nowhere")
    weights = folder / "adapter_model.safetensors"
    sound = weights.read_bytes()
    weights.write_bytes(sound[: len(sound) // 2])
    with pytest.raises(AdapterError, match="not a sound safetensors file"):
        load_adapter(folder)
    weights.unlink()
    with pytest.raises(AdapterError, match=r"no adapter_model\.safetensors"):
        load_adapter(folder)
    torch.save({"a": torch.zeros(1)}, folder / "adapter_model.bin")
    with pytest.raises(AdapterError, match=r"adapter_model\.bin, a format that can run code"):
        load_adapter(folder)
    (folder / "adapter_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(AdapterError, match="is not JSON"):
        load_adapter(folder)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("peft_type", "IA3", "only LORA"),
        ("r", 0, "rank 0"),
        ("lora_alpha", "8", "lora_alpha '8'"),
        ("use_dora", True, "use_dora"),
        ("modules_to_save", ["lm_head"], "modules_to_save"),
        ("layer_replication", [[0, 2]], "layer_replication"),
        ("init_lora_weights", "pissa", "changes the base model"),
        ("an_option_of_tomorrow", 1, "an_option_of_tomorrow"),
    ],
)
def test_what_is_not_plain_lora_is_refused(folder: Path, option: str, value: object, message: str) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {option: value}), encoding="utf-8")
    with pytest.raises(AdapterError, match=message):
        load_adapter(folder)


def test_odd_matrices_are_refused(folder: Path, tiny_llama: LanguageModel) -> None:
    path = folder / "adapter_model.safetensors"
    sound = load_file(path)
    name = next(name for name in sound if "lora_A" in name)
    for wrong, message in (
        ({}, "no matrices"),
        ({key: value for key, value in sound.items() if key != name}, "pairs of lora_A and lora_B"),
        (sound | {"base_model.model.lm_head.weight": torch.zeros(2, 2)}, "pairs of lora_A and lora_B"),
        (sound | {name: sound[name] * float("nan")}, "NaN or infinity"),
    ):
        save_file(wrong, path)
        with pytest.raises(AdapterError, match=message):
            load_adapter(folder)
    save_file(sound, path)
    config = folder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"r": 2}), encoding="utf-8")
    with pytest.raises(AdapterError, match="says it has rank 2"), applied(tiny_llama, load_adapter(folder)):
        pass


def test_an_origin_that_was_tampered_with_is_refused(folder: Path) -> None:
    path = folder / "steerscope.json"
    origin = json.loads(path.read_text())
    path.write_text(json.dumps(origin | {"format": 2}), encoding="utf-8")
    with pytest.raises(AdapterError, match="format 2"):
        load_adapter(folder)
    path.write_text(json.dumps(origin | {"settings": {"layers": None, "speed": 1}}), encoding="utf-8")
    with pytest.raises(AdapterError, match="not as written"):
        load_adapter(folder)
    path.unlink()
    assert load_adapter(folder).name == "rings"
