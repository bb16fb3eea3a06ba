"""Going back and forth on a line of states."""

import pytest

from steering.errors import SteeringError
from steering.history import LIMIT, History


def test_back_and_forth_end_where_they_began():
    line = History("a").step("b").step("c")
    assert line.back().back().present == "a"
    assert line.back().back().forth().forth() == line


def test_the_same_again_is_no_step():
    line = History("a").step("b")
    assert line.step("b") is line
    assert line.step("b").past == ("a",)


def test_a_new_state_takes_the_future_away():
    line = History("a").step("b").step("c").back().step("d")
    assert (line.past, line.present, line.future) == (("a", "b"), "d", ())


def test_to_go_back_and_change_nothing_keeps_the_future():
    line = History("a").step("b").back()
    assert line.step("a").future == ("b",)


def test_what_is_told_more_fully_is_no_step():
    line = History("a").step("b").amended("B")
    assert (line.past, line.present) == (("a",), "B")


def test_the_oldest_are_forgotten():
    line = History(0)
    for state in range(1, LIMIT + 11):
        line = line.step(state)
    assert len(line.past) == LIMIT
    assert line.past[0] == 10


def test_ends_are_sentences():
    with pytest.raises(SteeringError, match="nothing before this"):
        History("a").back()
    with pytest.raises(SteeringError, match="undo something first"):
        History("a").forth()
