"""How does a text become a recipe, with nothing guessed and nothing overlooked?

Keys are the fields of the dataclasses and values have their types; an unknown key, a wrong type or a value out of range
is one sentence that names the place.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from steering.conversation import Conversation
from steering.errors import RecipeError, SteeringError
from steering.recipes.checks import check_characters
from steering.recipes.conversation import conversation_from_json
from steering.recipes.migration import migrate
from steering.recipes.recipe import SCHEMA, Recipe

MAX_BYTES = 1_000_000
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def read_recipe(text: str | bytes) -> Recipe:
    """The recipe that a file holds.

    Raises:
        RecipeError: too large, no JSON, of a later schema, an unknown key, or a value that is not allowed.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise RecipeError(f"The recipe has {size:,} bytes; one of {MAX_BYTES:,} at most is expected.")
    try:
        spelt = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        content = json.loads(spelt, object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise RecipeError(f"The recipe is no UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise RecipeError(
            f"Line {error.lineno}, column {error.colno} is no JSON: {error.msg}; mend it there."
        ) from error
    except RecursionError as error:
        raise RecipeError("The recipe is nested too deeply; a recipe has four levels at most.") from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise RecipeError("The recipe holds a number of thousands of digits; write a shorter one.") from error
    return recipe_from_json(content)


def recipe_from_json(content: Any) -> Recipe:
    """The recipe in plain values, as :meth:`Recipe.to_json` gives them.

    Raises:
        RecipeError: see :func:`read_recipe`.
    """
    if not isinstance(content, Mapping):
        raise RecipeError(f"The recipe is {_told(content)}, expected an object in braces with its schema.")
    current = migrate(content, SCHEMA)
    del current["schema"]
    found: Recipe = _read(Recipe, current, "")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RecipeError(f"The key {twice[:80]!r} stands twice in one object; keep one of them.")
    return found


def _no_number(name: str) -> NoReturn:
    raise RecipeError(f"The recipe holds {name}, which is no number; write one with digits.")


def _read(kind: Any, value: Any, where: str) -> Any:
    """``value`` as a ``kind``: a conversation, a dataclass, a union, a literal, a tuple, a dict or a scalar."""
    if kind is Conversation:
        return conversation_from_json(value, where)
    if is_dataclass(kind):
        return _object(kind, value, where)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _either(get_args(kind), value, where)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(kind):
            raise RecipeError(f"{where} is {_told(value)}; choose one of {', '.join(map(str, get_args(kind)))}.")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where} is {_told(value)}, expected a list in brackets.")
        return tuple(_read(get_args(kind)[0], one, f"{where}[{place}]") for place, one in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise RecipeError(f"{where} is {_told(value)}, expected an object in braces.")
        return {_text(key, where): _read(str, one, f"{where}.{key}") for key, one in value.items()}
    return _scalar(kind, value, where)


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise RecipeError(f"{where} is larger than any number here; write a smaller one.") from error
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise RecipeError(f"{where} is {_told(value)}, expected {_NAMES[kind]}.")
    return _text(value, where) if kind is str else value


def _text(value: str, where: str) -> str:
    check_characters(where, value)
    return value


def _either(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """The alternative that ``value`` looks like; they differ in their JSON type, or are all literals and numbers."""
    if value is None and type(None) in kinds:
        return None
    left = [kind for kind in kinds if kind is not type(None)]
    for kind in left:
        if _looks_like(kind, value):
            return _read(kind, value, where)
    raise RecipeError(f"{where} is {_told(value)}, expected {' or '.join(map(_name, left))}.")


def _name(kind: Any) -> str:
    if kind is Conversation or get_origin(kind) is tuple:
        return "a list"
    if is_dataclass(kind):
        return "an object"
    return str(get_args(kind)[0]) if get_origin(kind) is Literal else _NAMES[kind]


def _looks_like(kind: Any, value: Any) -> bool:
    if kind is Conversation or get_origin(kind) is tuple:
        return isinstance(value, list)
    if is_dataclass(kind):
        return isinstance(value, Mapping)
    if get_origin(kind) is Literal:
        return isinstance(value, str)
    return isinstance(value, int | float if kind is float else kind) and (kind is bool or not isinstance(value, bool))


def _object(kind: Any, value: Any, where: str) -> Any:
    name = where or "The recipe"
    if not isinstance(value, Mapping):
        raise RecipeError(f"{name} is {_told(value)}, expected an object in braces.")
    known = {one.name: one for one in fields(kind)}
    for key in value:
        if key not in known:
            nearest = get_close_matches(key[:80], known, n=1, cutoff=0.0)[0]
            raise RecipeError(f"{name} has the unknown key {key[:80]!r}; the nearest known one is {nearest!r}.")
    for key, one in known.items():
        if key not in value and one.default is MISSING and one.default_factory is MISSING:
            raise RecipeError(f"{name} has no {key!r}; add it.")
    hints = get_type_hints(kind)
    given = {key: _read(hints[key], value[key], f"{where}.{key}" if where else key) for key in known if key in value}
    try:
        return kind(**given)
    except SteeringError as error:
        raise RecipeError(f"{where}: {error}" if where else str(error)) from error


def _told(value: Any) -> str:
    """What stands there, short enough for a sentence."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    spelt = json.dumps(value, ensure_ascii=True, default=str)
    return spelt if len(spelt) <= 60 else f"{spelt[:57]}..."
