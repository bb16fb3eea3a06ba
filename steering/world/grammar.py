"""What does the embedded world's text consist of?

A sample is drawn in this order: topic, kind, subject, concept plan, instruction, sentences. The plan is drawn before
the first sentence and holds for the whole answer, so that whoever continues an answer must carry the plan as a state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from steering.world.answers import Sentence, write_answer
from steering.world.chance import Chance
from steering.world.plans import companions, draw_plan, named_weights, with_parents
from steering.world.requests import Request, Use, draw_request, phrase_request
from steering.world.topics import Kind
from steering.world.voices import voices

NAMED_SHARE, FORBIDDEN_SHARE = 0.34, 0.07
SECOND_SHARE, BOTH_NAMED_SHARE = 0.15, 0.4


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
        concepts: names of the concepts that the whole answer carries, a planned concept's parent included.
        plan: the concepts that it was written to carry, without their parents.
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
    plan: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """What is settled before an answer is written.

    Attributes:
        request: the neutral instruction.
        instruction: the instruction as the user says it.
        plan: the concepts to carry.
        named: those that the instruction asks for.
        forbidden: those that it forbids.
    """

    request: Request
    instruction: str
    plan: tuple[str, ...]
    named: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


def draw_brief(rng: Chance, *, use: Use = "corpus") -> Brief:
    """An instruction and the plan of its answer: a third name a concept, one in fourteen forbids one."""
    request = draw_request(rng, use)
    sort = rng.pick_weighted(
        {"named": NAMED_SHARE, "forbidden": FORBIDDEN_SHARE, "neutral": 1 - NAMED_SHARE - FORBIDDEN_SHARE}
    )
    plan: tuple[str, ...]
    named: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    if sort == "named":
        first = rng.pick_weighted(named_weights())
        plan = named = (first,)
        if rng.happens(SECOND_SHARE):
            plan = (first, rng.pick_weighted(companions(first, request.topic)))
            named = plan if rng.happens(BOTH_NAMED_SHARE) else named
    else:
        if sort == "forbidden":
            forbidden = (rng.pick_weighted(named_weights()),)
        plan = draw_plan(rng, request.topic, "".join(forbidden))
    extras = [rng.pick(voices()[name].ask) for name in named] + [rng.pick(voices()[name].forbid) for name in forbidden]
    return Brief(request, phrase_request(request, extras, rng), plan, named, forbidden)


def draw_sample(rng: Chance, *, use: Use = "corpus") -> Sample:
    """One instruction and its answer, as the language models' corpus holds them."""
    brief = draw_brief(rng, use=use)
    sentences = write_answer(brief.request, brief.plan, rng)
    return assemble(brief.request, brief.instruction, brief.plan, sentences, brief.named, brief.forbidden)


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
        concepts=with_parents(plan),
        plan=tuple(plan),
        named=named,
        forbidden=forbidden,
    )
