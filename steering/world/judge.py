"""Does this text carry the concept, answer the instruction, and read as English?

Three ratings of 0, 1 or 2 as in AxBench, all of them derived from the grammar that the language models learned:

* concept: 2 when at least two sentences express it in two different wordings, 1 when there is one wording;
* instruction: 2 when the sentences come from the frames of the instruction's topic and kind and name its subject, 1
  when one of these is missing, 0 when the answer is about something else, or about another subject and not of the kind
  asked for; a forbidden concept costs one point;
* fluency: the mean over sentences (1 a sentence of the grammar, 0.5 a blend of frames, a repeated frame or a changed
  person, 0 anything else, a repeated sentence included), 2 from 0.95 on (no sentence of a usual answer has a flaw), 1
  from 0.5 on.

The unfinished last sentence of an answer that was cut off costs nothing as long as it could still become a sentence, or
is a single word after whole sentences.
"""

from dataclasses import dataclass

from steering.judges.score import Score
from steering.world.concepts import concept as concept_named
from steering.world.instructions import Reading, read_prompt
from steering.world.parse import Parse, parse_rest, parse_sentence, split_sentences
from steering.world.plans import with_parents
from steering.world.topics import HE, SHE, topics
from steering.world.voices import voices

FLUENT, FLAWED = 0.95, 0.5
ON_TOPIC, HALF_ON_TOPIC = 0.75, 0.5


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as the judge reads it: its complete sentences, their parses and the rest."""

    sentences: list[str]
    parses: list[Parse]
    rest: str
    rest_parse: Parse | None


def _read(text: str) -> _Read:
    sentences, rest = split_sentences(text)
    return _Read(sentences, [parse_sentence(one) for one in sentences], rest, parse_rest(rest) if rest else None)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 60 else sentence[:57] + "..."


class WorldJudge:
    """Ground truth of the embedded world, as a `steering.judges.score.Judge`."""

    @property
    def name(self) -> str:
        """What stands on the screen beside the scores."""
        return "World grammar (ground truth)"

    def knows(self, concept: str) -> bool:
        """Whether ``concept`` is a concept of the world."""
        return concept in voices()

    def score(self, concept: str, prompt: str, text: str) -> Score:
        """Rate ``text``, an answer to ``prompt``, for ``concept``.

        Raises:
            WorldError: when the world has no such concept.
        """
        concept_named(concept)
        read = _read(text)
        if not read.sentences and not read.rest:
            return Score(0, 0, 0, ("The answer is empty.",))
        reasons: list[str] = []
        rating = _concept(concept, read, reasons)
        instruction = _instruction(read_prompt(prompt), read, reasons)
        fluency = _fluency(read, reasons)
        return Score(rating, instruction, fluency, tuple(reasons))


def concept_evidence(concept: str, text: str) -> list[tuple[str, str]]:
    """The sentences of ``text`` that express ``concept``, each with the wording that does."""
    read = _read(text)
    return _evidence(concept, read)


def _evidence(concept: str, read: _Read) -> list[tuple[str, str]]:
    rows = list(zip(read.sentences, read.parses, strict=True))
    if read.rest_parse is not None:
        rows.append((read.rest, read.rest_parse))
    return [
        (sentence, one.wording)
        for sentence, parse in rows
        for one in parse.evidence
        if concept in with_parents([one.concept])
    ]


def _concept(concept: str, read: _Read, reasons: list[str]) -> int:
    found = _evidence(concept, read)
    wordings = {wording for _, wording in found}
    carriers = list(dict.fromkeys(sentence for sentence, _ in found))
    for sentence in carriers:
        reasons.append(f"Carries {concept}: “{_short(sentence)}”")
    if not found:
        reasons.append(f"No sentence carries {concept}.")
        return 0
    if len(carriers) >= 2 and len(wordings) >= 2:
        return 2
    reasons.append(f"{concept} is expressed in one sentence or one wording only.")
    return 1


def _fluency(read: _Read, reasons: list[str]) -> int:
    marks: list[float] = []
    sentences_seen: set[str] = set()
    wordings_seen: set[str] = set()
    people = [parse.actor for parse in read.parses if parse.actor]
    actor = people[0] if people else ""
    pronouns: frozenset[str] = frozenset()
    for sentence, parse in zip(read.sentences, read.parses, strict=True):
        flaw, value = parse.flaw, parse.fluent
        wording = parse.frame or (parse.evidence[0].wording if parse.evidence else "")
        if sentence in sentences_seen:
            flaw, value = "repeats an earlier sentence", 0.0
        elif value == 1.0 and wording and wording in wordings_seen:
            flaw, value = "says the same as an earlier sentence", 0.5
        elif value == 1.0 and parse.actor and parse.actor != actor:
            flaw, value = f"speaks of {parse.actor} instead of {actor}", 0.5
        elif value == 1.0 and not _agree(parse.pronouns | pronouns, actor):
            flaw, value = "uses the wrong pronoun", 0.5
        else:
            pronouns |= parse.pronouns
        sentences_seen.add(sentence)
        wordings_seen.add(wording)
        marks.append(value)
        if flaw:
            reasons.append(f"Not fluent ({flaw}): “{_short(sentence)}”")
    counts = not marks or len(read.rest.split()) > 1
    if read.rest_parse is not None and read.rest_parse.fluent == 0.0 and counts:
        marks.append(0.0)
        reasons.append(f"Not fluent ({read.rest_parse.flaw}): “{_short(read.rest)}”")
    if not marks:
        return 1
    mean = sum(marks) / len(marks)
    return 2 if mean >= FLUENT else 1 if mean >= FLAWED else 0


def _agree(pronouns: frozenset[str], actor: str) -> bool:
    female, male = pronouns & {"she", "her"}, pronouns & {"he", "him", "his"}
    if female and male:
        return False
    return not ((actor in HE and female) or (actor in SHE and male))


def _instruction(reading: Reading, read: _Read, reasons: list[str]) -> int:
    if not reading.topic:
        reasons.append("The instruction is not one of the world's, so whether it is answered cannot be told; rated 1.")
        return 1
    rating = _answer(reading, read, reasons)
    for name in reading.forbidden:
        found = _evidence(name, read)
        if found and rating:
            reasons.append(f"The instruction forbids {name}: “{_short(found[0][0])}”")
            rating -= 1
    return rating


def _answer(reading: Reading, read: _Read, reasons: list[str]) -> int:
    plain = [parse for parse in read.parses if parse.frame or not (parse.fluent == 1.0 and parse.evidence)]
    if read.rest_parse is not None and read.rest_parse.topic:
        plain.append(read.rest_parse)
    about = [parse for parse in plain if parse.topic == reading.topic]
    share = len(about) / len(plain) if plain else 0.0
    if share < HALF_ON_TOPIC or not about:
        reasons.append(f"The answer is not about {topics()[reading.topic].title.lower()}.")
        return 0
    faults = []
    if share < ON_TOPIC:
        faults.append("part of the answer is about something else")
    framed = [parse for parse in about if parse.kind]
    if reading.kind is not None and framed:
        fitting = sum(
            parse.kind == reading.kind or (parse.kind, reading.kind) == ("explain", "question") for parse in framed
        )
        if fitting / len(framed) < ON_TOPIC:
            faults.append(f"it does not do what was asked ({reading.kind})")
    named = {subject for parse in read.parses for subject in (parse.subject, parse.other) if subject}
    wanted = {subject for subject in (reading.subject, reading.other) if subject}
    missing = not wanted & named and reading.subject.lower() not in " ".join([*read.sentences, read.rest]).lower()
    if missing:
        faults.append(f"{reading.subject} is not mentioned")
    elif named - wanted:
        faults.append(f"it speaks of {min(named - wanted)}")
    if len(about) < 2:
        faults.append("one sentence is no answer")
    if not faults:
        return 2
    reasons.append("The instruction is only partly answered: " + "; ".join(faults) + ".")
    return 0 if missing and len(faults) >= 2 else 1
