"""Which texts carry which labels, in a file of any size?

JSONL and Parquet whose columns are ``text`` and ``labels`` (lists), as ``steering stackexchange`` writes them, are read
row by row: labels and groups stay in memory, texts do not. Every other file goes through ``steering.examples`` with its
caps and checks. A streamed file is taken as it is: repeated texts are not looked for.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from steering.errors import ExamplesError
from steering.examples import LabelledExamples, Report, read_examples
from steering.examples.grouping import simplify

Text = tuple[str, str | None]
"""A text and the prompt that it answers, where there is one."""

_BATCH = 1024


@dataclass(frozen=True, slots=True, eq=False)
class ExampleSource:
    """Labelled examples whose texts can be read again and again, in the same order.

    Attributes:
        name: what the set is called.
        labels: ``[n_examples n_labels]``, True where stored.
        label_names: one name per column, in alphabetical order where the file was streamed.
        groups: rows of one group belong to one part.
        fingerprint: of all contents, in order.
        texts: begins a new pass over texts and prompts.
        report: what became of rows that could not be used; None where the file was streamed, which uses every row.
    """

    name: str
    labels: csc_array
    label_names: tuple[str, ...]
    groups: tuple[str, ...]
    fingerprint: str
    texts: Callable[[], Iterator[Text]]
    report: Report | None = None

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.groups)

    def positives(self, label: int) -> np.ndarray:
        """Rows that carry a label, ascending."""
        return np.asarray(self.labels.indices[self.labels.indptr[label] : self.labels.indptr[label + 1]])

    def shards(self, size: int) -> Iterator[tuple[int, list[Text]]]:
        """Neighbouring rows, ``size`` at a time, each with the index of its first row."""
        first, rows = 0, list[Text]()
        for text in self.texts():
            rows.append(text)
            if len(rows) == size:
                yield first, rows
                first, rows = first + size, []
        if rows:
            yield first, rows


def open_source(path: Path) -> ExampleSource:
    """Read labels and groups of a file once.

    Raises:
        ExamplesError: the file cannot be read, or a row has no text or no list of labels; the message names the row.
    """
    path = Path(path)
    if path.is_file() and _is_streamed(path):
        return _stream(path)
    return from_examples(*read_examples(path))


def from_examples(examples: LabelledExamples, report: Report | None = None) -> ExampleSource:
    """A source of examples that are in memory already."""
    return ExampleSource(
        name=examples.name,
        labels=csc_array(examples.labels),
        label_names=examples.label_names,
        groups=examples.groups,
        fingerprint=examples.fingerprint,
        texts=lambda: zip(examples.texts, examples.prompts, strict=True),
        report=report,
    )


def _stream(path: Path) -> ExampleSource:
    digest = hashlib.sha256(b"steerscope source 1")
    place: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    groups: list[str] = []
    for number, row in enumerate(_rows(path), 1):
        text, prompt = _text(row, path, number)
        labels = row["labels"]
        if not isinstance(labels, list) or not all(isinstance(label, str) and label.strip() for label in labels):
            raise ExamplesError(
                f"{path.name}, row {number}: the labels are {str(labels)[:40]!r}, expected a list of texts."
            )
        named = row.get("group")
        groups.append(f"t:{simplify(text)}" if named is None or str(named) == "" else f"g:{named}")
        for label in dict.fromkeys(label.strip() for label in labels):
            rows.append(number - 1)
            columns.append(place.setdefault(label, len(place)))
        digest.update(json.dumps([text, prompt, labels, groups[-1]]).encode())
    if not groups:
        raise ExamplesError(f"{path.name} has no rows; give at least one text with labels.")
    if not place:
        raise ExamplesError(f"No row of {path.name} carries a label; there is nothing to give to features.")
    names = tuple(sorted(place))
    order = {place[name]: at for at, name in enumerate(names)}
    labels_of = csc_array(
        (np.ones(len(rows), dtype=bool), (np.array(rows), np.array([order[column] for column in columns]))),
        shape=(len(groups), len(names)),
    )
    labels_of.sort_indices()
    return ExampleSource(
        name=path.name,
        labels=labels_of,
        label_names=names,
        groups=tuple(groups),
        fingerprint=digest.hexdigest(),
        texts=lambda: (_text(row, path, number) for number, row in enumerate(_rows(path), 1)),
    )


def _text(row: Mapping[str, Any], path: Path, number: int) -> Text:
    text, prompt = row.get("text"), row.get("prompt")
    if not isinstance(text, str) or not text.strip():
        raise ExamplesError(f"{path.name}, row {number}: the text is empty; write some or delete the row.")
    return text, prompt if isinstance(prompt, str) and prompt.strip() else None


def _is_streamed(path: Path) -> bool:
    """Whether the first row has a text and a list of labels."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError):
            return False  # the reader of ordinary files says what is wrong
        kinds = {field.name: field.type for field in schema}
        return (
            "text" in kinds
            and "labels" in kinds
            and (pa.types.is_list(kinds["labels"]) or pa.types.is_large_list(kinds["labels"]))
        )
    if path.suffix != ".jsonl":
        return False
    try:
        with path.open(encoding="utf-8") as lines:
            row = json.loads(lines.readline())
    except (ValueError, RecursionError, OSError):
        return False
    return isinstance(row, dict) and isinstance(row.get("text"), str) and isinstance(row.get("labels"), list)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Every row as values by column.

    Raises:
        ExamplesError: a line is not a JSON object, or the file cannot be read to its end.
    """
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if not line.strip():
                    continue
                number += 1
                row = json.loads(line)
                if not isinstance(row, dict) or "labels" not in row:
                    raise ExamplesError(f"{path.name}, row {number}: expected an object with text and labels.")
                yield row
    except UnicodeDecodeError as error:
        raise ExamplesError(f"{path.name}, after row {number}: the file is not UTF-8; save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise ExamplesError(f"{path.name}, row {number}: the line is not JSON ({error}); correct it.") from error
    except OSError as error:
        raise ExamplesError(f"{path} could not be read ({error.strerror or error}).") from error


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in ("text", "labels", "group", "prompt") if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ExamplesError(
            f"{path.name} could not be read to its end as Parquet ({error}); write it again."
        ) from error
