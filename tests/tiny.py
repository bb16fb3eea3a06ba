"""Models so small that a test can build them: random weights, three layers, a byte-level tokenizer, no download.

Weights are large enough for the model to have opinions (with transformers' own initialisation every token is nearly
equally likely), norms and biases are not at their neutral values, and every call builds the same model again. Fixtures
of the same names in conftest.py are built once a run and shared: a test that changes a model builds its own.
"""

from collections.abc import Callable

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from steering.models import LanguageModel, wrap_model

VOCAB_SIZE = 300
N_LAYERS = 3
CONTEXT_SIZE = 128

CHATML = (
    "{{ bos_token if bos_token }}"
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{{ turn['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Keeps texts as they are and knows system turns, as Qwen's."""

GEMMA = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for turn in messages %}"
    "<start_of_turn>{{ 'model' if turn['role'] == 'assistant' else turn['role'] }}\n"
    "{{ turn['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
"""Strips texts and refuses system turns, as Gemma's."""

_MERGES = (
    ("h", "e"), ("i", "n"), ("o", "n"), ("e", "r"), ("a", "t"), ("Ġ", "t"), ("Ġ", "a"), ("Ġ", "s"), ("Ġt", "he"),
    ("in", "g"), ("n", "d"), ("Ġa", "nd"), ("s", "t"), ("e", "n"), ("o", "r"), ("e", "d"), ("Ġ", "w"),
)  # fmt: skip


def byte_tokenizer(
    *, bos: str | None = "<s>", eos: str = "</s>", pad: str | None = "<pad>", chat_template: str | None = None
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 280 entries at most; the rest of the 300 are rows that no text uses.

    Args:
        bos: None for a tokenizer without one (Qwen); may equal ``eos`` (GPT-2).
        eos: end of text.
        pad: None for a tokenizer without one (GPT-2).
        chat_template: the markers of both templates above are special tokens.
    """
    markers = ("<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>")
    special = list(dict.fromkeys(token for token in (bos, eos, pad, *markers) if token is not None))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merged = [left + right for left, right in _MERGES]
    vocab = {token: token_id for token_id, token in enumerate([*special, *alphabet, *merged])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=list(_MERGES)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        pad_token=pad,
        additional_special_tokens=list(markers),
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = chat_template
    return fast


def tiny_llama(seed: int = 0, *, d_model: int = 32) -> LanguageModel:
    """BOS, EOS, PAD and a chat template with system turns; grouped-query attention."""
    config = LlamaConfig(
        hidden_size=d_model, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, **_common()
    )
    return _build(config, byte_tokenizer(chat_template=CHATML), "tiny-llama", seed)


def tiny_gpt2(seed: int = 0) -> LanguageModel:
    """BOS = EOS, no PAD, no chat template; learned positions, LayerNorm, Conv1D."""
    common = _common()
    config = GPT2Config(
        n_embd=32, n_head=4, n_layer=common.pop("num_hidden_layers"), n_positions=CONTEXT_SIZE,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **common,
    )  # fmt: skip
    tokenizer = byte_tokenizer(bos="<|endoftext|>", eos="<|endoftext|>", pad=None)
    return _build(config, tokenizer, "tiny-gpt2", seed)


def tiny_gemma2(seed: int = 0) -> LanguageModel:
    """Norms after the sublayers, soft-capped logits, sliding window, a template that refuses system turns."""
    config = Gemma2Config(
        hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        query_pre_attn_scalar=8, sliding_window=32, **_common(),
    )  # fmt: skip
    tokenizer = byte_tokenizer(bos="<bos>", eos="<eos>", pad="<pad>", chat_template=GEMMA)
    return _build(config, tokenizer, "tiny-gemma2", seed)


def tiny_neox(seed: int = 0) -> LanguageModel:
    """Parallel attention and MLP; BOS = EOS, no PAD, no chat template."""
    config = GPTNeoXConfig(
        hidden_size=32, intermediate_size=64, num_attention_heads=4, hidden_dropout=0.0, attention_dropout=0.0,
        **_common(),
    )  # fmt: skip
    tokenizer = byte_tokenizer(bos="<|endoftext|>", eos="<|endoftext|>", pad=None)
    return _build(config, tokenizer, "tiny-neox", seed)


def tiny_qwen2(seed: int = 0) -> LanguageModel:
    """No BOS at all; chat template with system turns; tied embeddings."""
    config = Qwen2Config(
        hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
        **_common(),
    )  # fmt: skip
    tokenizer = byte_tokenizer(bos=None, eos="<|im_end|>", pad="<|endoftext|>", chat_template=CHATML)
    return _build(config, tokenizer, "tiny-qwen2", seed)


def tiny_mistral(seed: int = 0) -> LanguageModel:
    """Llama's layout with a sliding window."""
    config = MistralConfig(
        hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        sliding_window=32, **_common(),
    )  # fmt: skip
    return _build(config, byte_tokenizer(), "tiny-mistral", seed)


def tiny_qwen3(seed: int = 0) -> LanguageModel:
    """Norms on queries and keys; heads wider than d_model over their number; no BOS."""
    config = Qwen3Config(
        hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=16, **_common()
    )
    tokenizer = byte_tokenizer(bos=None, eos="<|im_end|>", pad="<|endoftext|>", chat_template=CHATML)
    return _build(config, tokenizer, "tiny-qwen3", seed)


def tiny_gemma3(seed: int = 0) -> LanguageModel:
    """Gemma 2's norms, norms on queries and keys, local and global layers with rotations of their own."""
    config = Gemma3TextConfig(
        hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        query_pre_attn_scalar=8, sliding_window=32,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], **_common(),
    )  # fmt: skip
    tokenizer = byte_tokenizer(bos="<bos>", eos="<eos>", pad="<pad>", chat_template=GEMMA)
    return _build(config, tokenizer, "tiny-gemma3", seed)


TINY: dict[str, Callable[[], LanguageModel]] = {
    "llama": tiny_llama,
    "gpt2": tiny_gpt2,
    "gemma2": tiny_gemma2,
    "neox": tiny_neox,
    "qwen2": tiny_qwen2,
}
"""One builder for each family, for ``pytest.mark.parametrize``."""

EIGHT: dict[str, Callable[[], LanguageModel]] = TINY | {
    "mistral": tiny_mistral,
    "qwen3": tiny_qwen3,
    "gemma3": tiny_gemma3,
}
"""With those that share a layout with one of the five: what must hold for every supported model is shown on these."""


def _common() -> dict[str, int]:
    return {"vocab_size": VOCAB_SIZE, "num_hidden_layers": N_LAYERS, "max_position_embeddings": CONTEXT_SIZE}


def _build(config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast, name: str, seed: int) -> LanguageModel:
    for token in ("bos", "eos", "pad"):
        setattr(config, f"{token}_token_id", getattr(tokenizer, f"{token}_token_id"))
    config.initializer_range = 0.3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # Eager attention is the only kind that soft-caps Gemma 2's scores.
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.data += 0.1 * torch.randn_like(parameter)
    return wrap_model(model, tokenizer, name=name)
