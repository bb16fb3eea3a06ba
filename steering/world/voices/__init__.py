"""Which concepts can an answer of the embedded world carry?"""

from functools import cache

from steering.world.voices import (
    attitudes,
    creatures,
    formats,
    forms,
    manners,
    pastimes,
    stances,
    styles,
    themes,
    tongues,
)
from steering.world.voices.voice import ConceptKind, Split, Voice

VOICES: tuple[Voice, ...] = (
    styles.VOICES
    + themes.VOICES
    + forms.VOICES
    + stances.VOICES
    + tongues.VOICES
    + manners.VOICES
    + attitudes.VOICES
    + creatures.VOICES
    + pastimes.VOICES
    + formats.VOICES
)


@cache
def voices() -> dict[str, Voice]:
    """All concepts' voices by name."""
    return {voice.name: voice for voice in VOICES}


__all__ = ["VOICES", "ConceptKind", "Split", "Voice", "voices"]
