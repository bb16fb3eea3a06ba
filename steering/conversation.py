"""What was said to a model and what did it answer, turn by turn?"""

from dataclasses import dataclass
from typing import Literal

from steering.errors import SteeringError

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn.

    Attributes:
        role: who speaks.
        text: what is said; an answer may be empty.
    """

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns that take each other's place, the user's first.

    Attributes:
        turns: at least one. After a user's turn the model's is due; an assistant's at the end is there to be read.
        system: the system prompt, None without one.
    """

    turns: tuple[Turn, ...]
    system: str | None = None

    def __post_init__(self) -> None:
        roles = [turn.role for turn in self.turns]
        if not roles or roles != ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2):
            raise SteeringError(
                f"The turns of a conversation are {', '.join(roles) or 'none'}; begin with user and take it in turns "
                "with assistant."
            )

    @property
    def prompt(self) -> str:
        """The user's last turn."""
        return next(turn.text for turn in reversed(self.turns) if turn.role == "user")

    @property
    def asked(self) -> str:
        """All that the user said; the same in every branch of a conversation, whatever was answered there."""
        return "\n".join(turn.text for turn in self.turns if turn.role == "user")

    def answered(self, answer: str, then: str) -> "Conversation":
        """The conversation one step on: the model's answer, and what the user says to it.

        Raises:
            SteeringError: it is not the model's turn.
        """
        return Conversation((*self.turns, Turn("assistant", answer), Turn("user", then)), self.system)


@dataclass(frozen=True, slots=True)
class ChatSupport:
    """What can be asked of a model in a conversation.

    Attributes:
        has_template: whether turns are told apart; without, they are joined by line breaks into one text.
        no_system: why there can be no system prompt, None where there can.
    """

    has_template: bool
    no_system: str | None


Prompt = str | Conversation
"""What a model is to answer: a single prompt, or a conversation that ends with the user's turn."""


def as_conversation(prompt: Prompt) -> Conversation:
    """A prompt as a conversation of one turn; a conversation as it is."""
    return prompt if isinstance(prompt, Conversation) else Conversation((Turn("user", prompt),))
