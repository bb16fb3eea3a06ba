"""Chat templates with the structure of the published ones, in words of our own, each with a byte tokenizer.

What is kept of each family is what can go wrong with it: who writes the BOS, where a system prompt goes, what is
trimmed, what is left out of earlier turns, and whether the tokenizer lists the markers among its special tokens.
"""

from copy import copy, deepcopy
from dataclasses import replace

from tokenizers import AddedToken

from steering.models import LanguageModel
from tests.tiny import CHATML, GEMMA, byte_tokenizer

GEMMA_3 = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set before = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set before = '' %}{% set rest = messages %}{% endif %}"
    "{% for turn in rest %}"
    "<start_of_turn>{{ 'model' if turn['role'] == 'assistant' else turn['role'] }}\n"
    "{{ before if loop.first }}{{ turn['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
LLAMA_3 = (
    "{% if date_string is not defined %}{% set date_string = 'the first' %}{% endif %}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set before = messages[0]['content'] | trim %}{% set rest = messages[1:] %}"
    "{% else %}{% set before = '' %}{% set rest = messages %}{% endif %}"
    "{{ bos_token }}<|head|>system<|/head|>\n\nDay: {{ date_string }}\n\n{{ before }}<|eot|>"
    "{% for turn in rest %}<|head|>{{ turn['role'] }}<|/head|>\n\n{{ turn['content'] | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}"
)
QWEN_2 = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe of use.<|im_end|>\n{% endif %}"
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{{ turn['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN_3 = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n"
    "{% if turn['role'] == 'assistant' %}"
    "{% if loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ turn['content'].split('</think>')[-1].lstrip('\n') }}"
    "{% else %}{{ turn['content'] }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
_MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set before = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set before = '' %}{% set rest = messages %}{% endif %}"
    "{{ bos_token }}{% for turn in rest %}"
    "{% if (turn['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles alternate') }}{% endif %}"
    "{% if turn['role'] == 'user' %}[INST] {{ before if loop.WHERE }}{{ turn['content'] }} [/INST]"
    "{% else %} {{ turn['content'] | trim }}{{ eos_token }}{% endif %}{% endfor %}"
)
MISTRAL = _MISTRAL.replace("WHERE", "first")
MISTRAL_LAST = _MISTRAL.replace("WHERE", "last")
ZEPHYR = (
    "{% for turn in messages %}<|{{ turn['role'] }}|>\n{{ turn['content'] }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
TEMPLATES: dict[str, tuple[str | None, dict[str, str | None], tuple[str, ...]]] = {
    "gemma-2": (GEMMA, {"bos": "<bos>", "eos": "<eos>"}, ()),
    "gemma-3": (GEMMA_3, {"bos": "<bos>", "eos": "<eos>"}, ()),
    "llama-3": (LLAMA_3, {"bos": "<|text|>", "eos": "<|eot|>"}, ("<|head|>", "<|/head|>")),
    "qwen-2.5": (QWEN_2, {"bos": None, "eos": "<|im_end|>"}, ()),
    "qwen-3": (QWEN_3, {"bos": None, "eos": "<|im_end|>"}, ()),
    "mistral": (MISTRAL, {"bos": "<s>", "eos": "</s>"}, ("[INST]", "[/INST]")),
    "mistral-v0.3": (MISTRAL_LAST, {"bos": "<s>", "eos": "</s>"}, ("[INST]", "[/INST]")),
    "zephyr": (ZEPHYR, {"bos": "<s>", "eos": "</s>"}, ()),
    "smol": (CHATML.replace("{{ bos_token if bos_token }}", ""), {"bos": "<|im_start|>", "eos": "<|im_end|>"}, ()),
    "plain": (None, {"bos": "<|endoftext|>", "eos": "<|endoftext|>"}, ()),
}
"""Template, BOS and EOS, and markers that are special tokens without being listed as such."""


def chat_model(model: LanguageModel, family: str) -> LanguageModel:
    """A model that is spoken to as the family is; only its texts are of use, its weights are another's."""
    template, ends, markers = TEMPLATES[family]
    tokenizer = byte_tokenizer(**ends, chat_template=template)  # type: ignore[arg-type]
    tokenizer.add_tokens([AddedToken(marker, special=True, normalized=False) for marker in markers])
    network = copy(model.model)  # shares the weights; markers of many bytes need a longer context
    network.config = deepcopy(model.model.config)
    network.config.max_position_embeddings = 512
    return replace(
        model, name=f"tiny-{family}", model=network, tokenizer=tokenizer, prepend_bos=tokenizer.bos_token_id is not None
    )
