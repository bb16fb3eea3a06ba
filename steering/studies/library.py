"""What can be done with the studies of a server: save, find, open, rename, duplicate, delete and restore?

The folder is the truth. Every look at the list compares it with the index and mends the index, so that a study that
was saved a moment before its process died, or that somebody copied there, is found.
"""

import os
import shutil
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING

from steering.errors import StudyError
from steering.gallery.stories import STORIES
from steering.replacing import left_parts, replacing
from steering.studies.content import Content, adapter_folder, check_features, read_content, write_content
from steering.studies.index import Index, StudyIndexError, found_by_hand
from steering.studies.packing import pack, unpack
from steering.studies.saving import Step, check_files, place
from steering.studies.study import ID, MANIFEST, About, StoredFile, Study, check_id, new_id, now, read_manifest
from steering.studies.trash import KEPT_DAYS, Deleted, Trash
from steering.votes import box

if TYPE_CHECKING:
    from steering.lora import Adapter

_WORKED = frozenset(story.id for story in STORIES)
"""Ids whose links open what ships, whatever this server's folder holds."""
_LEFT_SECONDS = 3600
"""What a rename has not brought to its end by then was left by a process that is gone."""


def studies_folder() -> Path:
    """Where the studies lie: at STEERSCOPE_STUDIES, or in the platform's folder for a user's data."""
    told = os.environ.get("STEERSCOPE_STUDIES")
    if told:
        return Path(told).expanduser().absolute()
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    elif os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "steerscope" / "studies"


class Library:
    """The studies in one folder.

    Args:
        root: the folder; :func:`studies_folder` unless told. It is made by the first save.
        database: address of a shared index; STEERSCOPE_DATABASE unless told, a SQLite file in ``root`` without one.

    Raises:
        StudyError: the database's address cannot be used.
    """

    def __init__(self, root: Path | None = None, database: str | None = None) -> None:
        self.root = root or studies_folder()
        self._index = Index(self.root, database or os.environ.get("STEERSCOPE_DATABASE") or None)
        self._editing = threading.Lock()
        self._unfit: dict[str, int] = {}
        self._fault: StudyIndexError | None = None
        self._trash = Trash(self.root)

    # -- one study ---------------------------------------------------------------------------------------------------

    def save(
        self, about: About, content: Content, adapter: "Adapter | None" = None, *, on_step: Step | None = None
    ) -> Study:
        """Keep a new study. When this returns it is on the disk, whatever happens next.

        Args:
            about: what it is about.
            content: what it holds.
            adapter: the LoRA adapter that took part.
            on_step: told every step; for tests that end the process there.

        Raises:
            StudyError: it could not be saved; nothing was changed.
        """
        id, time_ = new_id(), now()
        return place(
            self.root,
            lambda folder: write_content(folder, content, adapter),
            lambda files: Study(id, time_, time_, about, files),
            on_step,
        )

    def get(self, id: str) -> Study:
        """The study with this id, from its folder.

        Raises:
            StudyError: there is none (any more), or its manifest is broken.
        """
        path = self.root / check_id(id) / MANIFEST
        try:
            study = read_manifest(path.read_bytes())
        except FileNotFoundError as error:
            raise StudyError(
                f"There is no study {id} on this server; ask whoever sent the link for an export, or look in the trash."
            ) from error
        except OSError as error:
            raise StudyError(
                f"The study {id} cannot be read ({error.strerror or error}); see that its folder may be read."
            ) from error
        if study.id != id:
            raise StudyError(f"The folder {id} holds the study {study.id}; give the folder that name again.")
        return study

    def open(self, id: str) -> tuple[Study, Content]:
        """A study with all that it holds, checked against its hashes; no model is needed.

        Raises:
            StudyError: there is none, or it was damaged.
        """
        study = self.get(id)
        check_files(self.root / id, study)
        content = read_content(self.root / id)
        check_features(study.about, content)
        return study, content

    def adapter(self, id: str) -> "Adapter | None":
        """The study's LoRA adapter; imports torch.

        Raises:
            StudyError: there is no such study.
            AdapterError: its files are broken.
        """
        folder = adapter_folder(self.root / self.get(id).id)
        if folder is None:
            return None
        from steering.lora import load_adapter

        return load_adapter(folder)

    def has(self, id: str) -> bool:
        """Whether there is a study with this id."""
        return (self.root / check_id(id) / MANIFEST).is_file()

    def has_adapter(self, id: str) -> bool:
        """Whether a LoRA adapter took part."""
        return adapter_folder(self.root / check_id(id)) is not None

    def change(self, id: str, *, title: str | None = None, note: str | None = None) -> Study:
        """Give a study another title or note.

        Raises:
            StudyError: no such study, no title, or they could not be kept.
        """
        with self._editing:
            study = self.get(id)
            about = replace(
                study.about,
                title=study.about.title if title is None else title.strip(),
                note=study.about.note if note is None else note,
            )
            changed = replace(study, about=about, changed=now())
            try:
                for left in left_parts(self.root / id / MANIFEST):
                    if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                        left.unlink()
                with replacing(self.root / id / MANIFEST) as part:
                    part.write_bytes(changed.manifest())
            except OSError as error:
                raise StudyError(
                    f"Title and note could not be kept ({error.strerror or error}); make room, or see that the folder "
                    "can be written to, and try again."
                ) from error
        return changed

    def duplicate(self, id: str, title: str | None = None) -> Study:
        """A copy of a study under a new id, without the votes on it.

        Raises:
            StudyError: no such study, or it could not be saved.
        """
        study = self.get(id)
        about = replace(study.about, title=(title or f"Copy of {study.about.title}")[:200])
        return self._copy(self.root / id, study, new_id(), about)

    # -- all of them -------------------------------------------------------------------------------------------------

    def find(self, query: str = "") -> list[Study]:
        """The studies whose title, note, model, SAE, concept or features hold every word, the last changed first.

        Where the index cannot be used, all folders are read instead and :meth:`broken` says so.

        Raises:
            StudyError: the folder cannot be read, or the index is of a later version.
        """
        if not self.root.is_dir():
            return []
        try:
            here = self._mend()
            found = [study for study in self._index.find(query) if study.id in here]
        except StudyIndexError as fault:
            self._fault = fault
            return found_by_hand(self._readable(), query)
        self._fault = None
        return found

    def elsewhere(self) -> int:
        """How many studies of a shared index have no files here: the folder must be shared as well."""
        if not self.root.is_dir() or self._fault is not None:
            return 0
        return len(set(self._index.stamps()) - set(self._folders()))

    def broken(self) -> list[str]:
        """A sentence about each folder that cannot be read as a study, and about an index that could not be used."""
        faults = []
        if self._fault is not None:
            faults.append(f"{self._fault} They were found by reading all of them, which takes longer.")
        for id in self._folders():
            try:
                self.get(id)
            except StudyError as error:
                faults.append(str(error))
                continue
            if id in self._unfit:
                faults.append(f"The study {id} holds what no index can keep; take a sound copy of it.")
        return faults

    def reindex(self) -> int:
        """Make the index anew from the folders; how many studies it has then."""
        if not self.root.is_dir():
            return 0
        self._index.clear()
        return len(self._mend())

    # -- delete and restore ------------------------------------------------------------------------------------------

    def delete(self, id: str) -> Study:
        """Put a study into the trash, from where it can be restored for `KEPT_DAYS` days.

        Raises:
            StudyError: there is none, or it cannot be moved.
        """
        study = self.get(id)
        with self._editing:
            self._trash.put(id)
        with suppress(StudyIndexError):  # the next look at the list mends the index
            self._index.drop([id])
        self.empty_trash(days=KEPT_DAYS)
        return study

    def trash(self) -> list[Deleted]:
        """What was deleted, the latest first."""
        return self._trash.studies()

    def restore(self, id: str) -> Study:
        """Bring back what was deleted last under this id.

        Raises:
            StudyError: it is not in the trash, or a study with this id is there already.
        """
        with self._editing:
            self._trash.give_back(id)
        return self.get(id)

    def empty_trash(self, *, days: int | float = 0) -> int:
        """Take away for good what was deleted at least ``days`` days ago; how many that were."""
        return self._trash.empty(days=days)

    # -- files -------------------------------------------------------------------------------------------------------

    def export(self, id: str, file: BufferedIOBase) -> Study:
        """Write a study as one zip.

        Raises:
            StudyError: no such study, or it was damaged.
            OSError: ``file`` cannot be written.
        """
        study = self.get(id)
        check_files(self.root / id, study)
        pack(self.root / id, study, file)
        return study

    def take(self, file: BufferedIOBase) -> tuple[Study, bool]:
        """Take a study from a zip that :meth:`export` wrote, here or elsewhere.

        Returns:
            The study, and whether it is new: one that is here already, unchanged, is not taken twice, but votes that
            are not here are added. Where another study has its id, or a worked study that ships, it gets a new one.

        Raises:
            StudyError: the file is not such a zip, too large, damaged, or cannot be saved; nothing is taken then.
        """
        with unpack(file, self.root) as (folder, study):
            here = self._unchanged(study)
            if here is not None:
                box.merge(folder, self.root / here.id)
                return here, False
            is_taken = study.id in _WORKED or (self.root / study.id).exists()
            id = new_id() if is_taken else study.id
            taken = self._copy(folder, study, id, study.about, created=study.created)
            try:
                box.merge(folder, self.root / id)
            except StudyError:
                shutil.rmtree(self.root / id, ignore_errors=True)
                raise
            return taken, True

    # -- within ------------------------------------------------------------------------------------------------------

    def _copy(self, source: Path, study: Study, id: str, about: About, *, created: str | None = None) -> Study:
        def fill(folder: Path) -> None:
            for file in study.files:
                target = folder / file.name
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(source / file.name, target)

        def study_of(files: tuple[StoredFile, ...]) -> Study:
            if files != study.files:
                raise StudyError(f"The files of {study.id} were changed since they were saved; take a sound copy.")
            return Study(id, created or now(), now(), about, files)

        return place(self.root, fill, study_of)

    def _unchanged(self, study: Study) -> Study | None:
        """What is here of a study in a zip, if it holds the same; a worked one has another id here than there."""
        if study.id in _WORKED:
            candidates = self._readable() if self.root.is_dir() else []
        else:
            try:
                candidates = [self.get(study.id)]
            except StudyError:  # there is none, or none that can be read
                candidates = []
        return next((one for one in candidates if one.digest == study.digest), None)

    def _folders(self) -> dict[str, int]:
        """Id → stamp of the manifest, for every folder that is a study by its name.

        Raises:
            StudyError: the folder of the studies cannot be read.
        """
        try:
            paths = [path for path in self.root.iterdir() if ID.fullmatch(path.name)]
        except OSError as error:
            raise StudyError(
                f"The folder {self.root} cannot be read ({error.strerror or error}); see that it may be, or choose "
                "another with STEERSCOPE_STUDIES."
            ) from error
        found = {}
        for path in paths:
            with suppress(OSError):
                found[path.name] = (path / MANIFEST).stat().st_mtime_ns
        return found

    def _mend(self) -> set[str]:
        """Bring the index up to what the folders say; the ids that are there and can be read."""
        folders = self._folders()
        known = self._index.stamps()
        readable = set(folders)
        self._unfit = {id: stamp for id, stamp in self._unfit.items() if folders.get(id) == stamp}
        for id, stamp in folders.items():
            if known.get(id) != stamp:
                try:
                    study = self.get(id)
                except StudyError:  # `broken` tells of it
                    readable.discard(id)
                    continue
                if id not in self._unfit:
                    try:
                        self._index.put(study, stamp)
                    except (OverflowError, ValueError):  # a number or a text that no database has; `broken` tells of it
                        self._unfit[id] = stamp
                if id in self._unfit:
                    readable.discard(id)
        if not self._index.shared:  # rows of others may have their files elsewhere
            self._index.drop(set(known) - set(folders))
        return readable

    def _readable(self) -> list[Study]:
        found = []
        for id in self._folders():
            with suppress(StudyError):  # `broken` tells of it
                found.append(self.get(id))
        return found


_libraries: dict[tuple[Path, str | None], Library] = {}
_making = threading.Lock()


def library() -> Library:
    """The studies of this process; one for each folder and database."""
    key = (studies_folder(), os.environ.get("STEERSCOPE_DATABASE") or None)
    with _making:
        if key not in _libraries:
            _libraries[key] = Library(*key)
        return _libraries[key]
