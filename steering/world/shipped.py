"""Where are the weights that ship with the project, and are they what the manifest says?"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from steering.errors import WorldError

ASSETS = Path(__file__).parent / "assets"
MANIFEST = "manifest.json"


def assets() -> Path:
    """Folder of the weights in use: those that ship, or those of a world built by oneself, at STEERSCOPE_WORLD."""
    return Path(os.environ.get("STEERSCOPE_WORLD") or ASSETS)


def presets(root: Path | None = None) -> tuple[str, ...]:
    """Names of the models under ``root``; without one, of those in use."""
    return tuple(sorted(path.parent.parent.name for path in (root or assets()).glob("*/model/config.json")))


def demo_model_path(preset: str = "demo", *, root: Path | None = None) -> Path:
    """Folder of a shipped model, for transformers.

    Raises:
        WorldError: when no such model ships.
    """
    if preset not in presets(root):
        raise WorldError(f"No model {preset!r} ships with Steerscope; there is {', '.join(presets(root)) or 'none'}.")
    return (root or assets()) / preset / "model"


def sae_paths(preset: str = "demo", *, root: Path | None = None) -> dict[str, Path]:
    """SAE name → folder in sae-lens' format for every SAE of a model, the default one first.

    Raises:
        WorldError: when no such model ships.
    """
    folder = demo_model_path(preset, root=root).parent / "saes"
    default = (folder / "default").read_text().strip() if (folder / "default").exists() else None
    folders = [path.parent for path in folder.glob("*/cfg.json")]
    found = sorted(folders, key=lambda path: (path.name != default, _natural(path.name)))
    return {path.name: path for path in found}


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts l0-8 before l0-16."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def demo_sae_path(preset: str = "demo", sae: str | None = None, *, root: Path | None = None) -> Path:
    """Folder of a shipped SAE, for sae-lens; the preset's default when ``sae`` is None.

    Raises:
        WorldError: when no such SAE ships.
    """
    found = sae_paths(preset, root=root)
    name = next(iter(found), None) if sae is None else sae
    if name not in found:
        raise WorldError(f"{preset} has no SAE {name!r}; there is {', '.join(found) or 'none'}.")
    return found[name]


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(root: Path) -> list[Path]:
    """Every file under ``root``, sorted, but the manifest itself and what a killed build was writing."""
    found = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".part")
    return sorted(path for path in found if path != root / MANIFEST)


def manifest(root: Path | None = None) -> dict[str, Any]:
    """The manifest: seed, scale, versions, figures, and the hash of every file.

    Raises:
        WorldError: when there is none, or it is not JSON.
    """
    try:
        found: dict[str, Any] = json.loads(((root or assets()) / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise WorldError(
            f"The embedded world has no readable {MANIFEST}: reinstall Steerscope or run python -m steering world build"
        ) from error
    return found


def verify(root: Path | None = None) -> None:
    """Check that every file of the assets is the one the manifest names.

    Raises:
        WorldError: when a file is missing, changed, or not in the manifest.
    """
    root = root or assets()
    wanted: dict[str, str] = manifest(root)["sha256"]
    present = {path.relative_to(root).as_posix(): path for path in files_of(root)}
    wrong = [f"{name} is missing" for name in wanted.keys() - present.keys()]
    wrong += [f"{name} is not in the manifest" for name in present.keys() - wanted.keys()]
    wrong += [f"{name} has changed" for name in wanted.keys() & present.keys() if sha256(present[name]) != wanted[name]]
    if wrong:
        raise WorldError(
            f"The world's files are not those of its manifest: {'; '.join(sorted(wrong))}. Reinstall Steerscope."
        )
