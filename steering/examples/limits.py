"""How large may an uploaded set of examples be?"""

MAX_BYTES = 25_000_000
"""Bytes of a file, and characters of all its cells together once unpacked."""

MAX_ROWS = 50_000
MAX_COLUMNS = 50
MAX_CELL_CHARS = 20_000

MAX_LABELS = 1_000
"""Different labels of one set; more means that the wrong column was chosen."""

LONG_TEXT_CHARS = 4_000
"""About 1,000 tokens: longer texts may not fit the model's context and are cut there."""

MIN_PER_CLASS = 4
"""Fewer positives or negatives cannot be ranked at all."""

FEW_PER_CLASS = 20
"""Fewer positives or negatives can be ranked, but the held-out numbers are coarse."""
