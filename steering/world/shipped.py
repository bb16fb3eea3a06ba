"""Where are the weights that ship with the project, and are they what the manifest says?"""

import hashlib
import json
from pathlib import Path
from typing import Any

from steering.errors import WorldError

ASSETS = Path(__file__).parent / "assets"
MANIFEST = "manifest.json"


def presets(root: Path = ASSETS) -> tuple[str, ...]:
    """Names of the shipped models."""
    return tuple(sorted(path.parent.parent.name for path in root.glob("*/model/config.json")))


def demo_model_path(preset: str = "demo", *, root: Path = ASSETS) -> Path:
    """Folder of a shipped model, for transformers.

    Raises:
        WorldError: when no such model ships.
    """
    path = root / preset / "model"
    if not (path / "config.json").exists():
        raise WorldError(f"No model {preset!r} ships with Steerscope; there is {', '.join(presets(root)) or 'none'}.")
    return path


def demo_sae_path(preset: str = "demo", sae: str | None = None, *, root: Path = ASSETS) -> Path:
    """Folder of a shipped SAE, for sae-lens; the preset's default when ``sae`` is None.

    Raises:
        WorldError: when no such SAE ships.
    """
    folder = demo_model_path(preset, root=root).parent / "saes"
    name = sae if sae is not None else (folder / "default").read_text().strip()
    path = folder / name
    if not (path / "cfg.json").exists():
        names = ", ".join(sorted(found.parent.name for found in folder.glob("*/cfg.json"))) or "none"
        raise WorldError(f"{preset} has no SAE {name!r}; there is {names}.")
    return path


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(root: Path) -> list[Path]:
    """Every file under ``root`` but the manifest itself, sorted."""
    return sorted(path for path in root.rglob("*") if path.is_file() and path != root / MANIFEST)


def manifest(root: Path = ASSETS) -> dict[str, Any]:
    """The manifest: seed, scale, versions, figures, and the hash of every file.

    Raises:
        WorldError: when there is none, or it is not JSON.
    """
    try:
        found: dict[str, Any] = json.loads((root / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise WorldError(
            f"The embedded world has no readable {MANIFEST}: reinstall Steerscope or run python -m steering world build"
        ) from error
    return found


def verify(root: Path = ASSETS) -> None:
    """Check that every file of the assets is the one the manifest names.

    Raises:
        WorldError: when a file is missing, changed, or not in the manifest.
    """
    wanted: dict[str, str] = manifest(root)["sha256"]
    present = {path.relative_to(root).as_posix(): path for path in files_of(root)}
    wrong = [f"{name} is missing" for name in wanted.keys() - present.keys()]
    wrong += [f"{name} is not in the manifest" for name in present.keys() - wanted.keys()]
    wrong += [f"{name} has changed" for name in wanted.keys() & present.keys() if sha256(present[name]) != wanted[name]]
    if wrong:
        raise WorldError(
            f"The world's files are not those of its manifest: {'; '.join(sorted(wrong))}. Reinstall Steerscope."
        )
