"""Judges that rate by a hash of the text: the same in every process, and different for nearly every text."""

import os
import signal
import zlib
from pathlib import Path

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
