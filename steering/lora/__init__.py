"""How is a LoRA adapter trained on the positives, kept, and switched on for a while?

Names are imported from where they live on first use, so that a page can offer the settings without waiting for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steering.lora.adapter import Adapter, applied, load_adapter
    from steering.lora.settings import LORA_PRESETS, LoraSettings, preset_for
    from steering.lora.training import train_lora

__all__ = [
    "LORA_PRESETS",
    "Adapter",
    "LoraSettings",
    "applied",
    "load_adapter",
    "preset_for",
    "train_lora",
]

_HOMES = {
    "LORA_PRESETS": "settings",
    "Adapter": "adapter",
    "LoraSettings": "settings",
    "applied": "adapter",
    "load_adapter": "adapter",
    "preset_for": "settings",
    "train_lora": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
