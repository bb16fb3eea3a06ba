"""Which errors cost one unit, and which end the run?"""

import pickle

import pytest

from steering.benchmark import outcome
from steering.benchmark.bench import Bench
from steering.benchmark.settings import Unit
from steering.errors import JudgeError, JudgeUnusableError

UNIT = Unit("a", 0, "none")


def raising(error: Exception, monkeypatch: pytest.MonkeyPatch) -> outcome.Outcome:
    def run_unit(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(outcome, "run_unit", run_unit)
    return outcome.attempt(object.__new__(Bench), UNIT, key="k")


def test_a_judge_that_gave_no_answer_costs_one_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = raising(JudgeError("no reply"), monkeypatch)
    assert found.failure is not None
    assert (found.failure.error, found.failure.is_bug) == ("no reply", False)


def test_a_judge_that_will_answer_nothing_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JudgeUnusableError, match="The key was refused"):
        raising(JudgeUnusableError("The key was refused"), monkeypatch)


def test_the_sentence_arrives_from_another_process() -> None:
    assert str(pickle.loads(pickle.dumps(JudgeUnusableError("The key was refused")))) == "The key was refused"
