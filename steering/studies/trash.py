"""Where does a deleted study wait, so that it can be brought back?

In ``.trash`` beside the studies, as the folder it was, under its id and the second of its deletion.
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from steering.errors import StudyError
from steering.studies.saving import move
from steering.studies.study import ID, MANIFEST, Study, check_id, read_manifest

TRASH = ".trash"
KEPT_DAYS = 30
"""How long a deleted study can be restored."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A study in the trash.

    Attributes:
        study: as it was.
        at: when it was deleted, seconds since 1970.
    """

    study: Study
    at: int


@dataclass(frozen=True, slots=True)
class Trash:
    """What was deleted from a folder of studies.

    Attributes:
        root: the folder of the studies.
    """

    root: Path

    def put(self, id: str) -> None:
        """Move a study's folder here.

        Raises:
            StudyError: it cannot be moved.
        """
        move(self.root / id, self.root / TRASH / f"{id}.{int(time.time())}")

    def give_back(self, id: str) -> None:
        """Move back what was put here last under this id.

        Raises:
            StudyError: nothing was, or a study with this id is there already.
        """
        check_id(id)
        paths = sorted(((at, path) for path, at in self._paths() if path.name.startswith(id)), reverse=True)
        if not paths:
            raise StudyError(f"The study {id} is not in the trash; it was emptied after {KEPT_DAYS} days, or by hand.")
        if (self.root / id).exists():
            raise StudyError(f"There is a study {id} already; duplicate or delete that one first.")
        move(paths[0][1], self.root / id)

    def studies(self) -> list[Deleted]:
        """What can be brought back, the latest first."""
        found = []
        for path, at in self._paths():
            try:
                found.append(Deleted(read_manifest((path / MANIFEST).read_bytes()), at))
            except (StudyError, OSError):  # nothing that could be restored
                continue
        return sorted(found, key=lambda one: one.at, reverse=True)

    def empty(self, *, days: int | float = 0) -> int:
        """Take away for good what was put here at least ``days`` days ago; how many that were."""
        limit = time.time() - days * 86400
        old = [path for path, at in self._paths() if at <= limit]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return len(old)

    def _paths(self) -> list[tuple[Path, int]]:
        folder = self.root / TRASH
        if not folder.is_dir():
            return []
        found = []
        for path in folder.iterdir():
            id, _, at = path.name.partition(".")
            if ID.fullmatch(id) and at.isdigit():
                found.append((path, int(at)))
        return found
