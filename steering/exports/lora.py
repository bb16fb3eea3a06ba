"""How does an adapter leave for other tools, at the scaling that was compared?"""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from steering.errors import AdapterError
from steering.exports.packing import zipped
from steering.lora.adapter import Adapter


def at_scaling(adapter: Adapter, scaling: float) -> Adapter:
    """The same adapter with a scaling factor worked into it, so that it does at 1 what it did at ``scaling``.

    B A is multiplied by it, through B alone: peft knows one lora_alpha for all modules, but an adapter may have
    patterns.

    Raises:
        AdapterError: the scaling is not a finite number.
    """
    if not torch.isfinite(torch.tensor(scaling)):
        raise AdapterError(f"The adapter's scaling is {scaling}; it must be a finite number.")
    if scaling == 1:
        return adapter
    return replace(
        adapter,
        tensors={
            name: tensor * scaling if name.endswith("lora_B.weight") else tensor
            for name, tensor in adapter.tensors.items()
        },
    )


def adapter_zip(adapter: Adapter, scaling: float = 1.0) -> bytes:
    """The folder that peft reads, packed.

    Raises:
        AdapterError: the scaling is not a finite number.
    """
    with tempfile.TemporaryDirectory() as folder:
        at_scaling(adapter, scaling).save(Path(folder))
        return zipped(Path(folder))
