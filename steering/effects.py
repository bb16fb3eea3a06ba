"""What does writing with a feature do to the next token? Arad's output score and Wang's token confidence.

Both edit one position, the last of a neutral prompt. The prompt is run once; its key-value cache is then shared by
blocks of features, one row per feature, so that only one position is computed per feature.
"""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from steering.encoding import EncodedText, encode_example, encode_prompt, pad_left, token_texts
from steering.hooks import edit, record
from steering.models import LanguageModel
from steering.presets import is_world_model
from steering.prompting import suggested_prompts
from steering.saes import SparseAutoencoder
from steering.scores.confidence import delta_confidence
from steering.scores.output import FACTOR, N_LENS_TOKENS, output_score
from steering.statistics import FeatureEffect

NEUTRAL_PROMPT = "From my experience,"
"""Arad's and Wang's prompt, read as plain text."""
CONFIDENCE_SCALE = 10.0


def neutral_context(model: LanguageModel) -> EncodedText | None:
    """Where effects are measured on a model of the embedded world; None for any other, which reads `NEUTRAL_PROMPT`.

    The world's models know conversations only: there the first token of an answer is the neutral place.
    """
    if not is_world_model(model.name):
        return None
    return encode_prompt(model, suggested_prompts(model.name, 1)[0])


def logit_lens(model: LanguageModel, directions: Float[Tensor, "k d_model"]) -> Float[Tensor, "k vocab"]:
    """Logits that a direction alone would give: ``lm_head(final_norm(W_dec[f]))`` (nostalgebraist 2020; Arad et al.).

    The final norm is applied with its weight; no soft cap.
    """
    with model.running() as network:
        decoder = network.get_decoder() if hasattr(network, "get_decoder") else network
        norm = next(getattr(decoder, name) for name in ("norm", "ln_f", "final_layer_norm") if hasattr(decoder, name))
        head = network.get_output_embeddings()
        return head(norm(directions.to(network.dtype).to(model.device))).float()


def measure_effects(
    model: LanguageModel,
    sae: SparseAutoencoder,
    feature_ids: Sequence[int],
    max_act: Float[np.ndarray, " d_sae"],
    *,
    context: EncodedText | None = None,
    block: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> dict[int, FeatureEffect]:
    """Output score and change of token confidence for every feature of ``feature_ids``.

    Output score (arXiv 2505.20063): at the last position ``h + 10 a W_dec[f]`` with ``a`` the largest activation of
    any feature there. Token confidence (arXiv 2510.03659): ``h + 10 m_f W_dec[f]`` with ``m_f`` the feature's own
    maximum, k = 1.

    Args:
        model: run at the last position only.
        sae: gives the directions and the hook point.
        feature_ids: which features; any number.
        max_act: of every feature, on the reference set.
        context: neutral text to whose last position is written; :data:`NEUTRAL_PROMPT` without.
        block: features computed in one forward.
        progress: told features done and in all; may raise ``Cancelled``.
    """
    encoded = context or encode_example(model, NEUTRAL_PROMPT)
    batch = pad_left([encoded], pad_id=0, device=model.device)
    found: dict[int, FeatureEffect] = {}
    with model.running() as network:
        prefix = network(
            input_ids=batch.input_ids[:, :-1], position_ids=batch.position_ids[:, :-1], use_cache=True
        ).past_key_values
        last = batch.input_ids[:, -1:]
        position = batch.position_ids[:, -1:]

        def next_logits(deltas: Float[Tensor, "rows d_model"]) -> Float[Tensor, "rows vocab"]:
            cache = copy.deepcopy(prefix)
            rows = deltas.shape[0]
            cache.batch_repeat_interleave(rows)

            def change(resid: Tensor) -> Tensor:
                return (resid.float() + deltas[:, None, :]).to(resid.dtype)

            with edit(model, sae.hook_point, change):
                return (
                    network(
                        input_ids=last.expand(rows, 1),
                        position_ids=position.expand(rows, 1),
                        past_key_values=cache,
                        use_cache=True,
                    )
                    .logits[:, -1]
                    .float()
                )

        with record(model, sae.hook_point) as recording:
            clean = (
                network(input_ids=last, position_ids=position, past_key_values=copy.deepcopy(prefix), use_cache=True)
                .logits[:, -1]
                .float()
            )
        resid = recording.resid
        if resid is None:
            raise RuntimeError(f"{sae.hook_point} was not reached by the forward pass")
        scale = sae.direction_scale(resid.float())[0, 0]
        largest = float(sae.encode(resid.float()).max())
        for start in range(0, len(feature_ids), block):
            ids = list(feature_ids[start : start + block])
            directions = sae.decoder(ids) * scale
            lens = logit_lens(model, sae.decoder(ids)).topk(min(N_LENS_TOKENS, model.vocab_size)).indices
            scores = output_score(next_logits(FACTOR * largest * directions).cpu().numpy(), lens.cpu().numpy())
            own = torch.from_numpy(np.asarray(max_act)[ids]).to(directions)
            moved = next_logits(CONFIDENCE_SCALE * own[:, None] * directions)
            confidence = delta_confidence(moved.cpu().numpy(), clean[0].cpu().numpy())
            for place, feature_id in enumerate(ids):
                found[feature_id] = FeatureEffect(
                    output_score=float(scores[place]),
                    delta_confidence=float(confidence[place]),
                    top_tokens=tuple(token_texts(model, [one])[0] for one in lens[place].tolist()),
                )
            if progress is not None:
                progress(min(start + block, len(feature_ids)), len(feature_ids))
    return found
