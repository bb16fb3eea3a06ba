"""Does a build make everything, resume, and match its manifest; and do the shipped weights match theirs?"""

import json

import pytest
import torch

from steering.errors import WorldError
from steering.world import language_model
from steering.world.build import build
from steering.world.language_model import MuonAdam, loss_of, orthogonalised, padded, rate_share
from steering.world.scale import scale
from steering.world.shipped import ASSETS, demo_model_path, demo_sae_path, files_of, manifest, presets, verify


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("world")
    told = []
    return build(out, scale="mini", progress=lambda message, share: told.append((message, share))), out, told


def test_a_miniature_is_built_end_to_end(built):
    from sae_lens import SAE
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assets, _, told = built
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert presets(assets) == ("demo",)
    path = demo_model_path("demo", root=assets)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    assert model.dtype == torch.bfloat16
    assert model.config.vocab_size == len(tokenizer)
    sae = SAE.load_from_disk(str(demo_sae_path("demo", root=assets)))
    assert sae.cfg.architecture() == "jumprelu"
    assert (sae.cfg.d_in, sae.cfg.d_sae) == (32, 64)
    assert sae.cfg.metadata.hf_hook_name == "model.layers.1"
    assert sae.cfg.metadata.hook_name == "blocks.1.hook_resid_post"
    assert torch.allclose(sae.W_dec.norm(dim=-1), torch.ones(64), atol=1e-5)
    card = manifest(assets)["figures"]["sae"]
    assert abs(card["l0"] - card["l0_declared"]) < 0.25 * card["l0_declared"]
    assert 0 < card["fvu"] < 1
    verify(assets)


def test_the_reference_holds_the_largest_activations(built):
    from steering.reference import read_reference
    from steering.saes import load_sae

    assets, _, _ = built
    reference = read_reference(load_sae(str(demo_sae_path("demo", root=assets))))
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


def test_a_changed_missing_or_added_file_is_noticed(built, tmp_path):
    import shutil

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


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    monkeypatch.setattr(language_model, "CHECKPOINT_EVERY", 4)
    from steering.world.corpus import train_tokenizer

    sizes = scale("mini")
    tokenizer = train_tokenizer(tmp_path / "a", seed=0, documents=60, entries=600, context=256)

    def train(folder, progress):
        folder.mkdir(exist_ok=True)
        language_model.train_language_model(folder, folder / "work", tokenizer, scale=sizes, seed=0, progress=progress)

    def interrupt(_message, share):
        if share > 0.7:
            raise KeyboardInterrupt

    train(tmp_path / "a", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", interrupt)
    assert json.loads((tmp_path / "b" / "work" / "language_model.json").read_text())["step"] == 8
    train(tmp_path / "b", lambda *_: None)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert all(torch.equal(one[name], two[name]) for name in one)


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
    assert sum(path.stat().st_size for path in files_of(ASSETS)) < 8 * 2**20
    assert presets() == ("demo",)
