"""Which colours mean what, on light and on dark?

Every colour has a contrast of at least 3.8:1 on both backgrounds, and text on a 60 % tint of it 6.2:1. The four
feature colours stay apart under the common kinds of colour blindness; nothing is told by colour alone.
"""

import re

from steering.errors import SteeringError

FEATURE_COLOURS: tuple[str, str, str, str] = ("#2f74d0", "#c8690a", "#0e8a66", "#b0509f")
POSITIVE = "#2f74d0"
NEGATIVE = "#7a8496"
WARNING = "#c8690a"
MAX_TINT = 0.6

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def feature_colour(slot: int) -> str:
    """Colour of the feature in that slot; the fifth takes the first one's again."""
    return FEATURE_COLOURS[slot % len(FEATURE_COLOURS)]


def checked(colour: str) -> str:
    """``colour`` if it is written ``#rrggbb``.

    Raises:
        SteeringError: it is written in any other way.
    """
    if not _HEX.fullmatch(colour):
        raise SteeringError(f"A colour is written #rrggbb; got {colour!r}.")
    return colour.lower()
