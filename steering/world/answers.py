"""How does the embedded world write an answer that carries the planned concepts from beginning to end?"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from steering.world.chance import Chance
from steering.world.frames import SlotValues, capitalise, render, swap_words
from steering.world.plans import with_parents
from steering.world.requests import Request
from steering.world.topics import CAST, Frames, Kind, Topic, topics
from steering.world.voices import VOICES, Voice

Fold = Literal["train", "heldout"]
Mood = Literal["general", "imperative", "narrative"]
Side = Literal["lead", "tail"]

MAX_SENTENCES, BASE_SENTENCES = 6, (3, 4, 5)
CLOSE_SHARE, FRONT_SHARE = 0.7, 0.15
LINKED = re.compile(r"(so|and|then|in short|all in all|above all|that is|after that)\b")  # no lead goes before these
PERSON = re.compile(r"\{(actor|pron|pron_obj|poss)\}")


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


def write_answer(
    request: Request, plan: Sequence[str], rng: Chance, *, fold: Fold | None = None
) -> tuple[Sentence, ...]:
    """Write the sentences of an answer.

    Sentences of a topic keep the order in which the topic lists them. Every planned concept is expressed in two
    sentences at least: drafts that fall short are thrown away, and only the draft that stays is noted in ``rng``.

    Args:
        request: what the answer is about.
        plan: names of the concepts to carry.
        rng: source of chance.
        fold: use only the frames and wordings of this fold; None uses all.
    """
    before = rng.log_p
    while True:
        rng.log_p = before
        sentences = draft_answer(request, plan, rng, fold=fold)
        if sentences:
            return sentences


def draft_answer(
    request: Request, plan: Sequence[str], rng: Chance, *, fold: Fold | None = None
) -> tuple[Sentence, ...]:
    """One attempt of `write_answer`; empty when a planned concept was expressed in fewer than two sentences."""
    planned = [voice for voice in VOICES if voice.name in plan]
    topic = topics()[request.topic]
    she = rng.random() < 0.5
    bound = _bindings(request, she)
    pools = {voice.name: _Pool(voice, rng, fold) for voice in planned}
    added = _draw_added(planned, pools, rng)
    frames = _draw_frames(frames_of(topic, request.kind), sum(added.values()), rng, fold)
    if any(PERSON.search(frame) for frame in frames):
        rng.note(0.5)  # whether a woman or a man; nobody can tell when the text names neither
    base = []
    for frame in frames:
        core = render(bare(frame), topic.slots, bound, rng)
        key = f"{topic.name}.{request.kind}.{bare(frame)}"
        base.append(_dress(core, key, mood_of(frame, request.kind), planned, pools, bound, rng))
    sentences = _interleave(base, added, pools, bound, rng)
    kept = all(sum(voice.name in sentence.concepts for sentence in sentences) >= 2 for voice in planned)
    return tuple(sentences) if kept else ()


def _bindings(request: Request, she: bool) -> dict[str, str]:
    return {
        "subject": request.subject,
        "other": request.other,
        "actor": CAST[request.topic][0 if she else 1],
        "pron": "she" if she else "he",
        "pron_obj": "her" if she else "him",
        "poss": "her" if she else "his",
    }


def _added_counts(planned: Sequence[Voice], pools: "dict[str, _Pool]") -> Iterator[tuple[int, ...]]:
    """Every equally likely number of whole sentences per planned concept, before it is known which coincide."""
    spans = [range(voice.added[0], voice.added[1] + 1) for voice in planned]
    for drawn in product(*spans):
        left = MAX_SENTENCES - 2
        counts = []
        for voice, wanted in zip(planned, drawn, strict=True):
            counts.append(min(wanted, left, len(pools[voice.name].left["sentence"])))
            left -= counts[-1]
        yield tuple(counts)


def _draw_added(planned: Sequence[Voice], pools: "dict[str, _Pool]", rng: Chance) -> dict[str, int]:
    outcomes = Counter(_added_counts(planned, pools))
    drawn = rng.pick_weighted({counts: float(ways) for counts, ways in outcomes.items()})
    return {voice.name: count for voice, count in zip(planned, drawn, strict=True)}


def _draw_frames(frames: Frames, added: int, rng: Chance, fold: Fold | None) -> list[str]:
    lengths = Counter(min(count, MAX_SENTENCES - added) for count in BASE_SENTENCES)
    count = rng.pick_weighted({length: float(ways) for length, ways in lengths.items()})
    opens, middles, closes = (folded(part, fold) for part in (frames.opens, frames.middles, frames.closes))
    close = count > 2 and rng.happens(CLOSE_SHARE)
    chosen = [rng.pick(opens), *rng.pick_subset(middles, min(count - 1 - close, len(middles)))]
    return [*chosen, rng.pick(closes)] if close else chosen


def _dress(
    core: str,
    frame: str,
    mood: Mood,
    planned: Sequence[Voice],
    pools: "dict[str, _Pool]",
    bound: dict[str, str],
    rng: Chance,
) -> Sentence:
    taken: dict[Side, str] = {}
    mark = "."
    carried = []
    for voice in planned:
        if voice.swaps:
            core = swap_words(core, voice.swaps)
        pool = pools[voice.name]
        sides: tuple[Side, ...] = ("tail",) if LINKED.match(core) else ("lead", "tail")
        open_sides = [side for side in sides if side not in taken and pool.suiting(side, mood)]
        if not open_sides or not rng.happens(voice.touch):
            continue
        side = rng.pick(open_sides)
        taken[side] = pool.take(side, mood, bound)
        mark = voice.mark or mark
        carried.append(voice.name)
    lead = taken["lead"] + " " if "lead" in taken else ""
    return Sentence(capitalise(lead + core + taken.get("tail", "") + mark), frame, with_parents(carried))


def _interleave(
    base: list[Sentence], added: dict[str, int], pools: "dict[str, _Pool]", bound: dict[str, str], rng: Chance
) -> list[Sentence]:
    """The topic's sentences with the concepts' own between them, seldom one in front."""
    owners = [name for name, count in added.items() for _ in range(count)]
    if not owners:
        return base
    rng.shuffle(owners)
    rng.note(math.prod(math.factorial(count) for count in added.values()) / math.factorial(len(owners)))
    total = len(base) + len(owners)
    front = [0] if rng.happens(FRONT_SHARE) else []
    places = {*front, *rng.pick_subset(range(1, total), len(owners) - len(front))}
    ordinary, owner = iter(base), iter(owners)
    sentences = []
    for place in range(total):
        if place in places:
            name = next(owner)
            text = pools[name].take("sentence", "general", bound)
            sentences.append(Sentence(capitalise(text), "", with_parents([name])))
        else:
            sentences.append(next(ordinary))
    return sentences


class _Pool:
    """The expressions of one concept that an answer has not used yet."""

    def __init__(self, voice: Voice, rng: Chance, fold: Fold | None) -> None:
        self._slots: dict[str, SlotValues] = dict(voice.slots)
        self._rng = rng
        self.left = {
            "sentence": folded(voice.sentences, fold),
            "lead": folded(voice.leads, fold),
            "tail": folded(voice.tails, fold),
        }

    def suiting(self, sort: str, mood: Mood) -> list[str]:
        """The expressions of this sort that are left and go with ``mood``."""
        return [expression for expression in self.left[sort] if suits(expression, mood)]

    def take(self, sort: str, mood: Mood, bound: dict[str, str]) -> str:
        """One of those, rendered; it is not left any more."""
        expression = self._rng.pick(self.suiting(sort, mood))
        self.left[sort].remove(expression)
        return render(bare(expression), self._slots, bound, self._rng)
