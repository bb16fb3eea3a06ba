from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array
from sklearn.metrics import f1_score

from steering.errors import SteeringError
from steering.scores import columns as columns_module
from steering.scores.calibrated_f1 import at_threshold, calibrated_f1, sweep
from tests.unit.scores.sparse import columns, frequencies_and_labels

PRIORS = (1e-3, 1e-2, 0.5)


@pytest.mark.parametrize(
    ("tpr", "fpr", "expected"), [(1, 1e-4, 0.95), (1, 1e-3, 0.67), (1, 1e-2, 0.17), (0.5, 0, 0.67), (0.1, 0, 0.18)]
)
def test_reading_aid_of_the_method(tpr, fpr, expected):
    assert calibrated_f1(float(tpr), float(fpr)) == pytest.approx(expected, abs=0.005)


def test_one_by_hand():
    # lam = 1: 2 * 0.5 / (1 + 0.5 + 0.25)
    assert calibrated_f1(0.5, 0.25, pi0=0.5) == pytest.approx(1 / 1.75)


@pytest.mark.parametrize("pi0", [0.0, 1.0, -0.1, float("nan")])
def test_prior_that_is_no_probability_is_refused(pi0):
    with pytest.raises(SteeringError, match="strictly between 0 and 1"):
        calibrated_f1(0.5, 0.5, pi0=pi0)


@settings(deadline=None)
@given(
    st.integers(1, 30), st.integers(1, 30), st.floats(0, 1), st.floats(0, 1), st.sampled_from(PRIORS)
)  # fmt: skip
def test_equals_f1_of_the_reweighted_data_and_the_form_with_counts(n_positive, n_negative, tpr, fpr, pi0):
    tp, fp = round(tpr * n_positive), round(fpr * n_negative)
    n = n_positive + n_negative
    truth = np.arange(n) < n_positive
    predicted = truth & (np.arange(n) < tp) | (~truth & (np.arange(n) < n_positive + fp))
    prior = n_positive / n
    weight = np.where(truth, pi0 / prior, (1 - pi0) / (1 - prior))
    ours = calibrated_f1(tp / n_positive, fp / n_negative, pi0=pi0)
    assert ours == pytest.approx(f1_score(truth, predicted, sample_weight=weight, zero_division=0.0))
    c = prior * (1 - pi0) / (pi0 * (1 - prior))
    assert ours == pytest.approx(2 * tp / (2 * tp + c * fp + (n_positive - tp)))


def brute_force(frequency: np.ndarray, positive: np.ndarray, pi0: float) -> float:
    """Try every positive value as a threshold."""
    best = 0.0
    for tau in np.unique(frequency[frequency > 0]):
        predicted = frequency >= tau
        tpr, fpr = predicted[positive].mean(), predicted[~positive].mean()
        best = max(best, 2 * tpr / (1 + tpr + (1 - pi0) / pi0 * fpr))
    return best


@settings(deadline=None)
@given(frequencies_and_labels(), st.sampled_from(PRIORS), st.sampled_from([1, 3, 1000]))
def test_sweep_equals_brute_force(case, pi0, entries_per_block):
    frequency, labels = case
    with patch.object(columns_module, "ENTRIES_PER_BLOCK", entries_per_block):
        found = sweep(frequency, labels, pi0=pi0)
    dense = frequency.toarray()
    for label in range(labels.shape[1]):
        positive = labels[:, label]
        if positive.all() or not positive.any():
            assert np.isnan(found.best[:, label]).all()
            assert not found.defined[label]
            continue
        for feature in range(dense.shape[1]):
            expected = brute_force(dense[:, feature], positive, pi0)
            assert found.best[feature, label] == pytest.approx(expected, rel=1e-6)
            tau = found.tau[feature, label]
            assert tau > 0
            # tau, tp and fp are those of the best score, not of a neighbour
            predicted = dense[:, feature] >= tau
            assert found.tp[feature, label] == (predicted & positive).sum()
            assert found.fp[feature, label] == (predicted & ~positive).sum()
        np.testing.assert_allclose(found.f1c(label), found.best[:, label], rtol=1e-6)


@settings(deadline=None)
@given(frequencies_and_labels(both_classes=True), st.sampled_from(PRIORS))
def test_heldout_evaluation_on_the_training_rows_gives_the_training_score(case, pi0):
    frequency, labels = case
    found = sweep(frequency, labels, pi0=pi0)
    again = at_threshold(frequency, labels[:, 0], found.tau[:, 0], pi0=pi0)
    np.testing.assert_allclose(again.f1c, found.best[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(again.tp, found.tp[:, 0])


def test_sweep_by_hand_with_a_tie_across_the_classes():
    # positives: rows 0 and 2. tau 0.5 finds one of each class, tau 0.25 finds two of each; three negatives.
    frequency = columns([0.5, 0.5, 0.25, 0, 0.25])
    labels = np.array([[True], [False], [True], [False], [False]])
    found = sweep(frequency, labels, pi0=0.5)
    assert found.best[0, 0] == pytest.approx(2 / (2 + 2 / 3))  # 0.75 against 1 / (1.5 + 1/3) = 0.545
    assert (found.tau[0, 0], found.tp[0, 0], found.fp[0, 0]) == (0.25, 2, 2)


def test_feature_that_never_fires_scores_zero_and_predicts_nothing():
    found = sweep(columns([0, 0, 0], [0.5, 0, 0]), np.array([[True], [False], [True]]))
    assert found.best[:, 0].tolist() == pytest.approx([0.0, 2 / 3])
    assert (found.tau[0, 0], found.tp[0, 0], found.fp[0, 0]) == (np.inf, 0, 0)


def test_stored_zeros_are_zeros():
    frequency = columns([0.5, 0.5, 0])
    frequency.data[1] = 0
    assert frequency.nnz == 2
    # one of two positives; were the stored zero a threshold, the second would be found as well
    found = sweep(frequency, np.array([[True], [True], [False]]), pi0=0.5)
    assert found.best[0, 0] == pytest.approx(2 / 3)
    assert found.tau[0, 0] == 0.5


def test_of_two_equal_thresholds_the_higher_is_kept():
    # lam = 1, P = 2, N = 2: (1, 0) gives 1/1.5; (2, 2) gives 2/3 as well.
    found = sweep(columns([0.9, 0.2, 0.2, 0.2]), np.array([[True], [True], [False], [False]]), pi0=0.5)
    assert found.best[0, 0] == pytest.approx(2 / 3)
    assert found.tau[0, 0] == np.float32(0.9)


def test_heldout_score_of_a_given_threshold_by_hand():
    frequency = columns([0.4, 0.1, 0.4, 0.0], [0, 0.2, 0, 0])
    confusion = at_threshold(frequency, np.array([True, True, False, False]), np.array([0.3, 0.2]), pi0=0.5)
    assert confusion.tp.tolist() == [1, 1]
    assert confusion.fp.tolist() == [1, 0]
    assert confusion.f1c.tolist() == pytest.approx([0.5, 2 / 3])


@pytest.mark.parametrize("bad", [np.nan, -0.5, np.inf])
def test_broken_statistics_are_refused(bad):
    with pytest.raises(SteeringError, match="negative value"):
        sweep(columns([bad, 1, 1]), np.array([[True], [False], [False]]))


def test_labels_of_other_examples_are_refused():
    with pytest.raises(SteeringError, match="3 examples and the labels 2"):
        sweep(columns([1, 1, 1]), np.array([[True], [False]]))


def test_threshold_of_zero_is_refused():
    with pytest.raises(SteeringError, match="not above zero"):
        at_threshold(columns([1, 0]), np.array([True, False]), np.array([0.0]))


def test_undefined_label_has_no_score():
    found = sweep(columns([1, 1]), np.array([[True, True], [True, False]]))
    assert found.defined.tolist() == [False, True]
    with pytest.raises(SteeringError, match="2 positives and 0 negatives"):
        found.f1c(0)


def test_unsorted_and_repeated_entries_are_summed_without_touching_the_callers_matrix():
    frequency = csc_array((np.array([0.5, 0.25, 0.25]), np.array([1, 0, 0]), np.array([0, 3])), shape=(3, 1))
    found = sweep(frequency, np.array([[True], [True], [False]]), pi0=0.5)
    assert found.tau[0, 0] == 0.5
    assert frequency.nnz == 3
