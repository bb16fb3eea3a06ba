"""On which prompts are worked studies chosen, and on which others are they shown?

Two sets that share nothing. On the first (split ``select``) concepts and factors are chosen. The second (split
``test``) is what studies show and are scored on: it is fixed by a seed before anything is computed, no two studies have
a prompt in common, and none of them was shown by the first versions, whose rules were revised on what they showed.
"""

from functools import cache
from zlib import crc32

from steering.world.instructions import neutral_instructions, read_prompt

CANDIDATES = ("french", "code", "slang", "politeness", "chess", "birds", "football", "newsreader")
"""Concepts that are tried: those where features, LoRA or prompts lead most, or features do best, on the selection half
of the stored benchmark of earlier weights, whose prompts are of the split ``select`` as well."""
TOGETHER, TOPIC = "wine", "cooking"
"""The concept that the world writes together with a topic; its examples are taken as they occur."""
FEW_STORY = "wherefeatureswin"
"""The study that asks what few examples are good for."""
CHOOSING, SHOWN = 10, 12
CHOOSING_SEED, SHOWN_SEED = 1, 20261124
POOL = 640
"""Of the 664 instructions of the split; to find the last of them by drawing takes long."""


def choosing_prompts() -> list[str]:
    """To choose concepts and factors on."""
    return neutral_instructions(CHOOSING, seed=CHOOSING_SEED, split="select")


def shown_prompts(story: str, concept: str) -> list[str]:
    """To show and to score; of `TOGETHER` the first half is about its topic."""
    return list(_shown()[story == FEW_STORY, concept])


@cache
def _shown() -> dict[tuple[bool, str], tuple[str, ...]]:
    """Twelve prompts for every concept, and as many others where it is tried with few examples."""
    seen = _seen()
    fresh = [one for one in neutral_instructions(POOL, seed=SHOWN_SEED, split="test") if one not in seen]
    about = [one for one in fresh if read_prompt(one).topic == TOPIC][: SHOWN // 2]
    rest = [one for one in fresh if one not in about]
    other = [one for one in rest if read_prompt(one).topic != TOPIC][: SHOWN // 2]
    rest = [one for one in rest if one not in other]
    found = {(False, TOGETHER): (*about, *other)}
    for place, key in enumerate((is_few, concept) for is_few in (False, True) for concept in CANDIDATES):
        found[key] = tuple(rest[place * SHOWN : (place + 1) * SHOWN])
    return found


@cache
def _seen() -> frozenset[str]:
    """Every prompt that a first version can have shown: it drew them anew for each concept."""
    first = set(neutral_instructions(120, split="test"))
    seen = set(first)
    for concept in (*CANDIDATES, TOGETHER):
        drawn = neutral_instructions(360, seed=20261123 + crc32(concept.encode()) % 10_000, split="test")
        fresh = [one for one in drawn if one not in first]
        if concept == TOGETHER:
            about = [one for one in fresh if read_prompt(one).topic == TOPIC]
            seen |= {*about[:12], *[one for one in fresh if one not in about][:12]}
        else:
            seen |= set(fresh[:36])
    return frozenset(seen)
