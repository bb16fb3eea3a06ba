"""Which frame of the grammar is this sentence, and which concepts does it express?

Nothing here is a word list: a sentence is recognised by the frames it could have been drawn from, with every slot
typed. What is not a sentence of the grammar is at best a *blend*: every three words in a row
stand in one frame or another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from steering.world.answers import bare
from steering.world.frames import Matcher, SlotValues, matcher, swap_words
from steering.world.topics import HE, KINDS, SHE, TOPICS, Topic
from steering.world.voices import VOICES, Voice, voices

_END = re.compile(r"(?<=[.!?])\s+")
_TOKEN = re.compile(r"[^\W\d]+(?:['’-][^\W\d]+)*|\d+|[^\w\s]|_")
_SLOT = re.compile(r"(\{\w+\})")
START, STOP, NUMBER = "<start>", "<stop>", "<number>"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One expression of a concept.

    Attributes:
        concept: name of the concept.
        wording: which lead, tail, sentence or swapped frame it is; two renderings of one wording share it.
    """

    concept: str
    wording: str


@dataclass(frozen=True, slots=True)
class Parse:
    """What the grammar says of one sentence.

    Attributes:
        fluent: 1 a sentence of the grammar, 0.5 a blend of its frames, 0 neither.
        topic: topic of the frame, empty for a concept's own sentence or none.
        kind: kind of the frame, empty likewise.
        frame: the frame, empty likewise.
        subject: the subject it names, empty when none.
        other: what the subject is compared with.
        actor: the person it names.
        pronouns: the pronouns it uses for that person.
        evidence: the concepts it expresses.
        flaw: what is wrong with it in a few words, empty when nothing is.
    """

    fluent: float
    topic: str = ""
    kind: str = ""
    frame: str = ""
    subject: str = ""
    other: str = ""
    actor: str = ""
    pronouns: frozenset[str] = frozenset()
    evidence: tuple[Evidence, ...] = ()
    flaw: str = ""


def split_sentences(text: str) -> tuple[list[str], str]:
    """The complete sentences of a text, and what is left after them (an answer cut off at the token limit)."""
    pieces = [piece for piece in _END.split(text.strip()) if piece]
    if pieces and pieces[-1][-1] not in ".!?":
        return pieces[:-1], pieces[-1]
    return pieces, ""


@cache
def _bound(topic: str) -> dict[str, tuple[str, ...]]:
    subjects = {row.name: row.subjects for row in TOPICS}
    own = subjects[topic] if topic else tuple(one for row in TOPICS for one in row.subjects)
    return {
        "subject": own,
        "other": own,
        "actor": SHE + HE,
        "pron": ("she", "he"),
        "pron_obj": ("her", "him"),
        "poss": ("her", "his"),
    }


@dataclass(frozen=True, slots=True)
class _FrameMatcher:
    topic: str
    kind: str
    frame: str
    plain: Matcher
    swapped: tuple[tuple[str, Matcher], ...]


@cache
def _frames() -> tuple[_FrameMatcher, ...]:
    rows = []
    swappers = [voice for voice in VOICES if voice.swaps]
    for topic in TOPICS:
        for kind in KINDS:
            frames = topic.frames[kind]
            for frame in map(bare, frames.opens + frames.middles + frames.closes):
                bound = _bound(topic.name)
                plain = matcher(frame, frame, topic.slots, bound)
                swapped = tuple(
                    (voice.name, changed)
                    for voice in swappers
                    if (changed := matcher(frame, frame, topic.slots, bound, voice.swaps)).expression
                    != plain.expression
                )
                rows.append(_FrameMatcher(topic.name, kind, frame, plain, swapped))
    return tuple(rows)


@cache
def _frames_by_first_word() -> dict[str, tuple[_FrameMatcher, ...]]:
    """The frames that a text with this first word can be a rendering of, in the order of all frames."""
    table: dict[str, list[_FrameMatcher]] = {}
    for row in _frames():
        for word in row.plain.begins.union(*(changed.begins for _, changed in row.swapped)):
            table.setdefault(word, []).append(row)
    return {word: tuple(rows) for word, rows in table.items()}


@dataclass(frozen=True, slots=True)
class _Wordings:
    voice: Voice
    sentences: tuple[Matcher, ...]
    leads: tuple[Matcher, ...]
    tails: tuple[Matcher, ...]


@cache
def _wordings() -> tuple[_Wordings, ...]:
    bound = _bound("")
    rows = []
    for voice in VOICES:
        rows.append(
            _Wordings(
                voice,
                tuple(matcher(text, text, voice.slots, bound) for text in voice.sentences),
                tuple(_edge(bare(text), voice, "{} (?P<rest>.+)") for text in voice.leads),
                tuple(_edge(bare(text), voice, "(?P<rest>.+){}") for text in voice.tails),
            )
        )
    return tuple(rows)


def _edge(text: str, voice: Voice, shape: str) -> Matcher:
    whole = matcher(text, text, voice.slots, _bound(""))
    return Matcher(text, re.compile(shape.replace("{}", whole.expression.pattern, 1)), whole.slots, whole.begins)


def tokens_of(text: str) -> list[str]:
    """Words, numbers and marks in lower case; every number is the same token."""
    return [NUMBER if token.isdigit() else token.lower() for token in _TOKEN.findall(text)]


Triple = tuple[str, str, str]


def _triples_of_frame(
    frame: str, slots: Mapping[str, SlotValues], bound: Mapping[str, Iterable[str]]
) -> Iterator[Triple]:
    states = {(START, START)}
    for piece in [*_SLOT.split(frame), STOP]:
        if not piece:
            continue
        if piece == STOP:
            options = [[STOP]]
        elif piece.startswith("{"):
            name = piece[1:-1].removesuffix("2")
            values = bound[name] if name in bound else slots[name]
            options = [[NUMBER]] if isinstance(values, range) else [tokens_of(value) for value in values]
        else:
            options = [tokens_of(piece)]
        after = set()
        for state in states:
            for words in options:
                here = state
                for word in words:
                    yield (*here, word)
                    here = (here[1], word)
                after.add(here)
        states = after


@cache
def triples() -> dict[Triple, frozenset[str]]:
    """Every three tokens in a row that the grammar can write, with their topics (empty: a concept's own sentences)."""
    table: dict[Triple, set[str]] = {}
    variants: list[Mapping[str, str]] = [{}, *(voice.swaps for voice in VOICES if voice.swaps)]
    for row in _frames():
        topic = _topic(row.topic)
        for swaps in variants:
            slots = {
                name: values if isinstance(values, range) else tuple(swap_words(value, swaps) for value in values)
                for name, values in topic.slots.items()
            }
            for triple in _triples_of_frame(swap_words(row.frame, swaps), slots, _bound(row.topic)):
                table.setdefault(triple, set()).add(row.topic)
    for voice in VOICES:
        for text in voice.sentences:
            for triple in _triples_of_frame(text.rstrip(".!?"), voice.slots, _bound("")):
                table.setdefault(triple, set()).add("")
    return {triple: frozenset(names) for triple, names in table.items()}


@cache
def _topic(name: str) -> Topic:
    return next(topic for topic in TOPICS if topic.name == name)


def known_triples(text: str, *, cut: bool) -> list[frozenset[str]] | None:
    """The topics of every three tokens of ``text``, or None when some three never stand together in the grammar.

    Args:
        text: a sentence without lead, tail and final mark.
        cut: the text stops somewhere inside a sentence, perhaps inside a word; its last token is not looked at.
    """
    words = tokens_of(text)
    words = words[:-1] if cut else [*words, STOP]
    sequence = [START, START, *words]
    found = [triples().get((a, b, c)) for a, b, c in zip(sequence, sequence[1:], sequence[2:], strict=False)]
    return None if any(row is None for row in found) else [row for row in found if row is not None]


def _openings(text: str) -> tuple[str, ...]:
    lowered = text[:1].lower() + text[1:]
    return (text,) if lowered == text else (text, lowered)


@cache
def _by_first_word(sort: Literal["sentences", "leads"]) -> dict[str, tuple[tuple[Voice, Matcher], ...]]:
    """The concepts' own sentences, or their leads, that a text with this first word can begin with, in their order."""
    table: dict[str, list[tuple[Voice, Matcher]]] = {}
    for row in _wordings():
        for wording in row.sentences if sort == "sentences" else row.leads:
            for word in wording.begins:
                table.setdefault(word, []).append((row.voice, wording))
    return {word: tuple(rows) for word, rows in table.items()}


def _first_word(text: str) -> str:
    return text.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class _Core:
    text: str
    evidence: tuple[Evidence, ...]


def _cores(body: str) -> list[_Core]:
    """Every way to take a lead and a tail off ``body``, the longest first."""
    heads = [_Core(text, ()) for text in _openings(body)]
    for text in _openings(body):
        for voice, lead in _by_first_word("leads").get(_first_word(text), ()):
            found = lead.expression.fullmatch(text)
            if found and lead.accepts(found):
                heads.append(_Core(found["rest"], (Evidence(voice.name, "lead " + lead.key),)))
    cores = []
    for head in heads:
        cores.append(head)
        for row in _wordings():
            for tail in row.tails:
                if tail.key.partition("{")[0] not in head.text:  # what stands before its first slot; far quicker
                    continue
                found = tail.expression.fullmatch(head.text)
                if found and tail.accepts(found):
                    evidence = (*head.evidence, Evidence(row.voice.name, "tail " + tail.key))
                    cores.append(_Core(found["rest"], evidence))
    return cores


def _parse_core(core: _Core) -> Parse | None:
    for row in _frames_by_first_word().get(_first_word(core.text), ()):
        values = row.plain.match(core.text)
        evidence = core.evidence
        if values is None:
            for name, swapped in row.swapped:
                values = swapped.match(core.text)
                if values is not None:
                    evidence = (*evidence, Evidence(name, "vocabulary in " + row.frame))
                    break
        if values is not None:
            pronouns = frozenset(values[name] for name in ("pron", "pron_obj", "poss") if values.get(name))
            return Parse(
                1.0, row.topic, row.kind, row.frame, values.get("subject", ""), values.get("other", ""),
                values.get("actor", ""), pronouns, evidence,
            )  # fmt: skip
    return None


@lru_cache(maxsize=50_000)
def parse_sentence(sentence: str) -> Parse:
    """Recognise one complete sentence with its final mark."""
    for text in _openings(sentence):
        for voice, wording in _by_first_word("sentences").get(_first_word(text), ()):
            values = wording.match(text)
            if values is not None:
                evidence = (Evidence(voice.name, "sentence " + wording.key),)
                return _checked(Parse(1.0, subject=values.get("subject", ""), evidence=evidence), sentence)
    body = sentence[:-1]
    cores = _cores(body)
    for core in cores:
        parse = _parse_core(core)
        if parse:
            return _checked(parse, sentence)
    said = max((core.evidence for core in cores), key=len)
    for core in cores:
        known = known_triples(core.text, cut=False)
        if known:
            return Parse(0.5, topic=_common_topic(known), evidence=core.evidence or said, flaw="mixes two frames")
    return Parse(0.0, evidence=said, flaw="is no sentence")


def _common_topic(known: list[frozenset[str]]) -> str:
    names = {topic.name for topic in TOPICS}
    for row in known:
        names &= row | ({""} & row and names)
    return next(iter(names)) if len(names) == 1 else ""


def _checked(parse: Parse, sentence: str) -> Parse:
    marks = {voices()[one.concept].mark for one in parse.evidence}
    flaw = ""
    if sentence[0].islower():
        flaw = "begins in lower case"
    elif sentence[-1] == "?" and "?" not in marks and parse.frame:
        flaw = "is a statement with a question mark"
    if not flaw:
        return parse
    return Parse(
        0.5, parse.topic, parse.kind, parse.frame, parse.subject, parse.other, parse.actor, parse.pronouns,
        parse.evidence, flaw,
    )  # fmt: skip


@cache
def _edge_triples(side: str) -> frozenset[Triple]:
    """Every three tokens in a row of the leads, or of the tails, of all concepts."""
    return frozenset(
        triple
        for voice in VOICES
        for text in (voice.leads if side == "lead" else voice.tails)
        for triple in _triples_of_frame(bare(text), voice.slots, _bound(""))
    )


def _begins_edge(text: str, side: str) -> bool:
    words = tokens_of(text)[:-1]
    sequence = [START, START, *words]
    return all(triple in _edge_triples(side) for triple in zip(sequence, sequence[1:], sequence[2:], strict=False))


@cache
def _first_tokens() -> frozenset[str]:
    """Every token that a sentence of the grammar, or a lead before it, can begin with."""
    return frozenset(c for a, b, c in triples().keys() | _edge_triples("lead") if a == b == START)


def parse_rest(rest: str) -> Parse:
    """Judge the unfinished end of an answer: 1 when it can be the beginning of a sentence of the grammar, else 0.

    It may stop inside a lead, inside a sentence, or inside a tail, and there inside a word.
    """
    words = tokens_of(rest)
    if len(words) == 1 and not any(token.startswith(words[0]) for token in _first_tokens()):
        return Parse(0.0, flaw="is not the beginning of a sentence")
    for core in _cores(rest):
        known = known_triples(core.text, cut=True)
        if known is not None:
            return Parse(1.0, topic=_common_topic(known), evidence=core.evidence)
    if _begins_edge(rest, "lead"):
        return Parse(1.0)
    for comma in re.finditer(",", rest):
        if _begins_edge(rest[comma.start() :], "tail"):
            for core in _cores(rest[: comma.start()]):
                known = known_triples(core.text, cut=False)
                if known is not None:
                    return Parse(1.0, topic=_common_topic(known), evidence=core.evidence)
    return Parse(0.0, flaw="breaks off and was no sentence so far")
