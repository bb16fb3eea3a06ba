# ruff: noqa: ARG005 - work takes its job, whether it needs it or not
"""The queue: order, one worker per device, quota, cancelling, progress, events, forgetting."""

import threading

import pytest

from steering.errors import Cancelled, SteeringError
from steering.jobs import Job, JobManager, JobState, QueueFullError

SOON = 10.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """Work that says when it has started and goes on when told to."""

    def __init__(self, result: object = None) -> None:
        self.started = threading.Event()
        self.open = threading.Event()
        self.result = result

    def __call__(self, job: Job) -> object:
        self.started.set()
        assert self.open.wait(SOON)
        job.check()
        return self.result


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def manager(clock):
    made = JobManager(clock=clock)
    yield made
    made.shutdown(timeout=SOON)


def submit(manager, work, owner="a", **kwargs):
    return manager.submit(work, title="Work", owner=owner, **kwargs)


def test_a_job_runs_in_its_devices_thread_and_keeps_its_result(manager):
    job = submit(manager, lambda job: threading.current_thread().name, device="cuda:0")
    assert job.wait(SOON)
    assert (job.state, job.result, job.error) == (JobState.DONE, "steering-cuda:0", None)
    assert manager.get(job.id) is job


def test_jobs_of_a_device_run_one_at_a_time_in_order(manager):
    order, gate = [], Gate()
    first = submit(manager, gate, owner="a")
    assert gate.started.wait(SOON)
    rest = [submit(manager, lambda job, i=i: order.append(i), owner=f"o{i}") for i in range(5)]
    assert [job.snapshot().position for job in [first, *rest]] == [0, 1, 2, 3, 4, 5]
    assert all(job.state is JobState.QUEUED for job in rest)
    gate.open.set()
    assert manager.wait_idle(SOON)
    assert order == [0, 1, 2, 3, 4]
    assert first.snapshot().position is None


def test_two_devices_run_side_by_side(manager):
    here, there = Gate(), Gate()
    submit(manager, here, owner="a", device="cpu")
    submit(manager, there, owner="b", device="cuda:0")
    assert here.started.wait(SOON)
    assert there.started.wait(SOON)
    here.open.set()
    there.open.set()


def test_one_owner_runs_one_job_at_a_time_over_all_devices(manager):
    first, second, other = Gate(), Gate(), Gate()
    submit(manager, first, owner="a", device="cpu")
    assert first.started.wait(SOON)
    waiting = submit(manager, second, owner="a", device="cuda:0")
    submit(manager, other, owner="b", device="cuda:0")
    assert other.started.wait(SOON), "someone else's job goes past the one that has to wait for its owner"
    assert waiting.state is JobState.QUEUED
    other.open.set()
    first.open.set()
    assert second.started.wait(SOON)
    second.open.set()


def test_an_owner_may_have_three_waiting_and_no_more(manager):
    gate = Gate()
    submit(manager, gate)
    assert gate.started.wait(SOON)
    for _ in range(3):
        submit(manager, lambda job: None)
    with pytest.raises(QueueFullError, match="3 jobs waiting"):
        submit(manager, lambda job: None)
    submit(manager, lambda job: None, owner="b")
    gate.open.set()
    assert manager.wait_idle(SOON)
    assert submit(manager, lambda job: 1).wait(SOON)


def test_the_whole_queue_is_bounded(clock):
    manager = JobManager(max_queued=2, clock=clock)
    gate = Gate()
    submit(manager, gate)
    assert gate.started.wait(SOON)
    submit(manager, lambda job: None, owner="b")
    submit(manager, lambda job: None, owner="c")
    with pytest.raises(QueueFullError, match="2 jobs are waiting"):
        submit(manager, lambda job: None, owner="d")
    gate.open.set()
    manager.shutdown(SOON)


def test_cancelling_a_waiting_job_ends_it_at_once_and_it_never_runs(manager):
    gate, ran = Gate(), []
    submit(manager, gate)
    assert gate.started.wait(SOON)
    waiting = submit(manager, lambda job: ran.append(1))
    waiting.cancel()
    assert waiting.wait(0)
    assert waiting.state is JobState.CANCELLED
    gate.open.set()
    assert manager.wait_idle(SOON)
    assert ran == []


def test_cancelling_a_running_job_stops_it_at_its_next_tick_with_what_it_had(manager):
    reached, go = threading.Event(), threading.Event()
    seen = []

    def work(job):
        for i in range(10):
            job.partial = list(range(i))
            if i == 3:
                reached.set()
                assert go.wait(SOON)
            seen.append(i)
            job.tick(i, 10)

    job = submit(manager, work)
    assert reached.wait(SOON)
    job.cancel()
    assert job.state is JobState.CANCELLING
    go.set()
    assert job.wait(SOON)
    assert (job.state, job.partial, job.result, job.error) == (JobState.CANCELLED, [0, 1, 2], None, None)
    assert seen == [0, 1, 2, 3]
    job.cancel()
    assert job.state is JobState.CANCELLED


def test_what_a_stopped_job_returns_is_partial(manager):
    started = threading.Event()

    def work(job):
        started.set()
        while not job.should_stop:
            pass
        return "half"

    job = submit(manager, work)
    assert started.wait(SOON)
    job.cancel()
    assert job.wait(SOON)
    assert (job.state, job.partial, job.result) == (JobState.CANCELLED, "half", None)


def test_a_users_error_is_its_message_and_a_bug_says_so(manager):
    def mistake(job):
        raise SteeringError("Feature 9 does not exist; the SAE has 4.")

    def bug(job):
        raise KeyError("oops")

    mended, broken = submit(manager, mistake), submit(manager, bug, owner="b")
    assert mended.wait(SOON)
    assert broken.wait(SOON)
    assert (mended.state, mended.error, mended.is_bug) == (
        JobState.FAILED,
        "Feature 9 does not exist; the SAE has 4.",
        False,
    )
    assert broken.state is JobState.FAILED
    assert broken.is_bug
    assert "KeyError" in (broken.error or "")
    assert "raise KeyError" in (broken.traceback or "")
    assert submit(manager, lambda job: 1).wait(SOON), "the worker survives both"


def test_rate_and_time_left_follow_the_last_twenty_seconds(manager, clock):
    step, stepped = threading.Semaphore(0), threading.Semaphore(0)
    plan = [(0, 0.0), (10, 10.0), (20, 10.0), (60, 10.0)]  # tokens done, seconds since the tick before

    def work(job):
        for done, _ in plan:
            assert step.acquire(timeout=SOON)
            job.tick(done, 100, "Reading", unit="tokens")
            stepped.release()
        assert step.acquire(timeout=SOON)

    job = submit(manager, work)
    rates, left = [], []
    for _, seconds in plan:
        clock.now += seconds
        step.release()
        assert stepped.acquire(timeout=SOON)
        rates.append(job.progress.rate)
        left.append(job.progress.seconds_left)
    # 10 tokens in 10 s; 20 in 20 s; the first tick falls out of the window: 50 in 20 s.
    assert rates == [None, 1.0, 1.0, 2.5]
    assert left == [None, 90.0, 80.0, 16.0]
    assert job.progress.share == 0.6
    assert (job.progress.note, job.progress.unit) == ("Reading", "tokens")
    step.release()
    assert job.wait(SOON)
    assert job.progress.seconds == 30.0
    clock.now += 50
    assert job.progress.seconds == 30.0, "time stops with the job"


def test_events_stream_by_cursor(manager):
    emitted, go = threading.Event(), threading.Event()

    def work(job):
        job.emit("a")
        job.emit("b")
        emitted.set()
        assert go.wait(SOON)
        job.emit("c")

    job = submit(manager, work)
    assert emitted.wait(SOON)
    events, cursor = job.events_since(0)
    assert (events, cursor) == (["a", "b"], 2)
    assert job.events_since(cursor) == ([], 2)
    go.set()
    assert job.wait(SOON)
    assert job.events_since(cursor) == (["c"], 3)


def test_ended_jobs_are_forgotten_by_number_and_by_age(clock):
    manager = JobManager(history=2, ttl=60, clock=clock)
    ended = []
    for _ in range(3):
        ended.append(submit(manager, lambda job: None))
        assert ended[-1].wait(SOON)
        clock.now += 1
    assert [manager.get(job.id) is not None for job in ended] == [False, True, True]
    clock.now += 58.5
    assert [manager.get(job.id) is not None for job in ended] == [False, False, True]
    assert manager.get("nonsense") is None
    assert manager.get(None) is None
    manager.shutdown(SOON)


def test_the_start_hook_runs_once_per_worker_before_its_first_job(clock):
    calls = []
    manager = JobManager(
        on_worker_start=lambda device: calls.append((device, threading.current_thread().name)), clock=clock
    )
    for device in ("cpu", "cpu", "cuda:0"):
        assert submit(manager, lambda job: None, device=device).wait(SOON)
    assert calls == [("cpu", "steering-cpu"), ("cuda:0", "steering-cuda:0")]
    manager.shutdown(SOON)


def test_a_start_hook_that_fails_fails_the_job_and_is_tried_again(clock):
    calls = []

    def hook(device):
        calls.append(device)
        if len(calls) == 1:
            raise SteeringError("No such device.")

    manager = JobManager(on_worker_start=hook, clock=clock)
    first = submit(manager, lambda job: 1)
    assert first.wait(SOON)
    assert (first.state, first.error) == (JobState.FAILED, "No such device.")
    second = submit(manager, lambda job: 1)
    assert second.wait(SOON)
    assert second.result == 1
    manager.shutdown(SOON)


def test_active_lists_by_owner_and_kind(manager):
    gate = Gate()
    running = submit(manager, gate, kind="ranking")
    assert gate.started.wait(SOON)
    waiting = submit(manager, lambda job: None, owner="b", kind="lora")
    assert manager.active() == [running, waiting]
    assert manager.active(owner="b") == [waiting]
    assert manager.active(kind="ranking") == [running]
    gate.open.set()
    assert manager.wait_idle(SOON)
    assert manager.active() == []


def test_shutdown_stops_what_runs_and_takes_no_more(clock):
    manager = JobManager(clock=clock)
    started = threading.Event()

    def work(job):
        started.set()
        while True:
            job.check()

    job = submit(manager, work)
    waiting = submit(manager, lambda job: None, owner="b")
    assert started.wait(SOON)
    manager.shutdown(SOON)
    assert job.wait(0)
    assert waiting.wait(0)
    assert (job.state, waiting.state) == (JobState.CANCELLED, JobState.CANCELLED)
    assert not [thread for thread in manager._workers.values() if thread.is_alive()]
    with pytest.raises(QueueFullError, match="shutting down"):
        submit(manager, lambda job: None)


def test_cancelled_raised_by_hand_is_a_cancel(manager):
    def work(job):
        raise Cancelled

    job = submit(manager, work)
    assert job.wait(SOON)
    assert job.state is JobState.CANCELLED


def test_an_ended_job_lets_go_of_its_work(manager):
    job = submit(manager, lambda job: 1)
    assert job.wait(SOON)
    assert job._work is None
