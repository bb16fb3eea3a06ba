"""With which settings is an adapter trained? No torch here: pages show these before the heavy libraries are loaded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from steering.errors import AdapterError

Targets = Literal["attention_output", "all_linear"]
TARGETS: tuple[Targets, ...] = get_args(Targets)

_SHALLOW = 8
_AXBENCH_LAYERS = (5, 10, 15, 20)
_AXBENCH_DEPTH = 26  # of Gemma-2-2B


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """How one adapter is trained. The defaults are AxBench's recipe for Gemma-2-2B (Wu et al. 2025, appendix).

    Attributes:
        rank: width of the bottleneck.
        alpha: the update is scaled by ``alpha / sqrt(rank)`` with rsLoRA, else by ``alpha / rank``.
        use_rslora: see ``alpha``.
        dropout: of the adapter's input while it trains, in [0, 1).
        targets: ``attention_output`` adapts the projection with which attention writes into the residual stream
            (o_proj, c_proj or dense, by family); ``all_linear`` every linear map inside the decoder layers.
        layers: zero-based; None takes every layer of a model of at most 8, else AxBench's four, scaled to its depth.
        learning_rate: of AdamW, falling linearly to 0.
        weight_decay: of AdamW.
        epochs: passes over the examples.
        batch_size: examples an update is made of.
        micro_batch_size: examples in memory at once; no effect on the result beyond rounding and dropout.
        learn_to_stop: whether the token that ends an answer is learnt too. AxBench trains on the bare answer; where
            answers are short, adapters then never stop.
        validation_share: share of the examples kept aside to stop early, in [0, 1); 0 uses all for training.
        patience: epochs without a lower validation loss after which training ends; the best epoch is kept.
        seed: of the initial weights, the order, the dropout and the choice of validation examples.

    Raises:
        AdapterError: a value outside its range, or early stopping half asked for.
    """

    rank: int = 4
    alpha: float = 32.0
    use_rslora: bool = True
    dropout: float = 0.05
    targets: Targets = "attention_output"
    layers: tuple[int, ...] | None = None
    learning_rate: float = 9e-4
    weight_decay: float = 0.0
    epochs: int = 24
    batch_size: int = 36
    micro_batch_size: int = 18
    learn_to_stop: bool = False
    validation_share: float = 0.0
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rank", "epochs", "batch_size", "micro_batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise AdapterError(f"The adapter's {name} is {value}; it must be at least 1.")
        for name in ("alpha", "learning_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise AdapterError(f"The adapter's {name} is {value}; it must be a positive number.")
        for name in ("dropout", "validation_share"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise AdapterError(f"The adapter's {name} is {value}; it must be at least 0 and below 1.")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise AdapterError(f"The adapter's weight_decay is {self.weight_decay}; it must be 0 or more.")
        if self.targets not in TARGETS:
            raise AdapterError(f"The targets {self.targets!r} are unknown; choose one of {', '.join(TARGETS)}.")
        if self.layers is not None and not self.layers:
            raise AdapterError("No layer is chosen for the adapter; choose at least one, or None for the default.")
        if (self.patience is None) != (self.validation_share == 0):
            raise AdapterError(
                f"Early stopping needs both a patience and a validation share, got {self.patience} and "
                f"{self.validation_share}; set both, or None and 0."
            )

    def layers_of(self, n_layers: int) -> tuple[int, ...]:
        """The layers that are adapted in a model of ``n_layers``.

        Raises:
            AdapterError: a chosen layer does not exist.
        """
        if self.layers is not None:
            missing = [layer for layer in self.layers if not 0 <= layer < n_layers]
            if missing:
                raise AdapterError(
                    f"The adapter is to sit in layer {missing[0]}, but this model has layers 0 to {n_layers - 1}."
                )
            return tuple(sorted(set(self.layers)))
        if n_layers <= _SHALLOW:
            return tuple(range(n_layers))
        return tuple(round(layer * n_layers / _AXBENCH_DEPTH) for layer in _AXBENCH_LAYERS)


LORA_PRESETS: Mapping[str, LoraSettings] = MappingProxyType(
    {
        "axbench": LoraSettings(),
        "small": LoraSettings(
            rank=8,
            alpha=16.0,
            targets="all_linear",
            learning_rate=5e-3,
            epochs=5,
            batch_size=8,
            micro_batch_size=8,
            learn_to_stop=True,
        ),
        "all-linear": LoraSettings(
            rank=8, alpha=16.0, targets="all_linear", learning_rate=2e-4, epochs=8, batch_size=12, micro_batch_size=4
        ),
    }
)
"""AxBench's recipe; one for models of a few million parameters on a CPU; one that reaches every linear map."""


def preset_for(n_parameters: int) -> str:
    """Name of the preset that suits a model of this size: ``small`` below 50 million parameters."""
    return "small" if n_parameters < 50_000_000 else "axbench"
