"""What became of every row of a dump?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from steering.examples.findings import SHOWN_ROWS, count, join_words

Reason = Literal[
    "malformed", "other_type", "answer", "orphan", "not_sampled", "untagged", "nested_too_deep", "empty_text",
    "near_duplicate", "rare_tags",
]  # fmt: skip

_WHY: Mapping[str, str] = {
    "malformed": "malformed: no usable Id, PostTypeId, ParentId, Body or Tags",
    "other_type": "neither question nor answer (tag descriptions, wikis, notices)",
    "answer": "answers, which were not asked for",
    "orphan": "answers whose question does not come before them in the dump, or was dropped for its tags",
    "not_sampled": "of threads outside the sample",
    "untagged": "questions without tags",
    "nested_too_deep": "with HTML nested deeper than can be read",
    "empty_text": "without text once HTML and dropped code are gone",
    "near_duplicate": "nearly the same text as an earlier post",
    "rare_tags": "all tags rarer than the least support",
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows that did not become examples, for one reason.

    Attributes:
        reason: a stable word for programs.
        n: how many rows.
        rows: numbers of the first of them, counted from 1; empty where only their number is known.
        why: the reason in words.
    """

    reason: Reason
    n: int
    rows: tuple[int, ...]
    why: str

    @property
    def sentence(self) -> str:
        """One line for people."""
        more = self.n - len(self.rows)
        where = f" (rows {join_words([str(row) for row in self.rows])}{f' and {more:,} more' if more else ''})"
        return f"{count(self.n, 'row')}{where if self.rows else ''} {self.why}"


@dataclass(slots=True)
class DropTally:
    """Counts dropped rows while a dump is read; memory does not grow with them."""

    _counts: dict[Reason, int] = field(default_factory=dict)
    _rows: dict[Reason, list[int]] = field(default_factory=dict)

    def add(self, reason: Reason, row: int | None = None, n: int = 1) -> None:
        """Note one row, or ``n`` rows whose numbers are not known any more."""
        self._counts[reason] = self._counts.get(reason, 0) + n
        first = self._rows.setdefault(reason, [])
        if row is not None and len(first) < SHOWN_ROWS:
            first.append(row)

    def result(self) -> tuple[Dropped, ...]:
        """What was noted, most frequent first."""
        order = sorted(self._counts, key=lambda reason: (-self._counts[reason], reason))
        return tuple(Dropped(r, self._counts[r], tuple(self._rows[r]), _WHY[r]) for r in order if self._counts[r])


@dataclass(frozen=True, slots=True)
class DumpReport:
    """What a dump became.

    Attributes:
        source: file name of the dump.
        n_rows: rows that were read.
        n_questions: questions among the examples.
        n_answers: answers among the examples.
        n_threads: threads among the examples; no thread should straddle a split.
        n_labels: tags that became labels.
        n_rare_tags: tags that did not, because too few posts carry them.
        n_shortened: examples that were cut to the largest length.
        stopped_at_limit: whether reading ended before the dump did.
        dropped: every row that did not become an example, by reason.
    """

    source: str
    n_rows: int
    n_questions: int
    n_answers: int
    n_threads: int
    n_labels: int
    n_rare_tags: int
    n_shortened: int
    stopped_at_limit: bool
    dropped: tuple[Dropped, ...]

    @property
    def n_examples(self) -> int:
        """Examples that were written."""
        return self.n_questions + self.n_answers

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name."""
        return {"n_examples": self.n_examples} | asdict(self)
