import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from steering.errors import SteeringError
from steering.scores.auroc import auroc, auroc_of_scores
from steering.scores.average_precision import average_precision
from tests.unit.scores.sparse import columns, frequencies_and_labels


@settings(deadline=None)
@given(frequencies_and_labels(both_classes=True))
def test_equals_scikit_learn_for_every_column(case):
    frequency, labels = case
    dense = frequency.toarray()
    for label in labels.T:
        if label.all() or not label.any():
            continue
        expected = [roc_auc_score(label, column) for column in dense.T]
        np.testing.assert_allclose(auroc(frequency, label), expected, atol=1e-12)
        np.testing.assert_allclose([auroc_of_scores(column, label) for column in dense.T], expected, atol=1e-12)
        expected = [average_precision_score(label, column) for column in dense.T]
        np.testing.assert_allclose([average_precision(column, label) for column in dense.T], expected, atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=20))
def test_scores_below_zero_are_ranked_too(rows):
    scores = np.array([float(score) for score, _ in rows])
    positive = np.array([label for _, label in rows])
    if positive.all() or not positive.any():
        return
    assert auroc_of_scores(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_by_hand():
    # positives 0.5 and 0; negatives 0.5, 0.1, 0. Pairs won: ½ + 1 + 1, then 0 + 0 + ½ of six.
    positive = np.array([True, True, False, False, False])
    assert auroc(columns([0.5, 0, 0.5, 0.1, 0]), positive)[0] == pytest.approx(3 / 6)


def test_perfect_inverse_and_silent_features_are_exact():
    positive = np.array([True, True, False, False])
    values = auroc(columns([1, 0.5, 0, 0], [0, 0, 0.1, 0.2], [0, 0, 0, 0]), positive)
    assert values.tolist() == [1.0, 0.0, 0.5]


@pytest.mark.parametrize("positive", [np.array([True, True]), np.array([False, False])])
def test_one_class_is_refused(positive):
    with pytest.raises(SteeringError, match="at least one of each"):
        auroc(columns([1, 0]), positive)
    with pytest.raises(SteeringError, match="at least one of each"):
        auroc_of_scores(np.array([0.0, 1.0]), positive)


def test_score_that_is_no_number_is_refused():
    with pytest.raises(SteeringError, match="NaN"):
        auroc_of_scores(np.array([0.0, np.nan]), np.array([True, False]))
