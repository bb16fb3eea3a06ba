"""What AxBench's inference finds in a run's folder, computed as its own code computes it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from steering.errors import InterventionError, SaeError, SteeringError
from steering.examples.axbench_concepts import read_axbench_concepts
from steering.hook_points import HookPoint
from steering.interchange.axbench_directions import write_directions
from steering.interchange.axbench_features import max_activations_file, pruned_sae, read_top_features, write_features
from tests.tiny_sae import tiny_sae
from tests.unit.interchange.axbench_rows import PAGE, concepts

FEATURES = [3, 40, 3]


def as_axbench_encodes(weights: dict[str, torch.Tensor], resid: torch.Tensor) -> torch.Tensor:
    """JumpReLUSAECollectIntervention, from its description: a threshold on the pre-activation, and a ReLU."""
    pre = resid @ weights["W_enc"] + weights["b_enc"]
    return torch.where(pre > weights["threshold"], pre.clamp(min=0), torch.zeros(()))


@pytest.mark.parametrize("architecture", ["jumprelu", "standard"])
def test_the_pruned_sae_computes_the_same(architecture):
    sae = tiny_sae(architecture=architecture)
    assert sae.decoder_norms_folded
    assert sae.apply_b_dec_to_input
    weights = pruned_sae(sae, FEATURES)
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {
        "W_enc": (32, 3),
        "W_dec": (3, 32),
        "b_enc": (3,),
        "threshold": (3,),
        "b_dec": (32,),
    }
    resid = torch.randn(50, 32, generator=torch.Generator().manual_seed(0))
    expected = sae.encode(resid)[:, FEATURES]
    assert (expected > 0).any()
    torch.testing.assert_close(as_axbench_encodes(weights, resid), expected)
    torch.testing.assert_close(weights["W_dec"], sae.W_dec[FEATURES])


def test_a_run_of_max_auc(tmp_path):
    sae = tiny_sae()
    max_act = np.arange(48, dtype=np.float32)
    max_act[3] = 0
    files = write_features(tmp_path, concepts(), sae, FEATURES, model_name="google/gemma-2-2b-it", max_act=max_act)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in files) == [
        "data/tiny_1-res-48_max_activations.json",
        "generate/metadata.jsonl",
        "train/GemmaScopeSAEMaxAUC.pt",
        "train/GemmaScopeSAEMaxAUC_top_features.json",
        "train/config.json",
    ]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(files)
    assert read_axbench_concepts(tmp_path / "generate") == concepts()  # as published
    assert read_top_features(tmp_path) == tuple(FEATURES)
    assert json.loads((tmp_path / "train/config.json").read_text()) == {
        "model_name": "google/gemma-2-2b-it",
        "layer": 1,
        "component": "res",
    }
    units = json.loads((tmp_path / "data" / max_activations_file(f"{PAGE}/3")).read_text())
    assert {int(key): value for key, value in units.items()} == {3: 50.0, 40: 40.0}
    weights = torch.load(tmp_path / "train/GemmaScopeSAEMaxAUC.pt", weights_only=True)
    torch.testing.assert_close(weights, pruned_sae(sae, FEATURES))


def test_features_of_another_sae_go_into_the_metadata(tmp_path):
    files = write_features(
        tmp_path, concepts(), tiny_sae(), FEATURES, model_name="tiny", place="GemmaScopeSAE", max_act=np.ones(48)
    )
    found = read_axbench_concepts(tmp_path / "generate")
    assert [one.feature_id for one in found] == FEATURES
    assert [one.concept for one in found] == [one.concept for one in concepts()]
    assert not list(tmp_path.rglob("*top_features*"))
    assert (tmp_path / "data" / max_activations_file(found[0].ref)) in files


def test_refusals(tmp_path):
    sae, ones = tiny_sae(), np.ones(48)

    def write(*, among=None, of=sae, features=FEATURES, **options):
        write_features(tmp_path, among or concepts(), of, features, model_name="tiny", **{"max_act": ones, **options})

    with pytest.raises(InterventionError, match="3 concepts and 2 features"):
        write(features=[1, 2])
    with pytest.raises(InterventionError, match="no feature 48"):
        write(features=[1, 2, 48])
    with pytest.raises(SteeringError, match="0, 1, 2"):
        write(among=concepts()[::-1])
    with pytest.raises(SaeError, match="pass max_act"):
        write(max_act=None)
    with pytest.raises(SaeError, match="not topk ones"):
        write(of=tiny_sae(architecture="topk"))
    with pytest.raises(SaeError, match="not normalised-input ones"):
        write(of=tiny_sae(normalize="layer_norm"))
    with pytest.raises(SaeError, match="after a decoder block"):
        write(of=tiny_sae(site="resid_pre"))
    with pytest.raises(SaeError, match="no list of features"):
        read_top_features(tmp_path)
    assert not list(tmp_path.rglob("*.pt"))


def test_directions(tmp_path):
    rows = torch.nn.functional.normalize(torch.randn(3, 32, generator=torch.Generator().manual_seed(0)), dim=1)
    point = HookPoint(2, "resid_post")
    found = [SimpleNamespace(direction=row, hook_point=point) for row in rows]
    write_directions(tmp_path, concepts(), found, model_name="tiny")
    torch.testing.assert_close(torch.load(tmp_path / "train/DiffMean_weight.pt", weights_only=True), rows)
    assert torch.load(tmp_path / "train/DiffMean_bias.pt", weights_only=True).tolist() == [0.0] * 3
    assert json.loads((tmp_path / "train/config.json").read_text())["layer"] == 2
    found[0] = SimpleNamespace(direction=rows[0], hook_point=HookPoint(1, "resid_post"))
    with pytest.raises(SaeError, match="one decoder block"):
        write_directions(tmp_path, concepts(), found, model_name="tiny")
    with pytest.raises(InterventionError, match="3 concepts and 1 directions"):
        write_directions(tmp_path, concepts(), found[:1], model_name="tiny")
