"""Which tokens does the model read for a text, and which of them count?

Eligible tokens are the content: no BOS, no padding, no special token, nothing that the chat template wrote. They are
found by character offsets in the rendered conversation, so the rule is the same for every template.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from steering.errors import ModelError
from steering.models import MAX_CONTEXT, LanguageModel

MAX_CHARACTER_TOKENS = 4
"""A character has at most four bytes in UTF-8, and a token at least one."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """Token ids of one text and which of them are eligible.

    Attributes:
        input_ids: one BOS at most, at the front.
        eligible: for every token, whether it is content.
        truncated: whether tokens were cut off at the end.
        n_last: eligible tokens of the last content, the text itself; 0 when a prompt filled the context.
    """

    input_ids: tuple[int, ...]
    eligible: tuple[bool, ...]
    truncated: bool = False
    n_last: int = 0

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
        return _encode(model, ["", ""], [text], limit)
    if not model.has_chat_template:
        return _encode(model, ["", "\n", ""], [prompt, text], limit)
    turns = [("user", prompt), ("assistant", text)]
    frame, contents = _render(model, turns, add_generation_prompt=False)
    return _encode(model, [*frame[:-1], ""], contents, limit)


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
        encoded = _encode(model, ["", ""], [joined], model.context_size + 1)
    else:
        turns = [("user", prompt)] if system is None else [("system", system), ("user", prompt)]
        frame, contents = _render(model, turns, add_generation_prompt=True)
        encoded = _encode(model, frame, contents, model.context_size + 1)
    if len(encoded) >= model.context_size:
        raise ModelError(
            f"The prompt has {len(encoded)} tokens or more, the model reads {model.context_size}; shorten the prompt."
        )
    return encoded


def token_texts(model: LanguageModel, input_ids: Sequence[int]) -> list[str]:
    """What each token adds to the text.

    Each is decoded behind the token before it, because some tokenizers drop a leading space at the start of a text. A
    character of several tokens is the text of its last one; one that is never finished shows as the replacement
    character.
    """
    texts: list[str] = []
    before: list[int] = []
    pending: list[int] = []
    for token_id in input_ids:
        pending.append(token_id)
        head = _decoded(model, before)
        both = _decoded(model, before + pending)
        text = both[len(head) :] if both.startswith(head) else _decoded(model, pending)
        if text.endswith("\ufffd") and len(pending) < MAX_CHARACTER_TOKENS:
            texts.append("")
            continue
        texts.append(text)
        before, pending = pending, []
    if pending:
        texts[-1] = _decoded(model, pending)
    return texts


def _decoded(model: LanguageModel, input_ids: Sequence[int]) -> str:
    return str(model.tokenizer.decode(list(input_ids), clean_up_tokenization_spaces=False)) if input_ids else ""


def _render(
    model: LanguageModel, turns: Sequence[tuple[str, str]], *, add_generation_prompt: bool
) -> tuple[list[str], list[str]]:
    """What the chat template writes around the contents of the turns, and the contents as it keeps them.

    The frame is found by rendering marks that no text contains in place of the contents; searching for a content itself
    would find the wrong place for short ones ("s" in "<eos>").
    """
    marks = [f"\ue000{place}\ue001" for place in range(len(turns))]
    pieces = re.split("|".join(marks), _template(model, [role for role, _ in turns], marks, add_generation_prompt))
    rendered = _template(model, [role for role, _ in turns], [text for _, text in turns], add_generation_prompt)
    for contents in ([text for _, text in turns], [text.strip() for _, text in turns]):  # many templates strip
        joined = "".join(piece + text for piece, text in zip(pieces, [*contents, ""], strict=False))
        if len(pieces) == len(turns) + 1 and joined == rendered:
            return pieces, contents
    raise ModelError(
        f"The chat template of {model.name} rewrites the text {turns[-1][1][:40]!r}, so its tokens cannot be told from "
        "the template's; use a model whose template keeps texts as they are."
    )


def _template(model: LanguageModel, roles: Sequence[str], contents: Sequence[str], add_generation_prompt: bool) -> str:
    turns = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
    try:
        return str(
            model.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=add_generation_prompt)
        )
    except Exception as error:
        # Templates refuse in their own words through jinja's raise_exception, e.g. a system turn for Gemma.
        if "jinja2" not in type(error).__module__:
            raise
        raise ModelError(f"The chat template of {model.name} refuses these turns: {error}") from error


def _encode(model: LanguageModel, frame: Sequence[str], contents: Sequence[str], limit: int) -> EncodedText:
    """Tokenize ``frame[0] contents[0] frame[1] ...``; tokens of the contents are eligible."""
    special_ids = set(model.tokenizer.all_special_ids)
    tokens = _tokenize(model, frame, contents)
    if any(place is not None and token_id in special_ids for token_id, place in tokens):
        # Somebody's text spells out a special token. It is text, not a command: piece by piece, it is read as such.
        tokens = [
            (token_id, place)
            for piece, place in _pieces(frame, contents)
            for token_id, _ in _offsets(model, piece, as_text=place is not None)
        ]
    last = len(contents) - 1
    input_ids = [token_id for token_id, _ in tokens]
    eligible = [place is not None for _, place in tokens]
    of_last = [place == last for _, place in tokens]
    bos_id = model.tokenizer.bos_token_id
    if model.prepend_bos and bos_id is not None:
        # A template may or may not write the BOS itself; either way there is exactly one.
        while input_ids and input_ids[0] == bos_id and not eligible[0]:
            del input_ids[0], eligible[0], of_last[0]
        input_ids.insert(0, bos_id)
        eligible.insert(0, False)
        of_last.insert(0, False)
    return EncodedText(
        tuple(input_ids[:limit]),
        tuple(eligible[:limit]),
        truncated=len(input_ids) > limit,
        n_last=sum(of_last[:limit]),
    )


def _pieces(frame: Sequence[str], contents: Sequence[str]) -> list[tuple[str, int | None]]:
    """The frame and the contents in order, the contents with their place."""
    pieces: list[tuple[str, int | None]] = []
    for place, text in enumerate(contents):
        pieces += [(frame[place], None), (text, place)]
    return [*pieces, (frame[len(contents)], None)]


def _tokenize(model: LanguageModel, frame: Sequence[str], contents: Sequence[str]) -> list[tuple[int, int | None]]:
    """Token ids of the whole, each with the place of the content it touches, None for the frame."""
    spans, start = [], 0
    for piece, place in _pieces(frame, contents):
        if place is not None:
            # White space around a content is the template's as much as its own.
            lead = len(piece) - len(piece.lstrip())
            spans.append((start + lead, start + len(piece.rstrip()), place))
        start += len(piece)
    whole = "".join(piece for piece, _ in _pieces(frame, contents))
    return [
        (token_id, next((place for begin, stop, place in spans if first < stop and last > begin), None))
        for token_id, (first, last) in _offsets(model, whole, as_text=False)
    ]


def _offsets(model: LanguageModel, text: str, *, as_text: bool) -> list[tuple[int, tuple[int, int]]]:
    encoding = model.tokenizer(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
        split_special_tokens=as_text,
    )
    return list(zip(encoding["input_ids"], encoding["offset_mapping"], strict=True))
