"""How does a recipe of an older schema become one of today's?

One step for each version, from n to n + 1, on the plain values of the file. Steps are never changed once released:
what they did is what old files mean.
"""

from collections.abc import Callable, Mapping
from typing import Any

from steering.errors import RecipeError

Step = Callable[[dict[str, Any]], dict[str, Any]]

STEPS: Mapping[int, Step] = {}
"""Version -> what makes the next version of it. Schema 1 is the first, so there is none yet."""


def migrate(content: Mapping[str, Any], current: int, steps: Mapping[int, Step] = STEPS) -> dict[str, Any]:
    """The same recipe in the form of schema ``current``.

    Args:
        content: as it stands in the file; left as it is.
        current: the schema that is wanted.
        steps: version -> step to the next one.

    Raises:
        RecipeError: no schema, one that is no version, or one of a later release.
    """
    version = content.get("schema")
    if version is None:
        raise RecipeError(f'The recipe does not say its schema; begin it with "schema": {current}.')
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RecipeError(f"schema is {version!r}; expected a whole number from 1 to {current}.")
    if version > current:
        raise RecipeError(
            f"The recipe has schema {version}, this version of Steerscope reads up to {current}; update Steerscope."
        )
    found = dict(content)
    for number in range(version, current):
        found = {**steps[number](found), "schema": number + 1}
    return found
