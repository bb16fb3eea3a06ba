"""How is a Parquet file read without trusting the sizes that it declares?"""

import io
import re
from typing import Any

from steering.errors import ExamplesError
from steering.examples.findings import Finding, join_words
from steering.examples.json_rows import cell_text
from steering.examples.limits import MAX_BYTES, MAX_CELL_CHARS
from steering.examples.table import (
    Table,
    check_cell,
    check_columns,
    check_row_count,
    check_total,
    make_table,
)

_BATCH_ROWS = 256
_LISTS = re.compile(r"(large_)?list<.*>")


def read_parquet(data: bytes, name: str) -> Table:
    """Reads columns of texts, numbers, true/false and lists of texts; other columns are left out and named.

    A small file may unpack to many gigabytes. Texts are therefore decoded as dictionaries (each different text once),
    in small batches, and lengths are added up before any text is copied out.

    Args:
        data: the file.
        name: its name, for messages.

    Raises:
        ExamplesError: not a Parquet file, no readable column, or a cap exceeded.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        declared = pq.ParquetFile(io.BytesIO(data))
        schema = declared.schema_arrow
        check_columns(name, schema.names)
        check_row_count(name, declared.metadata.num_rows)
        groups = [declared.metadata.row_group(i) for i in range(declared.metadata.num_row_groups)]
        kept = [field.name for field in schema if _is_readable(field.type) and not _is_index(field.name)]
        unpacked = sum(
            group.column(i).total_uncompressed_size
            for group in groups
            for i in range(group.num_columns)
            if group.column(i).path_in_schema.split(".")[0] in kept
        )
        if unpacked > 2 * MAX_BYTES:
            check_total(name, unpacked)
        findings = _left_out(schema, kept)
        if not kept:
            raise ExamplesError(
                f"{name} has no column of texts, numbers or true/false (it has "
                f"{join_words([f'{field.name}: {field.type}' for field in schema])}); save texts and labels as such."
            )
        texts = [
            declared.schema.column(i).path
            for i in range(len(declared.schema))
            if declared.schema.column(i).physical_type == "BYTE_ARRAY"
        ]
        file = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts)
        cells: list[list[str]] = []
        total = 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=kept):
            total = _check_batch(batch, name, len(cells), total)
            columns = [_values(batch.column(column), name, column, len(cells)) for column in kept]
            cells.extend([cell_text(value) for value in row] for row in zip(*columns, strict=True))
            check_row_count(name, len(cells))
    except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExamplesError(
            f"{name} could not be read as Parquet ({reason}); write it again, for example with pandas.to_parquet."
        ) from error
    return make_table(name, "parquet", kept, cells, findings=findings)


def _values(array: Any, name: str, column: str, n_before: int) -> list[Any]:
    """The values of one column of a batch; bytes that are not UTF-8 are named by row."""
    try:
        return list(array.to_pylist())
    except UnicodeDecodeError:
        for i, value in enumerate(array):
            try:
                value.as_py()
            except UnicodeDecodeError as error:
                raise ExamplesError(
                    f"{name}, row {n_before + i + 1}, column '{column}': byte {error.start} of the text is not UTF-8; "
                    "write the file again with texts in UTF-8."
                ) from error
        raise


def _check_batch(batch: Any, name: str, n_before: int, total: int) -> int:
    """Refuses a cell or a sum of cells beyond the caps before any text is copied; returns the new sum."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for column, array in zip(batch.schema.names, batch.columns, strict=True):
        values = array.flatten() if _LISTS.match(str(array.type)) else array
        if pa.types.is_dictionary(values.type):
            lengths = pc.binary_length(values.dictionary).take(values.indices)
        elif pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            lengths = pc.binary_length(values)
        else:
            continue
        total += pc.sum(lengths).as_py() or 0
        check_total(name, total)
        longest = pc.max(lengths).as_py() or 0
        if longest > 4 * MAX_CELL_CHARS:  # bytes; at most four to a character
            where = pc.index(lengths, longest).as_py() if values is array else 0
            check_cell(name, n_before + where + 1, column, longest)
    return total


def _left_out(schema: Any, kept: list[str]) -> list[Finding]:
    others = [f"'{field.name}' ({field.type})" for field in schema if field.name not in kept]
    if not others:
        return []
    return [
        Finding(
            "note",
            "column_not_read",
            f"Not read: {join_words(others)}; only texts, numbers, true/false and lists of texts are.",
        )
    ]


def _is_index(name: str) -> bool:
    """Columns that pandas writes for a row index."""
    return re.fullmatch(r"__index_level_\d+__", name) is not None


def _is_readable(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind):
        return _is_text(kind.value_type)
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return _is_text(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
