"""Which concepts can the world's judge tell apart, and how does one ask for them?"""

import difflib
from dataclasses import dataclass
from functools import cache

from steering.errors import WorldError
from steering.world.plans import base_rates
from steering.world.voices import VOICES, ConceptKind, Split


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of the embedded world.

    Attributes:
        name: identifier.
        title: what stands in tables.
        kind: style, theme, form, stance, language or code.
        split: ``development`` concepts may be looked at while a method is chosen; ``test`` concepts only to report.
        description: one sentence a person can label by.
        base_rate: share of answers that carry it when nobody asked.
        prompt_instruction: the sentence that the prompted baseline adds to an instruction.
        parent: the concept that this one is a special case of, empty for none.
        near: the concept that this one can hardly be told from, empty for none.
        home: the topic that this one is confounded with, empty for none.
    """

    name: str
    title: str
    kind: ConceptKind
    split: Split
    description: str
    base_rate: float
    prompt_instruction: str
    parent: str = ""
    near: str = ""
    home: str = ""


@cache
def concepts() -> tuple[Concept, ...]:
    """All concepts, in a fixed order."""
    return tuple(
        Concept(
            name=voice.name,
            title=voice.title,
            kind=voice.kind,
            split=voice.split,
            description=voice.description,
            base_rate=round(base_rates()[voice.name], 4),
            prompt_instruction=voice.ask[0][0].upper() + voice.ask[0][1:] + ".",
            parent=voice.parent,
            near=voice.near,
            home=voice.home,
        )
        for voice in VOICES
    )


def concept(name: str) -> Concept:
    """The concept called ``name``.

    Raises:
        WorldError: when there is none; the message names the nearest.
    """
    by_name = {one.name: one for one in concepts()}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name.lower(), by_name, n=1, cutoff=0.0)
    raise WorldError(
        f"The embedded world has no concept {name!r}; the nearest is {near[0]!r}. All of them: {', '.join(by_name)}."
    )
