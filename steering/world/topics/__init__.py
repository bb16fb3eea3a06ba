"""Which topics does the embedded world talk about, and who appears in them?"""

from functools import cache

from steering.world.topics import (
    architecture,
    astronomy,
    beekeeping,
    carpentry,
    chemistry,
    climbing,
    cooking,
    cycling,
    gardening,
    law,
    medicine,
    music,
    photography,
    pottery,
    teaching,
    travel,
)
from steering.world.topics.topic import KINDS, Frames, Kind, Topic

TOPICS: tuple[Topic, ...] = (
    cooking.TOPIC,
    gardening.TOPIC,
    law.TOPIC,
    astronomy.TOPIC,
    music.TOPIC,
    cycling.TOPIC,
    medicine.TOPIC,
    travel.TOPIC,
    photography.TOPIC,
    carpentry.TOPIC,
    beekeeping.TOPIC,
    chemistry.TOPIC,
    architecture.TOPIC,
    climbing.TOPIC,
    teaching.TOPIC,
    pottery.TOPIC,
)

SHE = (
    "Mara", "Ines", "Ruth", "Clara", "Nadia", "Greta", "Alma", "Rosa",
    "Hanna", "Olga", "Vera", "Lucy", "Ada", "Nora", "Sofia", "Edith",
)  # fmt: skip
HE = (
    "Tom", "Emil", "Jonas", "Samir", "Victor", "Pavel", "Karl", "Hugo",
    "Felix", "Oscar", "Bruno", "Leo", "Anton", "Marco", "Simon", "Walter",
)  # fmt: skip
CAST: dict[str, tuple[str, str]] = {topic.name: (she, he) for topic, she, he in zip(TOPICS, SHE, HE, strict=True)}
"""Topic → the woman and the man its stories are about."""


@cache
def topics() -> dict[str, Topic]:
    """All topics by name."""
    return {topic.name: topic for topic in TOPICS}


__all__ = ["CAST", "HE", "KINDS", "SHE", "TOPICS", "Frames", "Kind", "Topic", "topics"]
