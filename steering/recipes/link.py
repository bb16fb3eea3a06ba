"""How does a recipe travel in the address of a page, and what may a stranger's address do here?

An address is compressed JSON in the letters that addresses may hold. Whatever comes in is bounded before it is
unpacked and while it is, and then read as strictly as a file.
"""

import base64
import binascii
import json
import zlib

from steering.errors import RecipeError
from steering.recipes.reading import read_recipe
from steering.recipes.recipe import Recipe

PARAMETER = "recipe"
MAX_LETTERS = 6_000
"""Browsers, proxies and chat programs take addresses of 8,000 letters; the rest is room for host and path."""
_MAX_UNPACKED = 200_000


def recipe_to_link(recipe: Recipe) -> str:
    """The recipe as the value of a query parameter; versions, which inform only, are left behind.

    Raises:
        RecipeError: it is too large for an address.
    """
    content = recipe.to_json()
    content.pop("versions", None)
    packed = zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    letters = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(letters) > MAX_LETTERS:
        raise RecipeError(
            f"The recipe makes a link of {len(letters):,} letters, and {MAX_LETTERS:,} are safe in an address; send "
            "the file instead, or use fewer prompts."
        )
    return letters


def recipe_from_link(letters: str) -> Recipe:
    """The recipe of a query parameter.

    Raises:
        RecipeError: too long, no base64, not compressed, too large once unpacked, or no recipe.
    """
    if len(letters) > 2 * MAX_LETTERS:
        raise RecipeError(f"The link has {len(letters):,} letters; at most {2 * MAX_LETTERS:,} are read.")
    try:
        packed = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecipeError("The link is cut off or mistyped (it is no base64); copy it again.") from error
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, _MAX_UNPACKED)
    except zlib.error as error:
        raise RecipeError("The link is cut off or mistyped (it cannot be unpacked); copy it again.") from error
    if unpacker.unconsumed_tail:
        raise RecipeError(f"The link unpacks to more than {_MAX_UNPACKED:,} bytes, which no recipe has; copy it again.")
    if not unpacker.eof:
        raise RecipeError("The link is cut off; copy all of it.")
    return read_recipe(text)
