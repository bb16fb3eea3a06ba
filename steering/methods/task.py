"""What does every method start from, and what does it leave behind?"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from steering.activations import collect_statistics
from steering.examples import LabelledExamples, Split
from steering.generation.condition import Condition
from steering.positions import Positions
from steering.ranking import FeatureRank
from steering.statistics import FeatureStatistics
from steering.workbench import Loaded

STREAM_SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0, 2.5)
"""Sizes of an edit in medians of the residual norm, as many points as AxBench's grid (method.md, section 4)."""
ADAPTER_SCALES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0, 2.5)
"""Factors on an adapter's own scaling; 1 is as trained."""
UNDOSED = (0.0,)
"""The grid of a method without a strength. AxBench draws such a method once for every factor of the others; here every
condition sees the same random numbers, so repeats would be the same texts."""


# No slots: cached_property keeps its value in the instance.
@dataclass(frozen=True, eq=False)
class Task:
    """One concept on one model with one SAE.

    Attributes:
        loaded: model and SAE; directions are read and written at the SAE's hook point.
        concept: what is steered, as the prompt baseline calls it.
        examples: labelled texts.
        label: their label of the concept.
        split: methods are fitted on its training rows alone.
        seed: of everything a method draws.
        others: each makes the task of another concept, for the control that steers with the wrong feature; the first
            that serves is taken.
        should_stop: asked now and then by methods that take long.
        positions: which tokens features and directions are read at, and so also where they are written.
        ranked: the features by F1c, with effects (True) and without, once a method has asked for them.
    """

    loaded: Loaded
    concept: str
    examples: LabelledExamples
    label: str
    split: Split
    seed: int = 0
    others: "tuple[Callable[[], Task], ...]" = ()
    should_stop: Callable[[], bool] | None = None
    positions: Positions = "all"
    ranked: dict[bool, tuple[FeatureRank, ...]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def statistics(self) -> FeatureStatistics:
        """Of every feature on every example; read on first use, for most methods need none."""
        return collect_statistics(
            self.loaded.model, self.loaded.sae, self.examples.texts, self.examples.prompts, positions=self.positions
        )

    @property
    def resid_norm(self) -> float:
        """Median norm of the stream at the SAE's hook point: on its reference set, else on the examples."""
        reference = self.loaded.reference
        return reference.resid_norm if reference is not None else self.statistics.resid_norm

    @property
    def drawing_seed(self) -> int:
        """Of a control, another for every concept: one draw for all would be in no interval over concepts."""
        return zlib.crc32(f"{self.seed} {self.concept}".encode())

    def max_act(self, feature_id: int) -> float:
        """Largest activation of a feature: on the SAE's reference set, else on the examples."""
        reference = self.loaded.reference
        found = reference.max_act if reference is not None else self.statistics.max_act
        return float(found[feature_id])

    def sides(self) -> tuple[list[int], list[int]]:
        """Training rows with the label and without it."""
        positive = self.examples.label(self.label)
        rows = self.split.train
        return rows[positive[rows]].tolist(), rows[~positive[rows]].tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A method fitted to a task, ready to answer prompts at any strength.

    Attributes:
        method: its name in tables.
        at: factor → condition.
        factors: the grid, rising, the same for every concept so that curves can be averaged: shares of the stream's
            norm for features and directions, multiples of the trained scaling for an adapter, 0 for what has no dose.
        unit: what one step of ``factors`` is in the unit that the app's slider has for this very feature or direction
            (units of max_act or of the largest projection).
        details: what was fitted, in plain values for the manifest (feature ids, scores, losses).
    """

    method: str
    at: Callable[[float], Condition]
    factors: tuple[float, ...]
    unit: float = 1.0
    details: Mapping[str, Any] = field(default_factory=dict)
