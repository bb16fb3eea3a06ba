"""What does an uploaded file hold before anybody says which column means what?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from steering.errors import ExamplesError
from steering.examples.findings import Finding
from steering.examples.limits import MAX_BYTES, MAX_CELL_CHARS, MAX_COLUMNS, MAX_ROWS

TableFormat = Literal["csv", "tsv", "jsonl", "json", "parquet", "pasted", "frame"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of text cells.

    Attributes:
        name: the file's name without its folder, or what the source is called.
        format: how the rows were stored.
        rows: text cells; nothing is turned into a missing value ("NA" stays "NA"), an absent cell is the empty text, a
            list of labels is its JSON text. The index is the row number that the user sees: from 1, header excluded,
            rows that could not be read leave a gap.
        findings: what was noticed while reading: encoding, delimiter, rows and columns that could not be read.
        unreadable: numbers of the rows that could not be read; each stands in a finding.
    """

    name: str
    format: TableFormat
    rows: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[int, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in the file's order."""
        return tuple(str(column) for column in self.rows.columns)

    @property
    def row_numbers(self) -> tuple[int, ...]:
        """The user's number of every row that could be read."""
        return tuple(int(number) for number in self.rows.index)

    @property
    def n_read(self) -> int:
        """Data rows of the source, those that could not be read included."""
        return len(self.rows) + len(self.unreadable)

    def column(self, name: str) -> list[str]:
        """The cells of one column.

        Raises:
            ExamplesError: there is no such column; the message names those there are.
        """
        if name not in self.rows.columns:
            raise ExamplesError(
                f"{self.name} has no column '{name}'; it has {', '.join(self.columns)}: choose one of these."
            )
        return [str(cell) for cell in self.rows[name]]

    def edited(self, rows: pd.DataFrame) -> "Table":
        """The same table after a user changed cells, or added or deleted rows; rows are numbered anew from 1.

        Raises:
            ExamplesError: a cap is exceeded.
        """
        columns = [str(column) for column in rows.columns]
        cells = [["" if _is_missing(cell) else str(cell) for cell in row] for row in rows.itertuples(index=False)]
        fresh = make_table(self.name, self.format, columns, cells)
        return replace(fresh, findings=tuple(f for f in self.findings if not f.rows))


def make_table(
    name: str,
    format: TableFormat,
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int] | None = None,
    findings: Sequence[Finding] = (),
    unreadable: Sequence[int] = (),
) -> Table:
    """Puts text cells into a table and applies the caps.

    Args:
        name: what the source is called in messages.
        format: how the rows were stored.
        columns: column names.
        cells: one sequence of texts per row, as long as ``columns``.
        numbers: the user's row numbers; 1, 2, 3, ... where None.
        findings: what was noticed so far.
        unreadable: row numbers that are not in ``cells``.

    Raises:
        ExamplesError: no columns or rows, a column name twice, or a cap exceeded.
    """
    check_columns(name, columns)
    numbers = range(1, len(cells) + 1) if numbers is None else numbers
    check_row_count(name, len(cells) + len(unreadable))
    total = 0
    for number, row in zip(numbers, cells, strict=True):
        for column, cell in zip(columns, row, strict=True):
            check_cell(name, number, column, len(cell))
            total += len(cell)
        check_total(name, total)
    if not cells and not unreadable:
        raise ExamplesError(f"{name} has no rows below its column names; add at least one row per example.")
    frame = pd.DataFrame(
        {column: [row[i] for row in cells] for i, column in enumerate(columns)},
        index=pd.Index(list(numbers), dtype="int64", name="row"),
        dtype="str",
    )
    return Table(name, format, frame, tuple(findings), tuple(unreadable))


def table_from_frame(frame: pd.DataFrame, *, name: str) -> Table:
    """A table of the cells of a data frame, for data made in Python.

    Raises:
        ExamplesError: a cap is exceeded.
    """
    return Table(name, "frame", frame).edited(frame)


def check_columns(name: str, columns: Sequence[str]) -> None:
    """Refuses no, too many or ambiguous columns.

    Raises:
        ExamplesError: as said.
    """
    if not columns:
        raise ExamplesError(f"{name} has no columns; the first line must name them, for example text,label.")
    if len(columns) > MAX_COLUMNS:
        raise ExamplesError(
            f"{name} has {len(columns):,} columns, at most {MAX_COLUMNS} are read; keep the text, the label and "
            "what else you need, and upload again."
        )
    twice = sorted({column for column in columns if list(columns).count(column) > 1})
    if twice:
        raise ExamplesError(f"{name} names the column '{twice[0]}' twice; give every column a name of its own.")


def check_row_count(name: str, n_rows: int) -> None:
    """Refuses too many rows.

    Raises:
        ExamplesError: as said.
    """
    if n_rows > MAX_ROWS:
        raise ExamplesError(
            f"{name} has {n_rows:,} rows, at most {MAX_ROWS:,} are read; a few hundred examples per label are "
            "plenty, so upload a random sample."
        )


def check_cell(name: str, number: int, column: str, n_chars: int) -> None:
    """Refuses a cell that is too long.

    Raises:
        ExamplesError: as said.
    """
    if n_chars > MAX_CELL_CHARS:
        raise ExamplesError(
            f"{name}, row {number}, column '{column}' has {n_chars:,} characters, at most {MAX_CELL_CHARS:,} are "
            "read; split or shorten the text (or close a quotation mark that swallowed the rows below)."
        )


def check_total(name: str, n_chars: int) -> None:
    """Refuses too much text.

    Raises:
        ExamplesError: as said.
    """
    if n_chars > MAX_BYTES:
        raise ExamplesError(
            f"{name} holds more than {MAX_BYTES:,} characters once unpacked, which is the most that is read; "
            "upload a random sample of its rows."
        )


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell)
