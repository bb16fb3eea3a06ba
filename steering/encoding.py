"""Which tokens does the model read for a text, and which of them count?

Eligible tokens are the content: no BOS, no padding, no special token, nothing that the chat template wrote. They are
found by character offsets in the rendered conversation, so the rule is the same for every template.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from steering.chat_template import Piece, render
from steering.conversation import Conversation, Prompt, Turn, as_conversation
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

    def cut(self, limit: int) -> "EncodedText":
        """The first ``limit`` tokens; what is cut off is the end, and with it the last content."""
        if len(self) <= limit:
            return self
        gone = min(self.n_last, sum(self.eligible[limit:]))
        return EncodedText(self.input_ids[:limit], self.eligible[:limit], truncated=True, n_last=self.n_last - gone)


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
    if prompt is None:
        return _encode(model, [Piece(text, 0)], last=0).cut(_reading_limit(model))
    return encode_conversation(model, Conversation((Turn("user", prompt), Turn("assistant", text))))


def encode_prompt(model: LanguageModel, prompt: Prompt) -> EncodedText:
    """Encode a single prompt, or a conversation that ends with one, for generation; see `encode_conversation`."""
    return encode_conversation(model, as_conversation(prompt))


def encode_conversation(model: LanguageModel, conversation: Conversation) -> EncodedText:
    """Encode a conversation: chat template applied once, exactly one BOS at the front where the model has one.

    Where the user speaks last, it is encoded for generation, up to where the answer begins; where the assistant does,
    for reading, up to the end of that answer. What was asked for generation is never cut: an answer to half a question
    is no answer. Answers of earlier turns are read as texts, not as the tokens they were drawn as. A base model sees
    the turns joined by line breaks.

    Raises:
        ModelError: an empty last prompt, one that does not fit into the context with what was said before, or turns
            that the template refuses, leaves out or rewrites.
    """
    for_reading = conversation.turns[-1].role == "assistant"
    if not for_reading and not conversation.prompt.strip():
        raise ModelError("The prompt is empty; write at least one word.")
    encoded = _encode(model, render(model, conversation), last=len(conversation.turns) - 1)
    if for_reading:
        return encoded.cut(_reading_limit(model))
    if len(encoded) >= model.context_size:
        what, how = "prompt", "shorten the prompt"
        if len(conversation.turns) > 1:
            what, how = f"conversation of {len(conversation.turns)} turns", "start over, or say less"
        raise ModelError(
            f"The {what} has {len(encoded):,} tokens, and the model reads {model.context_size:,} with its answer; "
            f"{how}."
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


def _reading_limit(model: LanguageModel) -> int:
    return min(MAX_CONTEXT, model.context_size)


def _encode(model: LanguageModel, pieces: Sequence[Piece], *, last: int) -> EncodedText:
    """Tokenize the pieces as one text; tokens of the contents are eligible."""
    special_ids = _special_ids(model)
    tokens = _tokenize(model, pieces)
    if any(place is not None and token_id in special_ids for token_id, place in tokens):
        # Somebody's text spells out a special token. It is text, not a command: piece by piece, it is read as such.
        tokens = [
            (token_id, piece.place)
            for piece in pieces
            for token_id, _ in _offsets(model, piece.text, as_text=piece.place is not None)
        ]
    bos_id = model.tokenizer.bos_token_id
    if model.prepend_bos and bos_id is not None:
        # A template may or may not write the BOS itself; either way there is exactly one.
        while tokens and tokens[0] == (bos_id, None):
            del tokens[0]
        tokens.insert(0, (bos_id, None))
    return EncodedText(
        tuple(token_id for token_id, _ in tokens),
        tuple(place is not None for _, place in tokens),
        n_last=sum(place == last for _, place in tokens),
    )


_known_special_ids: WeakKeyDictionary[object, frozenset[int]] = WeakKeyDictionary()


def _special_ids(model: LanguageModel) -> frozenset[int]:
    """Tokens that command: BOS, EOS, and the markers of turns, which not every tokenizer lists among them (Llama 3)."""
    found = _known_special_ids.get(model.tokenizer)
    if found is None:
        added = model.tokenizer.added_tokens_decoder.items()
        found = frozenset(model.tokenizer.all_special_ids) | {token_id for token_id, token in added if token.special}
        _known_special_ids[model.tokenizer] = found
    return found


def _tokenize(model: LanguageModel, pieces: Sequence[Piece]) -> list[tuple[int, int | None]]:
    """Token ids of the whole, each with the place of the content it touches, None for the template's."""
    spans, start = [], 0
    for piece in pieces:
        if piece.place is not None:
            # White space around a content is the template's as much as its own.
            lead = len(piece.text) - len(piece.text.lstrip())
            spans.append((start + lead, start + len(piece.text.rstrip()), piece.place))
        start += len(piece.text)
    whole = "".join(piece.text for piece in pieces)
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
