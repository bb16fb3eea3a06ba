"""Which features are dropped before anybody looks at them, by which rule, and how many?"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool


@dataclass(frozen=True, slots=True)
class FilterStep:
    """One rule of the denoising stack and what it did.

    Attributes:
        name: "fires", "support", "density", "candidates", "output_score" or "top_k".
        enabled: whether the rule was applied.
        n_before: features that reached it.
        n_removed: features it dropped; 0 where it is off.
        threshold: the number it compared with, after adapting it to the data; None where there is none.
        description: one sentence for the screen.
    """

    name: str
    enabled: bool
    n_before: int
    n_removed: int
    threshold: float | None
    description: str

    @property
    def n_after(self) -> int:
        """Features that passed."""
        return self.n_before - self.n_removed

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name."""
        return asdict(self)


@dataclass(slots=True)
class FilterStack:
    """Applies rules one after the other and keeps the count.

    Attributes:
        kept: features that passed every rule so far.
        steps: what each rule did, in order.
    """

    kept: Bool[np.ndarray, " d_sae"]
    steps: list[FilterStep]

    def apply(
        self, name: str, passes: Bool[np.ndarray, " d_sae"], *, enabled: bool, threshold: float | None, description: str
    ) -> None:
        """Drop what does not pass, if the rule is on, and write down how many that were."""
        before = int(self.kept.sum())
        if enabled:
            self.kept = self.kept & passes
        removed = before - int(self.kept.sum())
        self.steps.append(FilterStep(name, enabled, before, removed, threshold, description))


def least_support(min_support: int, n_positive: int) -> int:
    """min(min_support, ⌈P/5⌉): on how many of P training positives a feature must fire."""
    return min(min_support, math.ceil(n_positive / 5))
