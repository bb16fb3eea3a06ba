"""What is in this file of bare tensors? Encoder and decoder without a config, as npz or safetensors.

Such a file does not say where it belongs, so that is told: in a ``cfg.json`` beside it, or behind an ``@`` in the
source (`split_told`). Names are sae-lens', Gemma Scope's (``params.npz``) or torch's (``encoder.weight``); which way
round a matrix lies is read off the lengths of the biases, and nothing is guessed. Nothing is ever unpickled.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from steering.errors import SaeError
from steering.hook_points import parse_hook_name
from steering.paths import existing_path
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.building import build_autoencoder

SUFFIXES = (".npz", ".safetensors")
_SYNTAX = "FILE@blocks.LAYER.hook_SITE[,k=K][,activation=relu|jumprelu|topk][,apply_b_dec_to_input=true|false]"
_FOLDER = "a folder of sae-lens (cfg.json and sae_weights.safetensors)"
_ARCHITECTURES = {"relu": "standard", "jumprelu": "jumprelu", "topk": "topk"}

_NAMES: dict[str, tuple[str, ...]] = {
    "W_enc": ("W_enc", "w_enc", "encoder.weight"),
    "W_dec": ("W_dec", "w_dec", "decoder.weight"),
    "b_enc": ("b_enc", "encoder.bias", "latent_bias"),
    "b_dec": ("b_dec", "decoder.bias", "bias", "pre_bias"),
    "threshold": ("threshold",),
    "k": ("k",),
}
_OPTIONAL = ("threshold", "k")


@dataclass(frozen=True, slots=True)
class Told:
    """What a file of bare tensors does not say; None was not told.

    Attributes:
        hook_point: TransformerLens name or module path.
        k: features that may fire on a token.
        activation: ``relu``, ``jumprelu`` or ``topk``.
        apply_b_dec_to_input: the encoder sees ``x - b_dec``.
    """

    hook_point: str | None = None
    k: int | None = None
    activation: str | None = None
    apply_b_dec_to_input: bool | None = None


def split_told(source: str) -> tuple[str, Told]:
    """Split ``FILE@HOOK_POINT,k=32,...`` into the file and what is told about it.

    Raises:
        SaeError: an unknown setting, or a value that it cannot have.
    """
    path, mark, behind = source.rpartition("@")
    if not mark or "/" in behind or "\\" in behind or existing_path(source) is not None:  # that @ is part of a name
        path, behind = source, ""
    hook_point, *settings = (part.strip() for part in behind.split(","))
    found: dict[str, Any] = {"hook_point": hook_point or None}
    for setting in settings:
        name, _, value = setting.partition("=")
        allowed = {"k": value.isdecimal() and len(value) < 10, "activation": value in _ARCHITECTURES}
        allowed["apply_b_dec_to_input"] = value in ("true", "false")
        if not allowed.get(name, False) or name in found:
            raise SaeError(f"{setting!r} says nothing about an SAE; write {_SYNTAX}.")
        found[name] = int(value) if name == "k" else value if name == "activation" else value == "true"
    return path, Told(**found)


def read_plain(file: Path, told: Told) -> SparseAutoencoder:
    """Read an encoder and a decoder, onto the CPU.

    A ``cfg.json`` beside the file wins; telling something else than it says is refused.

    Raises:
        SaeError: the file is damaged, holds something else or does not fit together, or something was not told.
    """
    config, tensors = _described(file, told, _read_tensors(file))
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return build_autoencoder(config, tensors, where=f"The SAE in {file}", path=str(file) + _behind(told), sha256=sha256)


def peek_plain(file: Path, told: Told) -> dict[str, Any]:
    """The config that ``read_plain`` would build from, in sae-lens' words, without reading a matrix.

    Raises:
        SaeError: as ``read_plain``, as far as names, shapes and vectors tell.
    """
    return _described(file, told, _read_tensors(file, matrices=False))[0]


def _described(file: Path, told: Told, given: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Config and tensors in sae-lens' words; matrices may be on the meta device."""
    where = f"The SAE in {file}"
    spelled = {ours: [name for name in names if name in given] for ours, names in _NAMES.items()}
    for ours, found in spelled.items():
        if len(found) != 1 and (found or ours not in _OPTIONAL):
            raise SaeError(
                f"{where} has {' and '.join(found) or 'no tensor'} for {ours}, expected one of "
                f"{', '.join(_NAMES[ours])}; it holds {', '.join(sorted(given)) or 'nothing'}."
            )
    if unknown := sorted(set(given) - {name for found in spelled.values() for name in found}):
        raise SaeError(
            f"{where} holds {', '.join(unknown)}, which a plain encoder and decoder do not have; use {_FOLDER}."
        )
    names = {ours: found[0] for ours, found in spelled.items() if found}
    tensors = {ours: given[name] for ours, name in names.items()}
    config = _sidecar(file)
    stated = config | (config.get("metadata") or {})
    _refuse_contradiction(stated, told, where)
    hook_name = stated.get("hook_name") or told.hook_point
    if not (hook_name or stated.get("hf_hook_name")):
        raise SaeError(f"{where} does not say where it belongs; write {_SYNTAX}, or add a cfg.json with hook_name.")
    parse_hook_name(hook_name, stated.get("hf_hook_name"))  # refused before anything else is asked for
    stored_k = tensors.pop("k", None)
    k = told.k if told.k is not None else config.get("k", None if stored_k is None else int(stored_k.reshape(-1)[0]))
    tensors = _oriented(tensors, where)
    d_model, d_sae = tensors["W_enc"].shape
    architecture = config.get("architecture") or _architecture(told, "threshold" in tensors, k, where)
    if architecture != "jumprelu":
        tensors.pop("threshold", None)
    elif "threshold" in tensors:
        tensors["threshold"] = _threshold(tensors["threshold"], d_sae, where)
    applies = config.get("apply_b_dec_to_input", told.apply_b_dec_to_input)
    if applies is None:
        applies = _subtracts(names, file, tensors["b_dec"], where)
    defaults = {"d_in": d_model, "d_sae": d_sae, "architecture": architecture, "apply_b_dec_to_input": applies}
    metadata = {**(config.get("metadata") or {}), "hook_name": hook_name}
    for key in ("model_name", "hf_hook_name", "neuronpedia_id", "prepend_bos"):
        if stated.get(key) is not None:
            metadata[key] = stated[key]
    if config.get("d_in", d_model) != d_model or config.get("d_sae", d_sae) != d_sae:
        raise SaeError(
            f"{where} has d_in {d_model} and d_sae {d_sae}, but its cfg.json says {config.get('d_in')} and "
            f"{config.get('d_sae')}; put the cfg.json of this file beside it."
        )
    if architecture == "topk":
        defaults["k"] = k
    return {**config, **defaults, "metadata": metadata}, tensors


def _behind(told: Told) -> str:
    """What stands behind the file's name, so that the SAE's name loads it again."""
    if told == Told():
        return ""
    settings = [f"k={told.k}" if told.k is not None else "", f"activation={told.activation}" if told.activation else ""]
    if told.apply_b_dec_to_input is not None:
        settings.append(f"apply_b_dec_to_input={str(told.apply_b_dec_to_input).lower()}")
    return "@" + ",".join([told.hook_point or "", *filter(None, settings)])


def _read_tensors(file: Path, *, matrices: bool = True) -> dict[str, Tensor]:
    """What a file holds; without ``matrices`` these have their shapes alone, on the meta device."""
    damaged = f"{file} is not a whole {file.suffix[1:]} file"
    try:
        if file.suffix == ".npz":
            import numpy as np

            with np.load(file, allow_pickle=False) as arrays:
                shapes = {} if matrices else {name: _npy_shape(arrays, name) for name in arrays.files}
                return {
                    name: torch.empty(shapes[name], device="meta")
                    if len(shapes.get(name, ())) > 1
                    else torch.from_numpy(np.atleast_1d(arrays[name]))
                    for name in arrays.files
                }
        with safe_open(str(file), framework="pt", device="cpu") as weights:
            shapes = {} if matrices else {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
            return {
                name: torch.empty(shapes[name], device="meta")
                if len(shapes.get(name, ())) > 1
                else weights.get_tensor(name)
                for name in weights.keys()  # noqa: SIM118
            }
    except (ValueError, TypeError) as error:  # numpy: an array of objects, or no archive at all; torch: not numbers
        if file.suffix == ".npz" and not zipfile.is_zipfile(file):
            raise SaeError(f"{damaged}; fetch it again, or save it again.") from error
        raise SaeError(
            f"{file} holds something other than arrays of numbers, which only pickle could read and is never read "
            "here; save plain arrays."
        ) from error
    except (OSError, EOFError, SafetensorError, zipfile.BadZipFile, zlib.error) as error:
        raise SaeError(f"{damaged} ({error}); fetch it again, or save it again.") from error


def _npy_shape(arrays: Any, name: str) -> tuple[int, ...]:
    """The shape of an array in an npz, from its header."""
    from numpy.lib import format as npy

    with arrays.zip.open(f"{name}.npy") as stream:
        first = npy.read_magic(stream) == (1, 0)
        shape, _, dtype = (npy.read_array_header_1_0 if first else npy.read_array_header_2_0)(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    return tuple(shape)


def _sidecar(file: Path) -> dict[str, Any]:
    config = file.parent / "cfg.json"
    if not config.is_file():
        return {}
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaeError(f"{config} cannot be read as JSON ({error}); save it again.") from error
    if not isinstance(found, dict) or not isinstance(found.get("metadata") or {}, dict):
        raise SaeError(f"{config} holds something other than an object with the SAE's settings; mend or remove it.")
    return found


def _refuse_contradiction(stated: Mapping[str, Any], told: Told, where: str) -> None:
    names = stated.get("hook_name"), stated.get("hf_hook_name")
    if told.hook_point is not None and any(names):
        # Names of one place are spelt in many ways; what a module path leaves open may be told.
        place = parse_hook_name(names[0] or told.hook_point, names[1])
        if place != parse_hook_name(told.hook_point):
            raise SaeError(f"{where}: its cfg.json says {place}, you say {told.hook_point}; drop one of them.")
    said = {
        "k": told.k,
        "architecture": _ARCHITECTURES[told.activation] if told.activation else None,
        "apply_b_dec_to_input": told.apply_b_dec_to_input,
    }
    for key, value in said.items():
        if value is not None and stated.get(key) is not None and stated[key] != value:
            raise SaeError(f"{where}: its cfg.json says {key} {stated[key]}, you say {value}; drop one of them.")


def _oriented(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """The same tensors with W_enc [d_model d_sae] and W_dec [d_sae d_model], by the lengths of the biases."""
    d_model, d_sae = tensors["b_dec"].numel(), tensors["b_enc"].numel()
    if d_model == d_sae:
        raise SaeError(
            f"{where} has as many features as the stream is wide ({d_sae}), so its shapes do not tell which way round "
            f"its matrices lie; save it as {_FOLDER}, where they are fixed."
        )
    found = dict(tensors)
    for name, shape in (("W_enc", (d_model, d_sae)), ("W_dec", (d_sae, d_model))):
        if tuple(tensors[name].shape) == shape[::-1]:
            found[name] = tensors[name].T.contiguous()
        elif tuple(tensors[name].shape) != shape:
            raise SaeError(
                f"{where}: {name} has the shape {list(tensors[name].shape)}, but its biases (b_dec {d_model}, b_enc "
                f"{d_sae}) ask for {list(shape)}."
            )
    return found


def _architecture(told: Told, has_threshold: bool, k: int | None, where: str) -> str:
    activation = told.activation
    if activation is None:
        if has_threshold and k is not None:
            raise SaeError(
                f"{where} has a threshold and k {k}, so that it may be jumprelu or topk; tell activation: {_SYNTAX}."
            )
        activation = "jumprelu" if has_threshold else "topk" if k is not None else "relu"
    if activation == "topk" and k is None:
        raise SaeError(f"{where} is told to be topk, but not how many features fire; tell k: {_SYNTAX}.")
    if activation == "jumprelu" and not has_threshold:
        raise SaeError(f"{where} is told to be jumprelu, but has no threshold; tell relu or topk: {_SYNTAX}.")
    return _ARCHITECTURES[activation]


def _threshold(threshold: Tensor, d_sae: int, where: str) -> Tensor:
    if threshold.numel() == 1:  # BatchTopK in dictionary_learning: one for all
        threshold = threshold.reshape(1).expand(d_sae)
    lowest = float(threshold.float().min()) if threshold.numel() else 0.0
    if lowest < 0:
        raise SaeError(
            f"{where} has a threshold of {lowest:g}, expected 0 or more; it was not estimated yet, or is a logarithm."
        )
    return threshold.contiguous()


def _subtracts(names: Mapping[str, str], file: Path, b_dec: Tensor, where: str) -> bool:
    """Whether the encoder sees ``x - b_dec``, where the spelling of the file settles it.

    Gemma Scope's npz and a pair of torch's linear layers (``decoder.bias``) do not; a bias of its own (``bias`` and
    ``encoder.weight`` with ``b_dec`` in dictionary_learning, ``pre_bias`` at OpenAI, ``b_dec`` in sparsify) is
    subtracted; sae-lens' four names are used both ways.
    """
    if not bool(b_dec.any()) or names["b_dec"] == "decoder.bias":
        return False
    if file.suffix == ".npz" and "threshold" in names and names["W_enc"].lower() == "w_enc":
        return False
    if names["b_dec"] in ("bias", "pre_bias") or names["W_enc"] == "encoder.weight":
        return True
    raise SaeError(
        f"{where} has a b_dec that some encoders subtract from their input and some do not; tell "
        f"apply_b_dec_to_input: {_SYNTAX}."
    )
