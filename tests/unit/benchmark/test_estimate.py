"""Is the time told before a start in proportion to the work, and is it said what it is reckoned from?"""

import pytest

from steering.benchmark.estimate import DEFAULT_SECONDS, Measured, estimate
from steering.benchmark.settings import BenchmarkSettings

STANDARD = BenchmarkSettings(model="demo", methods=("sae_f1c",), concepts=("a", "b"), seeds=(0, 1))


def changed(**values: object) -> BenchmarkSettings:
    return BenchmarkSettings(**{"model": "demo", "methods": ("sae_f1c",), "concepts": ("a", "b")} | values)  # type: ignore[arg-type]


def test_the_default_is_a_whole_unit_with_a_grid() -> None:
    found = estimate(STANDARD, workers=1)
    assert (found.n_units, found.n_completions) == (4, 4 * 30 * 14)
    assert found.seconds == pytest.approx(4 * DEFAULT_SECONDS)
    assert "9 s for a whole unit" in found.basis


def test_workers_share_and_are_no_more_than_the_units() -> None:
    assert estimate(STANDARD, workers=2).seconds == pytest.approx(2 * DEFAULT_SECONDS)
    assert estimate(STANDARD, workers=64).seconds == pytest.approx(DEFAULT_SECONDS)


def test_fewer_prompts_and_tokens_take_less() -> None:
    few = changed(n_select=1, n_test=2, max_new_tokens=32)
    assert estimate(few, workers=1).seconds == pytest.approx(2 * DEFAULT_SECONDS / 20)
    once = changed(test_factors="chosen")
    assert estimate(once, workers=1).seconds == pytest.approx(2 * DEFAULT_SECONDS * (140 + 20) / 420)
    assert estimate(changed(methods=("none",)), workers=1).seconds == pytest.approx(2 * DEFAULT_SECONDS / 14)


def test_measured_units_of_the_same_model_come_first() -> None:
    here = Measured(changed(n_select=5, n_test=10), {"sae_f1c": 1.0}, "this machine")
    there = Measured(STANDARD, {"sae_f1c": 50.0, "lora": 20.0}, "the stored result")
    other = Measured(changed(model="demo-gpt2"), {"sae_f1c": 99.0}, "another model")
    found = estimate(STANDARD, workers=1, measured=(other, here, there))
    assert found.seconds == pytest.approx(4 * 2.0), "twice the prompts, twice the time"
    assert found.basis == "this machine"
    both = estimate(changed(methods=("sae_f1c", "lora")), workers=1, measured=(here, there))
    assert both.seconds == pytest.approx(2 * 2.0 + 2 * 20.0)
    assert both.basis == "the stored result and this machine"
