"""With which settings are directions learned? AxBench's tables, by name. No torch here.

The 2B settings are for Gemma-2-2B, the 9B settings for Gemma-2-9B; AxBench chose them on Concept10 by how well the
directions detect, not by how well they steer (Wu et al. 2025, appendix).
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from steering.errors import DirectionError

Preset = Literal["axbench_2b", "axbench_9b"]
PRESETS: tuple[Preset, ...] = get_args(Preset)


def _require(name: str, value: int | float, holds: bool, wanted: str) -> None:
    if not holds:
        raise DirectionError(f"The direction's {name} is {value}; it must be {wanted}.")


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """What all learned directions share. AdamW, the learning rate falling linearly to 0, no warm-up.

    Attributes:
        batch_size: texts an update is made of.
        learning_rate: at the first update.
        weight_decay: of AdamW.
        epochs: passes over the texts.

    Raises:
        DirectionError: a value outside its range.
    """

    batch_size: int
    learning_rate: float
    weight_decay: float
    epochs: int

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _require("learning_rate", self.learning_rate, 0 < self.learning_rate < math.inf, "a positive number")
        _require("weight_decay", self.weight_decay, 0 <= self.weight_decay < math.inf, "at least 0")

    def n_updates(self, n_texts: int) -> int:
        """Updates in all."""
        return self.epochs * math.ceil(n_texts / self.batch_size)


@dataclass(frozen=True, slots=True)
class ProbeSettings(LearningSettings):
    """How the probe is fitted; see :class:`LearningSettings`."""

    batch_size: int = 12
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3
    epochs: int = 24


@dataclass(frozen=True, slots=True)
class SsvSettings(LearningSettings):
    """How the supervised steering vector is learned; see :class:`LearningSettings`.

    Attributes:
        start: every entry of the vector before the first update.
    """

    batch_size: int = 6
    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    epochs: int = 3
    start: float = 0.01

    def __post_init__(self) -> None:
        LearningSettings.__post_init__(self)  # a dataclass with slots is another class than super() means
        _require("start", self.start, math.isfinite(self.start), "a number")


@dataclass(frozen=True, slots=True)
class ReftSettings(LearningSettings):
    """How ReFT-r1 is learned; see :class:`LearningSettings`.

    Attributes:
        top: latents of a text whose mean is the strength of the edit.
        sparsity: weight of the other latents' mean in the loss, times the share of updates done before: 0 at the
            first of n updates, (n - 1)/n at the last.
        clip: largest norm of the gradient.
    """

    batch_size: int = 6
    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    epochs: int = 3
    top: int = 8
    sparsity: float = 5e-3
    clip: float = 1.0

    def __post_init__(self) -> None:
        LearningSettings.__post_init__(self)
        _require("top", self.top, self.top >= 1, "at least 1")
        _require("sparsity", self.sparsity, 0 <= self.sparsity < math.inf, "at least 0")
        _require("clip", self.clip, self.clip > 0, "a positive number")


PROBE_PRESETS: dict[Preset, ProbeSettings] = {
    "axbench_2b": ProbeSettings(),
    "axbench_9b": ProbeSettings(learning_rate=1e-3, weight_decay=1e-4),
}
SSV_PRESETS: dict[Preset, SsvSettings] = {"axbench_2b": SsvSettings(), "axbench_9b": SsvSettings()}
REFT_PRESETS: dict[Preset, ReftSettings] = {
    "axbench_2b": ReftSettings(),
    "axbench_9b": ReftSettings(learning_rate=5e-3),
}
