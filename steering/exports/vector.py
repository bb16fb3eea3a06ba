"""Steering vector as safetensors: how is an intervention kept in one file that anybody can read, and read back?

    add             vector [d_model]              the sum that is added at every written position
                    feature.<id> [d_model]        each feature's decoder direction, unit norm
    other modes     feature.<id>, and the columns of the SAE that tell how strongly a feature is there already:
                    W_enc [d_model k], b_enc [k], b_dec [d_model], and threshold, r_mag, b_mag [k] where it has them

Everything is float32. The header's metadata say in words what it is (``Subject.metadata``). A vector's coefficient is
in it: it is added as it stands.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from steering.directions.direction import Direction
from steering.errors import ExportError
from steering.exports.subject import Subject
from steering.generation.condition import Condition
from steering.hook_points import HookPoint, parse_hook_name
from steering.interventions import FeatureEdit, Intervention, Mode, Scope
from steering.saes import SparseAutoencoder
from steering.saes.building import build_autoencoder

FORMAT = "steerscope-vector-1"
LARGEST = 256 * 2**20
"""Bytes that a file may have; sixteen features of the widest models take 4 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedVector:
    """What a file says.

    Attributes:
        metadata: as written.
        hook_point: where it is written.
        intervention: features, mode and scope as they were.
        direction: ``add``: the sum as a direction whose unit is its own length, so factor 1 is as exported.
        sae: other modes: an SAE of these features alone, in the order of the intervention.
    """

    metadata: dict[str, str]
    hook_point: HookPoint
    intervention: Intervention
    direction: Direction | None
    sae: SparseAutoencoder | None

    def condition(self) -> Condition:
        """What :func:`steering.generation.generate` writes with; other modes than add need :attr:`sae` beside it.

        Raises:
            ExportError: ``add`` on BOS and template tokens too, which a direction never does here.
        """
        if self.direction is not None:
            if self.intervention.special:
                raise ExportError(
                    "This vector is to be added on BOS and template tokens too, and directions leave these out here; "
                    "run its recipe instead."
                )
            return Condition("direction", direction=self.direction, factor=1.0, scope=self.intervention.scope)
        places = tuple(
            FeatureEdit(place, one.factor, one.max_act) for place, one in enumerate(self.intervention.features)
        )
        edited = Intervention(
            places, self.intervention.mode, self.intervention.scope, special=self.intervention.special
        )
        return Condition("steered", intervention=edited)


def vector_file(subject: Subject) -> bytes:
    """The file's bytes; which modes fit is decided by ``formats``."""
    tensors: dict[str, Tensor] = {
        f"feature.{one.feature_id}": row.clone()
        for one, row in zip(subject.intervention.features, subject.directions, strict=True)
    }
    metadata = subject.metadata()
    if subject.intervention.mode == "add":
        tensors["vector"] = subject.vector.contiguous()
    else:
        sae, ids = subject.sae, list(subject.intervention.feature_ids)
        tensors["W_enc"] = _kept(sae.encoder(ids))
        tensors["b_dec"] = _kept(sae.b_dec)
        for name in ("b_enc", "threshold", "r_mag", "b_mag"):
            tensor: Tensor | None = getattr(sae, name)
            if tensor is not None:
                tensors[name] = _kept(tensor[ids])
        metadata["architecture"] = sae.architecture
        metadata["apply_b_dec_to_input"] = json.dumps(sae.apply_b_dec_to_input)
        metadata["center_input"] = json.dumps(sae.center_input)
    return save(tensors, metadata=metadata)


def load_vector(path: Path) -> LoadedVector:
    """Read a file of :func:`vector_file`. Nothing in it is executed.

    Raises:
        ExportError: no such file, not one of ours, or damaged.
        InterventionError: features, mode or scope that are not defined.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ExportError(f"{path} has more than {LARGEST // 2**20} MiB; that is no steering vector.")
        raw = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path} cannot be read ({error.strerror or error}); choose another file.") from error
    return read_vector(raw, where=str(path))


def read_vector(raw: bytes, *, where: str = "The file") -> LoadedVector:
    """The same from memory.

    Raises:
        ExportError: not one of ours, or damaged.
        InterventionError: features, mode or scope that are not defined.
    """
    try:
        tensors = load(raw)
        metadata = _header(raw)
    except (SafetensorError, ValueError) as error:
        raise ExportError(f"{where} is not a sound safetensors file ({error}); copy it again.") from error
    if metadata.get("format") != FORMAT:
        raise ExportError(
            f"{where} has the format {metadata.get('format')!r}, {FORMAT!r} was expected; export it again with this "
            "version."
        )
    bad = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if bad:
        raise ExportError(f"{where} holds NaN or infinity in {bad[0]}; get a sound copy.")
    try:
        hook_point = parse_hook_name(metadata["hook_point"])
        intervention = _intervention(metadata)
        if intervention.mode == "add":
            return LoadedVector(metadata, hook_point, intervention, _direction(tensors, hook_point, metadata), None)
        return LoadedVector(metadata, hook_point, intervention, None, _sae(tensors, metadata, intervention, where))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExportError(f"{where} lacks what the format asks for ({error!r}); export it again.") from error


def _kept(tensor: Tensor) -> Tensor:
    return tensor.detach().float().cpu().contiguous().clone()


def _header(raw: bytes) -> dict[str, str]:
    """The metadata; safetensors' own reader gives them for files only."""
    length = int.from_bytes(raw[:8], "little")
    found: dict[str, str] = json.loads(raw[8 : 8 + length]).get("__metadata__", {})
    return found


def _intervention(metadata: dict[str, str]) -> Intervention:
    features: list[dict[str, Any]] = json.loads(metadata["features"])
    mode, scope = metadata["mode"], metadata["scope"]
    if mode not in get_args(Mode) or scope not in get_args(Scope):
        raise ValueError(f"mode {mode!r}, scope {scope!r}")
    return Intervention(
        tuple(FeatureEdit(int(one["feature_id"]), float(one["factor"]), float(one["max_act"])) for one in features),
        mode=mode,  # type: ignore[arg-type]  # looked up above
        scope=scope,  # type: ignore[arg-type]
        shared_budget=bool(json.loads(metadata["shared_budget"])),
        special=bool(json.loads(metadata["special"])),
    )


def _direction(tensors: dict[str, Tensor], hook_point: HookPoint, metadata: dict[str, str]) -> Direction:
    vector = tensors["vector"].float()
    if vector.ndim != 1:
        raise ValueError(f"vector has the shape {list(vector.shape)}")
    norm = float(vector.norm())
    unit = vector / norm if norm > 0 else vector
    return Direction(unit, norm, hook_point, metadata.get("concept") or "exported vector")


def _sae(
    tensors: dict[str, Tensor], metadata: dict[str, str], intervention: Intervention, where: str
) -> SparseAutoencoder:
    rows = torch.stack([tensors[f"feature.{one}"] for one in intervention.feature_ids])
    weights = {"W_enc": tensors["W_enc"], "W_dec": rows, "b_dec": tensors["b_dec"]}
    gated = metadata["architecture"] == "gated"
    weights["b_gate" if gated else "b_enc"] = tensors["b_enc"]
    for name in ("threshold", "r_mag", "b_mag"):
        if name in tensors:
            weights[name] = tensors[name]
    config = {
        "architecture": metadata["architecture"],
        "d_in": int(rows.shape[1]),
        "d_sae": int(rows.shape[0]),
        "apply_b_dec_to_input": json.loads(metadata["apply_b_dec_to_input"]),
        "metadata": {"hook_name": metadata["hook_point"], "model_name": metadata["model"]},
    }
    sae = build_autoencoder(config, weights, where=where)
    if json.loads(metadata["center_input"]):
        from dataclasses import replace

        sae = replace(sae, center_input=True)
    return sae
