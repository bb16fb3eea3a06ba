"""What does the grammar need to know about one concept?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ConceptKind = Literal["style", "theme", "form", "stance", "language", "code"]
Split = Literal["development", "test"]


@dataclass(frozen=True, slots=True)
class Voice:
    """How one concept shows itself in an answer about any topic.

    Expressions are written as frames without capital and final mark. ``{subject}`` is the answer's subject; other slots
    are the voice's own. A slot may be a ``range``: a number in it. A lead or tail that begins with ``~`` goes with
    general statements only, one that begins with ``^`` (and every lead ending in that, so or but) not with imperatives.

    Attributes:
        name: identifier of the concept.
        title: what stands in tables.
        kind: what sort of thing it is.
        split: ``development`` concepts may be looked at while a method is chosen, ``test`` concepts only to report.
        description: one sentence a person can label by.
        weight: relative frequency among answers that carry a concept without being told.
        sentences: whole sentences of the concept, with their own final mark.
        leads: openings put before an ordinary sentence.
        tails: endings put after an ordinary sentence.
        slots: typed slots of the expressions.
        swaps: words replaced throughout an answer that carries the concept.
        mark: final mark of sentences with a lead or tail of the concept, empty to leave it.
        touch: probability that an ordinary sentence of a carrying answer gets a lead or a tail.
        added: smallest and largest number of whole sentences added to a carrying answer.
        parent: the concept that this one is a special case of; its text counts for the parent too.
        near: the concept that this one can hardly be told from.
        home: the topic in whose answers three of four unannounced occurrences stand, empty for no such tie.
        ask: imperative instructions that ask for the concept.
        forbid: imperative instructions that forbid it.
    """

    name: str
    title: str
    kind: ConceptKind
    split: Split
    description: str
    weight: float
    ask: tuple[str, ...]
    forbid: tuple[str, ...]
    sentences: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    slots: Mapping[str, tuple[str, ...] | range] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    touch: float = 0.5
    added: tuple[int, int] = (0, 1)
    parent: str = ""
    near: str = ""
    home: str = ""
