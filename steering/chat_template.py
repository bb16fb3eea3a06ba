"""What does a model's chat template write around the turns of a conversation, and what does it keep of them?

Nothing here knows a template by name: it is rendered with marks in place of the texts, and what stands between the
marks is the template's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from steering.conversation import ChatSupport, Conversation, Turn
from steering.errors import ModelError
from steering.models import LanguageModel
from steering.template_options import TEMPLATE_OPTIONS

SYSTEM = -1
"""Place of the system prompt; the turns have the places 0, 1, ..."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a rendered conversation.

    Attributes:
        text: as the model gets it.
        place: of the turn whose text it is, `SYSTEM` for the system prompt, None for what the template wrote.
    """

    text: str
    place: int | None = None


def chat_support(model: LanguageModel) -> ChatSupport:
    """Find out what a model's template does with a system prompt, by rendering one."""
    try:
        render(model, Conversation((Turn("user", "a"),), system="b"))
    except ModelError as error:
        return ChatSupport(model.has_chat_template, str(error))
    return ChatSupport(model.has_chat_template, None)


def render(model: LanguageModel, conversation: Conversation) -> list[Piece]:
    """The conversation as the model gets it, in pieces that alternate between template and content.

    It ends where the model's answer begins, or behind the last answer: what a template writes after it is left out.
    Without a template the turns are joined by line breaks.

    Raises:
        ModelError: the template refuses these turns, leaves one out, or rewrites a text; or a system prompt without a
            template.
    """
    if not model.has_chat_template:
        if conversation.system is not None:
            raise ModelError(f"{model.name} has no chat template, so it has no place for a system prompt.")
        joints = [Piece("\n" if place else "") for place in range(len(conversation.turns))]
        contents = [Piece(turn.text, place) for place, turn in enumerate(conversation.turns)]
        return [piece for pair in zip(joints, contents, strict=True) for piece in pair]
    places = list(range(0 if conversation.system is None else SYSTEM, len(conversation.turns)))
    texts = [str(conversation.system) if place == SYSTEM else conversation.turns[place].text for place in places]
    roles = ["system" if place == SYSTEM else conversation.turns[place].role for place in places]
    marks = [f"\ue000{number}\ue001" for number in range(len(places))]
    # Odd entries are the numbers in the marks, in the order in which this template puts the texts.
    parts = re.split("\ue000(\\d+)\ue001", _rendered(model, roles, marks))
    order = [int(number) for number in parts[1::2]]
    if sorted(order) != list(range(len(places))):
        lost = next((roles[number] for number in range(len(places)) if order.count(number) != 1), roles[0])
        raise ModelError(
            f"The chat template of {model.name} does not write every {lost} turn exactly once; use a model whose "
            "template keeps them."
        )
    kept = _contents(model, _rendered(model, roles, texts), parts[0::2], [texts[number] for number in order])
    pieces = []
    for frame, number, text in zip(parts[0::2], order, kept, strict=False):
        pieces += [Piece(frame), Piece(text, places[number])]
    return pieces if conversation.turns[-1].role == "assistant" else [*pieces, Piece(parts[-1])]


def _contents(model: LanguageModel, rendered: str, frame: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The texts as the template keeps them: as they are, or without white space or thoughts around them."""
    kept: list[str] = []
    stands = rendered.startswith(frame[0])
    at = len(frame[0])
    for text, after in zip(texts, frame[1:], strict=True):
        answer = text.rpartition("</think>")[2]
        variants = (text, text.rstrip(), text.lstrip(), text.strip(), answer, answer.lstrip("\n"), answer.strip())
        found = next((one for one in variants if rendered.startswith(one + after, at)), None)
        if found is None or not stands:
            stands = False
            break
        kept.append(found)
        at += len(found) + len(after)
    if not stands or at != len(rendered):
        raise ModelError(
            f"The chat template of {model.name} rewrites the text {texts[min(len(kept), len(texts) - 1)][:40]!r}, so "
            "its tokens cannot be told from the template's; use a model whose template keeps texts as they are."
        )
    return kept


def _rendered(model: LanguageModel, roles: Sequence[str], texts: Sequence[str]) -> str:
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    try:
        return str(
            model.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=roles[-1] != "assistant", **TEMPLATE_OPTIONS
            )
        )
    except Exception as error:
        # Templates refuse in their own words through jinja's raise_exception, e.g. a system turn for Gemma.
        if "jinja2" not in type(error).__module__:
            raise
        raise ModelError(f"The chat template of {model.name} refuses these turns: {error}") from error
