"""Which concept does the text carry?"""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.confusion import confusion_matrix, off_target, on_target, on_target_rate

INTENDED = ["cat", "cat", "cat", "cat", "dog", "dog"]
RATINGS = pd.DataFrame(
    [[2, 1, 0], [2, 2, 0], [1, 0, 2], [0, 0, 0], [0, 1, 0], [2, 0, 2]], columns=["cat", "dog", "owl"]
)


def test_matrix_by_hand():
    matrix = confusion_matrix(INTENDED, RATINGS)
    assert matrix.columns.tolist() == ["cat", "dog", "owl", "nothing"]
    assert matrix.loc["cat"].tolist() == [1.5 / 4, 0.5 / 4, 1 / 4, 1 / 4]
    assert matrix.loc["dog"].tolist() == [0.25, 0.5, 0.25, 0.0]


def test_fates_by_hand():
    assert on_target(INTENDED, RATINGS).tolist() == [True, False, False, False, True, False]
    fates = off_target(INTENDED, RATINGS)
    assert fates.loc["cat"].tolist() == [4, 0.25, 0.25, 0.25, 0.25]
    assert fates.loc["dog"].tolist() == [2, 0.5, 0.0, 0.5, 0.0]


def test_a_method_that_raises_everything_is_on_target_for_nothing():
    concepts = [f"c{number}" for number in range(6)]
    everything = pd.DataFrame(np.full((6, 6), 2), columns=concepts)
    assert on_target_rate(concepts, everything, n_resamples=100).value == 0
    own = pd.DataFrame(2 * np.eye(6), columns=concepts)
    assert on_target_rate(concepts, own, n_resamples=100).value == 1


def test_concepts_weigh_the_same_however_many_texts_they_have():
    found = on_target_rate(INTENDED, RATINGS, n_resamples=100)
    assert found.value == pytest.approx((0.25 + 0.5) / 2)
    assert not found.is_known


def test_rows_sum_to_one():
    rng = np.random.default_rng(0)
    ratings = pd.DataFrame(rng.integers(0, 3, (200, 5)), columns=list("abcde"))
    intended = rng.choice(list("abc"), 200).tolist()
    assert confusion_matrix(intended, ratings).sum(axis=1).tolist() == pytest.approx([1.0] * 3)
    assert off_target(intended, ratings).drop(columns="n_texts").sum(axis=1).tolist() == pytest.approx([1.0] * 3)
    # The off-diagonal fates follow from the matrix: all that is neither own, shared nor nothing.
    assert confusion_matrix(intended, ratings)["nothing"].tolist() == off_target(intended, ratings)["nothing"].tolist()


@pytest.mark.parametrize(
    ("intended", "ratings", "said"),
    [
        (INTENDED[:2], RATINGS, "2 intended concepts were given for 6"),
        (["eel"] * 6, RATINGS, "No text was rated for eel"),
        (INTENDED, RATINGS - 1, "below zero"),
        (INTENDED, RATINGS * np.nan, "missing"),
    ],
)
def test_faults_are_named(intended, ratings, said):
    with pytest.raises(SteeringError, match=said):
        confusion_matrix(intended, ratings)
