"""What is a study: its name, what it is about, and which files it is made of?"""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from steering.errors import StudyError
from steering.studies.plain import from_plain, read_json, to_plain, write_json

FORMAT = 1
"""Version of the folder's form; a change of it needs a step in `UPGRADES`."""
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a format to the next: a study's manifest in, the next format's out. Empty as long as there is one format."""

MANIFEST = "study.json"
MAX_TITLE = 200
MAX_NOTE = 10_000
MAX_CHOSEN = 4
"""Features to steer with: as many as there are colours; no screen takes more."""
_TIME_LENGTH = 40
ID = re.compile(r"[a-z2-7]{16}")

MAX_FEATURE_ID = 2**31 - 1
"""No SAE has a higher one."""

Screen = Literal["steer", "converse", "compare"]
"""Where answers stand: the forms Prompts and Conversation of Steer, and Compare."""
Format = Literal["auto", "float32", "bfloat16", "float16"]
"""As ``steering.models.Dtype``, which needs torch."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a study.

    Attributes:
        name: from the study's folder, with ``/``.
        sha256: of its contents.
        size: bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class About:
    """What a study is about, as its screen knew it.

    Attributes:
        title: what it is called.
        note: what its author wrote about it.
        screen: where it was saved, and where it opens.
        model: as it was named.
        sae: as it was named.
        label: the concept, a label of the examples.
        examples_title: what the menu says about the examples.
        features: those to steer with, at most `MAX_CHOSEN`; the place gives the colour.
        feature_id: the feature that was looked at.
        versions: of the packages that made it.
        device: as it was chosen, a torch device or ``auto``.
        dtype: number format of the weights, as it was chosen.
        ran_on: the torch device that ``device`` stood for; empty where nobody wrote it down.
    """

    title: str
    note: str
    screen: Screen
    model: str
    sae: str
    label: str
    examples_title: str
    features: tuple[int, ...]
    feature_id: int | None
    versions: dict[str, str]
    device: str = "auto"
    dtype: Format = "auto"
    ran_on: str = ""

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise StudyError("The study has no title; write one.")
        if len(self.title) > MAX_TITLE or len(self.note) > MAX_NOTE:
            raise StudyError(
                f"The title has {len(self.title):,} characters, the note {len(self.note):,}; at most {MAX_TITLE} and "
                f"{MAX_NOTE:,} are kept, so shorten them."
            )
        for name in ("title", "note", "model", "sae", "label", "examples_title"):
            if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in getattr(self, name)):
                raise StudyError(
                    f"The study's {name} holds half a character (\\ud800 to \\udfff) or NUL; write it again."
                )
        if len(self.features) > MAX_CHOSEN or len(set(self.features)) < len(self.features):
            raise StudyError(
                f"The study has {len(self.features):,} features, or one of them twice; {MAX_CHOSEN} different ones "
                "at most are expected, so take a sound copy of it."
            )
        for id in (*self.features, *([] if self.feature_id is None else [self.feature_id])):
            if not 0 <= id <= MAX_FEATURE_ID:
                raise StudyError(f"The study has the feature {_short(id)}; no SAE does, so take a sound copy of it.")


@dataclass(frozen=True, slots=True)
class Study:
    """A study as its manifest tells it; the contents are read by ``steering.studies.content``.

    Attributes:
        id: name of its folder and of its link.
        created: when it was first saved, UTC, ISO 8601.
        changed: when it was last saved, renamed or annotated.
        about: what it is about.
        files: everything in its folder but the manifest, by name.
    """

    id: str
    created: str
    changed: str
    about: About
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 over what it holds, title and note included; the id and the times are not."""
        spelt = write_json([to_plain(About, self.about), [to_plain(StoredFile, file) for file in self.files]])
        return hashlib.sha256(spelt).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name."""
        plain: dict[str, Any] = to_plain(Study, self)
        return plain

    def manifest(self) -> bytes:
        """The contents of its ``study.json``."""
        return write_json({"format": FORMAT} | self.to_json())


def _is_time(text: str) -> bool:
    """Whether a text is a moment as :func:`now` writes one."""
    try:
        return len(text) <= _TIME_LENGTH and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _short(number: int) -> str:
    """A number for a sentence; one of thousands of digits cannot be written."""
    return str(number) if abs(number) < 10**12 else f"of {number.bit_length():,} bits"


def read_manifest(text: bytes) -> Study:
    """The study that a ``study.json`` tells of.

    Raises:
        StudyError: no JSON, of a later version, or not as written.
    """
    content = read_json(text, MANIFEST)
    if not isinstance(content, dict):
        raise StudyError(f"{MANIFEST} holds no object; take a sound copy of the study.")
    format_ = content.pop("format", None)
    if not isinstance(format_, int) or isinstance(format_, bool) or not 1 <= format_ <= FORMAT:
        raise StudyError(
            f"The study has format {ascii(format_)[:40]}, this version reads 1 to {FORMAT}; update to open it."
        )
    for number in range(format_, FORMAT):
        content = UPGRADES[number](content)
    found: Study = from_plain(Study, content, MANIFEST)
    check_id(found.id)
    if not (_is_time(found.created) and _is_time(found.changed)):
        raise StudyError("The study's times are not as ISO 8601 writes them; take a sound copy of it.")
    try:
        found.manifest()
    except UnicodeEncodeError as error:
        raise StudyError(
            f"{MANIFEST} holds half a character (\\ud800 to \\udfff), which no file can; take a sound copy of it."
        ) from error
    return found


def new_id() -> str:
    """An unguessable name, safe in a path and in a link: 80 random bits."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(secrets.choice(letters) for _ in range(16))


def check_id(id: str) -> str:
    """The same id, if it is one.

    Raises:
        StudyError: it is not of our making; nothing is looked for under it.
    """
    if ID.fullmatch(id) is None:
        raise StudyError(f"{ascii(id)[:40]} is no study's id (16 letters and digits); copy the whole link.")
    return id


def now() -> str:
    """This second, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
