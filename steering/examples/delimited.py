"""How is comma- or tab-separated text read, and what is said when it is separated by something else?"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

from steering.errors import ExamplesError
from steering.examples.findings import Finding, count, join_words, name_rows, quote
from steering.examples.table import Table, TableFormat, check_columns, check_row_count, make_table

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_DATA_WORDS = {"0", "1", "true", "false", "yes", "no"}
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")


def read_delimited(text: str, name: str, format: TableFormat) -> Table:
    """Reads CSV or TSV text whose first line names the columns.

    Cells stay the text they are: "NA", "null" and "007" are not interpreted. Rows with too many or too few cells are
    left out and reported. Another delimiter than the name promises is found, used and reported.

    Args:
        text: the decoded file, without byte order mark.
        name: the file's name, for messages.
        format: ``csv`` or ``tsv``.

    Raises:
        ExamplesError: no header, a quotation mark that is never closed, a cap exceeded, or no row that fits the header.
    """
    expected = "\t" if format == "tsv" else ","
    delimiter, text = _choose_delimiter(text, expected)
    findings = []
    if delimiter != expected:
        findings.append(
            Finding(
                "note",
                "delimiter",
                f"Columns are separated by {_NAMES.get(delimiter, quote(delimiter))}, not by {_NAMES[expected]} as "
                f".{format} promises; the file was read that way, so check that the columns look right.",
            )
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records = _records(reader, name)
    header = next((record for record in records if record), None)
    if header is None:
        raise ExamplesError(f"{name} is empty; the first line must name the columns, for example text,label.")
    columns = [column.strip() for column in header]
    unnamed = [i for i, column in enumerate(columns) if not column]
    for i in unnamed:
        columns[i] = f"column_{i + 1}"
    check_columns(name, columns)
    if unnamed:
        findings.append(
            Finding(
                "note",
                "unnamed_column",
                f"{count(len(unnamed), 'column')} without a name: called "
                f"{join_words([columns[i] for i in unnamed])} here.",
            )
        )
    if any(column.casefold() in _DATA_WORDS for column in columns):
        findings.append(
            Finding(
                "warning",
                "no_header",
                f"The first line ({quote(', '.join(columns))}) looks like data but was taken as column names; put a "
                "line such as text,label above it.",
            )
        )
    cells: list[list[str]] = []
    numbers: list[int] = []
    ragged: list[tuple[int, int]] = []
    blank = 0
    number = 0
    for record in records:
        if not record:
            blank += 1
            continue
        number += 1
        check_row_count(name, number)
        if len(record) == len(columns):
            cells.append(record)
            numbers.append(number)
        else:
            ragged.append((number, len(record)))
    if ragged and not cells:
        raise ExamplesError(
            f"No row of {name} has the {count(len(columns), 'cell')} that its first line names (row 1 has "
            f"{ragged[0][1]}); save the file with one delimiter throughout and quotation marks around texts that "
            "contain it."
        )
    if ragged:
        rows = tuple(row for row, _ in ragged)
        findings.append(
            Finding(
                "warning",
                "ragged_row",
                f"{name_rows(rows).capitalize()}: {join_words([str(n) for _, n in ragged])} cells where the first "
                f"line names {len(columns)}; left out: put quotation marks around texts that contain "
                f"{_NAMES.get(delimiter, 'the delimiter')}, or complete the row.",
                rows,
            )
        )
    if blank:
        findings.append(Finding("note", "blank_line", f"{count(blank, 'blank line')} between the rows: skipped."))
    return make_table(
        name, format, columns, cells, numbers=numbers, findings=findings, unreadable=[row for row, _ in ragged]
    )


def _records(reader: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    """The reader's records, with its errors turned into sentences."""
    number = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            where = f"row {number}" if number else "the first line"
            raise ExamplesError(
                f"{name}, {where}: a quotation mark is not closed, not doubled inside a quoted text, or the cell is "
                f'far too long ({error}); write " inside a quoted text as "" and close every quoted text.'
            ) from error
        number += 1 if record or not number else 0
        yield record


def _choose_delimiter(text: str, expected: str) -> tuple[str, str]:
    """The delimiter in use, and the text without a spreadsheet's ``sep=`` line."""
    told = _SEPARATOR_LINE.match(text)
    if told:
        return told.group(1), text[told.end() :]
    score = {candidate: _consistency(text, candidate) for candidate in _NAMES}
    if score[expected] >= 0.9:
        return expected, text
    best = max(score, key=lambda candidate: (score[candidate], candidate == expected))
    return best, text


def _consistency(text: str, delimiter: str) -> float:
    """Share of the first rows that have as many cells as the header, 0 where the header is one cell."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        records = [record for record in islice(reader, 101) if record]
    except csv.Error:
        return 0.0
    if not records or len(records[0]) < 2:
        return 0.0
    width = len(records[0])
    return sum(len(record) == width for record in records[1:]) / max(1, len(records) - 1) or 0.01
