import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steering.measures import Loop, distinct_n, find_loop, repetition, words


@pytest.mark.parametrize(
    ("units", "n", "expected"),
    [
        ("abab", 1, 2 / 4),
        ("abab", 2, 2 / 3),  # ab ba ab
        ("abab", 3, 1.0),  # aba bab
        ("aaaa", 1, 1 / 4),
        ("aaaa", 2, 1 / 3),
        ("abcd", 2, 1.0),
        ("a", 2, 1.0),
        ("", 1, 1.0),
    ],
)
def test_distinct_n_by_hand(units: str, n: int, expected: float) -> None:
    assert distinct_n(units, n) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ("abcdef", Loop(0, 0, 0)),
        ("xyabab", Loop(0, 0, 0)),  # twice is not a loop
        ("xyababab", Loop(2, 3, 6)),
        ("bacdacdacda", Loop(3, 3, 10)),  # the docstring's: a cut-off piece counts in the length
        ("aaaa", Loop(1, 4, 4)),  # not period 2
        ("aaab", Loop(0, 0, 0)),  # a loop that was left again
        ("aabaabaabaaa", Loop(1, 3, 3)),  # the end decides: the loop of three was broken
        ("caabaabaabaa", Loop(3, 3, 11)),
        ("", Loop(0, 0, 0)),
    ],
)
def test_loops_by_hand(units: str, expected: Loop) -> None:
    assert find_loop(units) == expected


def test_two_repeats_count_when_asked_for() -> None:
    assert find_loop("xyabab", min_repeats=2) == Loop(2, 2, 4)


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(3, 6))
@settings(max_examples=200, deadline=None)
def test_a_repeated_tail_is_always_found(head: list[int], piece: list[int], repeats: int) -> None:
    units = head + piece * repeats
    loop = find_loop(units)
    assert loop.length >= len(piece) * repeats
    tail = units[len(units) - loop.length :]
    assert all(left == right for left, right in zip(tail, tail[loop.period :], strict=False))
    assert loop.repeats == loop.length // loop.period >= 3


def test_units_are_compared_whole() -> None:
    assert find_loop([12, 1, 2, 12, 1, 2, 12, 1, 2]) == Loop(3, 3, 9)
    assert find_loop([1, 11, 111, 1111]) == Loop(0, 0, 0)


def test_a_summary_says_how_much_loops() -> None:
    looping = repetition(words("Once there was a tram. Ding ding DING"))
    assert (looping.n_units, looping.loop) == (8, Loop(1, 3, 3))
    assert looping.loop_share == pytest.approx(3 / 8)
    assert looping.is_looping
    assert looping.distinct_1 == pytest.approx(6 / 8)
    fluent = repetition(words("The tram rang twice and the baker looked up from the bread"))
    assert fluent.loop_share == 0
    assert not fluent.is_looping
    empty = repetition([])
    assert (empty.n_units, empty.distinct_2, empty.loop_share, empty.is_looping) == (0, 1.0, 0.0, False)


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        distinct_n("ab", 0)
    with pytest.raises(ValueError, match="at least 2"):
        find_loop("ab", min_repeats=1)
