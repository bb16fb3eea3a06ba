"""How does the embedded world write an instruction and its answer?

A sample is drawn in this order: topic, kind, subject, concept plan, instruction, sentences. The plan is drawn before
the first sentence and holds for the whole answer, so that whoever continues an answer must carry the plan as a state.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from steering.world.frames import SlotValues, capitalise, render, swap_words
from steering.world.topics import KINDS, TOPICS, Frames, Kind, Topic
from steering.world.voices import VOICES, Voice

Fold = Literal["train", "heldout"]
Use = Literal["corpus", "select", "test"]
Mood = Literal["general", "imperative", "narrative"]

SHE = ("Mara", "Ines", "Ruth", "Clara", "Nadia", "Greta")
HE = ("Tom", "Emil", "Jonas", "Samir", "Victor", "Pavel")
NAMED_SHARE, FORBIDDEN_SHARE = 0.34, 0.07
PLAIN_SHARE, SINGLE_SHARE = 0.45, 0.42
MAX_SENTENCES = 6
LINKED = re.compile(r"(so|and|then|in short|all in all|above all|that is|after that)\b")  # no lead goes before these


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer and what is true of it.

    Attributes:
        text: the sentence with capital and final mark.
        frame: identifier of the topic frame, empty when the whole sentence belongs to a concept.
        concepts: names of the concepts that it expresses.
    """

    text: str
    frame: str
    concepts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One instruction with its answer and every label.

    Attributes:
        instruction: what the user says.
        response: the answer.
        sentences: the answer's sentences with their labels.
        topic: name of the topic.
        kind: kind of the instruction.
        subject: what the answer is about.
        other: what it is compared with, empty unless the kind is ``compare``.
        concepts: the plan: names of the concepts that the whole answer carries.
        named: the concepts that the instruction asks for.
        forbidden: the concepts that the instruction forbids.
    """

    instruction: str
    response: str
    sentences: tuple[Sentence, ...]
    topic: str
    kind: Kind
    subject: str
    other: str
    concepts: tuple[str, ...]
    named: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A neutral instruction and what it is about."""

    text: str
    topic: str
    kind: Kind
    subject: str
    other: str = ""


@cache
def voices() -> dict[str, Voice]:
    """All concepts' voices by name."""
    return {voice.name: voice for voice in VOICES}


@cache
def topics() -> dict[str, Topic]:
    """All topics by name."""
    return {topic.name: topic for topic in TOPICS}


def frames_of(topic: Topic, kind: Kind) -> Frames:
    """The frames of one kind; ``question`` borrows the middles and closes of ``explain``."""
    own = topic.frames[kind]
    if kind == "question":
        explain = topic.frames["explain"]
        return Frames(own.opens, explain.middles, explain.closes)
    return own


def mood_of(frame: str, kind: Kind) -> Mood:
    """What sort of statement a frame makes; some leads and tails do not go with every sort."""
    if kind == "advise" or frame.startswith("!"):
        return "imperative"
    return "narrative" if kind in ("story", "day") else "general"


def suits(expression: str, mood: Mood) -> bool:
    """Whether a lead or tail can stand with a sentence of ``mood``."""
    if expression.startswith("~"):
        return mood == "general"
    if expression.startswith("^") or expression.endswith((" that", " so", " but")):
        return mood != "imperative"
    return True


def bare(expression: str) -> str:
    """A frame, lead or tail without its marker."""
    return expression.lstrip("~^!")


def folded(frames: Sequence[str], fold: Fold | None) -> list[str]:
    """The frames of one fold: even places train, odd places held out; a single frame belongs to both."""
    if fold is None or len(frames) < 2:
        return list(frames)
    return [frame for place, frame in enumerate(frames) if place % 2 == (fold == "heldout")]


def use_of(instruction: str) -> Use:
    """What a neutral instruction is for: one in ten selects, one in ten tests, the rest teaches the language models."""
    return {0: "select", 1: "test"}.get(zlib.crc32(instruction.lower().encode()) % 10, "corpus")  # type: ignore[return-value]


def compatible(first: Voice, second: Voice) -> bool:
    """Whether one answer can carry both: not the same, not two vocabularies, not two final marks."""
    return first.name != second.name and not (first.swaps and second.swaps) and not (first.mark and second.mark)


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


def draw_request(rng: Random, use: Use = "corpus") -> Request:
    """A neutral instruction: topic and kind uniformly, then one of the instructions of this use."""
    table = _requests_by_kind(use)
    while True:
        rows = table.get((rng.choice(TOPICS).name, rng.choice(KINDS)))
        if rows:
            return rng.choice(rows)


def _weighted(rng: Random, power: float) -> Voice:
    return rng.choices(VOICES, weights=[voice.weight**power for voice in VOICES])[0]


def draw_plan(rng: Random) -> tuple[str, ...]:
    """The concepts of an answer that was not told any: none, one or two."""
    draw = rng.random()
    if draw < PLAIN_SHARE:
        return ()
    first = _weighted(rng, 1.0)
    if draw < PLAIN_SHARE + SINGLE_SHARE:
        return (first.name,)
    return (first.name, _companion(rng, first).name)


def _companion(rng: Random, first: Voice) -> Voice:
    while True:
        second = _weighted(rng, 1.0)
        if compatible(first, second):
            return second


def punctuate(request: Request, text: str) -> str:
    """``text`` with capital and the final mark of the request's kind."""
    return capitalise(text) + ("?" if request.kind == "question" else ".")


def phrase_request(request: Request, extras: Sequence[str], rng: Random) -> str:
    """The instruction as the user says it.

    Args:
        request: the neutral instruction.
        extras: imperatives that name or forbid a concept, such as ``mention the sea``.
        rng: draws the polite form and the place of the extras.
    """
    text = request.text
    if request.kind != "question" and rng.random() < 0.25:
        text = "please " + text
    if not extras:
        return punctuate(request, text)
    wish = " and ".join(extras)
    place = rng.random()
    if place < 0.6 or (place < 0.75 and request.kind == "question"):
        polite = "please " if rng.random() < 0.2 else ""
        return f"{punctuate(request, text)} {capitalise(polite + wish)}."
    if place < 0.75:
        return f"{capitalise(text)}, and {wish}."
    return f"{capitalise(wish)}. {punctuate(request, text)}"


def write_answer(
    request: Request, plan: Sequence[str], rng: Random, *, fold: Fold | None = None
) -> tuple[Sentence, ...]:
    """Write the sentences of an answer that carries the planned concepts from beginning to end.

    Args:
        request: what the answer is about.
        plan: names of the concepts to carry.
        rng: source of chance.
        fold: use only the frames and wordings of this fold; None uses all.
    """
    planned = [voices()[name] for name in plan]
    while True:
        sentences = _write_once(request, planned, rng, fold)
        if all(sum(voice.name in sentence.concepts for sentence in sentences) >= 2 for voice in planned):
            return sentences


def _bindings(request: Request, rng: Random) -> dict[str, str]:
    she = rng.random() < 0.5
    return {
        "subject": request.subject,
        "other": request.other,
        "actor": rng.choice(SHE if she else HE),
        "pron": "she" if she else "he",
        "pron_obj": "her" if she else "him",
        "poss": "her" if she else "his",
    }


def _write_once(request: Request, planned: list[Voice], rng: Random, fold: Fold | None) -> tuple[Sentence, ...]:
    topic = topics()[request.topic]
    bound = _bindings(request, rng)
    added = [voice for voice in planned for _ in range(rng.randint(*voice.added))][: MAX_SENTENCES - 2]
    count = min(rng.randint(3, 5), MAX_SENTENCES - len(added))
    base = _base_frames(frames_of(topic, request.kind), count, rng, fold)
    pools = {voice.name: _Pool(voice, rng, fold) for voice in planned}
    sentences = []
    for frame in base:
        core = render(bare(frame), topic.slots, bound, rng)
        sentences.append(
            _dress(
                core,
                f"{topic.name}.{request.kind}.{bare(frame)}",
                mood_of(frame, request.kind),
                planned,
                pools,
                bound,
                rng,
            )
        )
    rng.shuffle(added)
    for voice in added:
        text = pools[voice.name].sentence(bound)
        if text:
            place = rng.randint(1, len(sentences)) if rng.random() < 0.85 else 0
            sentences.insert(place, Sentence(capitalise(text), "", (voice.name,)))
    return tuple(sentences)


def _base_frames(frames: Frames, count: int, rng: Random, fold: Fold | None) -> list[str]:
    opens, middles, closes = (folded(part, fold) for part in (frames.opens, frames.middles, frames.closes))
    close = count > 2 and rng.random() < 0.7
    inner = min(count - 1 - close, len(middles))
    chosen = [rng.choice(opens), *rng.sample(middles, inner)]
    return [*chosen, rng.choice(closes)] if close else chosen


def _dress(
    core: str,
    frame: str,
    mood: Mood,
    planned: list[Voice],
    pools: dict[str, "_Pool"],
    bound: dict[str, str],
    rng: Random,
) -> Sentence:
    lead = tail = ""
    mark = "."
    carried = []
    for voice in planned:
        if voice.swaps:
            core = swap_words(core, voice.swaps)
        if rng.random() >= voice.touch:
            continue
        pool = pools[voice.name]
        sides = [side for side in ("lead", "tail") if not (lead if side == "lead" else tail)]
        if LINKED.match(core):
            sides = [side for side in sides if side == "tail"]
        rng.shuffle(sides)
        for side in sides:
            text = pool.touch(side, mood, bound)
            if text:
                lead, tail = (text + " ", tail) if side == "lead" else (lead, text)
                mark = voice.mark or mark
                carried.append(voice.name)
                break
    return Sentence(capitalise(lead + core + tail + mark), frame, tuple(carried))


class _Pool:
    """The expressions of one concept that an answer has not used yet."""

    def __init__(self, voice: Voice, rng: Random, fold: Fold | None) -> None:
        self._slots: dict[str, SlotValues] = dict(voice.slots)
        self._rng = rng
        self._left = {
            "sentence": folded(voice.sentences, fold),
            "lead": folded(voice.leads, fold),
            "tail": folded(voice.tails, fold),
        }
        for expressions in self._left.values():
            rng.shuffle(expressions)

    def sentence(self, bound: dict[str, str]) -> str:
        """A whole sentence, empty when none is left."""
        return self._take("sentence", "general", bound)

    def touch(self, side: str, mood: Mood, bound: dict[str, str]) -> str:
        """A lead or tail that suits ``mood``, empty when none is left."""
        return self._take(side, mood, bound)

    def _take(self, side: str, mood: Mood, bound: dict[str, str]) -> str:
        for place, expression in enumerate(self._left[side]):
            if suits(expression, mood):
                del self._left[side][place]
                return render(bare(expression), self._slots, bound, self._rng)
        return ""


def draw_sample(rng: Random, *, use: Use = "corpus") -> Sample:
    """One instruction and its answer, as the language models' corpus holds them."""
    request = draw_request(rng, use)
    draw = rng.random()
    named: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    if draw < NAMED_SHARE:
        first = _weighted(rng, 0.5)
        second = _companion(rng, first).name if rng.random() < 0.15 else ""
        plan: tuple[str, ...] = (first.name, second) if second else (first.name,)
        named = plan if rng.random() < 0.4 else (first.name,)
    else:
        plan = draw_plan(rng)
        if draw < NAMED_SHARE + FORBIDDEN_SHARE:
            forbidden = (_weighted(rng, 0.5).name,)
            plan = tuple(name for name in plan if name not in forbidden)
    extras = [rng.choice(voices()[name].ask) for name in named] + [
        rng.choice(voices()[name].forbid) for name in forbidden
    ]
    instruction = phrase_request(request, extras, rng)
    return assemble(request, instruction, plan, write_answer(request, plan, rng), named, forbidden)


def assemble(
    request: Request,
    instruction: str,
    plan: Sequence[str],
    sentences: tuple[Sentence, ...],
    named: tuple[str, ...] = (),
    forbidden: tuple[str, ...] = (),
) -> Sample:
    """A `Sample` from its parts."""
    return Sample(
        instruction=instruction,
        response=" ".join(sentence.text for sentence in sentences),
        sentences=sentences,
        topic=request.topic,
        kind=request.kind,
        subject=request.subject,
        other=request.other,
        concepts=tuple(plan),
        named=named,
        forbidden=forbidden,
    )
