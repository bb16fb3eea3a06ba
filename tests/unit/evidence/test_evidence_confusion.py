"""Which concept does the text carry?"""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.confusion import off_target

INTENDED = ["cat", "cat", "cat", "cat", "dog", "dog"]
RATINGS = pd.DataFrame(
    [[2, 1, 0], [2, 2, 0], [1, 0, 2], [0, 0, 0], [0, 1, 0], [2, 0, 2]], columns=["cat", "dog", "owl"]
)


def test_fates_by_hand():
    fates = off_target(INTENDED, RATINGS)
    assert fates.columns.tolist() == ["n_texts", "on_target", "tied", "off_target", "nothing"]
    assert fates.loc["cat"].tolist() == [4, 0.25, 0.25, 0.25, 0.25]
    assert fates.loc["dog"].tolist() == [2, 0.5, 0.0, 0.5, 0.0]


def test_a_method_that_raises_everything_is_on_target_for_nothing():
    concepts = [f"c{number}" for number in range(6)]
    everything = pd.DataFrame(np.full((6, 6), 2), columns=concepts)
    assert off_target(concepts, everything)["on_target"].tolist() == [0] * 6
    own = pd.DataFrame(2 * np.eye(6), columns=concepts)
    assert off_target(concepts, own)["on_target"].tolist() == [1] * 6


def test_shares_sum_to_one():
    rng = np.random.default_rng(0)
    ratings = pd.DataFrame(rng.integers(0, 3, (200, 5)), columns=list("abcde"))
    intended = rng.choice(list("abc"), 200).tolist()
    assert off_target(intended, ratings).drop(columns="n_texts").sum(axis=1).tolist() == pytest.approx([1.0] * 3)


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
        off_target(intended, ratings)
