"""How does a conversation stand in a recipe: as the list of turns that chat templates take?

In memory it is a :class:`steering.conversation.Conversation`, which keeps the system prompt apart.
"""

from collections.abc import Mapping
from typing import Any

from steering.conversation import Conversation, Turn
from steering.errors import RecipeError, SteeringError
from steering.recipes.checks import check_characters, check_choice, check_text

ROLES = ("system", "user", "assistant")
_KEYS = {"role", "content"}


def conversation_to_json(conversation: Conversation) -> list[dict[str, str]]:
    """Role and content of every turn, the system prompt first."""
    system = [] if conversation.system is None else [{"role": "system", "content": conversation.system}]
    return system + [{"role": turn.role, "content": turn.text} for turn in conversation.turns]


def conversation_from_json(content: list[Any], where: str) -> Conversation:
    """The conversation in a list of turns.

    Args:
        content: of the file.
        where: the place in the file, for messages.

    Raises:
        RecipeError: a turn with other keys, roles out of turn, or a system turn behind another one.
    """
    said: list[tuple[str, str]] = []
    for place, turn in enumerate(content):
        name = f"{where}[{place}]"
        if not _is_turn(turn):
            raise RecipeError(f"{name} is no turn; expected an object with the texts role and content, nothing else.")
        check_choice(f"{name}.role", turn["role"], ROLES)
        check_characters(f"{name}.content", turn["content"])
        said.append((turn["role"], turn["content"]))
    system = said[0][1] if said and said[0][0] == "system" else None
    if any(role == "system" for role, _ in said[1:]):
        raise RecipeError(f"{where} has a system turn behind another turn; only a conversation's first may be one.")
    turns = tuple(Turn(role, text) for role, text in said if role != "system")  # type: ignore[arg-type]  # checked
    try:
        return Conversation(turns, system)
    except SteeringError as error:
        raise RecipeError(f"{where}: {error}") from error


def _is_turn(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == _KEYS and all(isinstance(one, str) for one in value.values())


def check_conversation(where: str, conversation: Conversation) -> None:
    """A conversation whose next word is the model's.

    Raises:
        RecipeError: the model spoke last, or somebody else said nothing.
    """
    if conversation.turns[-1].role != "user":
        raise RecipeError(
            f"{where} is a conversation that does not end with a user turn; add one, or take away what stands behind "
            "the last."
        )
    if conversation.system is not None:
        check_text(f"{where}: content of the system turn", conversation.system)
    for turn in conversation.turns:
        if turn.role == "user" or turn.text:  # an answer may be empty
            check_text(f"{where}: content of the {turn.role} turn", turn.text)
