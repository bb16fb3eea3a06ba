"""Intervals in words."""

import pytest

from steering.errors import SteeringError
from steering.evidence.bootstrap import Interval
from steering.findings.words import contrast_words, joined, number, phrase, standing
from steering.methods.registry import METHODS

NAN = float("nan")


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        (Interval(0.3, 0.1, 0.5), "above"),
        (Interval(-0.3, -0.5, -0.1), "below"),
        (Interval(0.3, -0.1, 0.5), "undecided"),
        (Interval(-0.3, -0.5, 0.0), "undecided"),
        (Interval(-0.3, -0.5, -0.004), "undecided"),  # printed as "−0.50 to 0.00"
        (Interval(0.0, NAN, NAN), "equal"),
        (Interval(0.3, NAN, NAN), "unknown"),
    ],
)
def test_standing_is_read_off_the_limits(interval, said):
    assert standing(interval) == said


def test_numbers_have_a_true_minus_and_no_signed_zero():
    assert [number(value) for value in (-0.1, 0.042, -0.001, 0.0)] == ["−0.10", "+0.04", "0.00", "0.00"]


def test_a_list_in_words():
    assert [joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"], "or")] == ["a", "a and b", "a, b or c"]


def test_directions_come_from_the_sign_and_limits_lose_theirs():
    told = contrast_words("it", [("LoRA", Interval(-0.3, -0.4, -0.2)), ("DiffMean", Interval(0.1, 0.05, 0.2))])
    assert told == "it scores 0.30 below LoRA (95 % interval 0.20 to 0.40) and 0.10 above DiffMean (0.05 to 0.20)"


def test_what_is_undecided_is_not_ranked():
    told = contrast_words("it", [("LoRA", Interval(-0.03, -0.1, 0.04)), ("prompting", Interval(-1.0, -1.2, -0.9))])
    assert told == (
        "it scores 1.00 below prompting (95 % interval 0.90 to 1.20) and cannot be told apart from LoRA (difference "
        "−0.03, −0.10 to +0.04)"
    )


def test_what_has_no_interval_is_said_to_have_none():
    told = contrast_words("it", [("LoRA", Interval(0.5, NAN, NAN)), ("chance", Interval(0.0, NAN, NAN))])
    assert told == "it is equal to chance on every concept and has no interval against LoRA (+0.50)"


def test_every_method_has_words_and_nothing_else_has():
    told = {one.name: phrase(one.name) for one in METHODS}
    assert len(set(told.values())) == len(METHODS)
    assert [name for name, words in told.items() if name == words] == []
    assert (told["pca"], told["probe"], told["lora"]) == ("PCA", "a linear probe", "LoRA")
    with pytest.raises(SteeringError, match="no method 'wormhole'"):
        phrase("wormhole")
