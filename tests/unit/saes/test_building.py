import pytest
import torch

from steering.errors import SaeError
from steering.saes.building import build_autoencoder
from tests.unit.saes.tiny_saes import ARCHITECTURES, D_MODEL, D_SAE, built, config_of, residuals, tensors_of


def refused(match: str, config=None, tensors=None, **arguments) -> None:
    with pytest.raises(SaeError, match=match) as caught:
        build_autoencoder(config or config_of(), tensors or tensors_of(), where="The SAE in here", **arguments)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none(bad):
    for architecture in ARCHITECTURES:
        for name in tensors_of(architecture):
            tensors = tensors_of(architecture)
            tensors[name].view(-1)[-1] = bad
            refused(f"{name} holds NaN or infinite", config_of(architecture), tensors)


def test_missing_and_surplus_tensors():
    for architecture in ARCHITECTURES:
        for name in tensors_of(architecture):
            tensors = tensors_of(architecture)
            del tensors[name]
            refused(f"lacks {name}; a {architecture} SAE has", config_of(architecture), tensors)
    refused("holds W_skip", tensors=tensors_of() | {"W_skip": torch.zeros(1)})
    refused("lacks b_gate, b_mag, r_mag", config_of("gated"), tensors_of("standard"))
    refused("holds threshold", config_of("standard"), tensors_of("jumprelu"))


def test_shapes_name_the_numbers_that_disagree():
    refused(rf"W_enc has the shape \[{D_MODEL}, {D_SAE}\].*d_in 13", config_of(d_in=13))
    refused(rf"W_enc.*d_sae 41\).*\[{D_MODEL}, 41\]", config_of(d_sae=41))
    tensors = tensors_of()
    refused("W_enc has the shape", tensors=tensors | {"W_enc": tensors["W_dec"]})
    refused(rf"b_enc has the shape \[1\].*\[{D_SAE}\]", tensors=tensors | {"b_enc": torch.zeros(1)})
    refused("torch.int64", tensors=tensors | {"b_enc": torch.zeros(D_SAE, dtype=torch.int64)})


@pytest.mark.parametrize("value", [None, 0, -3, 12.0, "12", True])
def test_sizes_must_be_whole_numbers(value):
    refused("d_in in its config is", config_of(d_in=value))
    refused("k in its config is", config_of("topk", k=value), tensors_of("topk"))


def test_more_firing_features_than_features():
    refused(f"{D_SAE + 1} features fire.*has {D_SAE}", config_of("topk", k=D_SAE + 1), tensors_of("topk"))


@pytest.mark.parametrize(
    ("architecture", "reason"),
    [
        ("transcoder", "cannot steer"),
        ("jumprelu_skip_transcoder", "cannot steer"),
        ("batchtopk", "holds no topk_threshold; save it with save_inference_model"),
        ("abstopk", "both directions"),
        ("temporal", "earlier tokens"),
        ("crosscoder", "known are standard, jumprelu, topk, gated"),
    ],
)
def test_other_architectures(architecture, reason):
    refused(reason, config_of(architecture))


def test_other_normalisations():
    refused("covariance_whitening", config_of(normalize_activations="covariance_whitening"))
    refused("expected_average_only_in", config_of(normalize_activations="expected_average_only_in"))
    assert built(normalize_activations=None).normalization == "none"


def test_heads_and_hooks():
    refused("hook_z", config_of(metadata={"hook_name": "blocks.1.attn.hook_z"}))
    refused(
        "attention head 3 alone", config_of(metadata={"hook_name": "blocks.1.hook_resid_pre", "hook_head_index": 3})
    )
    refused("does not say where it belongs", config_of(metadata={}))
    refused("metadata in its config", config_of(metadata="none"))


def test_a_constant_scaling_of_the_activations_is_folded():
    # what the stored SAE does: encode(s * x), decode(...) / s
    factor = 0.3
    stored = built("jumprelu")
    folded = build_autoencoder(
        config_of("jumprelu", normalize_activations="expected_average_only_in"),
        tensors_of("jumprelu"),
        where="The SAE",
        activation_scaling_factor=factor,
    )
    resid = residuals(5)
    assert folded.normalization == "none"
    assert torch.allclose(folded.reconstruct(resid), stored.reconstruct(resid * factor) / factor, atol=1e-4)
    assert torch.allclose(folded.encode(resid), stored.encode(resid * factor) / factor, atol=1e-4)


def test_low_precision_files_become_float32():
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in tensors_of("gated").items()}
    sae = build_autoencoder(config_of("gated"), tensors, where="The SAE")
    assert {sae.W_enc.dtype, sae.W_dec.dtype, sae.r_mag.dtype} == {torch.float32}


def test_log_threshold_of_old_checkpoints():
    tensors = tensors_of("jumprelu")
    threshold = tensors.pop("threshold")
    sae = build_autoencoder(config_of("jumprelu"), tensors | {"log_threshold": threshold.log()}, where="The SAE")
    assert torch.allclose(sae.threshold, built("jumprelu").threshold, atol=1e-6)


def test_a_scaling_factor_that_does_nothing_is_dropped():
    sae = build_autoencoder(config_of(), tensors_of() | {"scaling_factor": torch.ones(D_SAE)}, where="The SAE")
    assert torch.equal(sae.W_enc, built().W_enc)
    refused("holds scaling_factor", tensors=tensors_of() | {"scaling_factor": torch.full((D_SAE,), 2.0)})


def test_what_is_given_is_not_changed():
    tensors = tensors_of("jumprelu")
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    build_autoencoder(config_of("jumprelu"), tensors, where="The SAE")
    assert all(torch.equal(tensors[name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [(None, False), ({}, False), ({"center_writing_weights": False}, False), ({"center_writing_weights": True}, True)],
)
def test_centring_is_read_by_its_value(kwargs, expected):
    metadata = {"hook_name": "blocks.1.hook_resid_pre", "model_from_pretrained_kwargs": kwargs}
    sae = built(metadata=metadata)
    assert sae.metadata.center_writing_weights is expected
    assert not sae.center_input, "only fitting to a model sets it"
