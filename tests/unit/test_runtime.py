"""What a process keeps: leases, results, the warm-up."""

import subprocess
import sys
import threading
import time

import pytest

from steering import runtime
from steering.errors import Cancelled, ModelError
from steering.runtime import ResultStore, Shelf, WarmModel

SOON = 10.0


class Model:
    alive = 0
    peak = 0

    def __init__(self, name: str) -> None:
        self.name = name
        Model.alive += 1
        Model.peak = max(Model.peak, Model.alive)

    def __del__(self) -> None:
        Model.alive -= 1


@pytest.fixture(autouse=True)
def _fresh():
    Model.alive = Model.peak = 0
    runtime.reset()
    yield
    runtime.reset()


def test_eight_threads_load_once_and_share():
    shelf, loads, seen = Shelf(), [], []
    together = threading.Barrier(8)

    def loader():
        loads.append(1)
        return Model("demo")

    def use():
        together.wait(SOON)
        with shelf.lease("model", "demo", loader) as model:
            seen.append(id(model))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert (len(loads), len(seen), len(set(seen))) == (1, 8, 1)


def test_the_old_model_goes_before_the_new_one_comes():
    shelf = Shelf({"model": 1})
    for name in ("a", "b", "a"):
        with shelf.lease("model", name, lambda name=name: Model(name)) as model:
            assert model.name == name
        del model
    assert Model.peak == 1
    assert shelf.loaded("model") == ["a"]


def test_a_model_in_use_is_waited_for_and_never_taken_away():
    shelf = Shelf({"model": 1})
    held, release, got = threading.Event(), threading.Event(), threading.Event()

    def holder():
        with shelf.lease("model", "a", lambda: Model("a")) as model:
            held.set()
            assert release.wait(SOON)
            assert model.name == "a"

    def other():
        with shelf.lease("model", "b", lambda: Model("b")):
            got.set()

    first, second = threading.Thread(target=holder), threading.Thread(target=other)
    first.start()
    assert held.wait(SOON)
    second.start()
    assert not got.wait(0.3)
    assert shelf.loaded("model") == ["a"]
    release.set()
    assert got.wait(SOON)
    first.join(SOON)
    second.join(SOON)
    assert Model.peak == 1


def test_waiting_can_be_stopped():
    shelf = Shelf({"model": 1})
    held, release = threading.Event(), threading.Event()

    def holder():
        with shelf.lease("model", "a", lambda: Model("a")):
            held.set()
            assert release.wait(SOON)

    thread = threading.Thread(target=holder)
    thread.start()
    assert held.wait(SOON)
    with pytest.raises(Cancelled), shelf.lease("model", "b", lambda: Model("b"), should_stop=lambda: True):
        pass
    release.set()
    thread.join(SOON)


def test_a_thread_that_holds_all_the_room_is_told_and_does_not_hang():
    shelf = Shelf({"model": 1})
    with (
        shelf.lease("model", "a", lambda: Model("a")),
        pytest.raises(ModelError, match="b cannot be loaded beside a"),
        shelf.lease("model", "b", lambda: Model("b")),
    ):
        pass


def test_kinds_have_their_own_room_and_the_least_recently_used_goes():
    shelf = Shelf({"model": 1, "sae": 2})
    for kind, name in [("model", "m"), ("sae", "x"), ("sae", "y"), ("sae", "x"), ("sae", "z")]:
        with shelf.lease(kind, name, lambda name=name: Model(name)):
            pass
    assert shelf.loaded("model") == ["m"]
    assert shelf.loaded("sae") == ["x", "z"]


def test_a_failed_load_leaves_nothing_and_the_next_one_tries_again():
    shelf = Shelf({"model": 1})

    def fails():
        raise ModelError("no such model")

    with pytest.raises(ModelError, match="no such model"), shelf.lease("model", "a", fails):
        pass
    assert shelf.loaded("model") == []
    with shelf.lease("model", "a", lambda: Model("a")) as model:
        assert model.name == "a"


def test_an_error_inside_the_block_gives_the_lease_back():
    shelf = Shelf({"model": 1})
    with pytest.raises(ValueError, match="inside"), shelf.lease("model", "a", lambda: Model("a")):
        raise ValueError("inside")
    with shelf.lease("model", "b", lambda: Model("b")):
        pass
    assert shelf.loaded("model") == ["b"]


def test_clear_leaves_what_is_held():
    shelf = Shelf({"model": 2})
    with shelf.lease("model", "a", lambda: Model("a")):
        with shelf.lease("model", "b", lambda: Model("b")):
            pass
        shelf.clear()
        assert shelf.loaded("model") == ["a"]
    shelf.clear()
    assert shelf.loaded("model") == []
    assert Model.alive == 0


def test_the_store_keeps_the_most_recently_used_of_each_kind():
    store = ResultStore(per_owner=2)
    store.put("ranking", "a", 1)
    store.put("ranking", "b", 2)
    assert store.get("ranking", "a") == 1
    store.put("ranking", "c", 3)
    store.put("adapter", "d", 4)
    assert (store.get("ranking", "a"), store.get("ranking", "b"), store.get("ranking", "c")) == (1, None, 3)
    assert store.ids("ranking") == ["a", "c"]
    assert store.get("adapter", "d") == 4
    assert store.get("ranking", "d") is None
    assert store.get("ranking", None) is None
    store.drop("adapter", "d")
    store.drop("adapter", "d")
    assert store.get("adapter", "d") is None


def test_nobody_pushes_out_what_others_have():
    store = ResultStore(per_owner=2)
    store.put("ranking", "hers", 1, owner="her")
    for number in range(5):
        store.put("ranking", None, number, owner="him")
    assert store.get("ranking", "hers") == 1
    assert len(store.ids("ranking")) == 3


def test_a_shared_result_stays_until_its_last_owner_lets_it_go():
    store = ResultStore(per_owner=2)
    for owner in ("her", "him"):
        store.put("ranking", "shared", 1, owner=owner)
    for number in range(2):
        store.put("ranking", None, number, owner="him")
    assert store.get("ranking", "shared") == 1
    for number in range(2):
        store.put("ranking", None, number, owner="her")
    assert store.get("ranking", "shared") is None


def test_all_together_have_a_limit_and_whoever_meets_it_gives_way_first():
    store = ResultStore(per_owner=3, per_kind=4)
    for id, owner in (("a", "her"), ("b", "him"), ("c", "him"), ("d", "him"), ("e", "him")):
        store.put("ranking", id, 1, owner=owner)
    assert store.ids("ranking") == ["a", "c", "d", "e"]
    store.put("ranking", "f", 1, owner="him")
    assert store.ids("ranking") == ["a", "d", "e", "f"]
    store.put("ranking", "g", 1, owner="it")
    assert store.ids("ranking") == ["d", "e", "f", "g"], "who has nothing else takes the place of the oldest"


def test_the_store_makes_ids_and_keeps_given_ones():
    store = ResultStore()
    assert store.put("x", "mine", 1) == "mine"
    made = store.put("x", None, 2)
    assert len(made) >= 12
    assert store.get("x", made) == 2


def _warm(monkeypatch, *models):
    imported = []
    monkeypatch.setenv("STEERSCOPE_WARM_UP", "1")
    monkeypatch.setattr(runtime, "import_heavy", imported.append)
    for model in models:
        runtime.register_warm_model(model)
    runtime.warm_up()
    runtime.warm_up()
    assert runtime.wait_until_warm(SOON)
    return imported


def test_warming_up_imports_then_loads_then_is_ready(monkeypatch):
    loads = []
    model = WarmModel("model", "demo", "demo", lambda: loads.append(1) or "the model", lambda: True)
    assert not runtime.warmth().started
    imported = _warm(monkeypatch, model, model)
    assert imported == ["steering.studies.content", "torch", "transformers"]
    assert loads == [1]
    warmth = runtime.warmth()
    assert (warmth.ready, warmth.error, warmth.phase) == (True, None, "Ready")
    with runtime.lease("model", "demo", lambda: pytest.fail("loaded twice")) as value:
        assert value == "the model"


def test_a_default_that_is_not_there_is_no_error(monkeypatch):
    _warm(monkeypatch, WarmModel("model", "demo", "demo", lambda: pytest.fail("not there"), lambda: False))
    warmth = runtime.warmth()
    assert warmth.ready
    assert warmth.error is None
    assert "demo" in warmth.phase


def test_a_default_that_does_not_load_says_why(monkeypatch):
    def fails():
        raise ModelError("weights do not match the manifest")

    _warm(monkeypatch, WarmModel("model", "demo", "demo", fails, lambda: True))
    assert runtime.warmth().error == "weights do not match the manifest"
    assert runtime.warmth().ready


def test_the_warm_up_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("STEERSCOPE_WARM_UP", "0")
    runtime.warm_up()
    assert not runtime.warmth().started
    assert not runtime.wait_until_warm(0)


def test_jobs_and_store_are_one_per_process_and_reset_forgets_them():
    first = runtime.jobs()
    assert runtime.jobs() is first
    runtime.store.put("ranking", "a", 1)
    runtime.reset()
    assert runtime.jobs() is not first
    assert runtime.store.get("ranking", "a") is None


def test_importing_the_runtime_loads_no_heavy_library():
    code = (
        "import sys, steering.jobs, steering.runtime; "
        "print([m for m in ('torch', 'transformers', 'sae_lens', 'streamlit', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_worker_waits_for_the_warm_up(monkeypatch):
    """Two threads that import transformers at once see a half-made module, so the first job comes after the warm-up."""
    order = []
    importing = threading.Event()

    def slow_import(name):
        importing.set()
        time.sleep(0.2)
        order.append(f"{threading.current_thread().name}: {name}")

    monkeypatch.setattr(runtime, "import_heavy", slow_import)
    monkeypatch.setenv("STEERSCOPE_WARM_UP", "1")
    runtime.warm_up()
    assert importing.wait(5)
    # In a thread of its own, as in the app: it turns gradients off there.
    worker = threading.Thread(target=runtime.prepare_worker, args=("cpu",))
    worker.start()
    worker.join(30)
    assert [entry.split(":")[0] for entry in order[:2]] == ["steering-warm-up"] * 2
