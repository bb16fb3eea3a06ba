"""What is a prompt of a recipe: one text, or the turns of a conversation?"""

from dataclasses import dataclass
from typing import Literal, get_args

from steering.errors import RecipeError

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation, in the words of chat templates.

    Attributes:
        role: who speaks.
        content: what is said; never empty.
    """

    role: Role
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise RecipeError(f"role is {self.role!r}; choose one of {', '.join(ROLES)}.")
        if not self.content.strip():
            raise RecipeError(f"content of the {self.role} turn is empty; write at least one word.")


Prompt = str | tuple[Turn, ...]
"""One user's turn as a plain text, or a conversation that the model goes on with."""
