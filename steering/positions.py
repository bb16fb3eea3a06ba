"""Which tokens of an example are read? No torch here: settings and screens name them before it is loaded."""

from typing import Literal, get_args

Positions = Literal["all", "sentence_ends"]
"""All eligible tokens, or those that end a sentence of the text (``steering.sentence_ends`` says which). Each is a
``steering.interventions.Scope`` of the same name, so what was read somewhere can be written there."""
POSITIONS: tuple[Positions, ...] = get_args(Positions)
