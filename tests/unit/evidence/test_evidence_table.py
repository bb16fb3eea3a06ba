"""What a table of results may hold."""

import numpy as np
import pytest

from steering.errors import SteeringError
from steering.evidence.table import check_table, harmonic_mean
from steering.judges.score import Score
from tests.unit.evidence.tables import full


def good():
    return full({"lora": lambda *_: (2, 2, 1), "none": lambda *_: (0, 2, 2)})


def test_harmonic_mean_by_hand_and_its_zero_rule():
    ratings = np.array([[2.0, 2.0, 1.0], [2.0, 1.0, 1.0], [2.0, 2.0, 2.0], [0.0, 2.0, 2.0], [0.5, 1.0, 1.0]])
    assert harmonic_mean(ratings) == pytest.approx([1.5, 1.2, 2.0, 0.0, 0.75])


def test_harmonic_mean_is_the_judges_overall():
    ratings = np.array(np.meshgrid(*[[0, 1, 2]] * 3)).reshape(3, -1).T
    expected = [Score(*map(int, rating)).overall for rating in ratings]
    assert harmonic_mean(ratings.astype(float)) == pytest.approx(expected)


def test_a_good_table_passes_also_as_categories_and_float32():
    check_table(good())
    check_table(good().astype({"method": "category", "concept": "category", "overall": "float32", "kl": "float32"}))
    check_table(good().assign(kl=np.nan))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.drop(columns=["kl", "half"]), "lack the columns half, kl"),
        (lambda t: t.iloc[:0], "no row"),
        (lambda t: t.replace({"method": {"lora": "LoRA"}}), "method holds LoRA"),
        (lambda t: t.assign(half="first"), "half holds first"),
        (lambda t: t.assign(seed=np.nan), "seed has .* missing"),
        (lambda t: t.assign(selected=1), "selected is of type int64"),
        (lambda t: t.assign(overall="1"), "overall is of type"),
        (lambda t: t.assign(concept_score=3), "outside 0 to 2"),
        (lambda t: t.assign(factor=np.inf), "factor is not a finite"),
        (lambda t: t.assign(overall=1.0), "not the harmonic mean"),
        (lambda t: t.assign(kl=-1.0), "negative or infinite"),
        (lambda t: t.assign(split=np.where(t["method"] == "none", "development", "test")), "a, b, c appear in both"),
    ],
)
def test_a_fault_is_named(spoil, said):
    with pytest.raises(SteeringError, match=said):
        check_table(spoil(good()))
