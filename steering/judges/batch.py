"""How are many completions judged, whoever judges?"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from steering.judges.rows import JudgedRow, RowToJudge
from steering.judges.score import Judge


@runtime_checkable
class BatchJudge(Judge, Protocol):
    """A judge that is faster, or cheaper, with many completions at once."""

    def score_many(
        self,
        rows: Sequence[RowToJudge],
        *,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[JudgedRow]:
        """Rate many completions; see `steering.judges.rubric_judge.RubricJudge.score_many`."""
        ...


def score_all(
    judge: Judge,
    rows: Sequence[RowToJudge],
    *,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[JudgedRow]:
    """Rate many completions with any judge, in bulk where it can.

    Args:
        judge: of one completion or of many.
        rows: completions with what they should carry.
        progress: told how much is done, of how much; called in this thread, and may raise to stop.
        should_stop: asked again and again; after True nothing new is begun.

    Returns:
        One for each row, in the order of the rows; without a score where it was stopped or no reply came.

    Raises:
        SteeringError: whatever the judge cannot do, such as a concept that it does not know.
    """
    if isinstance(judge, BatchJudge):
        return judge.score_many(rows, progress=progress, should_stop=should_stop)
    judged: list[JudgedRow] = []
    for done, row in enumerate(rows):
        if should_stop is not None and should_stop():
            return judged + [JudgedRow(left, None) for left in rows[done:]]
        judged.append(JudgedRow(row, judge.score(row.concept, row.prompt, row.text)))
        if progress is not None:
            progress(done + 1, len(rows))
    return judged
