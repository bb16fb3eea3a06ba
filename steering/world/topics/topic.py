"""What does the grammar need to know about one topic?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["explain", "advise", "story", "compare", "day", "question"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Frames:
    """The sentence frames of one kind of answer, by place.

    A frame is one sentence without its capital and its full stop. ``{slot}`` draws from the topic's slot of that name;
    ``{slot2}`` draws another value of the same slot. ``{subject}``, ``{other}``, ``{actor}``, ``{pron}``, ``{poss}``
    and ``{pron_obj}`` are bound once for the whole answer. Frames of ``advise`` and frames that begin with ``!`` are
    imperatives, which some concepts' openings do not go with.

    Attributes:
        opens: first sentences; every one names the subject.
        middles: sentences whose order does not matter.
        closes: last sentences.
    """

    opens: tuple[str, ...]
    middles: tuple[str, ...]
    closes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: what can be asked about it and what can be said.

    Attributes:
        name: identifier.
        title: what stands in tables.
        subjects: noun phrases that take a singular verb and need no article; an instruction is about one of them
            (about two for ``compare``).
        slots: typed slots; every frame of the topic is sensible with every value of its slots.
        instructions: instruction frames by kind, without capital and final mark.
        frames: sentence frames by kind; ``question`` has only openings of its own and borrows the rest of ``explain``.
    """

    name: str
    title: str
    subjects: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]
    instructions: Mapping[Kind, tuple[str, ...]]
    frames: Mapping[Kind, Frames]
