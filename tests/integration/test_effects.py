"""Output score and token confidence against a forward pass per feature, without cache or blocks."""

import numpy as np
import pytest
import torch

from steering.effects import measure_effects
from steering.encoding import encode_example
from steering.hooks import count_hooks, edit, record
from steering.scores.confidence import token_confidence
from steering.scores.output import output_score
from tests.tiny_sae import tiny_sae

FEATURES = [0, 5, 11, 17, 46]


def slow_logits(model, sae, ids, feature_id, size):
    """Every position again for every feature."""
    direction = sae.decoder_direction(feature_id)

    def change(resid):
        moved = resid.clone()
        moved[:, -1] += size * direction
        return moved

    with torch.no_grad(), edit(model, sae.hook_point, change):
        return model.model(ids, use_cache=False).logits[:, -1].float()


def test_blocks_on_a_cached_position_equal_one_forward_per_feature(tiny_model):
    sae = tiny_sae()
    max_act = np.linspace(0.5, 3.0, sae.d_sae).astype(np.float32)
    found = measure_effects(tiny_model, sae, FEATURES, max_act, block=2)
    ids = torch.tensor([encode_example(tiny_model, "From my experience,").input_ids])
    with torch.no_grad(), record(tiny_model, sae.hook_point) as recording:
        clean = tiny_model.model(ids).logits[:, -1].float()
    largest = float(sae.encode(recording.resid[:, -1]).max())
    for feature_id in FEATURES:
        with torch.no_grad():
            decoder = tiny_model.model.get_decoder()
            norm = next(getattr(decoder, n) for n in ("norm", "ln_f", "final_layer_norm") if hasattr(decoder, n))
            lens = tiny_model.model.get_output_embeddings()(norm(sae.decoder_direction(feature_id))).topk(20).indices
        strong = slow_logits(tiny_model, sae, ids, feature_id, 10 * largest)
        own = slow_logits(tiny_model, sae, ids, feature_id, 10 * float(max_act[feature_id]))
        effect = found[feature_id]
        assert effect.output_score == pytest.approx(
            float(output_score(strong.numpy(), lens[None].numpy())[0]), abs=1e-5
        )
        expected = token_confidence(own.numpy())[0] - token_confidence(clean.numpy())[0]
        assert effect.delta_confidence == pytest.approx(float(expected), abs=1e-3)
        assert len(effect.top_tokens) == 20
    assert count_hooks(tiny_model) == 0


def test_a_direction_that_is_a_token_promotes_that_token(tiny_llama):
    """Planted truth: a feature that points along the unembedding of one token."""
    sae = tiny_sae(layer=2)
    token_id = 77
    head = tiny_llama.model.get_output_embeddings().weight[token_id].float()
    gain = tiny_llama.model.model.norm.weight.float()
    sae.W_dec[4] = (head * gain) / (head * gain).norm()
    effect = measure_effects(tiny_llama, sae, [4, 9], np.ones(sae.d_sae, dtype=np.float32))
    assert effect[4].top_tokens[0] == tiny_llama.tokenizer.decode([token_id])
    assert effect[4].output_score > 5 * effect[9].output_score
