"""How does a table become CSV without any of its texts running as a formula in somebody's spreadsheet?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What spreadsheets take for the start of a formula, full-width forms included (OWASP, CSV injection)."""


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe in front."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def spreadsheet_csv(table: "pd.DataFrame", *, texts: Sequence[str]) -> bytes:
    """UTF-8 with a byte order mark, every text quoted, numbers as they are.

    Args:
        table: any.
        texts: columns whose cells somebody else may have written; their empty cells stay empty.
    """
    shown = table.copy()
    for column in texts:
        shown[column] = [inert(cell) if isinstance(cell, str) else cell for cell in table[column]]
    return shown.to_csv(index=False, quoting=2).encode("utf-8-sig")
