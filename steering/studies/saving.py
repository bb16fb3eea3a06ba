"""How does a folder appear whole or not at all, whatever happens to the process or the disk meanwhile?

Everything is written into a folder that nobody looks at; every file and the folder are brought to the disk (fsync); one
rename makes it a study. A process that is killed before leaves rubbish that the next one clears away; after, a study.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from steering.errors import StudyError
from steering.replacing import bring_to_disk
from steering.studies.content import files_of
from steering.studies.study import MANIFEST, StoredFile, Study, new_id

UNFINISHED = ".unfinished"
_RUBBISH_AFTER = 24 * 3600  # seconds; no save takes that long
_CHUNK = 2**20

Step = Callable[[str], None]
"""Told what has just been done."""


def place(
    root: Path,
    fill: Callable[[Path], None],
    study_of: Callable[[tuple[StoredFile, ...]], Study],
    on_step: Step | None = None,
) -> Study:
    """Fill a folder and make it the study that ``study_of`` its files is.

    Args:
        root: where the studies lie; made if need be.
        fill: writes the files into an empty folder.
        study_of: told the files with their hashes.
        on_step: told every step; for tests that end the process there.

    Raises:
        StudyError: the disk is full, or the folder cannot be written to; nothing is left behind.
    """
    step = on_step or _silent
    part = root / UNFINISHED / new_id()
    try:
        part.mkdir(parents=True)
        _clear_rubbish(part.parent)
        fill(part)
        step("filled")
        files = []
        for path in files_of(part):
            files.append(stored_file(part, path))
            bring_to_disk(path)
            step(f"kept {files[-1].name}")
        study = study_of(tuple(files))
        (part / MANIFEST).write_bytes(study.manifest())
        bring_to_disk(part / MANIFEST)
        for folder in {path.parent for path in files_of(part)}:
            bring_to_disk(folder)
        step("told")
        part.rename(root / study.id)
        step("placed")
        try:
            bring_to_disk(root)
        except OSError:  # it would not outlive a power cut, and is about to be called not saved
            (root / study.id).rename(part)
            raise
    except OSError as error:
        raise StudyError(
            f"The study could not be saved in {root} ({error.strerror or error}); make room there, or choose another "
            "folder with STEERSCOPE_STUDIES. Nothing was changed."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return study


def move(path: Path, target: Path) -> None:
    """Rename a folder within the studies, and see that this survives a power cut.

    Raises:
        StudyError: it cannot be moved.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        for folder in {path.parent, target.parent}:
            bring_to_disk(folder)
    except OSError as error:
        raise StudyError(f"{path} could not be moved ({error.strerror or error}); look at its folder.") from error


def stored_file(folder: Path, path: Path) -> StoredFile:
    """A file's name in ``folder``, hash and size."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return StoredFile(path.relative_to(folder).as_posix(), digest.hexdigest(), size)


def check_files(folder: Path, study: Study) -> None:
    """Make sure that the folder holds the study's files, unchanged, and nothing else.

    Raises:
        StudyError: it does not.
    """
    try:
        found = {one.name: one for one in (stored_file(folder, path) for path in files_of(folder))}
    except OSError as error:
        raise StudyError(
            f"The study {study.id} cannot be read ({error.strerror or error}); see that its folder may be read."
        ) from error
    found.pop(MANIFEST, None)
    for file in study.files:
        if found.pop(file.name, None) != file:
            raise StudyError(
                f"{file.name} of the study {study.id} is missing or was changed since it was saved; restore the file, "
                "or take a sound copy of the study."
            )
    if found:
        raise StudyError(f"The study {study.id} has the file {min(found)!a:.80} too many; take it away.")


def _clear_rubbish(folder: Path) -> None:
    """Take away what killed processes left."""
    for old in folder.iterdir():
        with suppress(OSError):
            if re.fullmatch(r"[a-z2-7]{16}", old.name) and time.time() - old.stat().st_mtime > _RUBBISH_AFTER:
                shutil.rmtree(old, ignore_errors=True)


def _silent(what: str) -> None:
    """Report to nobody."""
