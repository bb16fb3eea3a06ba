"""Judges that rate by a hash of the text: the same in every process, and different for nearly every text."""

import os
import signal
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from steering.judges.rows import JudgedRow, RowToJudge
from steering.judges.rubric import ASPECTS, Outcome, Rating
from steering.judges.score import Score


class StubJudge:
    name = "stub"

    def knows(self, concept: str) -> bool:
        return True

    def score(self, concept: str, prompt: str, text: str) -> Score:
        mark = zlib.crc32(f"{concept}|{prompt}|{text}".encode("utf-8", "surrogatepass"))
        # 0 is rare, so that means differ.
        rate = (0, 1, 1, 2, 2, 2)
        return Score(rate[mark % 6], rate[mark // 6 % 6], rate[mark // 36 % 6], (f"mark {mark}",))


class OddJudge(StubJudge):
    """Replies in words, of which the first of every batch are odd in the way that the environment names."""

    def score_many(
        self,
        rows: Sequence[RowToJudge],
        *,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[JudgedRow]:
        outcome, count = os.environ["STEERSCOPE_TEST_ODD"].split()
        found = []
        for place, row in enumerate(rows):
            score = self.score(row.concept, row.prompt, row.text)
            odd: Outcome = outcome if place < int(count) else "rated"  # type: ignore[assignment]
            first = Rating("concept", score.concept if odd == "rated" else 0, odd, "odd enough")
            others = tuple(Rating(aspect, getattr(score, aspect), "rated", "") for aspect in ASPECTS[1:])
            whole = Score(first.value, score.instruction, score.fluency)
            found.append(JudgedRow(row, None if odd == "cut_off" else whole, (first, *others)))
        return found


class DeadlyJudge(StubJudge):
    """Kills its process, once, where a file tells it to."""

    def score(self, concept: str, prompt: str, text: str) -> Score:
        order = Path(os.environ["STEERSCOPE_TEST_KILL"])
        try:
            order.unlink()
        except FileNotFoundError:
            return super().score(concept, prompt, text)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError
