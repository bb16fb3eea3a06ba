"""How are the examples ordered by one feature, for every feature at once, without touching the zeros?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array

from steering.errors import SteeringError

ENTRIES_PER_BLOCK = 4_000_000
"""Sorted entries held at once (about 40 bytes each); a block has at least one column."""


@dataclass(frozen=True, slots=True, eq=False)
class SortedColumns:
    """The positive entries of neighbouring columns, each column in descending order of value.

    Rank counts from 1 inside a column. Entries of equal value in one column are a tie group; a threshold can only fall
    between groups, so what matters of an entry is where its group begins and ends.

    Attributes:
        first: index of the first column in the whole matrix.
        n_columns: how many columns stand in the block, empty ones included.
        n_rows: rows of the matrix.
        rows: row of each entry.
        columns: column of each entry, counted from ``first``; never decreasing.
        values: value of each entry, above zero; never increasing inside a column.
        above: entries of the same column that are strictly larger.
        at_least: entries of the same column that are as large or larger (the last rank of the tie group).
    """

    first: int
    n_columns: int
    n_rows: int
    rows: Int[np.ndarray, " n_entries"]
    columns: Int[np.ndarray, " n_entries"]
    values: Float[np.ndarray, " n_entries"]
    above: Int[np.ndarray, " n_entries"]
    at_least: Int[np.ndarray, " n_entries"]


@dataclass(frozen=True, slots=True, eq=False)
class Positives:
    """The entries of a block that belong to positive examples, and the confusion counts at each.

    Attributes:
        entry: index into the block, ascending.
        starts: for every column that has a positive entry, where it begins in ``entry``.
        true_positives: positives of the column up to this one, in rank order. Exact for the last positive of a tie
            group; too small by the ties that follow for the others, which makes them look worse, never better.
        false_positives: everything else up to the end of the tie group.
    """

    entry: Int[np.ndarray, " n_positives"]
    starts: Int[np.ndarray, " n_columns_hit"]
    true_positives: Int[np.ndarray, " n_positives"]
    false_positives: Int[np.ndarray, " n_positives"]


def sorted_columns(matrix: csc_array) -> Iterator[SortedColumns]:
    """Sort every column of a non-negative sparse matrix, block by block of at most ``ENTRIES_PER_BLOCK`` entries.

    Args:
        matrix: ``[n_rows n_columns]``; stored zeros count as zeros.

    Yields:
        Blocks of neighbouring columns, first to last, covering all of them.

    Raises:
        SteeringError: a value is negative or not a number.
    """
    if matrix.nnz and not (np.isfinite(matrix.data).all() and matrix.data.min() >= 0):
        raise SteeringError(
            "Feature statistics hold a negative value, an infinity or NaN; firing frequencies lie between 0 and 1. "
            "Compute the statistics again, in float32."
        )
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    bounds = matrix.indptr
    first, n_columns = 0, matrix.shape[1]
    while first < n_columns:
        fits = int(np.searchsorted(bounds, int(bounds[first]) + ENTRIES_PER_BLOCK, side="right")) - 1
        last = min(max(fits, first + 1), n_columns)
        yield _sort(matrix, first, last)
        first = last


def _sort(matrix: csc_array, first: int, last: int) -> SortedColumns:
    begin, end = matrix.indptr[first], matrix.indptr[last]
    values = matrix.data[begin:end]
    rows = matrix.indices[begin:end]
    columns = np.repeat(np.arange(last - first, dtype=np.int64), np.diff(matrix.indptr[first : last + 1]))
    fires = values > 0
    if not fires.all():
        values, rows, columns = values[fires], rows[fires], columns[fires]

    # One integer per entry that orders by column, then by falling value, and is equal exactly for ties.
    level_values, level = np.unique(values, return_inverse=True)
    key = columns * len(level_values) + (len(level_values) - 1 - level)
    order = np.argsort(key)
    key, columns = key[order], columns[order]

    n_entries = len(key)
    opens_group = np.ones(n_entries, dtype=bool)
    opens_group[1:] = key[1:] != key[:-1]
    group_start = np.flatnonzero(opens_group)
    group_end = np.append(group_start[1:], n_entries)
    group_size = group_end - group_start
    column_start = np.searchsorted(columns, columns[group_start])
    return SortedColumns(
        first=first,
        n_columns=last - first,
        n_rows=int(matrix.shape[0]),
        rows=rows[order],
        columns=columns,
        values=values[order],
        above=np.repeat(group_start - column_start, group_size)[:n_entries],
        at_least=np.repeat(group_end - column_start, group_size)[:n_entries],
    )


def positives(block: SortedColumns, positive: Bool[np.ndarray, " n_examples"]) -> Positives:
    """Walk down every column of the block and count, at each positive example, what lies at or above it.

    Args:
        block: sorted columns over the examples.
        positive: which examples carry the label.
    """
    return positives_at(block, np.flatnonzero(positive[block.rows]))


def positives_at(block: SortedColumns, entry: Int[np.ndarray, " n_positives"]) -> Positives:
    """As :func:`positives`, for a caller who knows already which entries belong to positive examples.

    Args:
        block: sorted columns over the examples.
        entry: indices into the block, ascending.
    """
    column = block.columns[entry]
    opens_column = np.ones(len(entry), dtype=bool)
    opens_column[1:] = column[1:] != column[:-1]
    starts = np.flatnonzero(opens_column)
    lengths = np.diff(np.append(starts, len(entry)))
    true_positives = np.arange(1, len(entry) + 1) - np.repeat(starts, lengths)
    return Positives(
        entry=entry,
        starts=starts,
        true_positives=true_positives,
        false_positives=block.at_least[entry] - true_positives,
    )
