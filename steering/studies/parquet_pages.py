"""How much does a Parquet file unpack to, by the pages themselves and not by what its footer says?

A page may hold thousands of times its size: text that repeats is compressed, and a billion missing values are one run.
The reader reserves what the header of a page names, so the headers are added up before anything is unpacked.
Headers are Thrift structs in the compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from steering.errors import StudyError

_DATA, _DATA_V2 = 0, 3
"""PageType: DATA_PAGE, DATA_PAGE_V2. A dictionary or an index is never written here."""
_PLAIN, _RLE = 0, 3
"""Encoding; the second of truth values and levels alone. Both take room in the page for each value."""
_MAX_HEADER = 2**16  # bytes; statistics are in it
_MAX_PAGES = 20_000
_MAX_DEPTH = 8
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What reading a file would take.

    Attributes:
        n_bytes: of all pages unpacked.
        n_values: of all columns, missing ones counted.
    """

    n_bytes: int
    n_values: int


def unpacked(path: Path, metadata: Any) -> Unpacked:
    """Add up the headers of all pages.

    Args:
        path: the file.
        metadata: its footer, ``pyarrow.parquet.FileMetaData``; believed about where columns lie, and nothing else.

    Raises:
        StudyError: a page lies outside of its column, is no plain data page, or its header cannot be read.
        OSError: the file cannot be read.
    """
    n_bytes = n_values = n_pages = 0
    with path.open("rb") as file:
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                for size, values in _pages(file, path.name, column):
                    n_bytes += size
                    n_values += values
                    n_pages += 1
                    if n_pages > _MAX_PAGES:
                        raise _unlike(path.name)
    return Unpacked(n_bytes, n_values)


def _pages(file: IO[bytes], name: str, column: Any) -> Iterator[tuple[int, int]]:
    """Bytes unpacked and number of values of each page of one column."""
    if column.has_dictionary_page:
        raise _unlike(name)
    place, end = column.data_page_offset, column.data_page_offset + column.total_compressed_size
    while place < end:
        file.seek(place)
        head = _Compact(file.read(min(_MAX_HEADER, end - place)), name)
        header = head.struct()
        data = header.get(5) if header.get(1) == _DATA else header.get(8) if header.get(1) == _DATA_V2 else None
        size, packed = header.get(2), header.get(3)
        if not isinstance(data, dict) or not isinstance(size, int) or not isinstance(packed, int):
            raise _unlike(name)
        values, encoding = data.get(1), data.get(2 if header[1] == _DATA else 4)
        if encoding not in (_PLAIN, _RLE) or not isinstance(values, int) or min(values, size, packed) < 0:
            raise _unlike(name)
        yield size, values
        place += head.place + packed
    if place != end:
        raise _unlike(name)


class _Compact:
    """A reader of Thrift's compact protocol that skips nothing and believes no length.

    https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name, self.place = data, name, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Field number → value."""
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            found[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth + 1)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise _unlike(self._name)
        if kind in (_I16, _I32, _I64):
            return self._signed()
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind == _DOUBLE:
            return self._take(8)
        if kind == _BINARY:
            return self._take(self._unsigned())
        if kind in (_LIST, _SET):
            head = self._byte()
            length = head >> 4 if head >> 4 < 15 else self._unsigned()
            if length > len(self._data):
                raise _unlike(self._name)
            return [self._value(head & 15, depth + 1) for _ in range(length)]
        if kind == _STRUCT:
            return self.struct(depth)
        raise _unlike(self._name)  # maps are in no page header

    def _take(self, length: int) -> bytes:
        found = self._data[self.place : self.place + length]
        if len(found) < length:
            raise _unlike(self._name)
        self.place += length
        return found

    def _byte(self) -> int:
        return self._take(1)[0]

    def _unsigned(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise _unlike(self._name)

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)


def _unlike(name: str) -> StudyError:
    return StudyError(f"{name} is packed in a way that this app never writes; take the study's own file.")
