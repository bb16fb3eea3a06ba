"""How does a run of hours survive being killed?

Beside the result lies a folder with a manifest and numbered pieces of work, each written whole or not at all. Whoever
starts the same run again finds the pieces and goes on; another run finds a manifest that is not its own and is refused.
"""

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steering.errors import SteeringError
from steering.replacing import replacing

_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The unfinished work of one run.

    Attributes:
        path: the folder.
    """

    path: Path

    def piece(self, kind: str, number: int) -> dict[str, np.ndarray] | None:
        """The arrays of a piece, None where it is still to be done.

        Raises:
            SteeringError: the piece is there and cannot be read.
        """
        path = self._path(kind, number)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise SteeringError(f"{path} cannot be read ({error}); delete it, and it will be computed anew.") from error

    def has(self, kind: str, number: int) -> bool:
        """Whether a piece is done."""
        return self._path(kind, number).exists()

    def save(self, kind: str, number: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a piece.

        Raises:
            OSError: the folder cannot be written to.
        """
        with replacing(self._path(kind, number)) as part, part.open("wb") as file:
            # mypy takes the arrays for savez's own options.
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]

    def remove(self) -> None:
        """Delete the folder and all pieces."""
        shutil.rmtree(self.path)

    def _path(self, kind: str, number: int) -> Path:
        return self.path / f"{kind}-{number:06d}.npz"


def work_folder_of(out: Path) -> Path:
    """Where the unfinished work of a result lies."""
    return out.with_name(f"{out.name}.work")


def open_work(folder: Path, manifest: Mapping[str, Any]) -> WorkFolder:
    """The folder of a run, made where there is none.

    Args:
        folder: its parent exists.
        manifest: plain values that decide what the pieces contain.

    Raises:
        SteeringError: the folder holds the work of another run, or is no such folder; the message says what differs.
        OSError: it cannot be written.
    """
    path = folder / _MANIFEST
    wanted = json.loads(json.dumps(manifest))
    if not folder.exists():
        folder.mkdir()
    if not path.exists():
        if any(not name.name.startswith(".") for name in folder.iterdir()):
            raise SteeringError(f"{folder} is not the work of a labelling run; move it away or choose another --out.")
        with replacing(path) as part:
            part.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        return WorkFolder(folder)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if found != wanted:
        keys = sorted(key for key in wanted if not isinstance(found, dict) or found.get(key) != wanted[key])
        raise SteeringError(
            f"{folder} holds unfinished work with another {', '.join(keys) or 'content'}; repeat that run to finish "
            "it, delete the folder to begin anew, or choose another --out."
        )
    return WorkFolder(folder)
