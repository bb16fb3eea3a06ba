"""Which methods can be run by name? Light: what a method needs is imported when it is prepared."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from steering.errors import SteeringError

if TYPE_CHECKING:
    from steering.methods.task import Prepared, Task

Dose = Literal["none", "stream", "scaling"]
GRID_POINTS = 14
"""Factors that a method with a dose is tried at, as in AxBench."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way of steering.

    Attributes:
        name: in tables.
        title: on the screen.
        home: module below ``steering.methods`` with a function of this name.
        needs_sae: whether it steers with features; every other method uses the SAE's hook point only.
        needs_other: whether it needs a second concept.
        is_control: whether it is there to be beaten.
        by_name_only: whether ``all`` leaves it out: it came after the names that stored tables have.
        dose: what its factor is: nothing, a share of the stream's norm, or a multiple of the adapter's scaling.
    """

    name: str
    title: str
    home: str
    needs_sae: bool = False
    needs_other: bool = False
    is_control: bool = False
    by_name_only: bool = False
    dose: Dose = "stream"

    @property
    def n_factors(self) -> int:
        """Points of its grid."""
        return 1 if self.dose == "none" else GRID_POINTS

    def prepare(self, task: "Task") -> "Prepared":
        """Fit it to a task.

        Raises:
            SteeringError: the method cannot be had for this task; a result, not a fault of the run.
        """
        found: Prepared = getattr(import_module(f"steering.methods.{self.home}"), self.name)(task)
        return found


METHODS: tuple[Method, ...] = (
    Method("prompt", "Prompt", "prompted", dose="none"),
    Method("sae_label", "SAE by label search", "sae", needs_sae=True),
    Method("sae_auroc", "SAE by AUROC", "sae", needs_sae=True),
    Method("sae_f1c", "SAE by calibrated F1", "sae", needs_sae=True),
    Method("sae_f1c_output", "SAE by calibrated F1 and output score", "sae", needs_sae=True),
    Method("sae_f1c_confidence", "SAE by calibrated F1 and token confidence", "sae", needs_sae=True),
    Method("sae_topk", "SAE, best features together", "sae", needs_sae=True),
    Method("diffmean", "DiffMean", "directions"),
    Method("pca", "PCA", "directions"),
    Method("lat", "LAT", "directions"),
    Method("probe", "Linear probe", "directions"),
    Method("ssv", "Supervised steering vector", "directions"),
    Method("reft_r1", "ReFT-r1", "directions"),
    Method("lora", "LoRA", "adapters", dose="scaling"),
    Method("sft", "Fine-tuning of all weights", "adapters", dose="none"),
    Method("random_feature", "Random feature of matched density", "controls", needs_sae=True, is_control=True),
    Method("random_direction", "Random direction", "directions", is_control=True),
    Method("other_concept", "Another concept's feature", "controls", needs_sae=True, needs_other=True, is_control=True),
    Method("random_dictionary", "Random dictionary", "controls", needs_sae=True, is_control=True, by_name_only=True),
    Method("none", "Untouched model", "prompted", is_control=True, dose="none"),
)
"""In the order of tables: all names of ``steering.evidence.table``."""

METHOD_NAMES = tuple(one.name for one in METHODS if not one.by_name_only)
"""What ``all`` stands for."""


def method(name: str) -> Method:
    """The method called ``name``.

    Raises:
        SteeringError: there is none.
    """
    for one in METHODS:
        if one.name == name:
            return one
    raise SteeringError(f"There is no method {name!r}; the methods are {', '.join(one.name for one in METHODS)}.")
