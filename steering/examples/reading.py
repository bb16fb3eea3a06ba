"""How does a file become a table, or examples, and which files are refused?"""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from steering.errors import ExamplesError
from steering.examples.axbench import check_metadata, find_axbench_file, read_metadata
from steering.examples.building import build_examples
from steering.examples.delimited import read_delimited
from steering.examples.findings import Report, count, name_rows
from steering.examples.json_rows import read_json, read_json_lines
from steering.examples.labelled import LabelledExamples
from steering.examples.labelling import canonical
from steering.examples.limits import MAX_BYTES, MIN_PER_CLASS
from steering.examples.mapping import guess_mapping, is_axbench
from steering.examples.parquet import read_parquet
from steering.examples.table import Table, TableFormat

_FORMATS: dict[str, TableFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_READ = "CSV, TSV, JSONL, JSON and Parquet are"
_REFUSED = {
    ".txt": "plain text has no labels; paste it as positives and negatives, or save it as CSV with a label column",
    ".gz": "compressed files are not opened; unpack it and upload what is inside",
    ".bz2": "compressed files are not opened; unpack it and upload what is inside",
    ".xz": "compressed files are not opened; unpack it and upload what is inside",
    ".zst": "compressed files are not opened; unpack it and upload what is inside",
    ".zip": "archives are not opened; unpack it and upload the file inside",
    ".tar": "archives are not opened; unpack it and upload the file inside",
    ".xlsx": "spreadsheets are not opened; export the sheet as CSV (UTF-8)",
    ".xls": "spreadsheets are not opened; export the sheet as CSV (UTF-8)",
    ".ods": "spreadsheets are not opened; export the sheet as CSV (UTF-8)",
    ".pkl": "a pickle can run code when opened; save the data as Parquet or JSONL",
    ".pickle": "a pickle can run code when opened; save the data as Parquet or JSONL",
}
_MAGIC = ((b"PAR1", ".parquet"), (b"\x1f\x8b", ".gz"), (b"PK\x03\x04", ".zip"), (b"\x28\xb5\x2f\xfd", ".zst"))
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_table(data: bytes, filename: str) -> Table:
    """Reads an uploaded file.

    Args:
        data: its bytes.
        filename: its name; the ending says the format.

    Raises:
        ExamplesError: the format is refused, the contents are not what the name says, not UTF-8 or beyond a cap.
    """
    name = PurePath(filename).name or "The file"
    format = _check_format(name)
    _check_size(name, len(data))
    if not data.strip():
        raise ExamplesError(f"{name} is empty; upload a file with a text and a label per row.")
    for magic, really in _MAGIC:
        if data.startswith(magic) and not (really == ".parquet" and format == "parquet"):
            todo = _REFUSED.get(really, "rename it to .parquet and upload it again")
            raise ExamplesError(f"{name} is not {format.upper()} but a {really} file by its contents: {todo}.")
    if format == "parquet":
        if not (data.startswith(b"PAR1") and data.endswith(b"PAR1")):
            raise ExamplesError(
                f"{name} is not a Parquet file or was cut off (it does not begin and end with PAR1); write it again."
            )
        return read_parquet(data, name)
    text = _decode(data, name, format)
    if format == "jsonl":
        return read_json_lines(text, name)
    if format == "json":
        return read_json(text, name)
    return read_delimited(text, name, format)


def read_examples(path: Path, *, label: str | None = None) -> tuple[LabelledExamples, Report]:
    """Reads a file or an AxBench folder in one go: read, guess the columns, build.

    Args:
        path: a file, or a folder with AxBench's ``train_data.parquet``.
        label: the label that is wanted, to be sure that it can be used (of two words, the one that is positive); or
            the name of the label column.

    Raises:
        ExamplesError: the file cannot be read, or it (or ``label``) cannot be ranked: the first error of the report.
    """
    path = Path(path)
    findings = []
    name = path.name
    if path.is_dir():
        path, note = find_axbench_file(path)
        if note is not None:
            findings.append(note)
    if not path.is_file():
        raise ExamplesError(
            f"There is no file {path}; give the path of a CSV, TSV, JSONL, JSON or Parquet file, or of "
            "an AxBench folder."
        )
    try:
        _check_format(path.name)
        _check_size(path.name, path.stat().st_size)
        data = path.read_bytes()
    except OSError as error:
        raise ExamplesError(f"{path} could not be read ({error.strerror}); check its permissions.") from error
    table = read_table(data, path.name)
    table = replace(table, findings=(*table.findings, *findings))
    column = label if label is not None and label in table.columns else None
    mapping = guess_mapping(table, label=column)
    if label is not None and mapping.label is not None and mapping.positive is not None and column is None:
        spelled = {canonical(cell): cell.strip() for cell in table.column(mapping.label)}
        mapping = replace(mapping, positive=spelled.get(canonical(label), mapping.positive))
    examples, report = build_examples(table, mapping, name=name)
    if column is not None and len(examples.label_names) == 1:
        examples = replace(examples, label_names=(column,))
    if is_axbench(table.columns):
        metadata = read_metadata(path.parent)
        if metadata is not None:
            check_metadata(examples, metadata)
    if report.errors:
        raise ExamplesError(report.errors[0].message)
    if label is not None and column is None:
        member = examples.label(label)
        n_positive, n_negative = int(member.sum()), int((~member).sum())
        if min(n_positive, n_negative) < MIN_PER_CLASS:
            raise ExamplesError(
                f"'{label}' has {count(n_positive, 'positive')} and {count(n_negative, 'negative')} in {name}; add "
                f"rows until there are at least {MIN_PER_CLASS} of each."
            )
    return examples, report


def _check_format(name: str) -> TableFormat:
    """The format that the name promises; refuses the others."""
    suffix = PurePath(name).suffix.lower()
    if suffix in _REFUSED:
        raise ExamplesError(f"{name}: {_REFUSED[suffix]}; {_READ} read.")
    if suffix not in _FORMATS:
        ending = f"{suffix} files" if suffix else "files without an ending"
        raise ExamplesError(f"{name}: {ending} are not read, {_READ}; save it as one of these.")
    return _FORMATS[suffix]


def _check_size(name: str, n_bytes: int) -> None:
    if n_bytes > MAX_BYTES:
        raise ExamplesError(
            f"{name} has {n_bytes:,} bytes, at most {MAX_BYTES:,} are read; upload a random sample of its rows."
        )


def _decode(data: bytes, name: str, format: TableFormat) -> str:
    """UTF-8 text without its byte order mark.

    Raises:
        ExamplesError: other bytes; the message gives the byte offset and the rows.
    """
    if data.startswith(_UTF16) or data[:200].count(0) * 4 > len(data[:200]):
        raise ExamplesError(f"{name} is UTF-16 or binary, expected UTF-8; save it as UTF-8 (in Excel: CSV UTF-8).")
    bom = b"\xef\xbb\xbf"
    try:
        return data.removeprefix(bom).decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + (len(bom) if data.startswith(bom) else 0)
    lossy = data.removeprefix(bom).decode("utf-8", "surrogateescape")
    n_bad = sum("\udc80" <= char <= "\udcff" for char in lossy)
    rows = _rows_with_bad_bytes(lossy, format)
    where = f" in {name_rows(rows)}" if rows else " in the first line" if format in {"csv", "tsv"} else ""
    byte = data[offset]
    guess = bytes([byte]).decode("cp1252", "replace")
    raise ExamplesError(
        f"{name} is not UTF-8: {count(n_bad, 'byte')}{where} cannot be decoded, the first is 0x{byte:02X} at byte "
        f"offset {offset:,} (in Windows-1252 it would be '{guess}'); save the file as UTF-8 or correct these rows."
    )


def _rows_with_bad_bytes(lossy: str, format: TableFormat) -> Sequence[int]:
    """Row numbers, from 1 without the header, of the records that hold an undecodable byte."""

    def bad(text: str) -> bool:
        return any("\udc80" <= char <= "\udcff" for char in text)

    if format == "json":
        return []
    if format == "jsonl":
        lines = [line for line in lossy.split("\n") if line.strip()]
        return [i for i, line in enumerate(lines, 1) if bad(line)]
    try:
        delimiter = "\t" if format == "tsv" else ","
        records = [r for r in csv.reader(io.StringIO(lossy, newline=""), delimiter=delimiter) if r]
    except csv.Error:
        return []
    return [i for i, record in enumerate(records) if i and any(map(bad, record))]
