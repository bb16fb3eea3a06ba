"""Who pays when a worker dies: the unit that kills it, or those that ran beside it?"""

from collections.abc import Collection
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from steering.benchmark import pool
from steering.benchmark.outcome import Outcome
from steering.benchmark.settings import BenchmarkSettings, Unit

SETTINGS = BenchmarkSettings(model="demo", methods=("none", "prompt", "diffmean"), concepts=("a", "b", "c"))
UNITS = list(SETTINGS.units())


class FakePool:
    """Computes nothing; dies, with all that runs in it, where a deadly unit runs."""

    made: list["FakePool"]
    deaths: dict[Unit, int]

    def __init__(self, max_workers: int, **_: object) -> None:
        self.max_workers = max_workers
        self.units: dict[Future[Outcome], Unit] = {}
        self.made.append(self)

    def submit(self, _: object, unit: Unit, __: str) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        self.units[future] = unit
        return future

    def shutdown(self, **_: object) -> None:
        """Nothing to end."""


def wait(running: Collection[Future[Outcome]], **_: object) -> tuple[set[Future[Outcome]], set[Future[Outcome]]]:
    """One more unit is done, or the pool is dead."""
    here = FakePool.made[-1]
    assert len(running) <= here.max_workers
    for future in running:
        unit = here.units[future]
        if FakePool.deaths.get(unit, 0) > 0:
            FakePool.deaths[unit] -= 1
            for one in running:
                one.set_exception(BrokenProcessPool("killed"))
            return set(running), set()
    first = next(iter(running))
    first.set_result(Outcome(here.units[first], b"part", None, 1.0))
    return {first}, set(running) - {first}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakePool]:
    FakePool.made, FakePool.deaths = [], {}
    monkeypatch.setattr(pool, "ProcessPoolExecutor", FakePool)
    monkeypatch.setattr(pool, "wait", wait)
    return FakePool


def outcomes() -> list[Outcome]:
    return list(pool.in_processes(SETTINGS, UNITS, key="k", workers=4))


def test_only_the_deadly_unit_fails(fake: type[FakePool]) -> None:
    fake.deaths = {UNITS[1]: 99}
    found = outcomes()
    assert sorted(str(one.unit) for one in found) == sorted(map(str, UNITS))
    assert [one.unit for one in found if one.failure is not None] == [UNITS[1]]
    assert [made.max_workers for made in fake.made] == [4, 1, 1, 1, 4]
    failure = next(one.failure for one in found if one.failure is not None)
    assert f"died {pool.ATTEMPTS} times while it computed {UNITS[1]} alone" in failure.error


def test_a_unit_that_dies_beside_others_and_not_alone_is_computed(fake: type[FakePool]) -> None:
    """Memory for one is not memory for four."""
    fake.deaths = {UNITS[2]: 1, UNITS[7]: 1}
    found = outcomes()
    assert len(found) == len(UNITS)
    assert all(one.data == b"part" for one in found)


def test_two_deadly_units(fake: type[FakePool]) -> None:
    fake.deaths = {UNITS[0]: 99, UNITS[3]: 99}
    assert [one.unit for one in outcomes() if one.failure is not None] == [UNITS[0], UNITS[3]]
