"""How large is the model in this folder, or behind this config, without loading its weights?"""

import functools
import json
import math
from pathlib import Path
from typing import Any

from steering.errors import ModelError
from steering.hub import short
from steering.memory import ModelShape
from steering.safetensors_header import tensor_shapes

WEIGHTS = "model.safetensors"
SHARDS = "model.safetensors.index.json"

_NAMES = {
    "n_layers": ("num_hidden_layers", "n_layer"),
    "d_model": ("hidden_size", "n_embd"),
    "n_heads": ("num_attention_heads", "n_head"),
    "vocab_size": ("vocab_size",),
}
"""What configs of transformers call the numbers, newer name first."""


def shape_of_folder(folder: Path) -> ModelShape:
    """The shape of a model in transformers' format; parameters are counted in the headers of its safetensors files.

    Raises:
        ModelError: there is no config.json, it lacks a number, or there are no safetensors weights.
    """
    weights = _weights(folder)
    return _shape(read_text_config(folder / "config.json"), sum(_count(file) for file in weights))


def _weights(folder: Path) -> list[Path]:
    """The files that transformers loads; what lies beside them (a copy in another layout) counts for nothing."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / SHARDS).is_file():
        return [folder / shard for shard in shards_of(folder / SHARDS)]
    raise ModelError(f"{folder} has no safetensors weights; give a folder that save_pretrained wrote.")


def shards_of(index: Path) -> list[str]:
    """Names of the files that the weights are split into, in alphabetical order.

    Args:
        index: a ``model.safetensors.index.json``.

    Raises:
        ModelError: it is not there, or not as transformers writes it.
    """
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError("it names no files")
        return sorted(names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} cannot be read ({short(error)}); get it again.") from error


def read_config(file: Path) -> dict[str, Any]:
    """A config.json of transformers.

    Raises:
        ModelError: it is not there or not a JSON object.
    """
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{file} cannot be read as JSON ({short(error)}); get it again, or give a folder of save_pretrained."
        ) from error
    if not isinstance(config, dict):
        raise ModelError(
            f"{file} holds a {type(config).__name__}, expected an object with the model's settings; get it again."
        )
    return config


def read_text_config(file: Path) -> dict[str, Any]:
    """A config.json of transformers, with the language model's part on top where the model has others.

    Raises:
        ModelError: see :func:`read_config`.
    """
    config = read_config(file)
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, dict) else config


@functools.lru_cache(maxsize=32)
def shape_of_config(folder: Path) -> ModelShape:
    """The shape of the model whose config.json lies in ``folder``; its parameters are counted on torch's meta device,
    which holds no numbers. Imports transformers, asks no network.

    Raises:
        ModelError: transformers does not know the model's kind, or would need code from its repository.
    """
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, StrictDataclassError) as error:
        raise ModelError(
            f"The config in {folder} is of no known kind of model ({short(error)}); choose another model."
        ) from error
    filled = {name: getattr(config.get_text_config(), name, None) for name in _FILLED}
    known = {name: value for name, value in filled.items() if value is not None}
    return _shape(
        {**read_text_config(folder / "config.json"), **known}, sum(part.numel() for part in model.parameters())
    )


_FILLED = ("num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim",
           "intermediate_size", "vocab_size")  # fmt: skip
"""What a config.json may leave to transformers' defaults."""


def _shape(config: dict[str, Any], n_parameters: int) -> ModelShape:
    found: dict[str, int] = {}
    for ours, theirs in _NAMES.items():
        value = _number(config, *theirs)
        if value is None:
            raise ModelError(f"The config.json of the model has no {theirs[0]}; it is not one of a language model.")
        found[ours] = value
    d_mlp = _number(config, "intermediate_size", "n_inner") or 4 * found["d_model"]
    kv_heads = _number(config, "num_key_value_heads") or found["n_heads"]
    head_dim = _number(config, "head_dim") or found["d_model"] // found["n_heads"]
    return ModelShape(n_parameters=n_parameters, d_mlp=d_mlp, n_kv_heads=kv_heads, head_dim=head_dim, **found)


def _number(config: dict[str, Any], *names: str) -> int | None:
    """The first of these settings that is a whole number above 0."""
    values = (config.get(name) for name in names)
    return next((one for one in values if isinstance(one, int) and not isinstance(one, bool) and one > 0), None)


def _count(file: Path) -> int:
    """Numbers in a safetensors file, from its header."""
    try:
        return sum(math.prod(shape) for shape in tensor_shapes(file).values())
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} is not a whole safetensors file ({short(error)}); get a sound copy.") from error
