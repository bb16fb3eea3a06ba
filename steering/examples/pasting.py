"""How do two pasted pieces of text become examples?"""

import re
from dataclasses import replace

from steering.errors import ExamplesError
from steering.examples.building import build_examples
from steering.examples.findings import Report
from steering.examples.labelled import LabelledExamples
from steering.examples.mapping import ColumnMapping
from steering.examples.table import Table, make_table

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


def split_pasted(text: str) -> list[str]:
    """One example per line; one per paragraph where blank lines stand between paragraphs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        return []
    parts = _BLANK_LINES.split(text) if _BLANK_LINES.search(text) else text.split("\n")
    return [part.strip() for part in parts if part.strip()]


def pasted_table(positives: str, negatives: str, *, label: str = "positive") -> Table:
    """Pasted texts as a table with the columns ``text`` and ``label``: positives first, then negatives.

    Raises:
        ExamplesError: one side is empty, or a cap is exceeded.
    """
    sides = {"positive": split_pasted(positives), "negative": split_pasted(negatives)}
    for side, texts in sides.items():
        if not texts:
            other = next(len(parts) for name, parts in sides.items() if name != side)
            raise ExamplesError(
                f"No {side} examples were pasted (and {other} of the other side); paste at least four of each, one "
                "per line."
            )
    cells = [[text, "1"] for text in sides["positive"]] + [[text, "0"] for text in sides["negative"]]
    column = label.strip() or "positive"
    return make_table("pasted examples", "pasted", ["text" if column != "text" else "pasted text", column], cells)


def read_pasted(positives: str, negatives: str, *, label: str = "positive") -> tuple[LabelledExamples, Report]:
    """Pasted texts as examples, with the report; row numbers count positives first, then negatives.

    Raises:
        ExamplesError: one side is empty, or nothing usable is left.
    """
    table = pasted_table(positives, negatives, label=label)
    text, column = table.columns
    examples, report = build_examples(table, ColumnMapping(text, column, style="binary"), name="pasted examples")
    return replace(examples, label_names=(column,)), report


def pasted(positives: str, negatives: str, *, label: str = "positive") -> LabelledExamples:
    """Pasted texts as examples; :func:`read_pasted` also says what was left out.

    Raises:
        ExamplesError: one side is empty, or nothing usable is left.
    """
    return read_pasted(positives, negatives, label=label)[0]
