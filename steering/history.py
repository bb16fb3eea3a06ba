"""What was there before the last change, and before that? A bounded line of states to go back and forth on."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from steering.errors import SteeringError

T = TypeVar("T")

LIMIT = 50
"""States that one can go back to; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class History(Generic[T]):
    """States in order, of which one is present.

    Attributes:
        present: the state in force.
        past: those before it, oldest first, at most `LIMIT`.
        future: those that were gone back from, the next first; a new state takes them away.
    """

    present: T
    past: tuple[T, ...] = ()
    future: tuple[T, ...] = ()

    def step(self, state: T) -> "History[T]":
        """Go on to another state; the present one again is no step."""
        if state == self.present:
            return self
        return History(state, (*self.past, self.present)[-LIMIT:])

    def amended(self, state: T) -> "History[T]":
        """The same, with the present state told more fully; no step."""
        return replace(self, present=state)

    def back(self) -> "History[T]":
        """The state before.

        Raises:
            SteeringError: there is none.
        """
        if not self.past:
            raise SteeringError("There is nothing before this to go back to; change something first.")
        *past, before = self.past
        return History(before, tuple(past), (self.present, *self.future))

    def forth(self) -> "History[T]":
        """The state that was gone back from.

        Raises:
            SteeringError: there is none.
        """
        if not self.future:
            raise SteeringError("There is nothing to do again; undo something first.")
        after, *future = self.future
        return History(after, (*self.past, self.present), tuple(future))
