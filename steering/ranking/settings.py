"""What can be chosen about a ranking?"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

from steering.errors import SteeringError
from steering.positions import POSITIONS, Positions
from steering.scores.calibrated_f1 import DEFAULT_PI0


@runtime_checkable
class SplitRows(Protocol):
    """Which rows thresholds are fitted on, and which only judge them; ``steering.examples.Split`` is one."""

    @property
    def train(self) -> Int[np.ndarray, " n_train"]:
        """Rows that scores and thresholds are fitted on."""
        ...

    @property
    def heldout(self) -> Int[np.ndarray, " n_heldout"]:
        """Rows that nothing is fitted on; may be empty."""
        ...


MAX_DRAWS = 10_000
"""Permutations and resamples at most: an interval's end is known to a hundredth of its width long before."""


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """The choices behind a ranking, with the paper's defaults where it has them.

    Attributes:
        pi0: the prior that F1 is calibrated to, or "auto": chosen inside the training part (``choose_pi0``).
        heldout: share of the examples held out; used by whoever makes the split.
        seed: of the split, the permutations and the bootstrap.
        positions: which eligible tokens of an example are read.
        candidates: how many of the best features get intervals, q-values and effects.
        min_support: a feature must fire on this many of the label's training positives, or on a fifth of them where
            that is fewer: ten of twelve would be a demand for recall, not for support. (The paper drops *labels* with
            fewer than 50 positives; here that is a warning, because the user brought the label.)
        max_density: a feature that fires on a larger share of eligible tokens is dropped. The paper's 1 % is the
            density on a *generic* corpus. The reference here is the labelled set itself, in which the concept may fill
            half of the texts: a good feature is dense there, and a 1 % rule would drop it first. Read at sentence
            ends, one may fire at nearly all of the positives' and at some others, which is more than a half.
        min_output_score: Arad's S_out at least this (the paper's 1e-3).
        top_k: how many features to keep at the end, best training F1c first (never by held-out score: choosing by it
            would spoil it).
        use_support: whether the support filter is on.
        use_density: whether the density filter is on.
        use_output_score: whether the output-score filter is on. Off: ranked by interpretability alone, the paper's
            claim (ii). It needs effects.
        use_top_k: whether the top-K filter is on. It needs ``top_k``.
        n_permutations: of the labels, for the noise floor; at most `MAX_DRAWS`.
        n_resamples: of the bootstrap; at most `MAX_DRAWS`.
    """

    pi0: float | Literal["auto"] = DEFAULT_PI0
    heldout: float = 0.3
    seed: int = 0
    positions: Positions = "all"
    candidates: int = 200
    min_support: int = 10
    max_density: float = 0.8
    min_output_score: float = 1e-3
    top_k: int | None = None
    use_support: bool = True
    use_density: bool = True
    use_output_score: bool = False
    use_top_k: bool = False
    n_permutations: int = 200
    n_resamples: int = 1000

    def __post_init__(self) -> None:
        if self.pi0 != "auto" and not (isinstance(self.pi0, float) and 0 < self.pi0 < 1):
            raise SteeringError(
                f'pi0 is {self.pi0!r}; pass a probability strictly between 0 and 1 (default 0.001), or "auto".'
            )
        for name, low, high in (("heldout", 0.0, 0.9), ("max_density", 0.0, 1.0), ("min_output_score", 0.0, 1.0)):
            if not low <= getattr(self, name) <= high:
                raise SteeringError(f"{name} is {getattr(self, name)!r}; it is a share between {low:g} and {high:g}.")
        for name, low in (
            ("candidates", 1),
            ("min_support", 1),
            ("n_permutations", 1),
            ("n_resamples", 1),
            ("seed", 0),
        ):
            if getattr(self, name) < low:
                raise SteeringError(f"{name} is {getattr(self, name)!r}; it is a whole number of at least {low}.")
        for name in ("n_permutations", "n_resamples"):
            if getattr(self, name) > MAX_DRAWS:
                raise SteeringError(f"{name} is {getattr(self, name):,}; choose {MAX_DRAWS:,} at most.")
        if self.positions not in POSITIONS:
            raise SteeringError(f"positions is {self.positions!r}; choose {' or '.join(POSITIONS)}.")
        if self.use_top_k and (self.top_k is None or self.top_k < 1):
            raise SteeringError(f"The top-K filter is on and top_k is {self.top_k!r}; say how many features to keep.")

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name."""
        return asdict(self)
