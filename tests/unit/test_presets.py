"""Which names stand for the weights that ship, and are those the weights that were built?"""

import shutil

import pytest

from steering.errors import ModelError, WorldError
from steering.presets import preset, presets, sae_source
from steering.world import shipped


@pytest.fixture(autouse=True)
def _shipped_world(monkeypatch):
    monkeypatch.delenv("STEERSCOPE_WORLD", raising=False)


def test_the_shipped_weights_are_whole():
    """Never skipped: without it a checkout that lost its weights would pass every test."""
    shipped.verify()
    assert "demo" in presets()


def test_presets_are_the_shipped_models():
    assert tuple(presets()) == shipped.presets()
    demo = preset("demo")
    assert demo.model_path == shipped.demo_model_path()
    assert demo.sae_path(None) == shipped.demo_sae_path()
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
    assert preset("demo").model_path == shipped.demo_model_path() == root / "demo" / "model"
    assert preset("demo").default_sae == shipped.demo_sae_path().name == "second"
    assert list(preset("demo").sae_paths) == ["second", "first"]
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
    assert presets() == {}
    with pytest.raises(ModelError, match="the presets are none"):
        preset("demo")
