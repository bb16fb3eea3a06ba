"""What does a judge say about one completion?"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from steering.errors import SteeringError


@dataclass(frozen=True, slots=True)
class Score:
    """Three ratings of one completion and the reasons for them.

    Attributes:
        concept: 0 absent, 1 present but weak or forced, 2 clearly present.
        instruction: 0 ignores the instruction, 1 partly answers it, 2 answers it.
        fluency: 0 broken, 1 flawed, 2 fluent.
        reasons: short sentences, each naming the part of the text that earned or cost a rating.
    """

    concept: int
    instruction: int
    fluency: int
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("concept", "instruction", "fluency"):
            if getattr(self, name) not in (0, 1, 2):
                raise SteeringError(f"The {name} rating is {getattr(self, name)!r}; a judge must answer 0, 1 or 2.")

    @property
    def overall(self) -> float:
        """Harmonic mean of the three ratings, 0 if any of them is 0 (AxBench, section 4.2)."""
        ratings = (self.concept, self.instruction, self.fluency)
        if 0 in ratings:
            return 0.0
        return 3.0 / sum(1.0 / rating for rating in ratings)


@runtime_checkable
class Judge(Protocol):
    """Anything that can score completions for a concept."""

    @property
    def name(self) -> str:
        """What stands on the screen beside the scores."""
        ...

    def knows(self, concept: str) -> bool:
        """Whether this judge can tell if a text carries ``concept``."""
        ...

    def score(self, concept: str, prompt: str, text: str) -> Score:
        """Rate ``text``, an answer to ``prompt``, for ``concept``."""
        ...
