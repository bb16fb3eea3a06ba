"""Which concepts does an answer carry?

A plan is drawn before the first sentence and holds for the whole answer.
"""

from collections.abc import Iterable
from functools import cache

from steering.world.chance import Chance
from steering.world.topics import TOPICS
from steering.world.voices import VOICES, Voice, voices

PLAIN_SHARE, SINGLE_SHARE = 0.45, 0.42
AT_HOME = 12.0
"""How much likelier than on average a confounded concept is in answers about its home topic: 3 of 4 of 16 topics."""


def related(first: Voice, second: Voice) -> bool:
    """Whether two concepts are the same, parent and child, children of one parent, or near-duplicates."""
    family = {first.parent or first.name}
    return (second.parent or second.name) in family or second.name == first.near or first.name == second.near


def compatible(first: Voice, second: Voice) -> bool:
    """Whether one answer can be planned to carry both: not related, not two vocabularies, not two final marks."""
    return not related(first, second) and not (first.swaps and second.swaps) and not (first.mark and second.mark)


def with_parents(names: Iterable[str]) -> tuple[str, ...]:
    """The concepts that an answer of this plan carries: a child's text is its parent's too."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        if voices()[name].parent:
            found[voices()[name].parent] = None
    return tuple(found)


@cache
def weights(topic: str, forbidden: str = "") -> dict[str, float]:
    """How likely each concept is in an answer about ``topic``, up to a factor; a forbidden one and its children never.

    Args:
        topic: name of a topic.
        forbidden: name of a concept, or empty.
    """
    elsewhere = (len(TOPICS) - AT_HOME) / (len(TOPICS) - 1)
    return {
        voice.name: voice.weight * ((AT_HOME if voice.home == topic else elsewhere) if voice.home else 1.0)
        for voice in VOICES
        if forbidden not in with_parents([voice.name])
    }


@cache
def named_weights() -> dict[str, float]:
    """How likely each concept is named or forbidden, up to a factor: more evenly than it occurs unannounced."""
    return {voice.name: voice.weight**0.5 for voice in VOICES}


@cache
def companions(first: str, topic: str, forbidden: str = "") -> dict[str, float]:
    """The weights of the concepts that can stand beside ``first``."""
    return {
        name: weight
        for name, weight in weights(topic, forbidden).items()
        if compatible(voices()[first], voices()[name])
    }


def _share(table: dict[str, float], name: str) -> float:
    return table.get(name, 0.0) / sum(table.values())


def pair_probability(first: str, second: str, topic: str, forbidden: str = "") -> float:
    """Probability of two concepts in either order, given that the plan holds two."""
    table = weights(topic, forbidden)
    return _share(table, first) * _share(companions(first, topic, forbidden), second) + _share(table, second) * _share(
        companions(second, topic, forbidden), first
    )


def draw_plan(rng: Chance, topic: str, forbidden: str = "") -> tuple[str, ...]:
    """The concepts of an answer that was not told any: none, one or two."""
    size = rng.pick_weighted({0: PLAIN_SHARE, 1: SINGLE_SHARE, 2: 1 - PLAIN_SHARE - SINGLE_SHARE})
    if size == 0:
        return ()
    table = weights(topic, forbidden)
    if size == 1:
        return (rng.pick_weighted(table),)
    first = rng.choices(list(table), weights=list(table.values()))[0]
    beside = companions(first, topic, forbidden)
    second = rng.choices(list(beside), weights=list(beside.values()))[0]
    rng.note(pair_probability(first, second, topic, forbidden))
    return first, second


@cache
def base_rates() -> dict[str, float]:
    """Share of the answers that carry each concept when nobody asked, exactly, over all topics."""
    rates = dict.fromkeys(voices(), 0.0)
    for topic in TOPICS:
        table = weights(topic.name)
        for first in table:
            single = SINGLE_SHARE * _share(table, first)
            _credit(rates, (first,), single / len(TOPICS))
            beside = companions(first, topic.name)
            double = (1 - PLAIN_SHARE - SINGLE_SHARE) * _share(table, first)
            for second in beside:
                _credit(rates, (first, second), double * _share(beside, second) / len(TOPICS))
    return rates


def _credit(rates: dict[str, float], plan: tuple[str, ...], probability: float) -> None:
    for name in with_parents(plan):
        rates[name] += probability
