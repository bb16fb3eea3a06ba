"""The same weights in TransformerLens: what our hook points are compared with, and nothing else imports it."""

import copy
from typing import Any

import torch
from transformer_lens import HookedTransformer
from transformer_lens.config.hooked_transformer_config import HookedTransformerConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.pretrained.weight_conversions.gemma import convert_gemma_weights
from transformer_lens.pretrained.weight_conversions.gpt2 import convert_gpt2_weights
from transformer_lens.pretrained.weight_conversions.llama import convert_llama_weights
from transformer_lens.pretrained.weight_conversions.mistral import convert_mistral_weights
from transformer_lens.pretrained.weight_conversions.neox import convert_neox_weights
from transformer_lens.pretrained.weight_conversions.qwen2 import convert_qwen2_weights
from transformer_lens.pretrained.weight_conversions.qwen3 import convert_qwen3_weights

from steering.models import LanguageModel
from tests.tiny import EIGHT, byte_tokenizer

CONVERTERS = {
    "gpt2": convert_gpt2_weights,
    "neox": convert_neox_weights,
    "llama": convert_llama_weights,
    "mistral": convert_mistral_weights,
    "qwen2": convert_qwen2_weights,
    "qwen3": convert_qwen3_weights,
    "gemma2": convert_gemma_weights,
    "gemma3": convert_gemma_weights,
}


def hooked_twin(family: str, model: LanguageModel, *, processed: bool) -> HookedTransformer:
    """``HookedTransformer`` with the weights of a tiny model.

    Args:
        family: a key of ``tests.tiny.EIGHT``.
        model: built by it; its weights are copied.
        processed: with TransformerLens' default processing (norms folded, writing weights and unembedding centred,
            value biases folded), as ``HookedTransformer.from_pretrained`` does.
    """
    cfg = HookedTransformerConfig(**_config(family, model.model.config))
    twin = HookedTransformer(cfg)
    state = CONVERTERS[family](copy.deepcopy(model.model), cfg)
    twin.load_and_process_state_dict(
        {name: tensor.detach().clone() for name, tensor in state.items()},
        fold_ln=processed,
        # what from_pretrained does too: RMSNorm models cannot be centred
        center_writing_weights=processed and cfg.normalization_type in ("LN", "LNPre"),
        center_unembed=processed,
        fold_value_biases=processed,
    )
    return twin.eval().requires_grad_(False)


def bridged_twin(family: str) -> TransformerBridge:
    """``TransformerBridge`` around a model of its own: it rearranges the modules of the one it is given."""
    model = EIGHT[family]()
    model.model.config.architectures = [type(model.model).__name__]
    # It is given token ids only; a tokenizer with a BOS would be sought on disk again, to learn whether it adds one.
    tokenizer = byte_tokenizer(bos=None)
    return TransformerBridge.boot_transformers(model.name, hf_model=model.model, tokenizer=tokenizer)


def _config(family: str, config: Any) -> dict[str, Any]:
    """TransformerLens' words for a configuration of transformers (its own table goes by the model's name)."""
    heads = config.num_attention_heads
    words: dict[str, Any] = {
        "d_model": config.hidden_size,
        "n_heads": heads,
        "d_head": getattr(config, "head_dim", None) or config.hidden_size // heads,
        "d_mlp": 4 * config.hidden_size if family == "gpt2" else config.intermediate_size,
        "n_layers": config.num_hidden_layers,
        "n_ctx": config.max_position_embeddings,
        "d_vocab": config.vocab_size,
        "device": "cpu",
        "dtype": torch.float32,
        "seed": 0,
    }
    if family == "gpt2":
        return words | {
            "act_fn": config.activation_function, "eps": config.layer_norm_epsilon, "normalization_type": "LN",
        }  # fmt: skip
    rope = config.rope_parameters
    words |= {"positional_embedding_type": "rotary", "rotary_adjacent_pairs": False}
    if family == "neox":
        return words | {
            "act_fn": config.hidden_act, "eps": config.layer_norm_eps, "normalization_type": "LN",
            "parallel_attn_mlp": True, "rotary_base": rope["rope_theta"],
            "rotary_dim": round(rope["partial_rotary_factor"] * words["d_head"]),
        }  # fmt: skip
    words |= {
        "act_fn": config.hidden_activation if family.startswith("gemma") else config.hidden_act,
        "eps": config.rms_norm_eps,
        "normalization_type": "RMS",
        "final_rms": True,
        "gated_mlp": True,
        "n_key_value_heads": config.num_key_value_heads,
        "rotary_dim": words["d_head"],
    }
    if family == "gemma3":
        words |= {
            "rotary_base": rope["full_attention"]["rope_theta"],
            "rotary_base_local": rope["sliding_attention"]["rope_theta"],
        }
    else:
        words["rotary_base"] = rope["rope_theta"]
    if family in ("mistral", "gemma2", "gemma3"):
        kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * config.num_hidden_layers
        words |= {
            "use_local_attn": True,
            "window_size": config.sliding_window,
            "attn_types": ["local" if kind == "sliding_attention" else "global" for kind in kinds],
        }
    if family.startswith("gemma"):
        words["use_normalization_before_and_after"] = True
    if family == "gemma2":
        words |= {
            "attn_scores_soft_cap": config.attn_logit_softcapping,
            "output_logits_soft_cap": config.final_logit_softcapping,
        }
    if family in ("qwen3", "gemma3"):
        words["use_qk_norm"] = True
    return words
