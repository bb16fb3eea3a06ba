"""What becomes of a unit, wherever it is computed?"""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from steering.benchmark.bench import Bench
from steering.benchmark.parts import Failure
from steering.benchmark.rows import encode
from steering.benchmark.settings import Unit
from steering.benchmark.unit import UnratedError, run_unit
from steering.errors import Cancelled, JudgeUnusableError, SteeringError


@dataclass(frozen=True, slots=True)
class Outcome:
    """A part or a failure; it travels between processes and machines.

    Attributes:
        unit: which.
        data: the part's bytes, None where it failed.
        failure: why there is none.
        seconds: it took.
    """

    unit: Unit
    data: bytes | None
    failure: Failure | None
    seconds: float


def attempt(bench: Bench, unit: Unit, *, key: str) -> Outcome:
    """Compute a unit; whatever goes wrong is written down, so that the others can go on.

    Raises:
        Cancelled: the bench was told to stop.
        JudgeUnusableError: the judge will answer nothing, so every other unit would fail too; the run can be resumed.
        KeyboardInterrupt: likewise.
    """
    started = time.perf_counter()
    try:
        rows, header = run_unit(bench, unit, key=key)
        return Outcome(unit, encode(rows, header), None, time.perf_counter() - started)
    except (Cancelled, JudgeUnusableError):
        raise
    except SteeringError as error:
        counts = error.replies.items() if isinstance(error, UnratedError) else ()
        replies = {str(outcome): count for outcome, count in counts}
        failure = failed(unit, " ".join(str(error).split()), replies=replies)
    except Exception as error:  # a bug in one method must not cost the night's other results
        told = f"{type(error).__name__}: {' '.join(str(error).split())}"
        failure = failed(unit, told, trace=traceback.format_exc())
    return Outcome(unit, None, failure, time.perf_counter() - started)


def failed(unit: Unit, error: str, *, trace: str = "", replies: Mapping[str, int] | None = None) -> Failure:
    """The failure of a unit; with a trace it is a bug."""
    return Failure(unit.concept, unit.seed, unit.method, error[:2000], bool(trace), trace, dict(replies or {}))
