"""With which settings was an artefact of the build made, and are they the ones asked for now?

Beside the main file of every artefact (``model.safetensors`` and the like) lies a record of all that decided it. What
was built before there were records is judged by the manifest beside it, as far as the manifest knows the file's hash.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from steering.errors import WorldError
from steering.replacing import replacing
from steering.world.scale import ModelSize, SaeSize, Scale
from steering.world.shipped import MANIFEST, manifest, sha256

Making = dict[str, Any]
"""Setting → value, as JSON can hold it."""

TOKENIZER, MODEL, SAE = "tokenizer.json", "model.safetensors", "sae_weights.safetensors"


def tokenizer_making(scale: Scale, seed: int) -> Making:
    """Everything that decides the tokenizer."""
    return {
        "seed": seed,
        "tokenizer_documents": scale.tokenizer_documents,
        "vocabulary": scale.vocabulary,
        "context": scale.context,
    }


def model_making(size: ModelSize, scale: Scale, seed: int) -> Making:
    """Everything that decides a language model."""
    return tokenizer_making(scale, seed) | {
        "architecture": size.architecture,
        "d_model": size.d_model,
        "n_layers": size.n_layers,
        "n_heads": size.n_heads,
        "batch_tokens": scale.batch_tokens,
        "cycles": [list(cycle) for cycle in size.cycles],
        "temperature": size.temperature,
    }


def stream_making(layer: int, scale: Scale, seed: int, model: Path) -> Making:
    """Everything that decides the stream that the SAEs of a layer are trained on.

    Args:
        layer: block after which it is read.
        scale: sizes of the build.
        seed: of the build.
        model: weights of the language model.
    """
    return {
        "seed": seed,
        "model_sha256": sha256(model),
        "layer": layer,
        "sae_steps": scale.sae_steps,
        "sae_batch": scale.sae_batch,
        "context": scale.context,
    }


def sae_making(size: SaeSize, scale: Scale, seed: int, model: Path) -> Making:
    """Everything that decides an SAE, its reference and its model card; arguments as in `stream_making`."""
    return stream_making(size.layer, scale, seed, model) | {
        "d_sae": size.d_sae,
        "k": size.k,
        "report_documents": scale.report_documents,
    }


def fingerprint(making: Making) -> str:
    """Sixteen hexadecimal digits that two different makings do not share."""
    return hashlib.sha256(json.dumps(making, sort_keys=True).encode()).hexdigest()[:16]


def record_of(file: Path) -> Path:
    """Where the record of an artefact lies: ``model.made.json`` beside ``model.safetensors``."""
    return file.with_suffix(".made.json")


def write_record(file: Path, making: Making) -> None:
    """Write beside ``file`` how it was, or is about to be, made."""
    with replacing(record_of(file)) as part:
        part.write_text(json.dumps(making, indent=1) + "\n")


def moved_in(part: Path, folder: Path, *, last: str) -> None:
    """Move every file of ``part`` to ``folder``, ``last`` at the end: once it is there, the others are, too."""
    for path in sorted(part.iterdir(), key=lambda path: path.name == last):
        path.replace(folder / path.name)
    part.rmdir()


def check_build(assets: Path, scale: Scale, seed: int) -> None:
    """Raise unless everything that lies under ``assets`` was made as ``scale`` and ``seed`` ask for.

    A tokenizer without a record and without a manifest is of a build that was interrupted before there were records:
    its vocabulary has to fit.

    Raises:
        WorldError: when something was made otherwise, or it is not known how.
    """
    tokenizer = assets / scale.models[0].name / "model" / TOKENIZER
    if tokenizer.exists():
        _check_tokenizer(assets, tokenizer, scale, seed)
    for size in scale.models:
        model = assets / size.name / "model" / MODEL
        if model.exists():
            found, old = _read(model), _old(assets, model)
            if found is None and old is not None:
                found = next((model_making(one, *old) for one in old[0].models if one.name == size.name), None)
            check(model, found, model_making(size, scale, seed))
        for sae in size.saes:
            if (path := assets / size.name / "saes" / sae.name / SAE).exists():
                _check_sae(assets, path, sae, scale, seed, model)


def _check_tokenizer(assets: Path, file: Path, scale: Scale, seed: int) -> None:
    wanted = tokenizer_making(scale, seed)
    found = _read(file)
    if found is None and (old := _old(assets, file)):
        found = tokenizer_making(*old)
    if found is None and not (assets / MANIFEST).exists():
        found = wanted | {"vocabulary": len(json.loads(file.read_text())["model"]["vocab"])}
    check(file, found, wanted)


def _check_sae(assets: Path, file: Path, size: SaeSize, scale: Scale, seed: int, model: Path) -> None:
    if not model.exists():
        raise WorldError(
            f"{file} was trained on a model that is no longer at {model}; delete {file.parent.parent} to train SAEs on "
            "the next one, or build into another folder."
        )
    found = _read(file)
    if found is None and (old := _old(assets, file)) and any(size in one.saes for one in old[0].models):
        trained_on = manifest(assets)["sha256"].get(model.relative_to(assets).as_posix())
        found = sae_making(size, *old, model) | {"model_sha256": trained_on}
    check(file, found, sae_making(size, scale, seed, model))


def check(file: Path, found: Making | None, wanted: Making) -> None:
    """Raise unless ``found``, what is known of ``file``, is ``wanted``.

    Raises:
        WorldError: when they differ, or nothing is known.
    """
    if found is None:
        raise WorldError(
            f"{file} does not say how it was made, so a manifest could not say it either; delete it to make it again "
            "(a language model is continued from its checkpoint), or build into another folder."
        )
    if found == wanted:
        return
    names = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    raise WorldError(
        f"{file} was made with {_words(found, names)}; now {_words(wanted, names)} is asked for. "
        "Delete it to make it again, or build into another folder."
    )


def _words(making: Making, names: list[str]) -> str:
    return ", ".join(f"{name} {making.get(name, 'unknown')}" for name in names)


def _read(file: Path) -> Making | None:
    path = record_of(file)
    try:
        found: Making = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise WorldError(f"{path} is not JSON ({error}); delete it and {file.name}, and build again.") from error
    return found


def _old(assets: Path, file: Path) -> tuple[Scale, int] | None:
    """Scale and seed that the manifest gives for ``file``; None when there is no manifest of this very file."""
    if not (assets / MANIFEST).exists():
        return None
    known = manifest(assets)
    if known["sha256"].get(file.relative_to(assets).as_posix()) != sha256(file):
        return None
    models = tuple(
        ModelSize(
            **one
            | {
                "cycles": tuple(tuple(cycle) for cycle in one["cycles"]),
                "saes": tuple(SaeSize(**sae) for sae in one["saes"]),
            }
        )
        for one in known["scale"]["models"]
    )
    return Scale(**known["scale"] | {"models": models}), int(known["seed"])
