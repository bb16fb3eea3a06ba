"""Labelled examples: read a file, map its columns, report what is wrong by row, and split.

The usual path is ``read_table`` → ``guess_mapping`` → ``build_examples`` → ``split_examples``; ``read_examples`` does
the first three at once. Nothing is dropped silently: every row that does not become an example stands in the report.
"""

from steering.examples.axbench import axbench_examples
from steering.examples.building import build_examples
from steering.examples.findings import Finding, Report
from steering.examples.labelled import LabelledExamples
from steering.examples.limits import (
    FEW_PER_CLASS,
    MAX_BYTES,
    MAX_CELL_CHARS,
    MAX_COLUMNS,
    MAX_ROWS,
    MIN_PER_CLASS,
)
from steering.examples.mapping import ColumnMapping, LabelStyle, guess_mapping, is_axbench
from steering.examples.pasting import pasted, pasted_table, read_pasted
from steering.examples.reading import read_examples, read_table
from steering.examples.splitting import Split, split_examples
from steering.examples.table import Table, table_from_frame

__all__ = [
    "FEW_PER_CLASS",
    "MAX_BYTES",
    "MAX_CELL_CHARS",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "MIN_PER_CLASS",
    "ColumnMapping",
    "Finding",
    "LabelStyle",
    "LabelledExamples",
    "Report",
    "Split",
    "Table",
    "axbench_examples",
    "build_examples",
    "guess_mapping",
    "is_axbench",
    "pasted",
    "pasted_table",
    "read_examples",
    "read_pasted",
    "read_table",
    "split_examples",
    "table_from_frame",
]
