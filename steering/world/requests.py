"""What can the embedded world be asked?"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from steering.world.chance import Chance
from steering.world.frames import capitalise
from steering.world.topics import KINDS, TOPICS, Kind

Use = Literal["corpus", "select", "test"]
Place = Literal["after", "within", "before"]
POLITE_SHARE, POLITE_WISH_SHARE = 0.25, 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """A neutral instruction and what it is about.

    Attributes:
        text: the instruction without capital and final mark.
        topic: name of the topic.
        kind: kind of the instruction.
        subject: what the answer is about.
        other: what it is compared with, empty unless the kind is ``compare``.
    """

    text: str
    topic: str
    kind: Kind
    subject: str
    other: str = ""


def use_of(instruction: str) -> Use:
    """What a neutral instruction is for: one in ten selects, one in ten tests, the rest teaches the language models."""
    return {0: "select", 1: "test"}.get(zlib.crc32(instruction.lower().encode()) % 10, "corpus")  # type: ignore[return-value]


@cache
def requests(use: Use) -> tuple[Request, ...]:
    """Every neutral instruction of one use, without polite forms."""
    found = []
    for topic in TOPICS:
        for kind in KINDS:
            for frame in topic.instructions[kind]:
                for subject in topic.subjects:
                    others = [other for other in topic.subjects if other != subject] if kind == "compare" else [""]
                    for other in others:
                        text = frame.replace("{subject}", subject).replace("{other}", other)
                        if use_of(text) == use:
                            found.append(Request(text, topic.name, kind, subject, other))
    return tuple(found)


@cache
def _requests_by_kind(use: Use) -> dict[tuple[str, Kind], tuple[Request, ...]]:
    table: dict[tuple[str, Kind], list[Request]] = {}
    for request in requests(use):
        table.setdefault((request.topic, request.kind), []).append(request)
    return {key: tuple(rows) for key, rows in table.items()}


def draw_request(rng: Chance, use: Use = "corpus") -> Request:
    """A neutral instruction: topic and kind uniformly, then one of the instructions of this use."""
    table = _requests_by_kind(use)
    return rng.pick(table[rng.pick(tuple(table))])


def punctuate(request: Request, text: str) -> str:
    """``text`` with capital and the final mark of the request's kind."""
    return capitalise(text) + ("?" if request.kind == "question" else ".")


def phrase_request(request: Request, extras: Sequence[str], rng: Chance) -> str:
    """The instruction as the user says it.

    Args:
        request: the neutral instruction.
        extras: imperatives that name or forbid a concept, such as ``mention the sea``.
        rng: draws the polite form and the place of the extras.
    """
    asks = request.kind == "question"
    text = request.text
    if not asks and rng.happens(POLITE_SHARE):
        text = "please " + text
    if not extras:
        return punctuate(request, text)
    wish = " and ".join(extras)
    places: dict[Place, float] = (
        {"after": 0.75, "before": 0.25} if asks else {"after": 0.6, "within": 0.15, "before": 0.25}
    )
    place = rng.pick_weighted(places)
    if place == "after":
        polite = "please " if rng.happens(POLITE_WISH_SHARE) else ""
        return f"{punctuate(request, text)} {capitalise(polite + wish)}."
    if place == "within":
        return f"{capitalise(text)}, and {wish}."
    return f"{capitalise(wish)}. {punctuate(request, text)}"
