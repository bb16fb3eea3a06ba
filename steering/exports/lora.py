"""An adapter for other tools: as a peft folder at the scaling that was compared, or merged into the whole model."""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor

from steering.errors import AdapterError, ExportError
from steering.exports.packing import zipped
from steering.lora.adapter import Adapter, applied
from steering.models import LanguageModel


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


def write_merged(model: LanguageModel, adapter: Adapter, folder: Path, *, scaling: float = 1.0) -> Path:
    """Write the whole model with the adapter in its weights: a folder for ``AutoModelForCausalLM.from_pretrained``.

    The model in memory stays what it is.

    Raises:
        AdapterError: the adapter does not fit the model, or the scaling is not a finite number.
        ExportError: the adapter changes a weight that the model uses in two places.
    """
    changes: dict[str, Tensor] = {}
    with applied(model, adapter, scale=scaling):
        for path in adapter.module_paths:
            layer = model.model.get_submodule(path)
            assert isinstance(layer, LoraLayer)
            (slot,) = layer.scaling
            changes[f"{path}.weight"] = layer.get_delta_weight(slot).detach().float().cpu()  # type: ignore[operator]
    with model.running() as network:
        weights = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
        places = [tensor.data_ptr() for tensor in network.state_dict().values()]
        for name, change in changes.items():
            if places.count(network.state_dict()[name].data_ptr()) > 1:
                raise ExportError(
                    f"The adapter changes {name}, which this model uses in two places (tied weights), so a merged "
                    "model would change both; export the adapter as a peft folder."
                )
            weights[name] = (weights[name].float() + change).to(weights[name].dtype)
        folder.mkdir(parents=True, exist_ok=True)
        network.save_pretrained(folder, state_dict=weights)
        model.tokenizer.save_pretrained(folder)
    return folder


def merged_zip(model: LanguageModel, adapter: Adapter, scaling: float = 1.0) -> bytes:
    """The folder of :func:`write_merged`, packed; as large as the model.

    Raises:
        AdapterError: as there.
        ExportError: as there.
    """
    with tempfile.TemporaryDirectory() as folder:
        return zipped(write_merged(model, adapter, Path(folder), scaling=scaling))
