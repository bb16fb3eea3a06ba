"""How are JSON and JSON lines read, and which rows of them cannot be?"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from steering.errors import ExamplesError
from steering.examples.findings import Finding, count, join_words, name_rows, quote
from steering.examples.table import Table, TableFormat, check_columns, check_row_count, make_table

_SPACE = " \t\r\n"


def read_json_lines(text: str, name: str) -> Table:
    """Reads one JSON object per line.

    Lines that are not an object are left out and reported by row. A file that is one JSON list is read as such.

    Raises:
        ExamplesError: no line can be read, or a cap is exceeded.
    """
    if text.lstrip(_SPACE).startswith("["):
        note = Finding("note", "format", f"{name} is one JSON list, not one object per line; it was read as JSON.")
        return read_json(text, name, findings=(note,))
    rows: list[tuple[int, Any]] = []
    broken: list[tuple[int, str]] = []
    number = 0
    for line in text.split("\n"):
        if not line.strip(_SPACE):
            continue
        number += 1
        check_row_count(name, number)
        try:
            rows.append((number, _decoder().decode(line.strip(_SPACE))))
        except (ValueError, RecursionError) as error:
            broken.append((number, _reason(error)))
    return _table_of_objects(rows, broken, name, "jsonl", ())


def read_json(text: str, name: str, *, findings: Sequence[Finding] = ()) -> Table:
    """Reads a list of objects, or one object of equally long lists.

    A list is decoded item by item, so that a broken file is reported with its row and a long one stops at the cap.

    Raises:
        ExamplesError: not such a file, or a cap is exceeded.
    """
    start = text.lstrip(_SPACE)[:1]
    if start == "[":
        return _table_of_objects(_list_items(text, name), [], name, "json", findings)
    if start != "{":
        raise ExamplesError(
            f'{name} begins with {quote(text[:20])}; expected a list of objects, [{{"text": …, "label": …}}, …], '
            "or an object of lists: save it in one of these forms."
        )
    try:
        content = _decoder().decode(text.strip(_SPACE))
    except (ValueError, RecursionError) as error:
        hint = " (one object per line is called .jsonl)" if "Extra data" in str(error) else ""
        raise ExamplesError(f"{name} is not valid JSON: {_reason(error)}{hint}; correct it there.") from error
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    lengths = {key: len(value) for key, value in lists.items()}
    if not lists or len(lists) < len(content) or len(set(lengths.values())) > 1:
        got = ", ".join(f"{key}: {lengths.get(key, 'no list')}" for key in list(content)[:8]) or "nothing"
        raise ExamplesError(
            f"{name} is an object with {quote(got, length=120)}; expected lists of the same length, one per column, or "
            "a list of objects: save it in one of these forms."
        )
    check_columns(name, list(lists))
    n_rows = next(iter(lengths.values()))
    check_row_count(name, n_rows)
    rows = [(i + 1, {key: value[i] for key, value in lists.items()}) for i in range(n_rows)]
    return _table_of_objects(rows, [], name, "json", findings)


def _list_items(text: str, name: str) -> list[tuple[int, Any]]:
    """The items of one JSON list, numbered from 1."""
    decoder = _decoder()
    rows: list[tuple[int, Any]] = []
    position = _skip(text, text.index("[") + 1)
    while text[position : position + 1] != "]":
        number = len(rows) + 1
        check_row_count(name, number)
        try:
            item, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError, StopIteration) as error:
            raise ExamplesError(f"{name}, row {number}: not valid JSON: {_reason(error)}; correct it there.") from error
        rows.append((number, item))
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise ExamplesError(
                f"{name}, after row {number}: expected a comma or the closing bracket of the list, got "
                f"{quote(text[position : position + 20]) if position < len(text) else 'the end of the file'}; "
                "correct it there."
            )
    rest = text[position + 1 :].strip(_SPACE)
    if rest:
        raise ExamplesError(f"{name} goes on after its list with {quote(rest[:20])}; remove what follows the list.")
    return rows


def _table_of_objects(
    rows: Sequence[tuple[int, Any]],
    broken: list[tuple[int, str]],
    name: str,
    format: TableFormat,
    findings: Sequence[Finding],
) -> Table:
    """Objects to cells; a column with nested contents is left out as a whole, a row that is no object by itself."""
    good: list[tuple[int, dict[str, Any]]] = []
    for number, row in rows:
        if not isinstance(row, dict):
            broken.append((number, f"a {type(row).__name__} and not an object with named values"))
        elif _has_lone_surrogate(row):
            broken.append((number, "half of a character (a lone surrogate such as \\ud83d)"))
        else:
            good.append((number, row))
    if broken and not good:
        raise ExamplesError(
            f"No row of {name} could be read; row {broken[0][0]} has {broken[0][1]}: expected objects such as "
            '{"text": "…", "label": 1}.'
        )
    columns: dict[str, None] = {}
    nested: dict[str, None] = {}
    for _, row in good:
        for key, value in row.items():
            columns.setdefault(key)
            if not _is_cell(value):
                nested.setdefault(key)
        if len(columns) > 1_000:
            break
    check_columns(name, list(columns))
    kept = [column for column in columns if column not in nested]
    found = list(findings)
    if nested:
        if not kept:
            raise ExamplesError(
                f"Every column of {name} holds objects; expected texts, numbers, true or false, or lists of texts: "
                "flatten it to one value per column."
            )
        found.append(_nested_note(list(nested)))
    if broken:
        broken.sort()
        reasons = [f"row {number} has {reason}" for number, reason in broken]
        found.append(
            Finding(
                "warning",
                "unreadable_row",
                f"{count(len(broken), 'row')} left out: {join_words(reasons, shown=3)}; correct "
                f"{name_rows([number for number, _ in broken])} and upload again.",
                tuple(number for number, _ in broken),
            )
        )
    cells = [[cell_text(row.get(column)) for column in kept] for _, row in good]
    return make_table(
        name,
        format,
        kept,
        cells,
        numbers=[number for number, _ in good],
        findings=found,
        unreadable=[number for number, _ in broken],
    )


def cell_text(value: Any) -> str:
    """A single value as the text of a cell: a missing value is empty, a list of labels is its JSON text."""
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps([cell_text(item) for item in value], ensure_ascii=False)
    return str(value)


def _nested_note(columns: Sequence[str]) -> Finding:
    named = join_words([f"'{column}'" for column in columns])
    return Finding(
        "note",
        "column_not_read",
        f"Not read: {named}, because it holds objects where texts, numbers, "
        "true or false, or lists of texts were expected.",
    )


def _is_cell(value: Any) -> bool:
    if isinstance(value, list):
        return all(item is None or isinstance(item, str | bool | int | float) for item in value)
    return value is None or isinstance(value, str | bool | int | float)


def _has_lone_surrogate(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_lone_surrogate(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_has_lone_surrogate(item) for item in value)
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique_keys)


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant}, which is no JSON value (write null or leave the key out)")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {quote(twice)} twice in one object")
    return content


def _reason(error: BaseException) -> str:
    """What was wrong, in the place of a grammatical object ("row 3 has ...")."""
    if isinstance(error, RecursionError):
        return "values nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"broken JSON at {line}character {error.colno} ({error.msg})"
    if "integer string conversion" in str(error):
        return "a number with thousands of digits"
    return str(error)
