"""What does every method start from, and what does it leave behind?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from steering.examples import LabelledExamples, Split
from steering.generation.condition import Condition
from steering.statistics import FeatureStatistics
from steering.workbench import Loaded

STREAM_SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5)
"""Sizes of an edit in medians of the residual norm, as many points as AxBench's grid (method.md, section 4)."""
ADAPTER_SCALES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0, 2.5)
"""Factors on an adapter's own scaling; 1 is as trained."""
REPEATS = tuple(float(number) for number in range(1, len(STREAM_SHARES) + 1))
"""A method without a strength is drawn as often as the others have strengths (AxBench, 14 repeats)."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One concept on one model with one SAE.

    Attributes:
        loaded: model and SAE.
        concept: what is steered, as the judge and the prompt baseline call it.
        examples: labelled texts.
        label: their label of the concept.
        split: methods are fitted on its training rows alone.
        statistics: of every feature on every example.
        seed: of everything a method draws.
        other: the task of another concept, for the control that steers with the wrong feature.
    """

    loaded: Loaded
    concept: str
    examples: LabelledExamples
    label: str
    split: Split
    statistics: FeatureStatistics
    seed: int = 0
    other: "Task | None" = None

    @property
    def resid_norm(self) -> float:
        """Median norm of the stream at the SAE's hook point: on its reference set, else on the examples."""
        reference = self.loaded.reference
        return reference.resid_norm if reference is not None else self.statistics.resid_norm

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
        factors: the grid, in the method's own unit, rising; one for each of `STREAM_SHARES`.
        details: what was fitted, in plain values for the manifest (feature ids, scores, losses).
    """

    method: str
    at: Callable[[float], Condition]
    factors: tuple[float, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
