"""How do labelled examples of any number reach a file?"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steering.errors import ExamplesError

FORMATS = (".jsonl", ".parquet")
_ROWS_PER_GROUP = 4096


RowWriter = Callable[[str, Sequence[str], str], None]
"""Writes one row: text, labels, group."""


def check_format(path: Path) -> None:
    """Refuse a file name that says no known format.

    Raises:
        ExamplesError: as said.
    """
    if path.suffix not in FORMATS:
        raise ExamplesError(f"{path.name} would hold the examples; give a name that ends in {' or '.join(FORMATS)}.")


@contextmanager
def labelled_rows(path: Path, format: str) -> Iterator[RowWriter]:
    """Write rows of text, labels and group to ``path``, a few thousand at a time.

    Args:
        path: any name.
        format: one of ``FORMATS``.
    """
    if format == ".jsonl":
        with path.open("w", encoding="utf-8") as file:

            def write_line(text: str, labels: Sequence[str], group: str) -> None:
                row = {"text": text, "labels": list(labels), "group": group}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

            yield write_line
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("text", pa.string()), ("labels", pa.list_(pa.string())), ("group", pa.string())])
    waiting: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def write_row(text: str, labels: Sequence[str], group: str) -> None:
            waiting.append({"text": text, "labels": list(labels), "group": group})
            if len(waiting) == _ROWS_PER_GROUP:
                flush()

        yield write_row
        flush()
