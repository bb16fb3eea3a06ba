"""How do our dataclasses become plain values for JSON and Parquet, and plain values our dataclasses again?

The types of the fields decide, both ways. What is read comes from a file that anybody may have written, so an unknown
key or a wrong type is an error that names its place, and nothing is ever executed.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from steering.errors import StudyError

_PLACES = ("first", "second", "third", "fourth")
_SCALARS: dict[Any, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def to_plain(kind: Any, value: Any) -> Any:
    """``value``, which is a ``kind``, as dicts, lists, texts and numbers."""
    kind, optional = _without_none(kind)
    if optional and value is None:
        return None
    if is_dataclass(kind):
        hints = _hints(kind)
        return {one.name: to_plain(hints[one.name], getattr(value, one.name)) for one in fields(kind)}
    if get_origin(kind) is tuple:
        if _is_record(kind):
            return {name: to_plain(one, item) for (name, one), item in zip(_named(kind).items(), value, strict=True)}
        return [to_plain(get_args(kind)[0], item) for item in value]
    if _is_choice(kind):
        return to_plain(_fitting(kind, value), value)
    return dict(value) if get_origin(kind) is dict else value


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """The ``kind`` that ``value`` stands for; a field that is missing takes its default.

    Args:
        kind: a dataclass, a scalar, ``Literal``, ``tuple[X, ...]``, a tuple of up to four, ``dict[str, str]``,
            or a union of such.
        value: as :func:`to_plain` gave it, after any journey through a file.
        where: names the place in a message.

    Raises:
        StudyError: ``value`` does not stand for a ``kind``.
    """
    kind, optional = _without_none(kind)
    if optional and value is None:
        return None
    origin = get_origin(kind)
    if is_dataclass(kind):
        return _object(kind, value, where)
    if origin is tuple and _is_record(kind):
        named = _named(kind)
        if not isinstance(value, Mapping) or set(value) != set(named):
            raise _unfit(value, f"an object with {', '.join(named)}", where)
        return tuple(from_plain(one, value[name], f"{where}.{name}") for name, one in named.items())
    if origin is tuple:
        if not isinstance(value, list):
            raise _unfit(value, "a list", where)
        return tuple(from_plain(get_args(kind)[0], item, where) for item in value)
    if origin is dict:
        if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in (*value, *value.values())):
            raise _unfit(value, "texts by name", where)
        return dict(value)
    if _is_choice(kind):
        return from_plain(_looking_like(kind, value, where), value, where)
    return _scalar(kind, value, where)


def arrow_type(kind: Any) -> Any:
    """The Arrow type of a ``kind``'s plain values."""
    import pyarrow as pa

    kind, _ = _without_none(kind)
    if is_dataclass(kind):
        return pa.struct(arrow_fields(kind))
    if get_origin(kind) is tuple:
        if _is_record(kind):
            return pa.struct([(name, arrow_type(one)) for name, one in _named(kind).items()])
        return pa.list_(arrow_type(get_args(kind)[0]))
    if get_origin(kind) is dict:
        return pa.map_(pa.string(), pa.string())
    if get_origin(kind) is Literal or _is_choice(kind):
        return pa.string()
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[kind]


def arrow_fields(kind: Any) -> list[tuple[str, Any]]:
    """Names and Arrow types of a dataclass."""
    hints = _hints(kind)
    return [(one.name, arrow_type(hints[one.name])) for one in fields(kind)]


def as_written(expected: Any, found: Any, kind: Any) -> list[Any]:
    """The Arrow fields of a dataclass without those that a file from before them lacks, where they have a default.

    Args:
        expected: schema or struct type of ``kind``.
        found: the same of a file.
        kind: the dataclass.
    """
    import pyarrow as pa

    written, hints = [], _hints(kind)
    for one in fields(kind):
        field, inner = expected.field(one.name), _without_none(hints[one.name])[0]
        if one.name not in found.names:
            if one.default is MISSING and one.default_factory is MISSING:
                written.append(field)
        elif is_dataclass(inner) and pa.types.is_struct(found.field(one.name).type):
            written.append(field.with_type(pa.struct(as_written(field.type, found.field(one.name).type, inner))))
        else:
            written.append(field)
    return written


def to_cell(kind: Any, value: Any) -> Any:
    """A plain value as Arrow takes it: what may be one of several kinds is kept as JSON text."""
    kind, optional = _without_none(kind)
    if optional and value is None:
        return None
    if is_dataclass(kind):
        hints = _hints(kind)
        return {one.name: to_cell(hints[one.name], value[one.name]) for one in fields(kind)}
    if get_origin(kind) is tuple and not _is_record(kind):
        return [to_cell(get_args(kind)[0], item) for item in value]
    if get_origin(kind) is dict:
        return list(value.items())
    return json.dumps(value, allow_nan=False) if _is_choice(kind) else value


def from_cell(kind: Any, value: Any, where: str) -> Any:
    """The plain value that a cell of a checked Arrow table stands for."""
    kind, optional = _without_none(kind)
    if value is None:
        if optional:
            return None
        raise _unfit(value, "a value", where)
    if is_dataclass(kind):
        hints = _hints(kind)
        return {name: from_cell(hints[name], item, where) for name, item in value.items()}
    if get_origin(kind) is tuple and not _is_record(kind):
        return [from_cell(get_args(kind)[0], item, where) for item in value]
    if get_origin(kind) is dict:
        return dict(value)
    return read_json(value, where) if _is_choice(kind) else value


def read_json(text: str | bytes, where: str) -> Any:
    """Plain values from a JSON text.

    Raises:
        StudyError: it is no JSON.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{where} is no JSON that can be read ({error}); take a sound copy of the study.") from error


def write_json(value: Any) -> bytes:
    """A JSON text for people and programs.

    Raises:
        ValueError: NaN or infinity, which JSON has not.
    """
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


def _object(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise _unfit(value, "an object", where)
    known = {one.name: one for one in fields(kind)}
    unknown = [key for key in value if key not in known]
    if unknown:
        raise StudyError(f"{where} has the unknown key {unknown[0]!a:.80}; it is not of this version's making.")
    missing = [
        name
        for name, one in known.items()
        if name not in value and one.default is MISSING and one.default_factory is MISSING
    ]
    if missing:
        raise StudyError(f"{where} has no {missing[0]!r}; take a sound copy of the study.")
    hints = _hints(kind)
    return kind(**{name: from_plain(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _hints(kind: Any) -> dict[str, Any]:
    """The kinds of a dataclass's fields."""
    return _found_hints(kind)


@cache
def _found_hints(kind: type) -> dict[str, Any]:
    # Once for each kind: a study has thousands of rows.
    return get_type_hints(kind)


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise _unfit(value, f"one of {', '.join(map(str, get_args(kind)))}", where)
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise _unfit("a huge number", "a number", where) from error
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise _unfit(value, _SCALARS[kind], where)
    return value


def _unfit(value: Any, expected: str, where: str) -> StudyError:
    return StudyError(f"{where} is {ascii(value)[:60]}, expected {expected}; take a sound copy of the study.")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


@cache
def _without_none(kind: Any) -> tuple[Any, bool]:
    """``X | None`` as ``(X, True)``."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    left = [one for one in get_args(kind) if one is not NoneType]
    if len(left) == len(get_args(kind)):
        return kind, False
    return (left[0] if len(left) == 1 else Union[tuple(left)]), True  # noqa: UP007 - made from a list


@cache
def _is_choice(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


@cache
def _is_record(kind: Any) -> bool:
    """Whether a tuple has a fixed number of places, each with a kind of its own."""
    return Ellipsis not in get_args(kind)


def _named(kind: Any) -> dict[str, Any]:
    """The kinds of such a tuple's places, by name."""
    return dict(zip(_PLACES[: len(get_args(kind))], get_args(kind), strict=True))


def _fitting(kind: Any, value: Any) -> Any:
    """Of a union's kinds, the one that ``value`` is."""
    for one in get_args(kind):
        origin = get_origin(one)
        if value in get_args(one) if origin is Literal else isinstance(value, origin or one):
            return one
    raise TypeError(f"{value!r} is no {kind}")


def _looking_like(kind: Any, value: Any, where: str) -> Any:
    """Of a union's kinds, the one that a plain ``value`` stands for; they differ in their JSON types."""
    for one in get_args(kind):
        origin = get_origin(one)
        if origin is Literal:
            fits = value in get_args(one)
        elif is_dataclass(one) or origin is dict:
            fits = isinstance(value, Mapping)
        elif origin is tuple:
            fits = isinstance(value, list)
        else:
            fits = isinstance(value, int | float if one is float else one)
        if fits:
            return one
    raise _unfit(value, "one of the values that are allowed there", where)
