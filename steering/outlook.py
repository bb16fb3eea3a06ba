"""What will a choice of model and SAE take, and does it fit, before anything is loaded?

Everything here reads files of this machine: presets, the catalogue, configs in folders and in the local Hub cache. No
request leaves it.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from steering.catalogue import Entry, another_model, find
from steering.devices import AUTO, SPLIT, device_for, devices, free_bytes
from steering.errors import ModelError, SaeError, SteeringError
from steering.hook_points import HookPoint, parse_hook_name
from steering.hub import at, explained, is_reachable, short, split_revision
from steering.memory import Memory, ModelShape, SaeDtype, SaeKind, SaeShape, estimate, misfit, sae_bytes, weight_bytes
from steering.paths import existing_path
from steering.presets import (
    Preset,
    is_world_model,
    presets,
    published_name,
    published_presets,
    refuse_missing_folder,
    sae_source,
)
from steering.safetensors_header import tensor_shapes
from steering.shapes import read_text_config, shape_of_config, shape_of_folder, shards_of

_CONFIG = "config.json"
_SAE_CONFIG, _SAE_WEIGHTS = "cfg.json", "sae_weights.safetensors"
_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"

Whereabouts = Literal["here", "missing", "unknown"]
"""Files of this machine, files to be downloaded, or not to be told without asking the Hub."""


@dataclass(frozen=True, slots=True)
class SaeFacts:
    """What is known about an SAE without loading it. None is "not recorded".

    Attributes:
        id: what it is loaded from: release/sae_id, a folder, a repository.
        place: its hook point as it is shown.
        point: its hook point, if it is one of the residual stream.
        d_model: width of the residual stream that it reads.
        width: number of features.
        l0: declared number of active features per token.
        architecture: for its memory.
        trained_on: the model it was trained on.
        refusal: why it cannot be used.
        files: whether they are on this machine.
        entry: in the catalogue.
    """

    id: str
    place: str | None = None
    point: HookPoint | None = None
    d_model: int | None = None
    width: int | None = None
    l0: float | None = None
    architecture: SaeKind = "jumprelu"
    trained_on: str | None = None
    refusal: str | None = None
    files: Whereabouts = "unknown"
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is said before a choice is used.

    Attributes:
        model_id: what the model is loaded from.
        sae: about the SAE.
        shape: of the model, None where it is not known here.
        device: a torch device or ``split``, never ``auto``.
        dtype: number format of the weights, never ``auto``; None where only the Hub knows.
        memory: what it takes; None where the shape is not known.
        with_sae: whether ``memory`` holds the SAE, whose width is not always recorded.
        free: bytes free on the device, None where that cannot be told.
        files: the model's.
        download: bytes to be fetched, roughly; 0 where everything is here, None where it is not known.
        gated: whether terms have to be accepted on the Hub first.
        warning: the SAE was trained on another model, or that cannot be told.
        refusal: why this choice cannot be used, None if nothing is against it.
    """

    model_id: str
    sae: SaeFacts
    shape: ModelShape | None
    device: str
    dtype: str | None
    memory: Memory | None
    with_sae: bool
    free: int | None
    files: Whereabouts
    download: int | None
    gated: bool
    warning: str | None
    refusal: str | None

    @property
    def fits(self) -> bool | None:
        """Whether it fits into the memory that is free; None where one of the two is not known."""
        return None if self.memory is None or self.free is None else self.memory.total <= self.free


def look_ahead(
    model: str,
    sae: str,
    *,
    device: str = AUTO,
    dtype: str = AUTO,
    sae_dtype: SaeDtype = "float32",
    measure: bool = False,
) -> Outlook:
    """What a choice will take.

    Args:
        model: a preset, a folder or a Hub id.
        sae: a preset's SAE, a folder, or release/sae_id.
        device: a torch device, ``split`` or ``auto``.
        dtype: one of ``steering.memory.BYTES`` or ``auto``.
        sae_dtype: number format that the SAE's matrices are kept in.
        measure: whether transformers may be imported to count the parameters of a cached config.

    Raises:
        ModelError: the model's folder is not there or holds none, or a preset is not built.
        SaeError: the SAE's folder holds none.
    """
    refuse_missing_folder(model)
    model_id, listed = _listed(model)
    shape, facts = model_shape(model, measure=measure), sae_facts(model, sae, measure=measure)
    place = device_of(model, sae, device, dtype, sae_dtype=sae_dtype, measure=measure)
    number = dtype if dtype != AUTO else "float32" if place == "cpu" else _published_dtype(model_id, listed)
    width = facts.width
    sae_shape = _sae_shape(shape, facts, sae_dtype)
    memory = None if shape is None or number is None else estimate(shape, sae_shape, dtype=number, device=place)
    files = model_files(model_id)
    refusal = facts.refusal
    if refusal is None and shape is not None:
        d_model = facts.d_model or _d_model_of(facts.trained_on)
        read = None if d_model is None else SaeShape(d_model, width or 1)
        refusal = misfit(shape, read, facts.point, model_id)
    return Outlook(
        model_id=model_id,
        sae=facts,
        shape=shape,
        device=place,
        dtype=number,
        memory=memory,
        with_sae=sae_shape is not None,
        free=free_bytes(place),
        files=files,
        download=_download(files, shape, listed, facts, _sae_shape(shape, facts, "float32")),
        gated=listed is not None and listed.gated and files != "here",
        warning=another_model(facts.trained_on, published_name(model)),
        refusal=refusal,
    )


def device_of(
    model: str,
    sae: str | None,
    device: str = AUTO,
    dtype: str = AUTO,
    *,
    sae_dtype: SaeDtype = "float32",
    measure: bool = False,
) -> str:
    """Where a choice runs: what ``auto`` stands for, given what model and SAE take; never ``auto``, never an error.

    Args:
        model: a preset, a folder or a Hub id.
        sae: a preset's SAE, a folder, or release/sae_id; None is a model by itself.
        device: a torch device, ``split`` or ``auto``.
        dtype: one of ``steering.memory.BYTES`` or ``auto``.
        sae_dtype: see :func:`look_ahead`.
        measure: see :func:`look_ahead`.
    """
    if device != AUTO or is_world_model(model) or len(devices()) == 1:
        return device_for(model, device)
    try:
        needed = _needed(model, sae, dtype, sae_dtype, measure=measure)
    except SteeringError:  # what is wrong with the choice is said where it is loaded
        needed = None
    return device_for(model, needed=needed)


def _needed(model: str, sae: str | None, dtype: str, sae_dtype: SaeDtype, *, measure: bool) -> int | None:
    """Bytes that a choice takes on an accelerator; None where that is not known here."""
    model_id, listed = _listed(model)
    shape = model_shape(model, measure=measure)
    number = dtype if dtype != AUTO else _published_dtype(model_id, listed)
    if shape is None or number is None:
        return None
    sae_shape = None if sae is None else _sae_shape(shape, sae_facts(model, sae, measure=measure), sae_dtype)
    return estimate(shape, sae_shape, dtype=number, device=SPLIT).total


def _listed(model: str) -> tuple[str, Preset | None]:
    """What a model is loaded from, and the preset of it."""
    known = presets().get(model)
    model_id = model if known is None else known.model
    repo, _ = split_revision(model_id)
    return model_id, known or next((one for one in published_presets().values() if one.model == repo), None)


def _sae_shape(shape: ModelShape | None, facts: SaeFacts, dtype: SaeDtype) -> SaeShape | None:
    if shape is None or facts.width is None:
        return None
    return SaeShape(facts.d_model or shape.d_model, facts.width, facts.architecture, dtype)


def model_shape(model: str, *, measure: bool = False) -> ModelShape | None:
    """The shape of a model; None where only the Hub, or (without ``measure``) only transformers, could tell.

    Raises:
        ModelError: its folder holds no model.
    """
    known = presets().get(model)
    if known is not None and known.shape is not None:
        return known.shape
    source, listed = _listed(model)
    if listed is not None and listed.shape is not None:
        return listed.shape
    folder = existing_path(source)
    if folder is not None and folder.is_dir():
        return shape_of_folder(folder)
    cached = _cached(source, _CONFIG)
    return shape_of_config(cached.parent) if cached is not None and measure else None


def has_config(model: str) -> bool:
    """Whether a Hub model's config.json is on this machine."""
    return _cached(model, _CONFIG) is not None


def fetch_config(model: str) -> None:
    """Fetch the config.json of a Hub model, some kilobytes. The only request of this module, at a user's click.

    Raises:
        ModelError: there is none under this id, it is gated, or the Hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download

    repo, revision = split_revision(model)
    with explained(f"The model {at(repo, revision)}", f"https://huggingface.co/{repo}", ModelError):
        hf_hub_download(repo, _CONFIG, revision=revision, local_files_only=not is_reachable())


def sae_facts(model: str, sae: str, *, measure: bool = False) -> SaeFacts:
    """What is known about an SAE, named as for ``load_sae`` or as a preset's.

    Args:
        model: a preset, a folder or a Hub id.
        sae: a preset's SAE, a folder, a file, or release/sae_id.
        measure: whether torch may be imported to look into a file of bare tensors.

    Raises:
        ModelError: the model is a preset that is not built.
        SaeError: its folder holds no readable cfg.json, or its file no SAE.
    """
    source = sae_source(model, sae).strip()
    path = existing_path(source)
    if path is not None and (path / _SAE_CONFIG).is_file():
        return _from_folder(path)
    entry = find(source) if path is None else None
    if entry is None:
        return _from_file(source) if measure else SaeFacts(id=source, files="unknown" if path is None else "here")
    return SaeFacts(
        id=source,
        place=entry.place,
        point=parse_hook_name(entry.place) if entry.steerable else None,
        width=entry.width,
        l0=entry.l0,
        architecture=_kind(entry.architecture),
        trained_on=entry.model,
        refusal=None
        if entry.reason is None
        else f"{source} cannot steer: {entry.reason}; choose an SAE of a residual, attn_out or mlp_out hook point.",
        files="here" if _cached(entry.repo_id, entry.file) is not None else "missing",
        entry=entry,
    )


def model_files(source: str) -> Whereabouts:
    """Whether a model's weights are on this machine."""
    folder = existing_path(source)
    if folder is not None and folder.is_dir():
        return "here"
    if _cached(source, _WEIGHTS) is not None:
        return "here"
    index = _cached(source, _SHARDS)
    if index is None:
        return "missing"
    try:
        shards = shards_of(index)
    except ModelError:
        return "missing"
    return "here" if all(_cached(source, shard) is not None for shard in shards) else "missing"


def _from_file(source: str) -> SaeFacts:
    """A file of bare tensors, or what is refused as soon as it is looked at; nothing is known of anything else."""
    from steering.saes.loading import find_plain
    from steering.saes.plain import peek_plain
    from steering.saes.reading import check_files

    found = find_plain(source)
    if found is None:
        path = existing_path(source)
        if path is None:
            return _from_cached_folder(source)
        folder = path if path.is_dir() else path.parent
        check_files(folder)
        return _from_folder(folder)

    return _from_config(source, peek_plain(*found), f"The SAE in {found[0]}")


def _from_cached_folder(source: str) -> SaeFacts:
    """A folder in sae-lens' format in a repository (``owner/name/folder``), as far as the Hub's cache holds it."""
    parts = source.strip("/").split("/")
    repo, folder = "/".join(parts[:2]), "/".join(parts[2:])
    config = _cached(repo, f"{folder}/{_SAE_CONFIG}") if folder else None
    if config is None:
        return SaeFacts(id=source)
    here = _cached(repo, f"{folder}/{_SAE_WEIGHTS}") is not None
    found = _from_folder(config.parent)
    return replace(found, id=source) if here else replace(found, id=source, files="missing", refusal=None)


def _from_folder(folder: Path) -> SaeFacts:
    where = str(folder / _SAE_CONFIG)
    try:
        config: dict[str, Any] = json.loads((folder / _SAE_CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaeError(f"{where} is not the config of an SAE ({error}); save the SAE again with sae-lens.") from error
    facts = _from_config(str(folder), config, where)
    return facts if facts.refusal is not None else replace(facts, refusal=_damage(folder / _SAE_WEIGHTS))


def _damage(weights: Path) -> str | None:
    """Why the weights of an SAE cannot be read, as far as their header tells."""
    if not weights.is_file():
        return f"{weights.parent} has no {weights.name}; get it, or save the SAE again."
    try:
        tensor_shapes(weights)
    except (OSError, ValueError) as error:
        return f"{weights} is not a whole safetensors file ({short(error)}); fetch it again, or save the SAE again."
    return None


def _from_config(source: str, config: dict[str, Any], where: str) -> SaeFacts:
    try:
        metadata = config.get("metadata") or config  # flat before sae-lens 6
        name = metadata.get("hook_name") or config.get("hook_point")
        d_model, width = int(config["d_in"]), int(config["d_sae"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SaeError(f"{where} is not the config of an SAE ({error}); save the SAE again with sae-lens.") from error
    point, refusal = None, None
    try:
        point = parse_hook_name(name, metadata.get("hf_hook_name"))
    except SaeError as error:
        refusal = str(error)
    l0 = metadata.get("l0")
    return SaeFacts(
        id=source,
        place=str(point) if point is not None else name,
        point=point,
        d_model=d_model,
        width=width,
        l0=float(l0) if isinstance(l0, int | float) else None,
        architecture=_kind(config.get("architecture")),
        trained_on=metadata.get("model_name"),
        refusal=refusal,
        files="here",
    )


def _kind(named: object) -> SaeKind:
    """An architecture as memory counts it; one that is not recorded counts as ``jumprelu``."""
    kinds: tuple[SaeKind, ...] = get_args(SaeKind)
    return next((kind for kind in kinds if kind == named), "jumprelu")


def _published_dtype(model_id: str, listed: Preset | None) -> str | None:
    """The dtype that ``auto`` takes from the published weights."""
    if listed is not None:
        return listed.dtype
    folder = existing_path(model_id)
    file = _cached(model_id, _CONFIG) if folder is None else folder / _CONFIG
    if file is None:
        return None
    config = read_text_config(file)
    name = config.get("dtype") or config.get("torch_dtype")
    return name if name in ("float32", "bfloat16", "float16") else "float32"


def _d_model_of(model: str | None) -> int | None:
    """Width of a published model that is among the presets."""
    return next((one.shape.d_model for one in published_presets().values() if one.model == model and one.shape), None)


def _download(
    files: Whereabouts, shape: ModelShape | None, listed: Preset | None, sae: SaeFacts, sae_shape: SaeShape | None
) -> int | None:
    total = 0
    if files != "here":
        if shape is None:
            return None
        total += weight_bytes(shape, listed.dtype if listed is not None else "bfloat16")
    if sae.files != "here":
        if sae_shape is None:
            return None if total == 0 else total
        halved = sae.entry is not None and sae.entry.loader == "llama_scope"  # published in bfloat16
        total += sae_bytes(sae_shape) // (2 if halved else 1)
    return total


def _cached(source: str, filename: str) -> Path | None:
    """A file of a Hub repository (at a revision) in the local cache; None without one, and for what is no Hub id."""
    from huggingface_hub import try_to_load_from_cache

    repo, revision = split_revision(source)
    try:
        found = try_to_load_from_cache(repo, filename, revision=revision)
    except (OSError, ValueError):  # no name that the Hub or a file system can have
        return None
    return Path(found) if isinstance(found, str) else None
