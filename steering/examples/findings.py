"""What was noticed while examples were read, in which rows, and what can be done about it?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Severity = Literal["error", "warning", "note"]

SHOWN_ROWS = 10
"""Row numbers spelled out in a message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed about the data.

    Attributes:
        severity: ``error``: the set cannot be used as it is; ``warning``: rows were left out or a result will be
            weaker than it looks; ``note``: good to know.
        kind: a stable word for programs, such as ``duplicate`` or ``one_class``.
        message: one sentence that says what was got, what was expected and what to do.
        rows: all rows concerned, counted from 1 without the header; empty where the whole set is meant.
    """

    severity: Severity
    kind: str
    message: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything noticed about one set of examples.

    Attributes:
        findings: errors first, then warnings, then notes.
        n_read: data rows of the file, rows that could not be read included.
        n_used: rows that became examples.
    """

    findings: tuple[Finding, ...]
    n_read: int
    n_used: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that forbid the use of the set as it is."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings about rows left out and about results that will be weaker than they look."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Findings that are good to know."""
        return tuple(finding for finding in self.findings if finding.severity == "note")

    @property
    def n_left_out(self) -> int:
        """Rows that did not become examples; each of them stands in a finding."""
        return self.n_read - self.n_used

    def table(self) -> pd.DataFrame:
        """One line per finding: severity, kind, message, number of rows, and all row numbers as text."""
        return pd.DataFrame(
            {
                "severity": [finding.severity for finding in self.findings],
                "kind": [finding.kind for finding in self.findings],
                "message": [finding.message for finding in self.findings],
                "n_rows": [len(finding.rows) for finding in self.findings],
                "rows": [", ".join(map(str, finding.rows)) for finding in self.findings],
            }
        )


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then notes; otherwise in the given order."""
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))


def name_rows(rows: Sequence[int]) -> str:
    """Row numbers for a sentence.

    Example:
        ``"row 3"``, ``"rows 3 and 7"``, ``"rows 1, 2, 3 and 40 more"``
    """
    if len(rows) == 1:
        return f"row {rows[0]}"
    return f"rows {join_words([str(row) for row in rows], shown=SHOWN_ROWS)}"


def join_words(words: Sequence[str], *, shown: int = SHOWN_ROWS) -> str:
    """A list for a sentence; what exceeds ``shown`` is counted."""
    if len(words) > shown:
        return f"{', '.join(words[:shown])} and {len(words) - shown:,} more"
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def quote(text: str, *, length: int = 40) -> str:
    """A piece of the user's own text inside a message: on one line, shortened, in quotation marks."""
    flat = " ".join(text.split())
    return f"'{flat if len(flat) <= length else flat[: length - 1] + '…'}'"


def count(n: int, noun: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
