"""How is a recipe written so that a person can read it?"""

import json
from typing import Any

from steering.recipes.recipe import Recipe

_WIDTH = 110


def write_recipe(recipe: Recipe) -> str:
    """The recipe as the text of a file: JSON in a fixed order, small things on one line, a line break at the end."""
    return _spelt(recipe.to_json(), 0) + "\n"


def _spelt(value: Any, depth: int) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # The recipe itself and lists of texts always take a line an entry; other things only where they are long.
    texts = isinstance(value, list) and any(isinstance(one, str) for one in value)
    fits = len(line) + 2 * depth <= _WIDTH and depth > 0 and not texts
    if fits or not isinstance(value, dict | list) or not value:
        return line
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        entries = [f"{json.dumps(key, ensure_ascii=False)}: {_spelt(one, depth + 1)}" for key, one in value.items()]
        begin, end = "{", "}"
    else:
        entries = [_spelt(one, depth + 1) for one in value]
        begin, end = "[", "]"
    return begin + "\n" + ",\n".join(inner + entry for entry in entries) + "\n" + outer + end
