"""How do rows of one dataclass become a Parquet file, and back, without trusting the sizes that a file declares?

Every column has the type of its field. A file with other columns is refused, and so is one that unpacks to more than
`MAX_BYTES` or `MAX_VALUES`: a small file can hold gigabytes of one repeated text. What is left is read in batches.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from steering.errors import StudyError
from steering.studies.parquet_pages import unpacked
from steering.studies.plain import arrow_fields, as_written, from_cell, from_plain, to_cell, to_plain

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

MAX_BYTES = 128 * 2**20
MAX_ROWS = 1_000_000
MAX_VALUES = 8_000_000
"""Rows times columns, where a list counts once for each of its entries."""
_MAX_ROW_GROUPS = 64
_BATCH_ROWS = 256

Row = TypeVar("Row")


def write_table(path: Path, kind: type[Row], rows: Sequence[Row]) -> None:
    """Write the rows; a column for every field of ``kind``.

    Raises:
        StudyError: a text holds half a character.
        OSError: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(arrow_fields(kind))
    try:
        table = pa.Table.from_pylist([to_cell(kind, to_plain(kind, row)) for row in rows], schema=schema)
    except UnicodeEncodeError as error:
        raise StudyError(
            "A text holds half a character (\\ud800 to \\udfff), which no file can; mend it among the examples, or in "
            "the prompts."
        ) from error
    # Each value in full (no dictionary): the declared size is then the true one, which `read_table` relies on.
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


def read_table(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    """The rows that :func:`write_table` wrote.

    A column that a later version added may be missing, where it has a default.

    Raises:
        StudyError: other columns, a value out of place, or more than the caps.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    expected = pa.schema(arrow_fields(kind))
    found: list[Row] = []
    total = 0
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path.name)
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(pa.schema(as_written(expected, file.schema_arrow, kind))):
                raise StudyError(f"{path.name} has other columns than this version writes; take a sound copy.")
            _check_size(path, file.metadata)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                total += batch.nbytes
                if total > MAX_BYTES:
                    raise _too_large(path.name)
                for values in batch.to_pylist():
                    where = f"{path.name}, row {len(found) + 1}"
                    found.append(from_plain(kind, from_cell(kind, values, where), where))
    except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StudyError(f"{path.name} cannot be read ({reason}); take a sound copy of the study.") from error
    return tuple(found)


def _check_size(path: Path, metadata: "FileMetaData") -> None:
    """Refuse what unpacks to too much, before anything is unpacked."""
    if metadata.num_rows > MAX_ROWS or metadata.num_row_groups > _MAX_ROW_GROUPS:
        raise _too_large(path.name)
    found = unpacked(path, metadata)
    if found.n_bytes > MAX_BYTES or found.n_values > MAX_VALUES:
        raise _too_large(path.name)


def _too_large(name: str) -> StudyError:
    return StudyError(
        f"{name} unpacks to more than {MAX_BYTES // 2**20} MB, {MAX_ROWS:,} rows or {MAX_VALUES:,} values; no study of "
        "this app is so large."
    )
