"""Which tokens does the model read for a text, and which of them count?

Eligible tokens are the content: no BOS, no padding, no special token, nothing that the chat template wrote. They are
found by character offsets in the rendered conversation, so the rule is the same for every template.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from steering.errors import ModelError
from steering.models import MAX_CONTEXT, LanguageModel


@dataclass(frozen=True, slots=True)
class EncodedText:
    """Token ids of one text and which of them are eligible.

    Attributes:
        input_ids: one BOS at most, at the front.
        eligible: for every token, whether it is content.
        truncated: whether tokens were cut off at the end.
    """

    input_ids: tuple[int, ...]
    eligible: tuple[bool, ...]
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Texts padded on the left.

    Attributes:
        input_ids: ``[batch pos]``.
        attention_mask: ``[batch pos]``, 0 on padding.
        eligible: ``[batch pos]``, content tokens.
    """

    input_ids: Int[Tensor, "batch pos"]
    attention_mask: Int[Tensor, "batch pos"]
    eligible: Bool[Tensor, "batch pos"]

    @property
    def position_ids(self) -> Int[Tensor, "batch pos"]:
        """Absolute positions, counted without padding; learned position embeddings need them."""
        return (self.attention_mask.cumsum(-1) - 1).clamp(min=0)


def pad_left(texts: Sequence[EncodedText], *, pad_id: int, device: torch.device | str = "cpu") -> TokenBatch:
    """Put texts of different length into one batch, padding on the left."""
    width = max(len(text) for text in texts)
    input_ids = torch.full((len(texts), width), pad_id, dtype=torch.long)
    attention_mask = torch.zeros((len(texts), width), dtype=torch.long)
    eligible = torch.zeros((len(texts), width), dtype=torch.bool)
    for row, text in enumerate(texts):
        if not len(text):
            continue
        input_ids[row, -len(text) :] = torch.tensor(text.input_ids)
        attention_mask[row, -len(text) :] = 1
        eligible[row, -len(text) :] = torch.tensor(text.eligible)
    return TokenBatch(input_ids.to(device), attention_mask.to(device), eligible.to(device))


def encode_example(model: LanguageModel, text: str, prompt: str | None = None) -> EncodedText:
    """Encode a text for reading: as an answer to ``prompt`` where there is one, else as it stands.

    With a prompt and a chat template, the text is the assistant's turn (AxBench reads its examples so, up to the end
    of the answer); a base model sees prompt and text joined by a line break. Texts are cut at the shorter of the
    model's context and 1,024 tokens.

    Raises:
        ModelError: the chat template rewrites the text, so that content and template cannot be told apart.
    """
    limit = min(MAX_CONTEXT, model.context_size)
    if prompt is None:
        return _encode(model, text, [text], limit)
    if not model.has_chat_template:
        return _encode(model, f"{prompt}\n{text}", [prompt, text], limit)
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
    rendered = _render(model, turns, add_generation_prompt=False)
    end = rendered.rfind(text.strip()) + len(text.strip())
    return _encode(model, rendered[:end], [prompt, text], limit)


def encode_prompt(model: LanguageModel, prompt: str, *, system: str | None = None) -> EncodedText:
    """Encode a prompt for generation: chat template applied once, exactly one BOS where the model has one.

    Args:
        model: whose template is used.
        prompt: the user's turn.
        system: a system turn before it; refused when the template has none.

    Raises:
        ModelError: empty prompt, prompt longer than the context, or a template without the system turn asked for.
    """
    if not prompt.strip():
        raise ModelError("The prompt is empty; write at least one word.")
    if not model.has_chat_template:
        joined = prompt if system is None else f"{system}\n{prompt}"
        encoded = _encode(model, joined, [joined], model.context_size + 1)
    else:
        turns = [{"role": "user", "content": prompt}]
        contents = [prompt]
        if system is not None:
            turns.insert(0, {"role": "system", "content": system})
            contents.insert(0, system)
        encoded = _encode(model, _render(model, turns, add_generation_prompt=True), contents, model.context_size + 1)
    if len(encoded) >= model.context_size:
        raise ModelError(
            f"The prompt has {len(encoded)} tokens or more, the model reads {model.context_size}; shorten the prompt."
        )
    return encoded


def token_texts(model: LanguageModel, input_ids: Sequence[int]) -> list[str]:
    """What each token adds to the text; bytes of an unfinished character show as the replacement character."""
    decode = model.tokenizer.decode
    return [str(decode([token_id], clean_up_tokenization_spaces=False)) for token_id in input_ids]


def _render(model: LanguageModel, turns: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
    try:
        return str(
            model.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=add_generation_prompt)
        )
    except Exception as error:
        # Templates refuse in their own words through jinja's raise_exception, e.g. a system turn for Gemma.
        if type(error).__name__ != "TemplateError" and "jinja2" not in type(error).__module__:
            raise
        raise ModelError(f"The chat template of {model.name} refuses these turns: {error}") from error


def _encode(model: LanguageModel, rendered: str, contents: Sequence[str], limit: int) -> EncodedText:
    spans = []
    start = 0
    for content in contents:
        wanted = content.strip()  # many templates strip the content of a turn
        found = rendered.find(wanted, start)
        if found < 0:
            raise ModelError(
                f"The chat template of {model.name} rewrites the text {wanted[:40]!r}, so its tokens cannot be told "
                "from the template's; use a model whose template keeps texts as they are."
            )
        start = found + len(wanted)
        spans.append((found, start))
    encoding = model.tokenizer(
        rendered, add_special_tokens=False, return_offsets_mapping=True, verbose=False, return_attention_mask=False
    )
    special = set(model.tokenizer.all_special_ids)
    input_ids: list[int] = list(encoding["input_ids"])
    eligible = [
        token_id not in special and any(begin < span_end and end > span_begin for span_begin, span_end in spans)
        for token_id, (begin, end) in zip(input_ids, encoding["offset_mapping"], strict=True)
    ]
    bos_id = model.tokenizer.bos_token_id
    if model.prepend_bos and bos_id is not None:
        # A template may or may not write the BOS itself; either way there is exactly one.
        while input_ids and input_ids[0] == bos_id:
            del input_ids[0], eligible[0]
        input_ids.insert(0, bos_id)
        eligible.insert(0, False)
    return EncodedText(tuple(input_ids[:limit]), tuple(eligible[:limit]), truncated=len(input_ids) > limit)
