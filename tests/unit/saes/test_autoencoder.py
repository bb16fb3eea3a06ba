import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from steering.errors import InterventionError
from steering.hook_points import HookPoint
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.building import build_autoencoder, fold_decoder_norms
from tests.unit.saes.tiny_saes import (
    ARCHITECTURES,
    D_MODEL,
    D_SAE,
    NORMALIZATIONS,
    K,
    built,
    config_of,
    residuals,
    tensors_of,
)


def by_hand(architecture: str, **changes) -> SparseAutoencoder:
    """Two dimensions, three features; decoder rows [1 0], [0 1], [0.6 0.8]."""
    config = config_of(architecture, d_in=2, d_sae=3, **changes)
    tensors = {
        "W_enc": torch.tensor([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0]]),
        "W_dec": torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]),
        "b_dec": torch.tensor([1.0, -1.0]),
    }
    if architecture == "gated":
        tensors |= {
            "b_gate": torch.tensor([0.0, -5.0, -6.0]),
            "b_mag": torch.tensor([1.0, 0.0, -1.0]),
            "r_mag": torch.tensor([2.0, 1.0, 0.5]).log(),
        }
    else:
        tensors["b_enc"] = torch.tensor([0.5, -1.0, -6.0])
    if architecture == "jumprelu":
        tensors["threshold"] = torch.tensor([2.5, 2.0, 0.0])
    return build_autoencoder(config, tensors, where="The SAE")


# x = [3 1], minus b_dec = [2 2]; times W_enc = [2 4 4]
X = torch.tensor([3.0, 1.0])


@pytest.mark.parametrize(
    ("architecture", "changes", "expected"),
    [
        ("standard", {}, [2.5, 3.0, 0.0]),  # + b_enc = [2.5 3 -2]
        ("standard", {"apply_b_dec_to_input": False}, [3.5, 1.0, 0.0]),  # x W_enc = [3 2 4]
        ("jumprelu", {}, [0.0, 3.0, 0.0]),  # the first is at its threshold, not above it
        ("topk", {"k": 1}, [0.0, 3.0, 0.0]),
        ("topk", {"k": 2}, [2.5, 3.0, 0.0]),
        ("topk", {"k": 3}, [2.5, 3.0, 0.0]),  # a chosen negative is not a firing
        # gate [2 -1 -2] > 0; magnitude [2*2+1 ...]
        ("gated", {}, [5.0, 0.0, 0.0]),
    ],
)
def test_numbers_worked_by_hand(architecture, changes, expected):
    sae = by_hand(architecture, **changes)
    assert not sae.decoder_norms_folded
    assert torch.allclose(sae.encode(X), torch.tensor(expected), atol=1e-6)


def test_reconstruction_worked_by_hand():
    sae = by_hand("standard")
    assert torch.allclose(sae.reconstruct(X), torch.tensor([2.5 + 1.0, 3.0 - 1.0]))
    assert torch.allclose(sae.decode(torch.tensor([0.0, 0.0, 5.0])), torch.tensor([4.0, 3.0]))
    assert torch.allclose(sae.decoder_direction(2), torch.tensor([0.6, 0.8]))


def test_jumprelu_fires_strictly_above_its_threshold():
    sae = by_hand("jumprelu")
    above = torch.nextafter(X[0], torch.tensor(4.0))
    assert sae.encode(X)[0] == 0.0
    assert sae.encode(torch.stack([above, X[1]]))[0] > 2.5


def test_layer_norm_worked_by_hand():
    # x = [3 1]: mean 2, deviations [1 -1], sample standard deviation sqrt(2)
    sae = by_hand("standard", normalize_activations="layer_norm", apply_b_dec_to_input=False)
    std = 2.0**0.5
    assert torch.allclose(sae.direction_scale(X), torch.tensor([std]))
    first = 1.0 / (std + 1e-5) + 0.5
    assert torch.allclose(sae.encode(X), torch.tensor([first, 0.0, 0.0]))
    tiny = sae.encode(torch.tensor([2e-5, 0.0]))  # deviation 1e-5: here the 1e-5 beside the standard deviation counts
    assert torch.allclose(tiny[0], torch.tensor(1.0 / (std + 1.0) + 0.5))
    # the first feature writes [first 0], b_dec adds [1 -1]; back to residual units
    assert torch.allclose(sae.reconstruct(X), torch.tensor([(first + 1) * std + 2, -1 * std + 2]))


def test_constant_norm_worked_by_hand():
    sae = by_hand("standard", normalize_activations="constant_norm_rescale", apply_b_dec_to_input=False)
    scale = (10.0 / 2.0) ** 0.5  # |x| / sqrt(2)
    assert torch.allclose(sae.direction_scale(X), torch.tensor([scale]))
    assert torch.allclose(sae.encode(X)[0], torch.tensor(3.0 / scale + 0.5))
    assert sae.encode(torch.zeros(2)).isfinite().all()


def every_kind():
    return [
        pytest.param(architecture, normalization, id=f"{architecture}-{normalization}")
        for architecture in ARCHITECTURES
        for normalization in NORMALIZATIONS
    ]


@pytest.mark.parametrize(("architecture", "normalization"), every_kind())
@pytest.mark.parametrize("center_input", [False, True])
def test_columns_equal_the_whole(architecture, normalization, center_input):
    sae = dataclasses.replace(built(architecture, normalize_activations=normalization), center_input=center_input)
    resid = residuals(3, 7)
    ids = [31, 0, 31, D_SAE - 1]
    whole = sae.encode(resid)[..., ids]
    assert (whole > 0).any()
    assert torch.allclose(sae.encode_columns(resid, ids), whole, atol=1e-5)
    assert sae.encode_columns(resid, []).shape == (3, 7, 0)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize(
    ("architecture", "rescale"), [*((architecture, False) for architecture in ARCHITECTURES), ("topk", True)]
)
def test_folding_leaves_the_reconstruction_unchanged(architecture, normalization, rescale):
    """Against the formula on the tensors as they are stored, written out once more."""
    changes = {"normalize_activations": normalization}
    if architecture == "topk":
        changes["rescale_acts_by_decoder_norm"] = rescale
    stored = {name: tensor.double() for name, tensor in tensors_of(architecture).items()}
    norms = stored["W_dec"].norm(dim=-1)
    resid = residuals(4, 6)

    x = resid.double()
    mean, scale = torch.zeros(4, 6, 1), torch.ones(4, 6, 1)
    if normalization == "layer_norm":
        mean, scale = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
    elif normalization == "constant_norm_rescale":
        scale = x.norm(dim=-1, keepdim=True) / D_MODEL**0.5
    pre = ((x - mean) / scale - stored["b_dec"]) @ stored["W_enc"]
    if architecture == "gated":
        magnitude = pre * stored["r_mag"].exp() + stored["b_mag"]
        acts = magnitude.relu() * (pre + stored["b_gate"] > 0)
    else:
        pre = pre + stored["b_enc"]
        acts = pre.relu()
        if architecture == "jumprelu":
            acts = acts * (pre > stored["threshold"])
        if architecture == "topk":
            chosen = (pre * norms if rescale else pre).topk(K).indices
            acts = acts * torch.zeros_like(acts).scatter(-1, chosen, 1.0)
    expected = (acts @ stored["W_dec"] + stored["b_dec"]) * scale + mean

    sae = built(architecture, **changes)
    assert sae.decoder_norms_folded
    assert torch.allclose(sae.W_dec.norm(dim=-1), torch.ones(D_SAE), atol=1e-6)
    assert torch.allclose(sae.decoder_norms.double(), norms, atol=1e-6)
    assert torch.allclose(sae.reconstruct(resid).double(), expected, atol=2e-4)
    assert torch.allclose(sae.encode(resid).double(), acts * norms, atol=2e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_folding_happens_once(architecture):
    sae = built(architecture)
    again = fold_decoder_norms(sae)
    assert again is sae
    assert (sae.decoder_norms - 1).abs().max() > 0.1, "the stored lengths stay on record"


def test_a_dead_feature_without_a_direction_survives_folding():
    tensors = tensors_of("jumprelu")
    tensors["W_dec"][3] = 0.0
    sae = build_autoencoder(config_of("jumprelu"), tensors, where="The SAE")
    assert sae.W_dec.isfinite().all()
    assert torch.equal(sae.decoder_direction(3), torch.zeros(D_MODEL))
    assert float(sae.decoder_norms[3]) == 0.0


@pytest.mark.parametrize(("architecture", "normalization"), every_kind())
def test_a_change_of_one_activation_moves_the_reconstruction_by_its_direction(architecture, normalization):
    sae = built(architecture, normalize_activations=normalization)
    resid = residuals(2, 5)
    acts = sae.encode(resid)
    edited = acts.clone()
    edited[..., 7] += 2.5
    by_reconstruction = sae.decode(edited, resid) - sae.decode(acts, resid)
    by_direction = 2.5 * sae.direction_scale(resid) * sae.decoder_direction(7)
    assert torch.allclose(by_reconstruction, by_direction, atol=1e-4)


def test_centring_takes_out_the_mean_and_puts_it_back():
    sae = built("standard")
    centred = dataclasses.replace(sae, center_input=True)
    resid = residuals(2, 5)
    mean = resid.mean(-1, keepdim=True)
    assert mean.abs().min() > 0.01
    assert torch.allclose(centred.encode(resid), sae.encode(resid - mean), atol=1e-5)
    assert not torch.allclose(centred.encode(resid), sae.encode(resid), atol=1e-2)
    assert torch.allclose(centred.encode(resid), centred.encode(resid + 5.0), atol=1e-4)
    assert torch.allclose(centred.reconstruct(resid), sae.reconstruct(resid - mean) + mean, atol=1e-4)
    assert torch.equal(centred.direction_scale(resid), torch.ones(2, 5, 1))


@pytest.mark.parametrize("changes", [{"normalize_activations": "layer_norm"}, {"center_input": True}])
def test_decoding_a_normalised_sae_needs_the_residual(changes):
    centre = changes.pop("center_input", False)
    sae = dataclasses.replace(built("standard", **changes), center_input=centre)
    assert sae.decode_needs_resid
    with pytest.raises(ValueError, match="residual that was encoded"):
        sae.decode(sae.encode(residuals(2)))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_low_precision_residuals_are_encoded_in_float32(architecture):
    sae = built(architecture)
    resid = residuals(2, 3).to(torch.bfloat16)
    acts = sae.encode(resid)
    assert acts.dtype == torch.float32
    assert torch.equal(acts, sae.encode(resid.float()))
    assert sae.encode_columns(resid, [1]).dtype == torch.float32
    assert sae.direction_scale(resid).dtype == torch.float32


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3), (0,), (2, 0)])
def test_any_leading_shape(shape):
    for architecture in ARCHITECTURES:
        sae = built(architecture, normalize_activations="layer_norm")
        resid = residuals(*shape)
        acts = sae.encode(resid)
        assert acts.shape == (*shape, D_SAE)
        assert sae.decode(acts, resid).shape == (*shape, D_MODEL)
        assert sae.direction_scale(resid).shape == (*shape, 1)


def test_encoding_keeps_nothing_between_threads():
    sae = built("jumprelu", normalize_activations="layer_norm")
    inputs = [residuals(1 + seed, seed=seed) * (1 + seed) for seed in range(16)]
    expected = [sae.reconstruct(resid) for resid in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found = list(pool.map(sae.reconstruct, inputs))
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def dense_of(sae, resid, elements):
    """The sparse activations, written into a dense table once each."""
    table = torch.zeros(len(resid), D_SAE)
    seen = torch.zeros(len(resid), D_SAE, dtype=torch.bool)
    for fired in sae.encode_sparse(resid, elements=elements):
        assert (fired.values != 0).all()
        assert not seen[fired.tokens, fired.feature_ids].any()
        seen[fired.tokens, fired.feature_ids] = True
        table[fired.tokens, fired.feature_ids] = fired.values
    return table


@pytest.mark.parametrize(("architecture", "normalization"), every_kind())
def test_activations_without_zeros_equal_the_dense_ones_whatever_the_block(architecture, normalization):
    sae = built(architecture, normalize_activations=normalization)
    resid = residuals(9)
    dense = sae.encode(resid)
    assert 0 < int((dense > 0).sum()) < dense.numel()
    for elements in (None, 9 * 7, 1, 10**9):
        found = dense_of(sae, resid, elements)
        assert torch.equal(found > 0, dense > 0)
        assert torch.allclose(found, dense, atol=1e-5)
    assert all(fired.tokens.shape == (0,) for fired in sae.encode_sparse(residuals(0)))


def tied(rescale: bool) -> SparseAutoencoder:
    """A top-k SAE with whole numbers, so that sums are exact and many features are exactly equal."""
    tensors = tensors_of("topk")
    generator = torch.Generator().manual_seed(3)
    columns = torch.randint(-2, 3, (D_MODEL, 6), generator=generator).float()
    tensors["W_enc"] = columns[:, torch.arange(D_SAE) % 6]
    tensors["b_enc"] = torch.zeros(D_SAE)
    tensors["b_dec"] = torch.zeros(D_MODEL)
    tensors["W_dec"] = torch.nn.functional.one_hot(torch.arange(D_SAE) % D_MODEL, D_MODEL).float()
    if not rescale:
        tensors["W_dec"] *= 2.0
    return build_autoencoder(config_of("topk"), tensors, where="The SAE")


@pytest.mark.parametrize("rescale", [True, False])
def test_of_equal_features_the_first_ones_are_among_the_top_k_whatever_the_block(rescale):
    sae = tied(rescale)
    assert (sae.act_scale is None) is rescale
    resid = torch.randint(-3, 4, (64, D_MODEL), generator=torch.Generator().manual_seed(4)).float()
    pre_acts = resid @ sae.W_enc
    in_order = pre_acts.sort(dim=1, descending=True, stable=True)
    kth, next_one = in_order.values[:, K - 1], in_order.values[:, K]
    assert ((kth == next_one) & (kth > 0)).sum() > 20, "ties at the border, or there is nothing to show"
    expected = torch.zeros_like(pre_acts).scatter(1, in_order.indices[:, :K], in_order.values[:, :K].relu())
    expected = expected * (1.0 if sae.act_scale is None else sae.act_scale)
    assert torch.equal(sae.encode(resid), expected)
    assert torch.equal(sae.encode_columns(resid, range(D_SAE)), expected)
    for elements in (64, 64 * 3, 64 * 7, 10**9):
        assert torch.equal(dense_of(sae, resid, elements), expected)


def test_numbers_that_are_none_are_not_taken_for_silence():
    for architecture in ARCHITECTURES:
        resid = residuals(2)
        resid[1, 3] = float("nan")
        values = torch.cat([fired.values for fired in built(architecture).encode_sparse(resid)])
        assert values.isnan().any()


def test_top_k_fires_at_most_k_features():
    acts = built("topk").encode(residuals(50))
    assert int((acts > 0).sum(-1).max()) == K


@pytest.mark.parametrize("feature_id", [-1, D_SAE, 10**9])
def test_unknown_features_are_refused(feature_id):
    sae = built("standard")
    for call in (
        lambda: sae.encode_columns(residuals(2), [0, feature_id]),
        lambda: sae.decoder_direction(feature_id),
        lambda: sae.neuronpedia_url(feature_id),
    ):
        with pytest.raises(InterventionError, match=rf"Feature {feature_id} does not exist.*0 to {D_SAE - 1}"):
            call()


def test_neuronpedia_url():
    metadata = {"hook_name": "blocks.12.hook_resid_post", "neuronpedia_id": "gemma-2-2b/12-gemmascope-res-16k"}
    sae = built("standard", metadata=metadata)
    assert sae.neuronpedia_url(7) == "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-res-16k/7"
    assert built("standard").neuronpedia_url(7) is None


def test_description():
    sae = built("jumprelu")
    assert (sae.d_model, sae.d_sae, sae.hook_point) == (D_MODEL, D_SAE, HookPoint(1, "resid_post"))
    assert sae.name == "jumprelu SAE at blocks.1.hook_resid_post"
    assert (sae.release, sae.sae_id) == (None, None)


def test_what_was_done_to_the_stored_weights_is_said():
    folded, centred, divided = dataclasses.replace(
        built("standard", normalize_activations="constant_norm_rescale"), center_input=True
    ).preparation
    lengths = tensors_of("standard")["W_dec"].norm(dim=-1)
    assert f"lengths {lengths.min():.3g} to {lengths.max():.3g}" in folded
    assert "mean over d_model" in centred
    assert "norm over the root of d_model" in divided
    tensors = tensors_of("standard")
    tensors["W_dec"] /= tensors["W_dec"].norm(dim=-1, keepdim=True)
    assert build_autoencoder(config_of("standard"), tensors, where="The SAE").preparation == ()


@pytest.mark.parametrize(
    ("architecture", "rescale"), [*((architecture, False) for architecture in ARCHITECTURES), ("topk", True)]
)
def test_an_sae_that_was_published_in_bfloat16_loses_nothing_when_it_is_kept_so(architecture, rescale):
    """Its decoder rows have other lengths than 1: what is kept is what the file holds, not the folded matrices."""
    stored = {name: tensor.bfloat16() for name, tensor in tensors_of(architecture).items()}
    changes = {"rescale_acts_by_decoder_norm": rescale} if architecture == "topk" else {}
    whole = build_autoencoder(config_of(architecture, **changes), stored, where="The SAE")
    half = whole.kept_as("bfloat16")
    assert whole.decoder_norms_folded
    assert torch.equal(half.W_dec, stored["W_dec"])
    assert torch.equal(half.W_enc, stored["W_enc"])
    resid = residuals(3, 7)
    acts = whole.encode(resid)
    assert (acts > 0).any()
    assert torch.equal(half.encoder(slice(None)), whole.W_enc)
    assert torch.equal(half.decoder([3, 0]), whole.W_dec[[3, 0]])
    assert torch.equal(half.decoder_direction(3), whole.W_dec[3])
    assert torch.equal(half.encode(resid) > 0, acts > 0)
    assert torch.allclose(half.encode(resid), acts, atol=1e-5)
    assert torch.allclose(half.encode_columns(resid, [3, 0]), acts[..., [3, 0]], atol=1e-5)
    assert torch.allclose(half.reconstruct(resid), whole.reconstruct(resid), atol=1e-4)
    dense = torch.zeros(21, D_SAE)
    for part in half.encode_sparse(resid.reshape(-1, D_MODEL), elements=100):
        dense[part.tokens, part.feature_ids] = part.values
    assert torch.allclose(dense.reshape(acts.shape), acts, atol=1e-5)
    assert half.kept_as("bfloat16") is half
    assert whole.kept_as("float32") is whole
    assert "kept in bfloat16" in half.preparation[-1]


def test_an_sae_that_was_published_in_float32_is_rounded_once():
    whole = built("jumprelu")
    half = whole.kept_as("bfloat16")
    assert not torch.equal(half.decoder(slice(None)), whole.W_dec)
    assert torch.allclose(half.decoder(slice(None)), whole.W_dec, rtol=2**-8)
    assert torch.allclose(half.encoder(slice(None)), whole.W_enc, rtol=2**-8)
    assert half.to("meta").W_enc.dtype == torch.bfloat16


def test_folded_weights_do_not_keep_the_file_mapped():
    """``b_dec`` is not scaled; as the tensor of the file it would hold all of the file in memory."""
    tensors = tensors_of("gated")
    sae = build_autoencoder(config_of("gated"), tensors, where="The SAE")
    assert sae.decoder_norms_folded
    assert not {sae.b_dec.data_ptr(), sae.r_mag.data_ptr()} & {one.data_ptr() for one in tensors.values()}


def test_another_device():
    sae = built("gated")
    moved = sae.to("meta")
    assert moved.device.type == "meta"
    assert sae.device.type == "cpu"
    assert all(
        getattr(moved, field.name).device.type == "meta"
        for field in dataclasses.fields(moved)
        if isinstance(getattr(moved, field.name), torch.Tensor)
    )


def test_no_heavy_imports():
    """The class, its readers and the loader come without sae-lens, TransformerLens and transformers."""
    code = (
        "import sys, steering.saes, steering.saes.autoencoder\n"
        "print([name for name in ('sae_lens', 'transformer_lens', 'transformers', 'peft', 'streamlit', 'pandas') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    code = "import sys, steering.hook_points; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
