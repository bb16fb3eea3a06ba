"""How are the units shared by the machines of a Ray cluster?

One actor for each GPU, or for each pool of cores, holds the model and computes one unit, a concept × method shard, at a
time. Ray starts an actor that died anew and tries its unit again. The driver gets bytes of finished parts and nothing
else, asks for no more units than there are actors, and writes them as any other run does.

Every machine needs this package, and the model, SAE and files under the names that were given.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any

from steering.benchmark.outcome import Outcome, attempt, failed
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.errors import Cancelled, SteeringError
from steering.judges.access import JudgeAccess
from steering.judges.settings import JudgeSettings

RESTARTS, ATTEMPTS = -1, 3
"""Of an actor, without end; of a unit."""
POLL_SECONDS = 0.5
LOCAL = "local"


def on_ray(
    settings: BenchmarkSettings,
    units: Sequence[Unit],
    *,
    key: str,
    address: str,
    workers: int | None = None,
    judge_settings: JudgeSettings | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Generator[Outcome, None, None]:
    """Compute units on a Ray cluster; outcomes come as they are ready.

    Args:
        settings: of the run.
        units: to compute.
        key: of the run.
        address: of the cluster; ``local`` starts one on this machine and ends it, ``auto`` finds the one that runs.
        workers: actors; None takes as many as the cluster has GPUs, or pools of ``settings.threads`` cores.
        judge_settings: patience of a language model as judge; its key is looked for where an actor runs, because none
            is sent to another machine.
        should_stop: asked every half second; the actors are ended.

    Raises:
        SteeringError: Ray is not installed, there is no cluster at the address, or it has no room for an actor, or the
            model, the SAE or the judge cannot be opened there.
        Cancelled: ``should_stop`` said so.
    """
    ray = _import_ray()
    if not units:
        return
    started = not ray.is_initialized()
    if started:
        _connect(ray, address, cores=None if workers is None else workers * settings.threads)
    actors: list[Any] = []
    try:
        actors = _actors(ray, settings, key, min(len(units), workers or _room(ray, settings)), judge_settings)
        yield from _share(ray, actors, units, should_stop)
    finally:
        for actor in actors:
            ray.kill(actor)
        if started:
            ray.shutdown()


class Worker:
    """What runs in an actor."""

    def __init__(self, settings: dict[str, Any], key: str, judge_settings: JudgeSettings | None = None) -> None:
        from contextlib import ExitStack

        from steering.benchmark.bench import open_bench

        self._key = key
        access = None if judge_settings is None else JudgeAccess(settings=judge_settings)
        self._open = ExitStack()
        # No cache of judgements: the driver's folder need not exist on this machine.
        self._bench = self._open.enter_context(open_bench(BenchmarkSettings.from_json(settings), access=access))

    def compute(self, unit: Unit) -> Outcome:
        """A unit's part, as bytes, or why there is none."""
        return attempt(self._bench, unit, key=self._key)


def _share(
    ray: Any, actors: Sequence[Any], units: Sequence[Unit], should_stop: Callable[[], bool] | None
) -> Generator[Outcome, None, None]:
    waiting, idle = deque(units), deque(actors)
    running: dict[Any, tuple[Unit, Any]] = {}
    while waiting or running:
        while waiting and idle:
            actor, unit = idle.popleft(), waiting.popleft()
            running[actor.compute.remote(unit)] = (unit, actor)
        done, _ = ray.wait(list(running), num_returns=1, timeout=POLL_SECONDS)
        if should_stop is not None and should_stop():
            raise Cancelled
        for reference in done:
            unit, actor = running.pop(reference)
            idle.append(actor)
            yield _outcome(ray, reference, unit)


def _outcome(ray: Any, reference: Any, unit: Unit) -> Outcome:
    try:
        found: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.as_instanceof_cause()
        if isinstance(cause, SteeringError):
            raise cause from error
        return Outcome(unit, None, failed(unit, f"{type(cause).__name__}: {cause}", trace=str(error)), 0.0)
    except ray.exceptions.RayActorError as error:
        cause = error.__cause__
        if isinstance(cause, SteeringError):  # raised while the actor was made
            raise cause from error
        if isinstance(error, ray.exceptions.ActorDiedError) and "creation task" in str(error):
            raise SteeringError(f"A Ray actor could not be started: {_last_line(error)}") from error
        return Outcome(unit, None, failed(unit, f"The Ray actor died {ATTEMPTS} times: {_last_line(error)}"), 0.0)
    return found


def _actors(
    ray: Any, settings: BenchmarkSettings, key: str, count: int, judge_settings: JudgeSettings | None
) -> list[Any]:
    gpu = settings.device.startswith("cuda")
    remote = ray.remote(
        num_cpus=settings.threads,
        num_gpus=1 if gpu else 0,
        max_restarts=RESTARTS,
        max_task_retries=ATTEMPTS - 1,
        # As in every other run: the last digits depend on the number of threads.
        runtime_env={"env_vars": dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(settings.threads))},
    )(Worker)
    return [remote.remote(settings.to_json(), key, judge_settings) for _ in range(count)]


def _room(ray: Any, settings: BenchmarkSettings) -> int:
    """Actors that the cluster has room for."""
    resources = ray.cluster_resources()
    if settings.device.startswith("cuda"):
        count = int(resources.get("GPU", 0))
        if not count:
            raise SteeringError("The Ray cluster has no GPU; give --device cpu, or another cluster.")
        return count
    count = int(resources.get("CPU", 0)) // settings.threads
    if not count:
        raise SteeringError(f"The Ray cluster has fewer than {settings.threads} cores; use fewer threads.")
    return count


def _connect(ray: Any, address: str, *, cores: int | None) -> None:
    try:
        if address == LOCAL:
            ray.init(
                address="local", num_cpus=cores, include_dashboard=False, log_to_driver=False, configure_logging=False
            )
        else:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SteeringError(
            f"There is no Ray cluster at {address!r} ({_last_line(error)}); name another address."
        ) from error


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise SteeringError(
            "Ray is not installed; pip install 'steerscope[ray]', or use --workers on this machine."
        ) from error
    return ray


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
