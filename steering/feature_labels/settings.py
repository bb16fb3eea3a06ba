"""What can be chosen about a labelling run?"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from steering.errors import SteeringError


@dataclass(frozen=True, slots=True)
class LabellingSettings:
    """The choices behind a table of labels.

    Attributes:
        pi0: the prior that F1 is calibrated to, or "auto": chosen on the validation part.
        top: features kept for each label; the best label of every feature is kept besides.
        min_support: a feature must fire on this many of a label's training positives, or on a fifth where that is
            fewer, to be a candidate for the label.
        max_density: features that fire on a larger share of the training part's eligible tokens get no label.
        seed: of the split.
        shard: examples read between two savings of the work.
        effects: whether output score and token confidence are measured.
    """

    pi0: float | Literal["auto"] = "auto"
    top: int = 200
    min_support: int = 10
    max_density: float = 0.5
    seed: int = 0
    shard: int = 256
    effects: bool = True

    def __post_init__(self) -> None:
        if self.pi0 != "auto" and not 0 < self.pi0 < 1:
            raise SteeringError(f'pi0 is {self.pi0}; give a probability strictly between 0 and 1, or "auto".')
        for name, value in (("top", self.top), ("min_support", self.min_support), ("shard", self.shard)):
            if value < 1:
                raise SteeringError(f"{name} is {value}; give a whole number from 1 up.")
        if not 0 < self.max_density <= 1:
            raise SteeringError(f"max_density is {self.max_density}; give a share above 0, at most 1.")

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name."""
        return asdict(self)
