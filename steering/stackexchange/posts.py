"""Which questions and answers does a ``Posts.xml`` hold, read row by row in constant memory?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from steering.errors import ExamplesError
from steering.stackexchange.report import Reason
from steering.stackexchange.tags import parse_tags

_QUESTION, _ANSWER = "1", "2"
_ARCHIVES = ((b"7z\xbc\xaf\x27\x1c", "7z"), (b"PK\x03\x04", "zip"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"))


@dataclass(frozen=True, slots=True)
class Post:
    """One question or answer as the dump holds it.

    Attributes:
        row: its number in the file, counted from 1.
        id: of the post.
        kind: what it is.
        thread: id of the question it belongs to; its own where it is a question.
        title: of a question; empty for an answer.
        body: HTML.
        tags: of a question; empty for an answer.
    """

    row: int
    id: int
    kind: Literal["question", "answer"]
    thread: int
    title: str
    body: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that is no question or answer.

    Attributes:
        row: its number in the file, counted from 1.
        reason: why.
    """

    row: int
    reason: Reason


def read_posts(path: Path, *, on_progress: Callable[[int, int], None] | None = None) -> Iterator[Post | UnusableRow]:
    """Every row of a dump in the order of the file; rows that cannot be used come as such.

    XML is read by a parser that refuses document type and entity declarations, which dumps never have and attacks
    need. Rows are forgotten as soon as they were handed over.

    Args:
        path: a ``Posts.xml``, unpacked.
        on_progress: told bytes read and bytes in all, every thousand rows; may raise ``Cancelled``.

    Raises:
        ExamplesError: no such file, an archive, not a dump of posts, or XML that is broken; the message names the line.
    """
    if not path.is_file():
        raise ExamplesError(f"There is no file {path}; give the Posts.xml of a Stack Exchange dump, unpacked.")
    try:
        with path.open("rb") as file:
            head = file.read(8)
            for magic, name in _ARCHIVES:
                if head.startswith(magic):
                    raise ExamplesError(f"{path.name} is a {name} archive; unpack it and give the Posts.xml inside.")
            file.seek(0)
            size = path.stat().st_size
            number = 0
            root = None
            for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
                if root is None:
                    root = element
                    if root.tag != "posts":
                        raise ExamplesError(
                            f"{path.name} begins with <{root.tag}>, expected <posts>; give the Posts.xml of a dump."
                        )
                if event == "start" or element.tag != "row":
                    continue
                number += 1
                yield _read_row(element.attrib, number)
                # The root keeps every finished child; without this a dump of 100 GB would end up in memory.
                root.clear()
                if on_progress is not None and number % 1000 == 0:
                    on_progress(file.tell(), size)
    except ParseError as error:
        line, column = error.position
        raise ExamplesError(
            f"{path.name}, line {line}, column {column + 1}, after row {number}: the XML is broken "
            f"({str(error).partition(':')[0]}); download and unpack the dump again."
        ) from error
    except DefusedXmlException as error:
        raise ExamplesError(
            f"{path.name}, before row 1: it declares a document type or entities, which no dump does and which can "
            "exhaust the memory; download the dump from its own site."
        ) from error
    except OSError as error:
        raise ExamplesError(f"{path} could not be read ({error.strerror or error}); check the file.") from error


def _read_row(attributes: dict[str, str], row: int) -> Post | UnusableRow:
    kind, body = attributes.get("PostTypeId", ""), attributes.get("Body")
    if kind.isdigit() and kind not in (_QUESTION, _ANSWER):
        return UnusableRow(row, "other_type")
    tags = parse_tags(attributes.get("Tags", "")) if kind == _QUESTION else ()
    post_id = attributes.get("Id", "")
    thread = post_id if kind == _QUESTION else attributes.get("ParentId", "")
    is_number = all(text.isascii() and text.isdigit() for text in (kind, post_id, thread))
    if not is_number or body is None or tags is None:
        return UnusableRow(row, "malformed")
    return Post(
        row=row,
        id=int(post_id),
        kind="question" if kind == _QUESTION else "answer",
        thread=int(thread),
        title=" ".join(attributes.get("Title", "").split()) if kind == _QUESTION else "",
        body=body,
        tags=tags,
    )
