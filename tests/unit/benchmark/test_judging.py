"""Is a judge of one's own made, and nothing else called?"""

import pytest

from steering.benchmark.judging import open_judge
from steering.errors import JudgeError
from tests.unit.benchmark.stub_judge import StubJudge

CALLED: list[str] = []


def not_a_judge() -> None:
    CALLED.append("function")


class NotAJudge:
    def __init__(self) -> None:
        CALLED.append("class")


class Nameless(NotAJudge):
    def knows(self, concept: str) -> bool:
        return bool(concept)

    def score(self, *_: str) -> None:
        """No rating."""


class Demanding(StubJudge):
    def __init__(self, wish: str) -> None:
        self.wish = wish


def opened(name: str) -> object:
    return open_judge(f"python:{__name__}:{name}", temperature=None, cache=None, device="cpu")


def test_a_class_makes_the_judge() -> None:
    assert isinstance(
        open_judge("python:tests.unit.benchmark.stub_judge:StubJudge", temperature=None, cache=None, device="cpu"),
        StubJudge,
    )


@pytest.mark.parametrize("name", ["not_a_judge", "NotAJudge", "CALLED"])
def test_what_is_no_judge_is_not_called(name: str) -> None:
    CALLED.clear()
    with pytest.raises(JudgeError, match="no judge's class; name one that has name, knows and score"):
        opened(name)
    assert CALLED == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("Nameless", "makes no judge"), ("Demanding", "cannot be made .*wish"), ("Absent", "cannot be imported")],
)
def test_a_class_that_makes_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(JudgeError, match=words):
        opened(name)
