"""How do several processes of this machine share the units, and what if one of them dies?

Each process loads the model once and computes one unit at a time. A process that dies (killed, out of memory) breaks
the pool, and nothing says which unit it was: those that were under way are tried again one at a time, so that only a
unit that dies alone, a few times, has failed. Nothing but bytes of finished parts comes back, and only the caller
writes.
"""

import multiprocessing
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from steering.benchmark.outcome import Outcome, attempt, failed
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.errors import Cancelled
from steering.judges.access import JudgeAccess

if TYPE_CHECKING:
    from steering.benchmark.bench import Bench

ATTEMPTS = 3
POLL_SECONDS = 0.5
SINGLE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

# Of this process, where it is a worker.
_settings: BenchmarkSettings | None = None
_cache: Path | None = None
_access: JudgeAccess | None = None
_stop: Any = None
_open = ExitStack()
_bench: "Bench | None" = None


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Start processes that do not run this one's main script again: in Streamlit that is a page, not a module."""
    found = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = found


def in_processes(
    settings: BenchmarkSettings,
    units: Sequence[Unit],
    *,
    key: str,
    workers: int,
    cache: Path | None = None,
    access: JudgeAccess | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Generator[Outcome, None, None]:
    """Compute units in processes of their own; outcomes come as they are ready.

    Args:
        settings: of the run.
        units: to compute.
        key: of the run.
        workers: processes at most.
        cache: file for a language model's judgements.
        access: key and patience of a language model as judge.
        should_stop: asked every half second; ends the workers within a token.

    Raises:
        SteeringError: the model, the SAE or the judge cannot be opened.
        Cancelled: ``should_stop`` said so.
    """
    context = multiprocessing.get_context("spawn")
    waiting, suspects, attempts = deque(units), deque[Unit](), Counter[Unit]()
    while waiting or suspects:
        queue, at_once = (suspects, 1) if suspects else (waiting, min(workers, len(waiting)))
        stop = context.Event()
        # Numerical libraries read these when they are loaded, so they must stand before a process starts.
        with _Environment(dict.fromkeys(SINGLE_THREAD, str(settings.threads))):
            pool = ProcessPoolExecutor(
                at_once,
                mp_context=context,
                initializer=_begin,
                initargs=(settings.to_json(), None if cache is None else str(cache), access, stop),
            )
            running: dict[Future[Outcome], Unit] = {}
            try:
                while queue or running:
                    while queue and len(running) < at_once:
                        with _no_main_module():
                            running[pool.submit(_compute, queue[0], key)] = queue[0]
                        queue.popleft()
                    done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                    if should_stop is not None and should_stop():
                        raise Cancelled
                    for future in done:
                        outcome = future.result()
                        del running[future]
                        yield outcome
            except (BrokenProcessPool, CancelledError):
                if len(running) > 1:  # any of them may have been it
                    suspects.extend(running.values())
                for unit in running.values() if len(running) == 1 else ():
                    attempts[unit] += 1
                    if attempts[unit] < ATTEMPTS:
                        suspects.append(unit)
                    else:
                        yield Outcome(unit, None, _died(unit), 0.0)
            finally:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)


def _died(unit: Unit) -> Any:
    return failed(
        unit,
        f"A worker died {ATTEMPTS} times while it computed {unit} alone, perhaps for want of memory; use a smaller "
        "batch size.",
    )


class _Environment:
    """Variables set for a block."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._values}
        os.environ.update(self._values)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin(settings: dict[str, Any], cache: str | None, access: JudgeAccess | None, stop: Any) -> None:
    """First thing in a worker: what to do, and when to end."""
    import signal

    global _settings, _cache, _access, _stop
    # An interrupt from the keyboard reaches every process; the caller's ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _settings = BenchmarkSettings.from_json(settings)
    _cache = None if cache is None else Path(cache)
    _access = access
    _stop = stop
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A worker whose caller was killed would wait for work for ever.
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _compute(unit: Unit, key: str) -> Outcome:
    """In a worker: compute a unit; the first one opens the bench. What cannot be opened ends the run."""
    global _bench
    if _settings is None:
        raise RuntimeError("A worker was asked to compute before it was begun")
    if _bench is None:
        from steering.benchmark.bench import open_bench

        _bench = _open.enter_context(open_bench(_settings, cache=_cache, access=_access, should_stop=_stop.is_set))
    return attempt(_bench, unit, key=key)
