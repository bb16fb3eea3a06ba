"""How do rows of one dataclass become a Parquet file, and back, without trusting the sizes that a file declares?

Every column has the type of its field. A file with other columns is refused, and so is one that unpacks to more than
`MAX_BYTES`: a small file can hold gigabytes of one repeated text.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from steering.errors import StudyError
from steering.studies.plain import arrow_fields, from_cell, from_plain, to_cell, to_plain

MAX_BYTES = 512 * 2**20
MAX_ROWS = 1_000_000
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
            "A text holds half a character (\\ud800 to \\udfff), which no file can; mend it on the Examples screen."
        ) from error
    # Each value in full (no dictionary): the declared size is then the true one, which `read_table` relies on.
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


def read_table(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    """The rows that :func:`write_table` wrote.

    Raises:
        StudyError: other columns, a value out of place, or more than the caps.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    expected = pa.schema(arrow_fields(kind))
    found: list[Row] = []
    total = 0
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(expected):
                raise StudyError(f"{path.name} has other columns than this version writes; take a sound copy.")
            _check_declared(path.name, file.metadata)
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


def _check_declared(name: str, metadata: Any) -> None:
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    if metadata.num_rows > MAX_ROWS or sum(group.total_byte_size for group in groups) > MAX_BYTES:
        raise _too_large(name)
    for group in groups:
        for i in range(group.num_columns):
            if any("DICTIONARY" in encoding or "DELTA" in encoding for encoding in group.column(i).encodings):
                raise StudyError(f"{name} is packed in a way that this app never writes; take the study's own file.")


def _too_large(name: str) -> StudyError:
    return StudyError(
        f"{name} unpacks to more than {MAX_BYTES // 2**20} MB or {MAX_ROWS:,} rows; no study of this app is so large."
    )
