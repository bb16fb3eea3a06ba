"""With which settings is a whole model fine-tuned? No torch here."""

import math
from dataclasses import dataclass

from steering.errors import AdapterError


@dataclass(frozen=True, slots=True)
class FineTuneSettings:
    """How all weights are trained. The defaults are AxBench's SFT of Gemma-2-2B (Wu et al. 2025, appendix).

    Attributes:
        learning_rate: of AdamW, falling linearly to 0.
        weight_decay: of AdamW.
        epochs: passes over the examples.
        batch_size: examples an update is made of.
        micro_batch_size: examples in memory at once; no effect on the result beyond rounding.
        seed: of the order of the examples.

    Raises:
        AdapterError: a value outside its range.
    """

    learning_rate: float = 4e-5
    weight_decay: float = 0.0
    epochs: int = 8
    batch_size: int = 72
    micro_batch_size: int = 18
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "micro_batch_size"):
            if getattr(self, name) < 1:
                raise AdapterError(f"The fine-tune's {name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 < self.learning_rate < math.inf:
            raise AdapterError(f"The fine-tune's learning_rate is {self.learning_rate}; it must be a positive number.")
        if not 0 <= self.weight_decay < math.inf:
            raise AdapterError(f"The fine-tune's weight_decay is {self.weight_decay}; it must be at least 0.")
