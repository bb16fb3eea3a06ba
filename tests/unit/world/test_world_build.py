"""Does a build make everything, resume, and match its manifest; and do the shipped weights match theirs?"""

import dataclasses
import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from steering.errors import WorldError
from steering.world import language_model
from steering.world.build import build
from steering.world.language_model import MuonAdam, loss_of, orthogonalised, padded, rate_share, sharpen
from steering.world.making import check_build
from steering.world.scale import SCALES, scale
from steering.world.shipped import (
    ASSETS,
    demo_model_path,
    demo_sae_path,
    files_of,
    manifest,
    presets,
    sae_paths,
    verify,
)

MODELS = {"demo": "model.layers.1", "demo-gpt2": "transformer.h.1"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("world")
    told = []
    return build(out, scale="mini", progress=lambda message, share: told.append((message, share))), out, told


def test_a_miniature_is_built_end_to_end(built):
    assets, out, told = built
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert presets(assets) == tuple(sorted(MODELS))
    assert manifest(assets)["figures"]["models"].keys() == MODELS.keys()
    assert not list(out.glob("work/*/*.bfloat16")), "the streams are deleted once the SAEs are trained"
    verify(assets)


@pytest.mark.parametrize("preset", MODELS)
def test_a_model_is_built_with_the_shared_tokenizer(built, preset):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assets = built[0]
    path = demo_model_path(preset, root=assets)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    assert model.dtype == torch.bfloat16
    assert model.config.model_type == ("gpt2" if preset == "demo-gpt2" else "llama")
    assert model.config.vocab_size == len(tokenizer)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (path / name).read_bytes() == (demo_model_path("demo", root=assets) / name).read_bytes()


@pytest.mark.parametrize(("preset", "size"), [(one.name, sae) for one in scale("mini").models for sae in one.saes])
def test_an_sae_is_what_the_scale_and_its_card_say(built, preset, size):
    from sae_lens import SAE

    assets = built[0]
    path = sae_paths(preset, root=assets)[size.name]
    sae = SAE.load_from_disk(str(path))
    assert sae.cfg.architecture() == "jumprelu"
    assert (sae.cfg.d_in, sae.cfg.d_sae) == (32, 64)
    assert sae.cfg.metadata.hf_hook_name == MODELS[preset]
    assert sae.cfg.metadata.hook_name == "blocks.1.hook_resid_post"
    assert sae.cfg.metadata.model_name == f"steerscope/{preset}"
    assert load_file(path / "sae_weights.safetensors")["W_dec"].dtype == torch.float16
    assert sae.W_dec.dtype == sae.W_enc.dtype == sae.threshold.dtype == torch.float32
    assert torch.allclose(sae.W_dec.norm(dim=-1), torch.ones(64), atol=1e-3)
    card = manifest(assets)["figures"]["models"][preset]["saes"][size.name]
    assert card == json.loads((path / "model_card.json").read_text())
    assert card["l0_declared"] == size.k
    assert abs(card["l0"] - size.k) < 0.25 * size.k
    assert 0 < card["fvu"] < 1


def test_the_first_sae_is_the_default(built):
    for one in scale("mini").models:
        assert next(iter(sae_paths(one.name, root=built[0]))) == one.saes[0].name


@pytest.mark.parametrize("preset", MODELS)
def test_the_reference_holds_the_largest_activations(built, preset):
    from steering.reference import read_reference
    from steering.saes import load_sae

    reference = read_reference(load_sae(str(demo_sae_path(preset, root=built[0]))))
    assert reference is not None
    assert reference.max_act.shape == reference.density.shape == (64,)
    assert reference.n_tokens > 100
    assert reference.resid_norm > 0
    assert ((reference.max_act > 0) == (reference.density > 0)).all()


def test_no_path_of_this_machine_is_written(built):
    assets, out, _ = built
    for path in files_of(assets):
        assert str(out).encode() not in path.read_bytes(), path.name


def test_building_again_changes_nothing(built):
    assets, out, _ = built
    before = manifest(assets)["sha256"]
    build(out, scale="mini")
    assert manifest(assets)["sha256"] == before


def test_a_build_interrupted_between_and_within_stages_ends_with_the_same_files(built, tmp_path):
    stops = ["stream", "demo layer1-64-l0-16: step 20", "demo layer1-64-l0-16: reference", "demo-gpt2 layer1"]

    def interrupt(message, _share):
        if stops and stops[0] in message:
            stops.pop(0)
            raise KeyboardInterrupt

    build_once = partial(build, tmp_path, scale="mini", progress=interrupt)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            build_once()
    assets = build_once()
    assert manifest(assets)["sha256"] == manifest(built[0])["sha256"]


@pytest.fixture
def copied(built, tmp_path):
    """A folder with a finished miniature in it that a test may build in once more."""
    shutil.copytree(built[0], tmp_path / "assets")
    return tmp_path


@pytest.mark.parametrize("preset", MODELS)
def test_a_sharper_model_divides_its_logits_and_leaves_the_stream_alone(built, preset):
    from transformers import AutoModelForCausalLM

    path = demo_model_path(preset, root=built[0])
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        before = model(input_ids=ids, output_hidden_states=True)
        sharpen(model, 0.5)
        after = model(input_ids=ids, output_hidden_states=True)
    torch.testing.assert_close(after.logits, before.logits / 0.5)
    for one, other in zip(before.hidden_states[:-1], after.hidden_states[:-1], strict=True):
        assert torch.equal(one, other)


def test_what_is_built_is_sharpened_once_and_its_checkpoint_is_not(built):
    assets, out, _ = built
    weights = load_file(assets / "demo" / "model" / "model.safetensors")
    trained = load_file(out / "work" / "demo" / "language_model.safetensors")
    wanted = trained["model.model.norm.weight"].bfloat16() / scale("mini").models[0].temperature
    assert torch.equal(weights["model.norm.weight"], wanted)


def wanted_mini(monkeypatch, *, cycles=None, **changed):
    """Ask for another miniature: other sizes, or other cycles of its first model."""
    sizes = scale("mini")
    if cycles:
        changed["models"] = (dataclasses.replace(sizes.models[0], cycles=cycles), *sizes.models[1:])
    monkeypatch.setitem(SCALES, "mini", dataclasses.replace(sizes, **changed))


def forget_records(assets):
    """What a folder looked like before there were records: only the manifest knows how its files were made."""
    known = manifest(assets)
    for path in assets.rglob("*.made.json"):
        path.unlink()
        del known["sha256"][path.relative_to(assets).as_posix()]
    (assets / "manifest.json").write_text(json.dumps(known))


@pytest.mark.parametrize("recorded", [True, False])
def test_nothing_that_was_made_otherwise_comes_under_a_new_manifest(copied, monkeypatch, recorded):
    assets = copied / "assets"
    if not recorded:
        forget_records(assets)
    before = (assets / "manifest.json").read_bytes()
    with pytest.raises(WorldError, match=r"tokenizer.json was made with seed 0; now seed 7 is asked for. Delete it"):
        build(copied, seed=7, scale="mini")
    wanted_mini(monkeypatch, cycles=((8, 1.0), (6, 0.5)))
    with pytest.raises(
        WorldError, match=r"demo/model/model.safetensors was made with cycles \[\[8, 1.0\], \[4, 0.5\]\];"
    ):
        build(copied, scale="mini", only="demo-gpt2")
    wanted_mini(monkeypatch, cycles=((8, 1.0), (4, 0.5)), sae_steps=61)
    with pytest.raises(
        WorldError, match=r"layer1-64-l0-8/sae_weights.safetensors .* sae_steps 60; now sae_steps 61 is"
    ):
        build(copied, scale="mini")
    assert (assets / "manifest.json").read_bytes() == before
    wanted_mini(monkeypatch, sae_steps=60)
    build(copied, scale="mini")
    assert manifest(assets)["sha256"] == json.loads(before)["sha256"]


def test_an_artefact_of_which_nothing_is_known_is_refused(copied):
    forget_records(copied / "assets")
    (copied / "assets" / "manifest.json").unlink()
    with pytest.raises(WorldError, match=r"demo/model/model.safetensors does not say how it was made"):
        build(copied, scale="mini")


def test_saes_do_not_outlive_their_model(copied):
    (copied / "assets" / "demo" / "model" / "model.safetensors").unlink()
    with pytest.raises(WorldError, match=r"layer1-64-l0-8/sae_weights.safetensors was trained on a model that is no "):
        build(copied, scale="mini")


def test_what_ships_is_what_this_tree_would_build():
    check_build(ASSETS, scale("full"), seed=0)
    with pytest.raises(WorldError, match="seed 0; now seed 7"):
        check_build(ASSETS, scale("full"), seed=7)


def test_a_stream_of_another_model_is_not_trained_on(built, tmp_path):
    work = tmp_path / "work" / "demo-gpt2"
    work.mkdir(parents=True)
    size = scale("mini").sae_steps * scale("mini").sae_batch * 32 * 2
    for name in ("stream1.bfloat16", "stream1-0123456789abcdef.bfloat16"):
        (work / name).write_bytes(b"\x01" * size)
    assets = build(tmp_path, scale="mini", only="demo-gpt2")
    name = "demo-gpt2/saes/layer1-64-l0-8/sae_weights.safetensors"
    assert manifest(assets)["sha256"][name] == manifest(built[0])["sha256"][name]
    assert not list(work.glob("*.bfloat16"))


def test_a_manifest_is_whole_or_the_one_before(copied, monkeypatch):
    before = (copied / "assets" / "manifest.json").read_bytes()
    write = Path.write_text

    def killed(path, text, *rest):
        write(path, text[: len(text) // 2], *rest)
        if "manifest" in path.name:
            raise KeyboardInterrupt
        return write(path, text, *rest)

    monkeypatch.setattr(Path, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        build(copied, scale="mini")
    assert (copied / "assets" / "manifest.json").read_bytes() == before


def test_one_model_is_built_alone(built, tmp_path):
    assets = build(tmp_path, scale="mini", only="demo-gpt2")
    assert presets(assets) == ("demo-gpt2",)
    verify(assets)
    whole = {name: value for name, value in manifest(built[0])["sha256"].items() if name.startswith("demo-gpt2/")}
    assert whole.items() <= manifest(assets)["sha256"].items()


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(WorldError, match="There is no model 'demo-9'; choose one of demo, demo-gpt2"):
        build(tmp_path, scale="mini", only="demo-9")


def test_a_changed_missing_or_added_file_is_noticed(built, tmp_path):
    copy = tmp_path / "assets"
    shutil.copytree(built[0], copy)
    weights = copy / "demo" / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    (copy / "demo" / "saes" / "default").unlink()
    (copy / "extra").write_text("x")
    with pytest.raises(WorldError, match=r"model.safetensors has changed; demo/saes/default is missing; extra is not"):
        verify(copy)


def step_of(checkpoint):
    from safetensors import safe_open

    with safe_open(checkpoint, "pt") as file:
        return int(file.metadata()["step"])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from steering.world.corpus import train_tokenizer

    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"), seed=0, documents=60, entries=600, context=256)


@pytest.fixture
def train(tokenizer, monkeypatch):
    """Trains the first miniature into a folder, with a checkpoint every four steps; it may be stopped after one."""
    monkeypatch.setattr(language_model, "CHECKPOINT_EVERY", 4)
    size = scale("mini").models[0]

    def train(folder, *, stop_at=None, seed=0, **changed):
        folder.mkdir(exist_ok=True)
        wanted = dataclasses.replace(size, **changed)

        def progress(_message, share):
            if stop_at is not None and share * wanted.steps > stop_at:
                raise KeyboardInterrupt

        language_model.train_language_model(
            folder, folder / "work", tokenizer, size=wanted, scale=scale("mini"), seed=seed, progress=progress
        )

    return train


@pytest.fixture
def whole(train, tmp_path):
    """Weights of the first miniature, trained in one go."""
    train(tmp_path / "whole")
    return weights_in(tmp_path / "whole")


@pytest.fixture
def stopped(train, tmp_path):
    """A folder in which a training was stopped at its tenth step of twelve."""
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", stop_at=9)
    assert step_of(tmp_path / "stopped" / "work" / "language_model.safetensors") == 8
    return tmp_path / "stopped"


def weights_in(folder):
    return load_file(folder / "model.safetensors")


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_an_interrupted_training_ends_with_the_same_weights(train, whole, stopped):
    (stopped / "work" / "language_model.json").write_text('{"step": 4}')  # beside old checkpoints, perhaps older
    train(stopped)
    assert equal(weights_in(stopped), whole)


def test_an_old_checkpoint_that_says_only_its_step_is_continued(train, whole, stopped):
    path = stopped / "work" / "language_model.safetensors"
    save_file(load_file(path), path, metadata={"step": "8"})
    train(stopped)
    assert equal(weights_in(stopped), whole)


def test_cycles_can_be_appended_to_a_training(train, whole, tmp_path):
    train(tmp_path / "first", cycles=((8, 1.0),))
    (tmp_path / "first" / "model.safetensors").unlink()
    train(tmp_path / "first", cycles=((8, 1.0), (4, 0.5)))
    assert equal(weights_in(tmp_path / "first"), whole)


def test_a_checkpoint_of_another_training_is_refused(train, stopped):
    for changed, said in (
        ({"seed": 7}, "seed 0; now seed 7"),
        ({"cycles": ((9, 1.0), (4, 0.5))}, r"cycles \[\[8, 1.0\], \[4, 0.5\]\]; now cycles \[\[9"),
        ({"cycles": ((4, 1.0),)}, r"now cycles \[\[4, 1.0\]\]"),
        ({"n_layers": 1}, "n_layers 2; now n_layers 1"),
    ):
        with pytest.raises(WorldError, match=said):
            train(stopped, **changed)
    path = stopped / "work" / "language_model.safetensors"
    save_file(load_file(path), path, metadata={"step": "8"})
    with pytest.raises(WorldError, match="of a model of another size"):
        train(stopped, d_model=64)
    with pytest.raises(WorldError, match="at step 8, after the last"):
        train(stopped, cycles=((4, 1.0),))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WorldError, match="is no checkpoint"):
        train(stopped)


def test_a_model_is_there_only_when_all_of_it_is(train, stopped, whole, monkeypatch):
    from transformers import PreTrainedModel

    save = PreTrainedModel.save_pretrained

    def killed(model, folder):
        save(model, folder)
        path = Path(folder) / "model.safetensors"
        path.write_bytes(path.read_bytes()[:1_000])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PreTrainedModel, "save_pretrained", killed)
        with pytest.raises(KeyboardInterrupt):
            train(stopped)
    assert not (stopped / "model.safetensors").exists()
    train(stopped)
    assert equal(weights_in(stopped), whole)


def test_an_unknown_scale_is_refused(tmp_path):
    with pytest.raises(WorldError, match="full, mini"):
        build(tmp_path, scale="huge")


def test_the_optimiser_learns_and_its_matrices_step_by_orthogonal_updates():
    torch.manual_seed(0)
    singular = torch.linalg.svdvals(orthogonalised(torch.randn(16, 40)))
    assert 0.6 < singular.min() <= singular.max() < 1.3
    layer = torch.nn.Linear(8, 8)
    optimiser = MuonAdam(layer)
    inputs = torch.randn(64, 8)
    losses = []
    for step in range(150):
        loss = (layer(inputs) - inputs.flip(-1)).square().mean()
        loss.backward()
        optimiser.step(step + 1, rate_share(step, ((150, 1.0),)))
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]


def test_padding_does_not_count(built):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(demo_model_path("demo", root=built[0]), dtype=torch.float32)
    short, long = [1, 7, 8, 9], [1, 9, 8, 7, 6, 5]
    both = loss_of(model, padded([short, long], 0), 0)
    alone = [loss_of(model, padded([row], 0), 0) for row in (short, long)]
    assert torch.isclose(both, (alone[0] * 3 + alone[1] * 5) / 8, atol=1e-4)


def test_unknown_names_are_refused(built):
    with pytest.raises(WorldError, match="No model 'demo-9' ships"):
        demo_model_path("demo-9", root=built[0])
    with pytest.raises(WorldError, match="no SAE 'none'"):
        demo_sae_path("demo", "none", root=built[0])
    with pytest.raises(WorldError, match="manifest"):
        manifest(built[1] / "nowhere")


def test_the_shipped_weights_are_those_of_the_manifest():
    verify(ASSETS)
    made = manifest(ASSETS)
    assert made["scale"]["name"] == "full"
    assert sum(path.stat().st_size for path in files_of(ASSETS)) < 64 * 2**20
    assert presets() == ("demo", "demo-gpt2")
    assert len(sae_paths("demo")) == 11
    assert len(sae_paths("demo-gpt2")) == 2
    for figures in made["figures"]["models"].values():
        for card in figures["saes"].values():
            assert abs(card["l0"] - card["l0_declared"]) < 0.05 * card["l0_declared"], card["name"]
            assert card["dead_share"] <= 0.25, card["name"]
