"""Which concepts can an answer of the embedded world carry?"""

from steering.world.voices import forms, stances, styles, themes, tongues
from steering.world.voices.voice import ConceptKind, Split, Voice

VOICES: tuple[Voice, ...] = styles.VOICES + themes.VOICES + forms.VOICES + stances.VOICES + tongues.VOICES

__all__ = ["VOICES", "ConceptKind", "Split", "Voice"]
