"""What is an adapter, how is it kept on disk, and how does it come into a model without leaving a trace?

An adapter is data: peft's configuration and the LoRA matrices. peft builds the LoRA layers; which modules they replace
is read from the names of the matrices, and putting the very same modules back afterwards is done here, so that it
also works when the building failed half-way.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from steering.errors import AdapterError
from steering.lora.settings import LoraSettings
from steering.models import LanguageModel

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
ORIGIN_FILE = "steerscope.json"
ORIGIN_FORMAT = 1

_PREFIX = "base_model.model."  # of every name in peft's files
_SLOT = "steerscope"  # name under which peft keeps the adapter inside its layers

# What of adapter_config.json has an effect here. Everything else must be at peft's default, or say nothing about how
# the matrices are used; some options (layer_replication, PiSSA) would change the base model.
_USED = frozenset({"peft_type", "r", "lora_alpha", "use_rslora", "fan_in_fan_out", "rank_pattern", "alpha_pattern"})
_SILENT = frozenset(
    {
        "auto_mapping", "base_model_name_or_path", "exclude_modules", "inference_mode", "layers_pattern",
        "layers_to_transform", "lora_dropout", "peft_version", "revision", "runtime_config", "target_modules",
        "task_type", "loftq_config", "megatron_core", "qalora_group_size",
    }
)  # fmt: skip
_HARMLESS_INITS = (True, False, "gaussian", None)

LoraLayers = dict[str, Any]
"""Module path → peft's layer there: an nn.Module that is a LoraLayer too, which a type cannot say."""


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """A LoRA adapter that is in no model at present.

    Attributes:
        name: what the screen calls it.
        config: peft's ``adapter_config.json``.
        tensors: as in peft's ``adapter_model.safetensors``: ``…lora_A.weight [rank d_in]`` and ``…lora_B.weight
            [d_out rank]`` for every adapted module, float32, on the CPU.
        model_name: the model it was trained on; empty when unknown.
        settings: how it was trained here; None for an adapter from elsewhere.
        losses: mean loss per answer token of every update.
        validation_losses: the same on the examples kept aside, after every epoch; empty without early stopping.
        n_examples: texts it was trained on, those kept aside included; 0 when unknown.
        fingerprint: of prompts and texts; empty when unknown.
    """

    name: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    model_name: str = ""
    settings: LoraSettings | None = None
    losses: tuple[float, ...] = ()
    validation_losses: tuple[float, ...] = ()
    n_examples: int = 0
    fingerprint: str = ""

    @property
    def module_paths(self) -> tuple[str, ...]:
        """Modules that it adapts, in the order of their names."""
        return tuple(sorted({_split_name(name)[0] for name in self.tensors}))

    @property
    def n_parameters(self) -> int:
        """Numbers in it."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    def save(self, folder: Path) -> None:
        """Write a folder that peft, and :func:`load_adapter`, can read."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        # save_file writes what nobody else may read.
        (folder / WEIGHTS_FILE).write_bytes(to_safetensors(tensors, metadata={"format": "pt"}))
        origin = {
            "format": ORIGIN_FORMAT,
            "name": self.name,
            "model_name": self.model_name,
            "settings": None if self.settings is None else asdict(self.settings),
            "losses": self.losses,
            "validation_losses": self.validation_losses,
            "n_examples": self.n_examples,
            "fingerprint": self.fingerprint,
        }
        (folder / ORIGIN_FILE).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")
        (folder / CONFIG_FILE).write_text(json.dumps(dict(self.config), indent=2) + "\n", encoding="utf-8")


def load_adapter(folder: Path) -> Adapter:
    """Read a folder that peft's ``save_pretrained`` or :meth:`Adapter.save` wrote. Nothing in it is executed.

    Raises:
        AdapterError: a file is missing or broken, the weights are a pickle, or the adapter is not plain LoRA.
    """
    config = _read_json(folder, CONFIG_FILE)
    if config is None:
        raise AdapterError(
            f"The folder {folder} has no {CONFIG_FILE}; give a folder that peft's save_pretrained wrote."
        )
    _check_config(config, folder)
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        if pickled:
            raise AdapterError(
                f"The adapter in {folder} is stored as {pickled[0]}, a format that can run code when it is read; "
                f"save it again as {WEIGHTS_FILE} (safe_serialization=True in peft)."
            )
        raise AdapterError(
            f"The folder {folder} has no {WEIGHTS_FILE}; give a folder that peft's save_pretrained wrote."
        )
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(weights).items()}
    except SafetensorError as error:
        raise AdapterError(f"{weights} is not a sound safetensors file ({error}); copy it again.") from error
    _check_tensors(tensors, weights)
    return Adapter(config=config, tensors=tensors, **_origin(folder))


@contextmanager
def applied(model: LanguageModel, adapter: Adapter, *, scale: float | Sequence[float] = 1.0) -> Iterator[None]:
    """Have ``adapter`` active inside the block; outside, the model is bitwise what it was, whatever happens inside.

    The model's lock is held for the whole block, and the random numbers that are drawn inside are those that would
    have been drawn without the adapter.

    Args:
        model: the model it was trained on, or one of the same shape.
        adapter: what to switch on.
        scale: multiplies the adapter's effect; 1 as trained, 0 none. One for each row where the rows of the batch
            differ; every forward inside the block then has these rows.

    Raises:
        AdapterError: the adapter does not fit the model, another one is active, or ``scale`` is not a number.
    """
    scales = [scale] if isinstance(scale, int | float) else list(scale)
    for one in scales:
        if not math.isfinite(one):
            raise AdapterError(f"The adapter's scale is {one}; it must be a finite number.")
    by_row = torch.tensor(scales, device=model.device)[:, None, None]
    with model.lock:
        refuse_second(model)
        _check_fit(model, adapter)
        config = LoraConfig(
            r=adapter.config["r"],
            lora_alpha=adapter.config["lora_alpha"],
            use_rslora=adapter.config.get("use_rslora", False),
            rank_pattern=adapter.config.get("rank_pattern") or {},
            alpha_pattern=adapter.config.get("alpha_pattern") or {},
            target_modules=list(adapter.module_paths),
            fan_in_fan_out=uses_conv1d(model, adapter.module_paths),
        )
        with lora_layers(model, config, adapter.module_paths) as layers:
            for path, layer in layers.items():
                for half in ("lora_A", "lora_B"):
                    weight = getattr(layer, half)[_SLOT].weight
                    tensor = adapter.tensors[f"{_PREFIX}{path}.{half}.weight"]
                    if tensor.shape != weight.shape:
                        raise AdapterError(
                            f"The adapter {adapter.name} says it has rank {layer.r[_SLOT]} in {path}, its matrices say "
                            f"{min(tensor.shape)}; get a sound copy."
                        )
                    weight.data = tensor.to(device=weight.device, dtype=weight.dtype)
                layer.scaling[_SLOT] *= scales[0] if len(set(scales)) == 1 else by_row
                layer.requires_grad_(False).eval()
            yield


@contextmanager
def lora_layers(
    model: LanguageModel, config: LoraConfig, module_paths: Sequence[str], *, seed: int = 0
) -> Iterator[LoraLayers]:
    """Put freshly initialised LoRA layers in the place of modules; afterwards the same module objects are back.

    The caller holds the model's lock, and no other adapter is active.
    """
    base = model.model
    originals = {path: base.get_submodule(path) for path in module_paths}
    try:
        with seeded_rng(model, seed):
            inject_adapter_in_model(config, base, adapter_name=_SLOT)
        yield {path: base.get_submodule(path) for path in module_paths}
    finally:
        for path, module in originals.items():
            parent, _, name = path.rpartition(".")
            setattr(base.get_submodule(parent), name, module)
        if hasattr(base, "peft_config"):
            del base.peft_config
        base.eval().requires_grad_(False)


def refuse_second(model: LanguageModel) -> None:
    """Make sure that no adapter is active; the caller holds the model's lock.

    Raises:
        AdapterError: one is.
    """
    if getattr(model.model, "peft_config", None) is not None:
        raise AdapterError(f"Another adapter is active in {model.name}; leave its block first.")


def extract_tensors(layers: LoraLayers) -> dict[str, Tensor]:
    """Copies of the LoRA matrices under the names that peft's files use."""
    return {
        f"{_PREFIX}{path}.{half}.weight": getattr(layer, half)[_SLOT].weight.detach().float().cpu().clone()
        for path, layer in layers.items()
        for half in ("lora_A", "lora_B")
    }


def uses_conv1d(model: LanguageModel, module_paths: Sequence[str]) -> bool:
    """Whether these modules keep their weights as GPT-2 does, ``[d_in d_out]``; peft wants to be told."""
    return any(isinstance(model.model.get_submodule(path), Conv1D) for path in module_paths)


def config_dict(config: LoraConfig, model: LanguageModel) -> dict[str, Any]:
    """``config`` as it stands in peft's ``adapter_config.json``."""
    written = config.to_dict() | {"base_model_name_or_path": model.name, "inference_mode": True}
    return {
        name: sorted(value) if isinstance(value, set) else getattr(value, "value", value)
        for name, value in sorted(written.items())
    }


@contextmanager
def seeded_rng(model: LanguageModel, seed: int) -> Iterator[None]:
    """Random numbers drawn inside the block follow from ``seed`` and leave no trace outside it."""
    on_gpu = model.device.type == "cuda"
    with torch.random.fork_rng(devices=[model.device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(model.device):
                torch.cuda.manual_seed(seed)
        yield


def _split_name(name: str) -> tuple[str, str]:
    """``base_model.model.X.lora_A.weight`` → ``(X, "lora_A")``; the second part is empty for any other name."""
    for half in ("lora_A", "lora_B"):
        ending = f".{half}.weight"
        if name.startswith(_PREFIX) and name.endswith(ending):
            return name[len(_PREFIX) : -len(ending)], half
    return name, ""


def _read_json(folder: Path, file_name: str) -> dict[str, Any] | None:
    path = folder / file_name
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AdapterError(f"{path} is not JSON ({error}); copy it again.") from error
    if not isinstance(content, dict):
        raise AdapterError(f"{path} holds a {type(content).__name__}, an object was expected; copy it again.")
    return content


def _check_config(config: Mapping[str, Any], folder: Path) -> None:
    if config.get("peft_type") != "LORA":
        raise AdapterError(f"The adapter in {folder} is of type {config.get('peft_type')}; only LORA can be used.")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
        raise AdapterError(f"The adapter in {folder} has rank {rank!r}; a whole number from 1 on was expected.")
    if not isinstance(alpha, int | float) or isinstance(alpha, bool) or not math.isfinite(alpha):
        raise AdapterError(f"The adapter in {folder} has lora_alpha {alpha!r}; a number was expected.")
    if config.get("init_lora_weights", True) not in _HARMLESS_INITS:
        raise AdapterError(
            f"The adapter in {folder} was initialised by {config['init_lora_weights']}, which changes the base model; "
            "convert it to plain LoRA with peft (path_initial_model_for_weight_conversion)."
        )
    plain = LoraConfig().to_dict()
    for option, value in config.items():
        if option in _USED | _SILENT | {"init_lora_weights"} or not value:
            continue
        if option not in plain or value != plain[option]:
            raise AdapterError(f"The adapter in {folder} sets {option} to {value!r}; only plain LoRA can be used.")


def _check_tensors(tensors: Mapping[str, Tensor], weights: Path) -> None:
    if not tensors:
        raise AdapterError(f"{weights} holds no matrices; copy it again.")
    for name, tensor in tensors.items():
        path, half = _split_name(name)
        partner = f"{_PREFIX}{path}.{'lora_B' if half == 'lora_A' else 'lora_A'}.weight"
        if not half or tensor.ndim != 2 or partner not in tensors:
            raise AdapterError(
                f"{weights} holds {name}; only pairs of lora_A and lora_B matrices of linear maps can be used."
            )
        if not torch.isfinite(tensor).all():
            raise AdapterError(f"{weights} holds NaN or infinity in {name}; get a sound copy.")


def _check_fit(model: LanguageModel, adapter: Adapter) -> None:
    modules = dict(model.model.named_modules())
    for path in adapter.module_paths:
        module = modules.get(path)
        if isinstance(module, Conv1D):
            d_in, d_out = module.weight.shape
        elif isinstance(module, nn.Linear):
            d_in, d_out = module.in_features, module.out_features
        else:
            raise AdapterError(
                f"The adapter {adapter.name} adapts {path}, which {model.name} does not have as a linear map; use the "
                f"model it was trained on{f' ({adapter.model_name})' if adapter.model_name else ''}."
            )
        down = adapter.tensors[f"{_PREFIX}{path}.lora_A.weight"]
        up = adapter.tensors[f"{_PREFIX}{path}.lora_B.weight"]
        if (down.shape[1], up.shape[0]) != (d_in, d_out) or down.shape[0] != up.shape[1]:
            raise AdapterError(
                f"The adapter {adapter.name} was trained on another model: its {path} maps {down.shape[1]} to "
                f"{up.shape[0]} numbers, that of {model.name} {d_in} to {d_out}."
            )


def _origin(folder: Path) -> dict[str, Any]:
    """What Adapter.save wrote beside peft's files; only the name for an adapter from elsewhere."""
    origin = _read_json(folder, ORIGIN_FILE)
    if origin is None:
        return {"name": folder.name}
    if origin.get("format") != ORIGIN_FORMAT:
        raise AdapterError(
            f"{folder / ORIGIN_FILE} has format {origin.get('format')!r}, this version reads {ORIGIN_FORMAT}; delete "
            "the file to load the adapter without its history."
        )
    try:
        settings = origin["settings"]
        if settings is not None:
            layers = settings["layers"]
            settings = LoraSettings(**settings | {"layers": None if layers is None else tuple(layers)})
        return {
            "name": str(origin["name"]),
            "model_name": str(origin["model_name"]),
            "settings": settings,
            "losses": tuple(float(loss) for loss in origin["losses"]),
            "validation_losses": tuple(float(loss) for loss in origin["validation_losses"]),
            "n_examples": int(origin["n_examples"]),
            "fingerprint": str(origin["fingerprint"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise AdapterError(
            f"{folder / ORIGIN_FILE} is not as written ({error}); delete it to load the adapter without its history."
        ) from error
