"""What does one process keep for all its users: the queue, the loaded models, the results, the warm-up?

Module singletons and not a framework's cache: a browser can clear everyone's cache, and a cache loads the new model
before it lets go of the old one (ADR: one worker per device).
"""

import contextlib
import ctypes
import gc
import logging
import os
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from steering.errors import Cancelled, ModelError, SteeringError
from steering.jobs import JobManager

log = logging.getLogger(__name__)


# -- memory --------------------------------------------------------------------------------------------------------


def freeze() -> None:
    """Take everything alive out of the garbage collector's rounds.

    Streamlit collects after every rerun; with torch and transformers loaded that costs hundreds of milliseconds per
    click, after this nothing. Call it after anything large was loaded.
    """
    gc.collect()
    gc.freeze()


def release_memory() -> None:
    """Give memory of objects that were let go back to the operating system and to the accelerator."""
    gc.unfreeze()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # glibc only
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    gc.freeze()


# -- leases on loaded models ---------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Entry:
    kind: str
    value: Any = None
    loaded: bool = False
    holders: list[int] = field(default_factory=list)  # thread ids, one per lease


class Shelf:
    """Loaded things shared by every session: one load per key, never freed while in use, old ones out first.

    Args:
        capacity: how many things of a kind are kept; kinds not named keep ``default_capacity``.
        default_capacity: see ``capacity``.
    """

    def __init__(self, capacity: dict[str, int] | None = None, *, default_capacity: int = 2) -> None:
        self._capacity = dict(capacity or {})
        self._default_capacity = default_capacity
        self._changed = threading.Condition()
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    @contextlib.contextmanager
    def lease(
        self, kind: str, name: str, loader: Callable[[], Any], *, should_stop: Callable[[], bool] | None = None
    ) -> Iterator[Any]:
        """Hold the thing ``name`` of a ``kind`` loaded for the length of a ``with`` block.

        Whoever comes first loads it, the others wait for that load. Before a load, things of the kind that nobody
        holds are let go, least recently used first, until there is room; a thing in use is waited for.

        Args:
            kind: what sort of thing, "model" or "sae"; each kind has its own room.
            name: which one.
            loader: makes it; its error goes to whoever waited first, the next one tries again.
            should_stop: asked while waiting; True gives up.

        Raises:
            ModelError: this thread itself holds all the room of the kind.
            Cancelled: ``should_stop`` answered True while waiting.
        """
        key = (kind, name)
        entry = self._hold(key, loader, should_stop)
        try:
            yield entry.value
        finally:
            with self._changed:
                entry.holders.remove(threading.get_ident())
                self._changed.notify_all()

    def loaded(self, kind: str) -> list[str]:
        """Names of the loaded things of a kind, least recently used first."""
        with self._changed:
            return [name for (of, name), entry in self._entries.items() if of == kind and entry.loaded]

    def ask(self, kind: str, name: str, question: Callable[[Any], Any]) -> Any | None:
        """What a loaded thing answers to a quick question, None where it is not loaded; it is not held for longer."""
        with self._changed:
            entry = self._entries.get((kind, name))
            return question(entry.value) if entry is not None and entry.loaded else None

    def clear(self) -> None:
        """Let go of everything that nobody holds."""
        with self._changed:
            for key in [key for key, entry in self._entries.items() if not entry.holders]:
                del self._entries[key]
            self._changed.notify_all()
        release_memory()

    def _hold(self, key: tuple[str, str], loader: Callable[[], Any], should_stop: Callable[[], bool] | None) -> _Entry:
        me = threading.get_ident()
        with self._changed:
            while True:
                entry = self._entries.get(key)
                if entry is not None and entry.loaded:
                    entry.holders.append(me)
                    self._entries.move_to_end(key)
                    return entry
                if entry is None and self._make_room(key):
                    entry = self._entries[key] = _Entry(key[0], holders=[me])
                    break
                if should_stop is not None and should_stop():
                    raise Cancelled(f"Stopped while waiting for {key[1]}.")
                self._changed.wait(0.2)
        try:
            value = loader()
        except BaseException:
            with self._changed:
                del self._entries[key]
                self._changed.notify_all()
            raise
        freeze()
        with self._changed:
            entry.value, entry.loaded = value, True
            self._changed.notify_all()
        return entry

    def _make_room(self, key: tuple[str, str]) -> bool:
        kind = key[0]
        room = self._capacity.get(kind, self._default_capacity)
        same = [(k, entry) for k, entry in self._entries.items() if entry.kind == kind]
        freed = False
        for other, entry in list(same):
            if len(same) < room:
                break
            if not entry.holders:
                entry.value = None
                del self._entries[other]
                same.remove((other, entry))
                freed = True
        if freed:
            del entry
            release_memory()
        if len(same) < room:
            return True
        if all(set(entry.holders) == {threading.get_ident()} for _, entry in same):
            names = ", ".join(name for (_, name), _ in same)
            raise ModelError(
                f"{key[1]} cannot be loaded beside {names}: room for {room} of kind '{kind}'. "
                "Use one after the other, or raise STEERSCOPE_MODELS."
            )
        return False


# -- results -------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Result:
    value: Any
    owners: set[str]


class ResultStore:
    """Results that pages refer to by id: rankings, statistics, adapters, comparisons. The least recently used goes.

    Everyone has room of their own, so that nobody's work pushes out that of others. A result that several have put
    under the same id stays until the last of them has let it go.

    Args:
        per_owner: how many results of one kind are kept for one owner.
        per_kind: how many of one kind are kept for all of them together.
    """

    def __init__(self, per_owner: int = 32, per_kind: int = 512) -> None:
        self._per_owner = per_owner
        self._per_kind = per_kind
        self._lock = threading.Lock()
        self._kinds: dict[str, OrderedDict[str, _Result]] = {}

    def put(self, kind: str, id: str | None, value: Any, *, owner: str = "") -> str:
        """Keep ``value`` and return its id, a new unguessable one if ``id`` is None. The same id is overwritten.

        Where ``owner`` has too many, their own least recently used goes; where all together have, that owner's own
        too, and only if they have no other, the least recently used of all.
        """
        id = id or secrets.token_urlsafe(9)
        with self._lock:
            results = self._kinds.setdefault(kind, OrderedDict())
            held = results.get(id)
            results[id] = _Result(value, {owner} | (held.owners if held else set()))
            results.move_to_end(id)
            own = [name for name, result in results.items() if owner in result.owners]
            for name in own[: -self._per_owner]:
                results[name].owners.discard(owner)
                if not results[name].owners:
                    del results[name]
            while len(results) > self._per_kind:
                alone = (name for name, result in results.items() if result.owners == {owner} and name != id)
                del results[next(alone, next(iter(results)))]
        return id

    def get(self, kind: str, id: str | None) -> Any | None:
        """The result, None if there is none of that kind and id (any more)."""
        with self._lock:
            results = self._kinds.get(kind)
            if not id or results is None or id not in results:
                return None
            results.move_to_end(id)
            return results[id].value

    def ids(self, kind: str) -> list[str]:
        """Ids of a kind, least recently used first."""
        with self._lock:
            return list(self._kinds.get(kind, ()))

    def drop(self, kind: str, id: str) -> None:
        """Forget one result; nothing happens if it is gone."""
        with self._lock:
            self._kinds.get(kind, OrderedDict()).pop(id, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kinds.clear()


# -- warm-up -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Warmth:
    """How far the warm-up has come.

    Attributes:
        phase: what is going on, a short phrase for the screen.
        started: whether it was ever asked for.
        ready: whether the first use of the model will not wait.
        error: why the default model could not be loaded, None otherwise.
        seconds: how long it has run, or ran.
    """

    phase: str = "Not started"
    started: bool = False
    ready: bool = False
    error: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WarmModel:
    """What the warm-up loads after the imports.

    Attributes:
        kind: shelf kind, "model" or "sae".
        name: shelf name, as in `Shelf.lease`.
        title: what the screen calls it.
        loader: makes it.
        available: whether its files are here; asked first, so that an absent default is no error.
    """

    kind: str
    name: str
    title: str
    loader: Callable[[], Any]
    available: Callable[[], bool]


class _WarmUp:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._warmth = Warmth()
        self._began = 0.0
        self._thread: threading.Thread | None = None

    @property
    def warmth(self) -> Warmth:
        with self._lock:
            now = self._warmth
            if now.started and not now.ready:
                return Warmth(now.phase, True, False, now.error, time.monotonic() - self._began)
            return now

    def start(self, models: Callable[[], list[WarmModel]], shelf: Shelf) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._began = time.monotonic()
            self._warmth = Warmth("Starting", started=True)
            self._thread = threading.Thread(
                target=self._run, args=(models, shelf), name="steering-warm-up", daemon=True
            )
            self._thread.start()

    def wait(self, timeout: int | float | None) -> bool:
        if self._thread is None:
            return False
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _say(self, phase: str, *, ready: bool = False, error: str | None = None) -> None:
        with self._lock:
            self._warmth = Warmth(phase, True, ready, error, time.monotonic() - self._began)

    def _run(self, models: Callable[[], list[WarmModel]], shelf: Shelf) -> None:
        try:
            self._say("Loading tables")
            import_heavy("steering.studies.content")  # pandas, scipy, pyarrow: what opening a study waits for
            self._say("Loading PyTorch")
            import_heavy("torch")
            self._say("Loading Transformers")
            import_heavy("transformers")
            missing = []
            for model in models():
                if not model.available():
                    missing.append(model.title)
                    continue
                self._say(f"Loading {model.title}")
                with shelf.lease(model.kind, model.name, model.loader):
                    pass
            freeze()
            self._say("Ready" if not missing else f"Ready; {', '.join(missing)} not built yet", ready=True)
        except SteeringError as error:
            freeze()
            self._say("The default model could not be loaded", ready=True, error=str(error))
        except Exception as error:
            log.exception("Warm-up failed")
            self._say("The warm-up failed", ready=True, error=f"{type(error).__name__}: {error}")


def import_heavy(name: str) -> None:
    """Import a heavy library by name, with its environment set first; the seam that tests replace."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # Threads that spin while they wait starve everything else as soon as the cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if name == "transformers":  # its top level is lazy: name what will be used
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401
    else:
        __import__(name)


def prepare_worker(device: str) -> None:
    """Torch settings of a worker thread: no gradients unless asked for, and as many threads as there are cores.

    Waits for the warm-up first: two threads that import transformers at once see a half-made module.
    """
    wait_until_warm()
    import_heavy("torch")
    import torch

    torch.set_grad_enabled(False)
    if device == "cpu":
        torch.set_num_threads(max(1, int(os.environ.get("STEERSCOPE_THREADS", os.cpu_count() or 1))))


# -- the singletons ------------------------------------------------------------------------------------------------

_lock = threading.RLock()
_jobs: JobManager | None = None
_shelf: Shelf | None = None
_warm_up = _WarmUp()
_warm_models: list[WarmModel] = []
store = ResultStore()


def jobs() -> JobManager:
    """The queue of this process."""
    global _jobs
    with _lock:
        if _jobs is None:
            _jobs = JobManager(on_worker_start=prepare_worker)
        return _jobs


def shelf() -> Shelf:
    """The loaded models and SAEs of this process. STEERSCOPE_MODELS says how many models are kept, 1 by default."""
    global _shelf
    with _lock:
        if _shelf is None:
            _shelf = Shelf({"model": max(1, int(os.environ.get("STEERSCOPE_MODELS", "1"))), "sae": 2})
        return _shelf


def lease(
    kind: str, name: str, loader: Callable[[], Any], *, should_stop: Callable[[], bool] | None = None
) -> contextlib.AbstractContextManager[Any]:
    """Hold a loaded thing for the length of a ``with`` block; see `Shelf.lease`."""
    return shelf().lease(kind, name, loader, should_stop=should_stop)


def register_warm_model(model: WarmModel) -> None:
    """Have the warm-up load this too; the same kind and name are registered once."""
    with _lock:
        _warm_models[:] = [m for m in _warm_models if (m.kind, m.name) != (model.kind, model.name)] + [model]


def warm_up() -> None:
    """Start the background warm-up, once per process; returns at once. STEERSCOPE_WARM_UP=0 turns it off."""
    if os.environ.get("STEERSCOPE_WARM_UP", "1") != "0":
        _warm_up.start(lambda: list(_warm_models), shelf())


def warmth() -> Warmth:
    """How far the warm-up has come."""
    return _warm_up.warmth


def wait_until_warm(timeout: int | float | None = None) -> bool:
    """Block until the warm-up has ended; False if it never started or ``timeout`` seconds passed first."""
    return _warm_up.wait(timeout)


def reset() -> None:
    """Forget everything, as a new process would; for tests."""
    global _jobs, _shelf, _warm_up
    with _lock:
        if _jobs is not None:
            _jobs.shutdown(timeout=5.0)
        _jobs, _shelf, _warm_up = None, None, _WarmUp()
        _warm_models.clear()
        store.clear()
