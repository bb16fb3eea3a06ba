"""What may a field of a recipe hold? Every check raises ``RecipeError`` with one sentence that names the field."""

import math
import re
from typing import Any

from steering.errors import RecipeError

_MAX_TEXT = 100_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_text(name: str, value: str) -> None:
    """A text that says something and fits on a screen."""
    if not value.strip():
        raise RecipeError(f"{name} is empty; write something, or drop it.")
    if len(value) > _MAX_TEXT:
        raise RecipeError(f"{name} has {len(value):,} characters; at most {_MAX_TEXT:,} are allowed.")


def check_characters(name: str, value: str) -> None:
    """A text of whole characters, which UTF-8 can spell."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RecipeError(f"{name} holds half a character (\\ud800 to \\udfff), which is no text; mend it.") from error


def check_reference(revision: str | None, sha256: str | None) -> None:
    """Which version of a thing, where that is known."""
    if revision is not None:
        check_text("revision", revision)
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise RecipeError(f"sha256 is {sha256[:80]!r}; expected 64 digits 0 to 9 and a to f.")


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """One of the words that are allowed."""
    if value not in allowed:
        raise RecipeError(f"{name} is {value!r}; choose one of {', '.join(allowed)}.")


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """A whole number within its ends."""
    if not low <= value <= high:
        raise RecipeError(f"{name} is {value}; choose a whole number from {low} to {high}.")


def check_number(owner: Any, name: str, low: float, high: float) -> None:
    """Check a field and keep it as a float, so that 1 and 1.0 have one spelling and one digest."""
    value = float(getattr(owner, name)) + 0.0  # -0.0 becomes 0.0
    if not (math.isfinite(value) and low <= value <= high):
        raise RecipeError(f"{name} is {value:g}; choose a number from {low:g} to {high:g}.")
    object.__setattr__(owner, name, value)
