"""Krippendorff's alpha against his own worked examples."""

import pytest

from steering.votes.agreement import interval, krippendorff_alpha, nominal

_ = None
# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
OBSERVERS = (
    (1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 4.0, 1.0, 2.0, _, _, _),
    (1.0, 2.0, 3.0, 3.0, 2.0, 2.0, 4.0, 1.0, 2.0, 5.0, _, 3.0),
    (_, 3.0, 3.0, 3.0, 2.0, 3.0, 4.0, 2.0, 2.0, 5.0, 1.0, _),
    (1.0, 2.0, 3.0, 3.0, 2.0, 4.0, 4.0, 1.0, 2.0, 5.0, 1.0, _),
)
UNITS = [[value for value in unit if value is not None] for unit in zip(*OBSERVERS, strict=True)]


def test_the_textbook_example_with_missing_values():
    assert krippendorff_alpha(UNITS, nominal) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(UNITS, interval) == pytest.approx(0.849, abs=5e-4)


def test_two_observers_two_values_by_hand():
    # Section A of the same paper: ten units, 20 values of which 14 are 0 and 6 are 1; four units are mismatched.
    a = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    b = (1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    # alpha = 1 - (20 - 1) * 4 / (14 * 6) = 0.095
    assert krippendorff_alpha(zip(a, b, strict=True), nominal) == pytest.approx(1 - 19 * 4 / (14 * 6))
    assert krippendorff_alpha(zip(a, b, strict=True), nominal) == pytest.approx(0.095, abs=5e-4)


def test_where_nothing_can_be_said():
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([[1.0], [0.0]]) is None, "nobody shares a unit"
    assert krippendorff_alpha([[1.0, 1.0]]) is None, "no chance to disagree"
    assert krippendorff_alpha([[1.0, 1.0], [0.0, 0.0, 0.0]]) == 1.0
    assert krippendorff_alpha([[1.0, 0.0]] * 5) < 0
