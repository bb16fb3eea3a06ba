"""Which topics does the embedded world talk about?"""

from steering.world.topics import astronomy, cooking, cycling, gardening, law, medicine, music, travel
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
)

__all__ = ["KINDS", "TOPICS", "Frames", "Kind", "Topic"]
