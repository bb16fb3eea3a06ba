"""How do completions come about: baseline, prompted, steered and adapted under one seed?

Names are imported from where they live on first use, so that stored completions can be read without waiting for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steering.generation.completion import KINDS, Completion, Kind, Receipt
    from steering.generation.condition import Condition
    from steering.generation.decoding import Token, generate
    from steering.generation.sampling import Sampling

__all__ = ["KINDS", "Completion", "Condition", "Kind", "Receipt", "Sampling", "Token", "generate"]

_HOMES = {
    "KINDS": "completion",
    "Completion": "completion",
    "Condition": "condition",
    "Kind": "completion",
    "Receipt": "completion",
    "Sampling": "sampling",
    "Token": "decoding",
    "generate": "decoding",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
