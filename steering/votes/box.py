"""Where are the votes on a study kept, so that none is lost, whoever votes at the same time?

In the study's folder ``votes``, one file for each rater, one line for each vote, only ever added to. Not in the
database: that is a copy of the folders which may be thrown away at any time (ADR 0013), and votes are no copy of
anything. A file of one's own means that raters never wait for each other, in whatever process they are served; a vote
is one write at the end of the file and is on the disk (fsync) before the rater sees the next question. A process that
is killed in the middle leaves a line without an end, which nobody counts and the next vote cuts off. Files with
votes go into the trash with their study, and into its export.
"""

import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from steering.errors import StudyError
from steering.replacing import bring_to_disk, replacing
from steering.studies.plain import from_plain, read_json, to_plain, write_json
from steering.studies.study import ID, MANIFEST
from steering.votes.vote import Vote, read_vote

try:
    import fcntl
except ImportError:  # not POSIX: one server process at a time may take votes there
    fcntl = None  # type: ignore[assignment]

VOTES = "votes"
SETTINGS = "settings.json"
ENDING = ".jsonl"
MAX_RATERS = 500
MAX_FILE = 2**20
"""Bytes of one rater's file: a dozen changes of mind on every question of the longest ballot."""
MAX_QUESTION = 300
Votes = Mapping[str, Mapping[tuple[int, int, int], Vote]]
"""The last votes of every rater, by rater's id."""
_adding = threading.Lock()


@dataclass(frozen=True, slots=True)
class VoteSettings:
    """How raters are asked.

    Attributes:
        question: what stands above the answers; empty for one that names the concept.
        tells_raters: whether a rater sees the results after the last question.
    """

    question: str = ""
    tells_raters: bool = False

    def __post_init__(self) -> None:
        if len(self.question) > MAX_QUESTION:
            raise StudyError(f"The question has {len(self.question):,} characters; at most {MAX_QUESTION} are kept.")


def check_rater(rater: str) -> str:
    """The same id, if it is one.

    Raises:
        StudyError: it is not of our making; no file gets its name.
    """
    if ID.fullmatch(rater) is None:
        raise StudyError(f"{ascii(rater)[:40]} is no rater's id (16 letters and digits); open the link anew.")
    return rater


def is_vote_file(name: str) -> bool:
    """Whether a file of a study, named from its folder with ``/``, belongs to its votes."""
    return name == f"{VOTES}/{SETTINGS}" or re.fullmatch(f"{VOTES}/{ID.pattern}{re.escape(ENDING)}", name) is not None


def vote_files(folder: Path) -> list[Path]:
    """Files with votes, and settings, in a study's folder, by name."""
    found = (path for path in (folder / VOTES).glob("*") if is_vote_file(f"{VOTES}/{path.name}"))
    return sorted(path for path in found if not path.is_symlink())


def cast(folder: Path, rater: str, vote: Vote) -> None:
    """Keep a vote. When this returns it is on the disk; a later one on the same pair takes its place.

    Args:
        folder: of the study.
        rater: the rater's id.
        vote: what was said.

    Raises:
        StudyError: the study was deleted, there are too many raters or votes, or the disk is full; nothing was changed.
    """
    _add(folder, check_rater(rater), vote.line())


def votes_of(folder: Path, rater: str) -> dict[tuple[int, int, int], Vote]:
    """The last vote of a rater on each pair, in the order of the pairs' first votes.

    Raises:
        StudyError: the file is not as written.
    """
    path = folder / VOTES / f"{check_rater(rater)}{ENDING}"
    try:
        if path.stat().st_size > MAX_FILE:
            raise StudyError(f"{path.name} has more than {MAX_FILE:,} bytes; no rater's votes are so many.")
        lines = _lines(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable("votes", error) from error
    found = [read_vote(line, f"{path.name}, line {number}") for number, line in enumerate(lines, start=1)]
    last: dict[tuple[int, int, int], Vote] = {}
    for vote in found:
        if vote.pair not in last or vote.at >= last[vote.pair].at:  # files of two servers may have been put together
            last[vote.pair] = vote
    return last


def all_votes(folder: Path) -> Votes:
    """The last votes of every rater, by rater's id.

    Raises:
        StudyError: a file is not as written.
    """
    raters = [path.name.removesuffix(ENDING) for path in vote_files(folder) if path.name != SETTINGS]
    found = {rater: votes_of(folder, rater) for rater in raters}
    return {rater: votes for rater, votes in found.items() if votes}


def vote_settings(folder: Path) -> VoteSettings:
    """How raters of a study are asked; the defaults where nobody has said.

    Raises:
        StudyError: the file is not as written.
    """
    try:
        text = (folder / VOTES / SETTINGS).read_bytes()
    except FileNotFoundError:
        return VoteSettings()
    except OSError as error:
        raise _unreadable("settings of the vote", error) from error
    settings: VoteSettings = from_plain(VoteSettings, read_json(text, SETTINGS), SETTINGS)
    return settings


def keep_settings(folder: Path, settings: VoteSettings) -> None:
    """Say how raters are to be asked from now on.

    Raises:
        StudyError: the study was deleted, or the disk is full; nothing was changed.
    """
    with _told(folder):
        (folder / VOTES).mkdir(exist_ok=True)
        with replacing(folder / VOTES / SETTINGS) as part:
            part.write_bytes(write_json(to_plain(VoteSettings, settings)))
        bring_to_disk(folder)


def merge(source: Path, folder: Path) -> None:
    """Add the votes in a copy of a study to those in its folder; lines that are there already are not added again.

    Raises:
        StudyError: they cannot be read, are too many for those that are there, which nothing is then added to, or
            cannot be kept. Merging again goes on where a full disk ended it.
    """
    news: dict[str, bytes] = {}
    for path in vote_files(source):
        if path.name == SETTINGS:
            continue
        rater = path.name.removesuffix(ENDING)
        votes_of(source, rater)
        mine = folder / VOTES / path.name
        here = whole(mine) if mine.exists() else b""
        known = set(here.splitlines())
        if lines := b"".join(line + b"\n" for line in _lines(path) if line not in known):
            _check_size(len(here) + len(lines))
            news[rater] = lines
    _check_raters(folder, news)
    for rater, lines in news.items():
        _add(folder, rater, lines)
    if (source / VOTES / SETTINGS).exists() and not (folder / VOTES / SETTINGS).exists():
        keep_settings(folder, vote_settings(source))


def check(folder: Path) -> None:
    """Read everything, as a stranger's file may hold anything.

    Raises:
        StudyError: something is not as written.
    """
    vote_settings(folder)
    all_votes(folder)


def whole(path: Path) -> bytes:
    """What a file of votes holds; of one that is being added to, the lines that are whole."""
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]


def _lines(path: Path) -> list[bytes]:
    return whole(path).split(b"\n")[:-1]


def _add(folder: Path, rater: str, lines: bytes) -> None:
    path = folder / VOTES / f"{rater}{ENDING}"
    with _told(folder), _adding:  # threads of one process share their locks
        path.parent.mkdir(exist_ok=True)
        is_new = not path.exists()
        _check_raters(folder, [rater])
        with path.open("a+b", buffering=0) as file:
            _lock(file)
            end = _cut(file)
            _check_size(end + len(lines))
            try:
                if file.write(lines) != len(lines):
                    raise OSError("the disk is full")
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(end)
                raise
        if is_new:  # the name has to outlive a power cut as well
            bring_to_disk(path.parent)
            bring_to_disk(folder)


def _check_raters(folder: Path, raters: Collection[str]) -> None:
    """See that there is room for these, some of whom may have voted before."""
    known = {path.name.removesuffix(ENDING) for path in (folder / VOTES).glob(f"*{ENDING}")}
    count = len(known.union(raters))
    if count > max(MAX_RATERS, len(known)):
        raise StudyError(
            f"At most {MAX_RATERS} people can vote on a study, and this would make {count}; ask whoever sent the link "
            "for a vote on a copy of it."
        )


def _check_size(size: int) -> None:
    """See that a rater's file may have so many bytes."""
    if size > MAX_FILE:
        raise StudyError("These are too many votes by one rater; let somebody else go on.")


def _lock(file: FileIO) -> None:
    """Wait until nobody else adds to this file; the system lets go when it is closed."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)


def _cut(file: FileIO) -> int:
    """Take away what a killed process has left without an end; the file's size then."""
    file.seek(0)
    content = file.read()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        file.truncate(end)
    return end


def _unreadable(what: str, error: OSError) -> StudyError:
    return StudyError(
        f"The {what} cannot be read ({error.strerror or error}); try again, or tell whoever sent the link."
    )


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in a sentence that the study is gone or the disk is full."""
    if not (folder / MANIFEST).is_file():
        raise StudyError("This study is not on this server any more; nothing was kept. Ask whoever sent the link.")
    try:
        yield
    except FileNotFoundError as error:
        raise StudyError("This study was deleted a moment ago; nothing was kept. Ask whoever sent the link.") from error
    except OSError as error:
        raise StudyError(
            f"This could not be kept ({error.strerror or error}); try again, or tell whoever sent the link."
        ) from error
