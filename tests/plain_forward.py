"""A decoder written out by hand, as an independent word on what an edit does: no hook, no code of steering."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

EditAt = Callable[[int, str, Tensor], Tensor]
"""Told layer, site and the tensor there; gives what goes on."""


def plain_logits(model: Any, ids: Tensor, edit_at: EditAt) -> Tensor:
    """Logits of a transformers model by its submodules alone, layer by layer; eager attention, no padding."""
    decoder = model.get_decoder()
    if hasattr(decoder, "h"):
        return _gpt2(model, decoder, ids, edit_at)
    positions = torch.arange(ids.shape[1])[None]
    embed = decoder.embed_in if hasattr(decoder, "embed_in") else decoder.embed_tokens
    x = embed(ids)
    kinds = getattr(model.config, "layer_types", None)
    for index, layer in enumerate(decoder.layers):
        kind = kinds[index] if kinds is not None else None
        if kind is None and getattr(model.config, "sliding_window", None):
            kind = "sliding_attention"  # Mistral: every layer
        args = (x, positions, kind) if model.config.model_type == "gemma3_text" else (x, positions)
        window = model.config.sliding_window if kind == "sliding_attention" else None
        told = {"position_embeddings": decoder.rotary_emb(*args), "attention_mask": _mask(ids.shape[1], window)}
        x = edit_at(index, "resid_pre", x)
        block = _neox if hasattr(layer, "attention") else _llama
        x = edit_at(index, "resid_post", block(layer, index, x, told, edit_at))
    norm = decoder.final_layer_norm if hasattr(decoder, "final_layer_norm") else decoder.norm
    logits = model.get_output_embeddings()(norm(x))
    cap = getattr(model.config, "final_logit_softcapping", None)
    return logits if cap is None else torch.tanh(logits / cap) * cap


def _gpt2(model: Any, decoder: Any, ids: Tensor, edit_at: EditAt) -> Tensor:
    x = decoder.wte(ids) + decoder.wpe(torch.arange(ids.shape[1]))
    for index, layer in enumerate(decoder.h):
        x = edit_at(index, "resid_pre", x)
        x = x + edit_at(index, "attn_out", layer.attn(layer.ln_1(x), attention_mask=_mask(ids.shape[1]))[0])
        x = edit_at(index, "resid_mid", x)
        x = x + edit_at(index, "mlp_out", layer.mlp(layer.ln_2(x)))
        x = edit_at(index, "resid_post", x)
    return model.lm_head(decoder.ln_f(x))


def _neox(layer: Any, index: int, x: Tensor, told: dict[str, Any], edit_at: EditAt) -> Tensor:
    attended = edit_at(index, "attn_out", layer.attention(layer.input_layernorm(x), **told)[0])
    return x + attended + edit_at(index, "mlp_out", layer.mlp(layer.post_attention_layernorm(x)))


def _llama(layer: Any, index: int, x: Tensor, told: dict[str, Any], edit_at: EditAt) -> Tensor:
    attended = layer.self_attn(hidden_states=layer.input_layernorm(x), **told)[0]
    gemma = hasattr(layer, "pre_feedforward_layernorm")
    if gemma:
        attended = layer.post_attention_layernorm(attended)
    x = edit_at(index, "resid_mid", x + edit_at(index, "attn_out", attended))
    before_mlp = layer.pre_feedforward_layernorm if gemma else layer.post_attention_layernorm
    added = layer.mlp(before_mlp(x))
    if gemma:
        added = layer.post_feedforward_layernorm(added)
    return x + edit_at(index, "mlp_out", added)


def _mask(n: int, window: int | None = None) -> Tensor:
    """0 where a position may look, a huge negative number elsewhere."""
    back = torch.arange(n)[:, None] - torch.arange(n)[None, :]
    seen = (back >= 0) & (back < (window or n))
    return torch.where(seen, 0.0, torch.finfo(torch.float32).min)[None, None]
