"""How does a study travel as one zip, and how is one from a stranger opened without harm?

Only the names that a study has are taken, no folder, link or encrypted entry; sizes are capped while they are unpacked,
not believed; every hash is checked and every table read before the study is shown.
"""

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import IO, cast

from steering.errors import StudyError
from steering.studies.content import ALWAYS, KNOWN, check_features, read_content
from steering.studies.saving import UNFINISHED, check_files
from steering.studies.study import MANIFEST, Study, new_id, read_manifest
from steering.votes import box

MAX_BYTES = 2**30
MAX_JSON = 32 * 2**20
"""Of each text file; its objects take many times that in memory. The manifest has `MAX_MANIFEST`."""
MAX_MANIFEST = 2**20
MAX_RATIO = 200
"""Unpacked over packed size of one file; tables and weights stay below 20."""
_RATIO_FROM = 2**20
_CHUNK = 2**16
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(folder: Path, study: Study, file: BufferedIOBase) -> None:
    """Write a study's files, and the votes on it, into a zip; the same study gives the same bytes.

    Raises:
        OSError: ``file`` cannot be written.
    """
    with zipfile.ZipFile(cast(IO[bytes], file), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(MANIFEST), study.manifest())
        for stored in study.files:
            with (folder / stored.name).open("rb") as source, archive.open(_entry(stored.name), "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)
        for path in box.vote_files(folder):
            archive.writestr(_entry(f"{box.VOTES}/{path.name}"), box.whole(path))


@contextmanager
def unpack(file: BufferedIOBase, root: Path, *, is_read: bool = True) -> Iterator[tuple[Path, Study]]:
    """The folder, until the block ends, in which a zip's study lies unpacked, read and found sound.

    Args:
        file: the zip.
        root: folder of the studies; it is unpacked on the same disk.
        is_read: whether every table is read here to see that it can be; without, whoever opens it does.

    Raises:
        StudyError: the zip is not one of a study, too large, or damaged.
    """
    folder = root / UNFINISHED / new_id()
    try:
        try:
            folder.mkdir(parents=True)
            with zipfile.ZipFile(cast(IO[bytes], file)) as archive:
                entries = _checked(archive)
                _unpack_all(archive, entries, folder)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
            raise StudyError(f"The file is no zip that can be read ({error}); take an exported study.") from error
        except OSError as error:
            raise StudyError(f"The study could not be unpacked ({error.strerror or error}); make room.") from error
        study = read_manifest((folder / MANIFEST).read_bytes())
        named = {stored.name for stored in study.files}
        if not ALWAYS <= named <= KNOWN:
            wrong = min((named ^ ALWAYS) - (KNOWN - ALWAYS))
            raise StudyError(f"{wrong!a:.80} is missing in the study, or too many; take an exported study.")
        check_files(folder, study)
        content = read_content(folder) if is_read else None
        if content is not None:
            check_features(study.about, content)
        box.check(folder)
        yield folder, study
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The entries, if all of them may be unpacked."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    n_votes = sum(map(box.is_vote_file, names))
    if len(names) - n_votes > len(KNOWN) + 1 or n_votes > box.MAX_RATERS + 1:
        raise StudyError(
            f"The zip has {len(names):,} entries, a study at most {len(KNOWN) + 1}, and {box.MAX_RATERS + 1} of votes; "
            "take an exported study."
        )
    for entry in entries:
        known = entry.filename in KNOWN | {MANIFEST} or box.is_vote_file(entry.filename)
        if not known or entry.orig_filename != entry.filename:
            raise StudyError(
                f"The zip has the entry {entry.filename!a:.80}, which no study has; take an exported study."
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or entry.flag_bits & 0x1:
            raise StudyError(f"{entry.filename} is a link, a folder or encrypted; take an exported study.")
        if entry.filename.endswith(".json") and entry.file_size > MAX_JSON:
            raise StudyError(f"{entry.filename} has more than {MAX_JSON // 2**20} MB; take an exported study.")
        if entry.file_size > max(_RATIO_FROM, MAX_RATIO * entry.compress_size):
            raise _bomb(entry.filename)
        if box.is_vote_file(entry.filename) and entry.file_size > box.MAX_FILE:
            raise _bomb(entry.filename)
    if len(set(names)) < len(names):
        raise StudyError("The zip has two entries of one name; take an exported study.")
    if MANIFEST not in names:
        raise StudyError(f"The zip has no {MANIFEST}, so it holds no study; take an exported study.")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise StudyError(f"The study unpacks to more than {MAX_BYTES // 2**20:,} MB; that is more than is taken.")
    return entries


def _unpack_all(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    for entry in entries:
        target = folder / entry.filename
        target.parent.mkdir(exist_ok=True)
        limit = min(entry.file_size, MAX_MANIFEST) if entry.filename == MANIFEST else entry.file_size
        written = 0
        with archive.open(entry) as source, target.open("xb") as out:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > limit:  # more than it said
                    raise _bomb(entry.filename)
                out.write(chunk)


def _bomb(name: str) -> StudyError:
    return StudyError(f"{name} unpacks to far more than it takes in the zip, or than it says; take an exported study.")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def file_name(study: Study) -> str:
    """What an export is called: letters and digits of the title, and the beginning of the id."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", study.about.title).strip("-")[:40] or "study"
    return f"{plain}-{study.id[:6]}.zip"
