"""Is the memory that is announced the memory that is taken?"""

import pytest
import torch

from steering.hook_points import HookPoint
from steering.memory import (
    GIB,
    ModelShape,
    SaeShape,
    divergence_bytes,
    estimate,
    forward_bytes,
    kv_cache_bytes,
    misfit,
    reading_bytes,
    sae_bytes,
    weight_bytes,
)
from steering.presets import preset
from tests.unit.saes.tiny_saes import ARCHITECTURES, built

GEMMA = preset("gemma-2-2b-it").shape


def test_gemma_2_2b_by_hand():
    assert GEMMA is not None
    # 2,614,341,888 parameters of two bytes
    assert weight_bytes(GEMMA, "bfloat16") == 5_228_683_776
    # W_enc and W_dec 2 x 2304 x 16384, b_dec 2304, b_enc, threshold and decoder_norms 16384 each, of four bytes
    assert sae_bytes(SaeShape(2304, 16384)) == (75_497_472 + 2304 + 49_152) * 4
    # keys and values, 26 layers, 4 heads of 256, 8 x 512 tokens, two bytes
    assert kv_cache_bytes(GEMMA, "bfloat16", batch=8, context=512) == 2 * 26 * 4 * 256 * 4096 * 2
    # one layer: residuals and the MLP's three tensors for 4096 tokens, and 8 rows of logits in float32
    forward = forward_bytes(GEMMA, "bfloat16", batch=8, context=512)
    assert forward == 4096 * (3 * 2304 + 3 * 9216) * 2 + 8 * 256_000 * 4
    # 4096 tokens of 2304 numbers, twice in two bytes and twice in four; 2**27 activations of 17 bytes would be more
    # than there are
    reading = reading_bytes(SaeShape(2304, 16384), "bfloat16", tokens=4096, device="cuda")
    assert reading == 4096 * 2304 * 12 + 4096 * 16384 * 17
    assert reading_bytes(SaeShape(2304, 2**17), "bfloat16", tokens=4096, device="cuda") == 4096 * 2304 * 12 + 2**27 * 17
    assert reading_bytes(SaeShape(2304, 2**17), "bfloat16", tokens=4096, device="cpu") == 4096 * 2304 * 12 + 2**20 * 17
    # of 2**27 log-probabilities under two conditions, 4 answers of 64 tokens each; five numbers of four bytes
    assert divergence_bytes(GEMMA, batch=8, device="cuda") == 4 * 64 * 256_000 * 20
    assert divergence_bytes(GEMMA, batch=8, device="cpu") == 64 * 256_000 * 20
    whole = estimate(GEMMA, SaeShape(2304, 16384))
    assert whole.work == max(
        forward + kv_cache_bytes(GEMMA, "bfloat16", batch=8, context=512), reading, 4 * 64 * 256_000 * 20
    )
    assert whole.total == whole.weights + whole.sae + whole.work
    assert whole.gib == pytest.approx(whole.total / GIB)
    assert 6 < whole.gib < 7


def test_a_cpu_holds_the_sae_twice_while_it_is_loaded_and_an_accelerator_does_not():
    assert GEMMA is not None
    wide = SaeShape(2304, 2**17)
    assert estimate(GEMMA, wide, dtype="float32", device="cpu").work == sae_bytes(wide)
    assert estimate(GEMMA, wide, device="cuda").work == reading_bytes(wide, "bfloat16", tokens=4096, device="cuda")


def test_a_wider_dictionary_is_read_in_no_more_memory():
    """``[tokens d_sae]`` in float32 would be 16 GiB of a million features, and stands nowhere."""
    wide = SaeShape(64, 2**20)
    assert reading_bytes(wide, "bfloat16", tokens=4096, device="cpu") < 2**26


def test_more_of_anything_takes_more():
    assert GEMMA is not None
    sae = SaeShape(2304, 16384)
    base = estimate(GEMMA, sae).total
    assert estimate(GEMMA, sae, dtype="float32").total > base
    assert estimate(GEMMA, sae, batch=32).total > base
    assert estimate(GEMMA, sae, context=2048).total > base
    assert estimate(GEMMA, SaeShape(2304, 65536)).total > base
    assert estimate(GEMMA).total < base


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_sae_takes_what_its_tensors_take(architecture):
    sae = built(architecture)
    tensors = [getattr(sae, name) for name in sae.__dataclass_fields__]
    measured = sum(tensor.nbytes for tensor in tensors if isinstance(tensor, torch.Tensor))
    assert sae_bytes(SaeShape(sae.d_model, sae.d_sae, architecture)) == measured


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_matrices_in_bfloat16_take_half(architecture):
    sae = built(architecture).kept_as("bfloat16")
    tensors = [getattr(sae, name) for name in sae.__dataclass_fields__]
    measured = sum(tensor.nbytes for tensor in tensors if isinstance(tensor, torch.Tensor))
    assert sae_bytes(SaeShape(sae.d_model, sae.d_sae, architecture, "bfloat16")) == measured
    assert GEMMA is not None
    wide = SaeShape(2304, 2**17, dtype="bfloat16")
    assert estimate(GEMMA, wide, dtype="float32", device="cpu").work == 2 * sae_bytes(SaeShape(2304, 2**17))


def test_what_does_not_fit_is_said_with_both_numbers():
    small = ModelShape(1, 4, 768, 1, 1, 1, 1, 1)
    said = misfit(small, SaeShape(2304, 16), HookPoint(0, "resid_post"), "gpt2")
    assert said is not None
    assert "2304" in said
    assert "768" in said
    assert "layer 4" in str(misfit(small, SaeShape(768, 16), HookPoint(4, "resid_post")))
    assert misfit(small, SaeShape(768, 16), HookPoint(3, "resid_post")) is None
    assert misfit(small, None, None) is None
