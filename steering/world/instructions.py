"""Which instructions name no concept, and what does an instruction of the world ask for?"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from steering.errors import WorldError
from steering.world.chance import Chance
from steering.world.requests import Request, draw_request, punctuate, requests
from steering.world.topics import KINDS, TOPICS, Kind
from steering.world.voices import voices

PromptSplit = Literal["select", "test"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the judge understands of a prompt.

    Attributes:
        topic: name of the topic, empty when the prompt is about nothing the world knows.
        kind: kind of the instruction, None when it is not one of the world's.
        subject: what the answer must be about, empty when unknown.
        other: what it is compared with.
        named: concepts that the prompt asks for.
        forbidden: concepts that the prompt forbids.
    """

    topic: str
    kind: Kind | None
    subject: str
    other: str
    named: tuple[str, ...]
    forbidden: tuple[str, ...]


def neutral_instructions(count: int, *, seed: int = 0, split: PromptSplit = "select") -> list[str]:
    """Different instructions that name no concept and that no language model of the world was trained on.

    Args:
        count: how many.
        seed: the same seed gives the same instructions.
        split: ``select`` to choose settings on, ``test`` to report on; the two share nothing.

    Raises:
        WorldError: when there are fewer than ``count``.
    """
    if split not in ("select", "test"):
        raise WorldError(f"There is no split {split!r} of the instructions; choose 'select' or 'test'.")
    available = len(requests(split))
    if count > available:
        raise WorldError(f"The split {split!r} holds {available} instructions, fewer than the {count} asked for.")
    rng = Chance(f"instructions {split} {seed}")
    found: dict[str, None] = {}
    while len(found) < count:
        request = draw_request(rng, split)
        found.setdefault(punctuate(request, request.text))
    return list(found)


@cache
def _instruction_patterns() -> list[tuple[str, Kind, re.Pattern[str]]]:
    rows = []
    for topic in TOPICS:
        subjects = "|".join(map(re.escape, sorted(topic.subjects, key=len, reverse=True)))
        for kind in KINDS:
            for frame in topic.instructions[kind]:
                text = re.escape(frame).replace(r"\{subject\}", f"(?P<subject>{subjects})")
                text = text.replace(r"\{other\}", f"(?P<other>{subjects})")
                rows.append((topic.name, kind, re.compile(text, re.IGNORECASE)))
    return rows


def request_of(prompt: str) -> Request | None:
    """The neutral instruction that a prompt contains, the longest when there are several."""
    best: Request | None = None
    for topic, kind, expression in _instruction_patterns():
        found = expression.search(prompt)
        if found and (best is None or len(found.group()) > len(best.text)):
            values = found.groupdict()
            best = Request(
                found.group(), topic, kind, _proper(topic, values["subject"]), _proper(topic, values.get("other") or "")
            )
    return best


def _proper(topic: str, subject: str) -> str:
    spelled = {one.lower(): one for row in TOPICS if row.name == topic for one in row.subjects}
    return spelled.get(subject.lower(), subject)


@lru_cache(maxsize=10_000)
def read_prompt(prompt: str) -> Reading:
    """Understand a prompt: its topic, kind and subject, and the concepts it names or forbids.

    A prompt that is not one of the world's own may still name a subject; its kind is then unknown.
    """
    low = prompt.lower()
    forbidden = tuple(name for name, voice in voices().items() if any(wish.lower() in low for wish in voice.forbid))
    rest = low
    for voice in voices().values():
        for wish in voice.forbid:
            rest = rest.replace(wish.lower(), " ")
    named = tuple(name for name, voice in voices().items() if any(wish.lower() in rest for wish in voice.ask))
    request = request_of(prompt)
    if request:
        return Reading(request.topic, request.kind, request.subject, request.other, named, forbidden)
    for topic in TOPICS:
        for subject in topic.subjects:
            if re.search(rf"(?<!\w){re.escape(subject.lower().removeprefix('the '))}(?!\w)", low):
                return Reading(topic.name, None, subject, "", named, forbidden)
    return Reading("", None, "", "", named, forbidden)
