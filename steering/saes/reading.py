"""What is in this folder? Reads sae-lens' format without importing sae-lens.

A folder holds ``cfg.json`` and ``sae_weights.safetensors``. Before version 6, sae-lens wrote the metadata flat into
``cfg.json``, under other names; both are read. Nothing is ever unpickled.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from steering.errors import SaeError
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.building import build_autoencoder

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
_SCALER = "activation_scaler.json"  # written by sae-lens into training checkpoints
_PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")

_RENAMED_IN_6 = {"hook_point": "hook_name", "hook_point_head_index": "hook_head_index"}
_METADATA_BEFORE_6 = (
    "model_name",
    "hook_name",
    "hook_head_index",
    "model_from_pretrained_kwargs",
    "prepend_bos",
    "neuronpedia_id",
    "context_size",
    "dataset_path",
    "hf_hook_name",
    "sae_lens_version",
)


def read_folder(folder: Path) -> SparseAutoencoder:
    """Read the SAE in a folder of sae-lens' format, onto the CPU.

    Raises:
        SaeError: a file is missing, damaged, pickled, or holds something that is not a usable SAE.
    """
    check_files(folder)
    config = _read_json(folder / CONFIG)
    if "metadata" not in config:
        config = _from_before_6(config, folder)
    scaling_factor = _read_json(folder / _SCALER).get("scaling_factor") if (folder / _SCALER).is_file() else None
    tensors, sha256 = _read_weights(folder / WEIGHTS)
    return build_autoencoder(
        config,
        tensors,
        where=f"The SAE in {folder}",
        path=str(folder),
        sha256=sha256,
        activation_scaling_factor=scaling_factor,
    )


def refuse_pickle(file: Path) -> None:
    """Refuse a file that only pickle could read.

    Raises:
        SaeError: by its name it is one.
    """
    if file.suffix.lower() in _PICKLES:
        raise SaeError(
            f"{file} is a pickle file, which can run code when it is opened and is never read here; save the SAE with "
            f"sae-lens' save_model, which writes {CONFIG} and {WEIGHTS}."
        )


def check_files(folder: Path) -> None:
    """Make sure that a folder holds an SAE in sae-lens' format.

    Raises:
        SaeError: what is missing, what is pickled, or which of several is meant.
    """
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if not missing:
        return
    files = sorted(folder.iterdir())
    for file in files:
        refuse_pickle(file)
    inner = [file.name for file in files if (file / CONFIG).is_file()]
    if inner:
        raise SaeError(f"{folder} holds several SAEs; name one of them: {', '.join(str(folder / i) for i in inner)}.")
    raise SaeError(
        f"{folder} has no {' and no '.join(missing)}; an SAE folder of sae-lens holds {CONFIG} and {WEIGHTS}."
    )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaeError(f"{file} cannot be read as JSON ({error}); save the SAE again.") from error
    if not isinstance(content, dict):
        raise SaeError(f"{file} holds a {type(content).__name__}, expected an object with the SAE's settings.")
    return content


def _read_weights(file: Path) -> tuple[dict[str, Tensor], str]:
    try:
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        with safe_open(str(file), framework="pt", device="cpu") as weights:
            tensors = {name: weights.get_tensor(name).to(torch.float32) for name in weights.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise SaeError(
            f"{file} is not a whole safetensors file ({error}); fetch it again, or save the SAE with sae-lens."
        ) from error
    return tensors, sha256


def _from_before_6(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The flat config of sae-lens 3 to 5 in the words of 6."""
    flat = {_RENAMED_IN_6.get(key, key): value for key, value in config.items()}
    activation = flat.get("activation_fn", flat.get("activation_fn_str")) or "relu"
    if activation == "topk":
        flat["architecture"] = "topk"
        flat["k"] = (flat.get("activation_fn_kwargs") or {}).get("k")
    elif activation != "relu":
        raise SaeError(f"The SAE in {folder} has the activation function {activation!r}; known are relu and topk.")
    if isinstance(flat.get("normalize_activations"), bool):
        flat["normalize_activations"] = "expected_average_only_in" if flat["normalize_activations"] else "none"
    flat.setdefault("prepend_bos", True)
    flat["metadata"] = {key: flat[key] for key in _METADATA_BEFORE_6 if key in flat}
    return flat
