"""How does long work run without blocking a screen, one job at a time per device, and stop when asked?

One FIFO queue and one worker thread per device: two forward passes never share a model, a random state or a hook
(ADR: one worker per device). A page submits a function, keeps the job's id, and reads a snapshot whenever it redraws;
nothing in here knows a browser.
"""

import atexit
import logging
import secrets
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from steering.errors import Cancelled, SteeringError

log = logging.getLogger(__name__)

_RATE_WINDOW = 20.0  # seconds of history behind the displayed rate


class QueueFullError(SteeringError):
    """One owner, or everyone together, has asked for more work than the queue takes."""


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come.

    Attributes:
        done: units finished.
        total: units in all, None while unknown.
        note: what is going on, one short phrase.
        unit: what is counted, plural ("tokens").
        rate: units per second over the last 20 seconds, None before two ticks.
        seconds_left: time left at that rate, None while rate or total is unknown.
        seconds: time since the job began to run.
    """

    done: int | float = 0
    total: int | float | None = None
    note: str = ""
    unit: str = ""
    rate: float | None = None
    seconds_left: float | None = None
    seconds: float = 0.0

    @property
    def share(self) -> float | None:
        """Finished share in [0, 1], None while the total is unknown."""
        if not self.total:
            return None
        return min(1.0, max(0.0, self.done / self.total))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent look at a job.

    Attributes:
        state: where the job is.
        progress: how far it has come.
        position: 0 is running or next; n means that n jobs of the device go first; None once it has ended.
        error: what to show when it failed, None otherwise.
    """

    state: JobState
    progress: Progress
    position: int | None
    error: str | None

    @property
    def active(self) -> bool:
        """Whether the job may still change."""
        return self.state in _ACTIVE


class Job:
    """One piece of work; created by `JobManager.submit`, and handed to the work itself.

    Attributes:
        id: unguessable, fit for a URL.
        title: what the screen calls it.
        kind: which page it belongs to ("ranking", "generation", ...).
        owner: the session that asked for it.
        device: the queue it stands in.
        result: what the work returned, None before the end.
        partial: what the work had when it was cancelled or failed; the work may set it as it goes.
        is_bug: whether it failed with something other than a `SteeringError`.
        traceback: the whole traceback of a bug, for the log and the bug report.
    """

    def __init__(
        self,
        work: Callable[["Job"], Any],
        manager: "JobManager",
        *,
        title: str,
        kind: str,
        owner: str,
        device: str,
        unit: str,
    ) -> None:
        self.id = secrets.token_urlsafe(9)
        self.title = title
        self.kind = kind
        self.owner = owner
        self.device = device
        self.result: Any = None
        self.partial: Any = None
        self.is_bug = False
        self.traceback: str | None = None
        self._work: Callable[[Job], Any] | None = work
        self._manager = manager
        self._clock = manager._clock
        self._lock = threading.Lock()
        self._state = JobState.QUEUED
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._error: str | None = None
        self._done: int | float = 0
        self._total: int | float | None = None
        self._note = ""
        self._unit = unit
        self._ticks: deque[tuple[float, int | float]] = deque()
        self._started_at: float | None = None
        self._ended_at: float | None = None
        self._events: list[Any] = []

    # -- read by screens -------------------------------------------------------------------------------------------

    @property
    def state(self) -> JobState:
        """Where the job is."""
        return self._state

    @property
    def active(self) -> bool:
        """Whether the job may still change."""
        return self._state in _ACTIVE

    @property
    def error(self) -> str | None:
        """One sentence to show when the job failed, None otherwise."""
        return self._error

    @property
    def progress(self) -> Progress:
        """How far the job has come, with its present rate and time left."""
        with self._lock:
            now = self._ended_at if self._ended_at is not None else self._clock()
            seconds = 0.0 if self._started_at is None else now - self._started_at
            rate = seconds_left = None
            if len(self._ticks) > 1:
                (first_time, first_done), (last_time, last_done) = self._ticks[0], self._ticks[-1]
                if last_time > first_time and last_done > first_done:
                    rate = (last_done - first_done) / (last_time - first_time)
            if rate is not None and self._total is not None and self._state in _ACTIVE:
                seconds_left = max(0.0, (self._total - self._done) / rate)
            return Progress(self._done, self._total, self._note, self._unit, rate, seconds_left, seconds)

    def snapshot(self) -> Snapshot:
        """State, progress, queue position and error together."""
        position = self._manager.position(self)
        return Snapshot(self._state, self.progress, position, self._error)

    def events_since(self, cursor: int = 0) -> tuple[list[Any], int]:
        """Events emitted from ``cursor`` on, and the cursor to ask with next time."""
        with self._lock:
            fresh = self._events[cursor:]
            return fresh, cursor + len(fresh)

    def cancel(self) -> None:
        """Ask the job to stop: at once while queued, at its next tick while running. Does nothing once it has ended."""
        self._manager._cancel(self)

    def wait(self, timeout: int | float | None = None) -> bool:
        """Block until the job has ended; False when ``timeout`` seconds passed first."""
        return self._ended.wait(timeout)

    # -- called by the work ----------------------------------------------------------------------------------------

    @property
    def should_stop(self) -> bool:
        """Whether someone asked to stop; for loops that would rather return what they have than raise."""
        return self._stop.is_set()

    def tick(
        self, done: int | float, total: int | float | None = None, note: str | None = None, *, unit: str | None = None
    ) -> None:
        """Report progress, and stop here if asked to. Call once per batch.

        Args:
            done: units finished so far.
            total: units in all; None keeps what was said before.
            note: what is going on; None keeps what was said before.
            unit: what is counted; None keeps what was said before. A new unit starts a new rate.

        Raises:
            Cancelled: someone asked the job to stop.
        """
        with self._lock:
            now = self._clock()
            if (unit is not None and unit != self._unit) or done < self._done:
                self._ticks.clear()
            self._done = done
            self._total = total if total is not None else self._total
            self._note = note if note is not None else self._note
            self._unit = unit if unit is not None else self._unit
            self._ticks.append((now, done))
            while len(self._ticks) > 2 and now - self._ticks[0][0] > _RATE_WINDOW:
                self._ticks.popleft()
        self.check()

    def tell(self, done: int, total: int, unit: str, what: str) -> None:
        """:meth:`tick` as functions of the core call their ``on_progress``."""
        self.tick(done, total, what, unit=unit)

    def check(self) -> None:
        """Stop here if asked to.

        Raises:
            Cancelled: someone asked the job to stop.
        """
        if self._stop.is_set():
            raise Cancelled(f"{self.title} was stopped.")

    def emit(self, event: Any) -> None:
        """Append an event for whoever follows the stream."""
        with self._lock:
            self._events.append(event)

    # -- called by the manager's worker ----------------------------------------------------------------------------

    def _run(self, prepare: Callable[[], None]) -> None:
        work, self._work = self._work, None
        if work is None:
            raise RuntimeError(f"Job {self.id} was run twice.")
        state = JobState.DONE
        try:
            prepare()
            result = work(self)
            if self._stop.is_set():
                state, self.partial = JobState.CANCELLED, result if result is not None else self.partial
            else:
                self.result = result
        except Cancelled:
            state = JobState.CANCELLED
        except SteeringError as error:
            state, self._error = JobState.FAILED, str(error)
        except BaseException as error:
            # Only text is kept: the exception itself would keep every frame, and the tensors in them, alive.
            state, self.is_bug, self.traceback = JobState.FAILED, True, traceback.format_exc()
            self._error = f"{self.title} stopped on a bug in Steerscope ({type(error).__name__}: {error})."
            log.exception("Job %s (%s) failed", self.id, self.title)
        self._end(state)

    def _end(self, state: JobState) -> None:
        with self._lock:
            self._state = state
            self._work = None
            self._ended_at = self._clock()
        # Who waits for the end sees a manager that has already forgotten the job as running.
        self._manager._ended(self)
        self._ended.set()


class JobManager:
    """The queues and their workers.

    Args:
        on_worker_start: runs in a device's worker thread before its first job, with the device's name; the place for
            thread-local torch settings. If it raises, the job that was waiting fails with that error.
        max_queued_per_owner: jobs one owner may have waiting, besides the one that runs.
        max_queued: jobs that may wait in all.
        history: ended jobs that stay readable.
        ttl: seconds after which an ended job is forgotten.
        clock: monotonic seconds; tests bring their own.
    """

    def __init__(
        self,
        *,
        on_worker_start: Callable[[str], None] | None = None,
        max_queued_per_owner: int = 3,
        max_queued: int = 64,
        history: int = 64,
        ttl: int | float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_worker_start = on_worker_start
        self._max_queued_per_owner = max_queued_per_owner
        self._max_queued = max_queued
        self._history = history
        self._ttl = ttl
        self._clock = clock
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._queues: dict[str, deque[Job]] = {}
        self._running: dict[str, Job] = {}
        self._workers: dict[str, threading.Thread] = {}
        self._closed = False
        atexit.register(_shut_down, weakref.ref(self))

    def submit(
        self,
        work: Callable[[Job], Any],
        *,
        title: str,
        owner: str,
        device: str = "cpu",
        kind: str = "",
        unit: str = "",
    ) -> Job:
        """Queue ``work``; it runs in the device's worker thread with the job as its argument.

        An owner has one job running at a time, over all devices; the rest of theirs waits.

        Args:
            work: what to do; its return value becomes `Job.result`.
            title: what the screen calls it.
            owner: the session that asks; the quota counts by it.
            device: name of the queue ("cpu", "cuda:0").
            kind: what sort of job it is.
            unit: what its ticks count, plural.

        Raises:
            QueueFullError: the owner, or everyone together, has too much waiting.
        """
        job = Job(work, self, title=title, kind=kind, owner=owner, device=device, unit=unit)
        with self._changed:
            if self._closed:
                raise QueueFullError("Steerscope is shutting down and takes no new work.")
            self._forget_old()
            waiting = [queued for queue in self._queues.values() for queued in queue]
            mine = sum(queued.owner == owner for queued in waiting)
            # A job that can start at once never counts as waiting.
            idle = device not in self._running and not self._queues.get(device) and not self._owner_runs(owner)
            if not idle and mine >= self._max_queued_per_owner:
                raise QueueFullError(
                    f"You already have {mine} jobs waiting. Let one finish, or cancel one, then ask again."
                )
            if not idle and len(waiting) >= self._max_queued:
                raise QueueFullError(f"{len(waiting)} jobs are waiting already. Try again when some have finished.")
            self._jobs[job.id] = job
            self._queues.setdefault(device, deque()).append(job)
            if device not in self._workers:
                thread = threading.Thread(target=self._serve, args=(device,), name=f"steering-{device}", daemon=True)
                self._workers[device] = thread
                thread.start()
            self._changed.notify_all()
        return job

    def get(self, job_id: str | None) -> Job | None:
        """The job with that id, None if it is unknown or forgotten."""
        with self._changed:
            self._forget_old()
            return self._jobs.get(job_id) if job_id else None

    def active(self, *, owner: str | None = None, kind: str | None = None) -> list[Job]:
        """Jobs that run or wait, oldest first, narrowed to an owner or a kind if given."""
        with self._changed:
            return [
                job
                for job in self._jobs.values()
                if job.active and (owner is None or job.owner == owner) and (kind is None or job.kind == kind)
            ]

    def position(self, job: Job) -> int | None:
        """Jobs of the device that go first; 0 while it runs, None once it has ended."""
        with self._changed:
            if not job.active:
                return None
            queue = self._queues.get(job.device, deque())
            if job not in queue:
                return 0
            return list(queue).index(job) + (job.device in self._running)

    def wait_idle(self, timeout: int | float | None = None) -> bool:
        """Block until nothing runs or waits; for tests and for scripts. False when ``timeout`` seconds passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running and not any(self._queues.values()), timeout)

    def shutdown(self, timeout: int | float = 5.0) -> None:
        """Cancel everything, take no new work, and give running jobs ``timeout`` seconds in all to stop."""
        with self._changed:
            self._closed = True
            pending = [job for job in self._jobs.values() if job.active]
        for job in pending:
            job.cancel()
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + timeout
        for thread in list(self._workers.values()):
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _owner_runs(self, owner: str) -> bool:
        return any(job.owner == owner for job in self._running.values())

    def _next(self, device: str) -> Job | None:
        queue = self._queues[device]
        for job in queue:
            if not self._owner_runs(job.owner):
                queue.remove(job)
                return job
        return None

    def _serve(self, device: str) -> None:
        prepared = False

        def prepare() -> None:
            nonlocal prepared
            if not prepared and self._on_worker_start is not None:
                self._on_worker_start(device)
            prepared = True

        while True:
            with self._changed:
                while (job := self._next(device)) is None:
                    if self._closed:
                        return
                    self._changed.wait()
                self._running[device] = job
                with job._lock:
                    job._state = JobState.RUNNING
                    job._started_at = job._clock()
                self._changed.notify_all()
            job._run(prepare)
            del job  # an idle worker holds on to nothing

    def _cancel(self, job: Job) -> None:
        with self._changed:
            if not job.active:
                return
            job._stop.set()
            queue = self._queues.get(job.device, deque())
            waiting = job in queue
            if waiting:
                queue.remove(job)
            else:
                with job._lock:
                    if job._state is JobState.RUNNING:
                        job._state = JobState.CANCELLING
        if waiting:
            job._end(JobState.CANCELLED)

    def _ended(self, job: Job) -> None:
        with self._changed:
            if self._running.get(job.device) is job:
                del self._running[job.device]
            self._forget_old()
            self._changed.notify_all()

    def _forget_old(self) -> None:
        now = self._clock()
        ended = [job for job in self._jobs.values() if not job.active]
        ended.sort(key=lambda job: job._ended_at or 0.0)
        surplus = max(0, len(ended) - self._history)
        for i, job in enumerate(ended):
            if i < surplus or (job._ended_at is not None and now - job._ended_at > self._ttl):
                del self._jobs[job.id]


def _shut_down(manager: "weakref.ref[JobManager]") -> None:
    """Stop the workers before the interpreter takes torch away under them."""
    alive = manager()
    if alive is not None:
        alive.shutdown(timeout=2.0)
