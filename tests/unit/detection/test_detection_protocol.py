"""AxBench's detection numbers against scikit-learn, and by hand where its code cuts a corner."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score, roc_curve

from steering.detection import ConceptScores, detect, detection_table, pool_tokens, summarise
from steering.detection.concept_scores import min_max, normalised
from steering.detection.thresholds import best_f1_threshold, cuts, f1_at, youden_threshold
from steering.errors import SteeringError

# Few levels make ties; projections are negative at times.
levels = st.integers(-3, 4).map(float)


def some(least: int) -> st.SearchStrategy[np.ndarray]:
    return st.lists(levels, min_size=least, max_size=12).map(lambda values: np.array(values, dtype=np.float64))


@st.composite
def concept_scores(draw: st.DrawFn) -> ConceptScores:
    return ConceptScores("dates", draw(some(1)), draw(some(1)), draw(some(0)), draw(some(0)))


def stacked(*parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (only the first part is positive) and scores."""
    return np.concatenate([np.full(len(part), place == 0) for place, part in enumerate(parts)]), np.concatenate(parts)


@settings(deadline=None)
@given(concept_scores())
def test_equals_scikit_learn(scores):
    found = detect(scores)
    labels, values = stacked(scores.positive, scores.negative)
    with_hard = stacked(scores.positive, scores.negative, scores.hard_negative)
    assert found.auroc == pytest.approx(roc_auc_score(labels, values))
    assert found.auroc_with_hard == pytest.approx(roc_auc_score(*with_hard))
    assert found.average_precision == pytest.approx(average_precision_score(labels, values))

    low, high = scores.range
    fpr, tpr, thresholds = roc_curve(labels, min_max(values, low, high))
    best = (tpr - fpr).max()
    if best <= 1e-12:
        assert np.isinf(found.youden_threshold)
        assert isnan(found.macro_accuracy)
    else:
        place = int(np.flatnonzero(tpr - fpr >= best - 1e-12)[0])
        assert found.youden_threshold_normalised == pytest.approx(thresholds[place])
        assert found.positive_accuracy == pytest.approx(tpr[place])
        assert found.negative_accuracy == pytest.approx(1 - fpr[place])
        if len(scores.hard_negative):
            rejected = (min_max(scores.hard_negative, low, high) < thresholds[place] - 1e-12).mean()
            assert found.hard_negative_accuracy == pytest.approx(rejected)
            assert found.macro_accuracy == pytest.approx((tpr[place] + rejected) / 2)

    assert found.f1 == pytest.approx(best_f1(labels, values))
    if len(scores.extra_negative):
        many_labels, many = stacked(scores.positive, scores.extra_negative)
        assert found.f1_imbalanced == pytest.approx(best_f1(many_labels, many))
        at = best_f1_threshold(cuts(scores.positive, scores.negative))
        assert found.f1_imbalanced_at_threshold == pytest.approx(f1_score(many_labels, many >= at, zero_division=0))
    else:
        assert isnan(found.f1_imbalanced)


@settings(deadline=None)
@given(concept_scores())
def test_as_axbench_is_numpys_argmax_on_scikit_learns_curve(scores):
    scores = normalised(scores)
    fpr, tpr, thresholds = roc_curve(*stacked(scores.positive, scores.negative))
    found = detect(scores, as_axbench=True)
    assert found.youden_threshold == thresholds[np.argmax(tpr - fpr)]
    assert found.positive_accuracy - (1 - found.negative_accuracy) == pytest.approx((tpr - fpr).max())


def best_f1(labels: np.ndarray, values: np.ndarray) -> float:
    precision, recall, _ = precision_recall_curve(labels, values)
    total = precision + recall
    return float(np.max(np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)))


@settings(deadline=None)
@given(concept_scores(), st.floats(0.1, 10), st.floats(-5, 5))
def test_min_max_and_units_change_nothing_but_the_threshold(scores, scale, shift):
    low, high = scores.range
    if high == low:
        return
    moved = (scale * part + shift for part in (scores.positive, scores.negative, scores.hard_negative))
    other = normalised(ConceptScores("dates", *moved))
    before, after = detect(scores), detect(other)
    for name in ("auroc", "auroc_with_hard", "positive_accuracy", "hard_negative_accuracy", "macro_accuracy", "f1"):
        assert getattr(before, name) == pytest.approx(getattr(after, name), nan_ok=True)
    assert before.youden_threshold_normalised == pytest.approx(after.youden_threshold)


def test_by_hand():
    scores = ConceptScores(
        "dates",
        np.array([5.0, 4.0, 3.0, 1.0]),
        np.array([2.0, 0.0, 0.0, 0.0]),
        np.array([4.5, 0.0]),
        extra_negative=np.array([4.0] + [0.0] * 399),
    )
    found = detect(scores)
    assert found.auroc == pytest.approx(15 / 16)  # the 1 loses to the 2
    assert found.auroc_with_hard == pytest.approx((6 + 5 + 5 + 4) / 24)
    assert found.youden_threshold == 3.0  # J = 3/4 - 0; at 1 it is 1 - 1/4, as large and lower
    assert found.youden_threshold_normalised == pytest.approx(0.6)
    assert (found.positive_accuracy, found.negative_accuracy, found.hard_negative_accuracy) == (0.75, 1.0, 0.5)
    assert found.macro_accuracy == pytest.approx(0.625)
    assert found.f1 == pytest.approx(8 / 9)  # threshold 1: four of four, one false
    assert found.f1_imbalanced == pytest.approx(8 / 9)
    assert found.f1_imbalanced_at_threshold == pytest.approx(8 / 9)
    assert detect(scores, threshold=5.0).f1_imbalanced_at_threshold == pytest.approx(2 / 5)
    assert (found.max_score, found.min_score) == (5.0, 0.0)
    assert (found.n_positive, found.n_negative, found.n_hard_negative, found.n_extra_negative) == (4, 4, 2, 400)


def test_scores_that_tell_nothing_apart():
    found = detect(ConceptScores("dates", np.ones(3), np.ones(3), np.ones(1)))
    assert found.auroc == found.auroc_with_hard == 0.5
    assert np.isinf(found.youden_threshold)
    assert isnan(found.macro_accuracy)
    assert found.hard_negative_accuracy == 1.0  # it fires on nothing, so on no hard negative
    assert found.positive_accuracy == 0.0


def test_equal_thresholds_are_chosen_as_axbench_chooses():
    found = cuts(np.array([3.0, 1.0]), np.array([2.0, 0.0]))
    assert youden_threshold(found) == 3.0  # J is 1/2 at 3 and at 1: the highest
    even = cuts(np.array([2.0, 2.0, 0.0]), np.array([1.0]))
    assert even.f1.tolist() == pytest.approx([0.8, 4 / 6, 6 / 7])
    assert best_f1_threshold(cuts(np.array([2.0, 0.0]), np.array([1.0, 1.0]))) == 0.0  # 2/3 at 2 and at 0: the lowest


def test_f1_at_a_threshold_that_finds_nothing_is_zero():
    assert f1_at(np.array([1.0]), np.array([0.0]), 7.0) == 0.0


def test_means_over_concepts_leave_out_what_is_not_there_and_say_so():
    plain = detect(ConceptScores("a", np.array([2.0, 1.0]), np.array([0.0, 1.0])))
    hard = detect(ConceptScores("b", np.array([2.0, 1.0]), np.array([0.0, 0.0]), np.array([2.0, 0.0])))
    mean = summarise([plain, hard])
    assert mean.n_concepts == 2
    assert mean.auroc == pytest.approx((plain.auroc + hard.auroc) / 2)
    assert mean.auroc_interval is None
    assert mean.hard_negative_accuracy == hard.hard_negative_accuracy == 0.5
    assert (mean.n_with_hard_negatives, mean.n_without_macro_accuracy) == (1, 1)
    assert isnan(mean.f1_imbalanced)
    assert detection_table([plain, hard])["concept"].tolist() == ["a", "b"]
    with pytest.raises(SteeringError, match="no concept"):
        summarise([])


def test_interval_over_concepts():
    found = [detect(ConceptScores(str(i), np.array([2.0, float(i)]), np.array([0.0, 1.0]))) for i in range(4)]
    mean = summarise(found)
    assert mean.auroc_interval is not None
    assert mean.auroc_interval[0] < mean.auroc < mean.auroc_interval[1]


def test_by_category():
    kinds = ["negative", "positive", "hard negative", "positive"]
    scores = ConceptScores.by_category("dates", np.array([0.0, 1.0, 2.0, 3.0]), kinds)
    assert scores.positive.tolist() == [1.0, 3.0]
    assert (scores.negative.tolist(), scores.hard_negative.tolist()) == ([0.0], [2.0])
    with pytest.raises(SteeringError, match="category 'hard negative seen'"):
        ConceptScores.by_category("dates", np.zeros(2), ["positive", "hard negative seen"])
    with pytest.raises(SteeringError, match="2 scores and 1 categories"):
        ConceptScores.by_category("dates", np.zeros(2), ["positive"])


def test_refusals():
    with pytest.raises(SteeringError, match="0 positive and 1 negative"):
        ConceptScores("dates", np.zeros(0), np.zeros(1))
    with pytest.raises(SteeringError, match="not a finite number"):
        ConceptScores("dates", np.array([np.nan]), np.zeros(1))
    with pytest.raises(SteeringError, match="NaN"):
        detect(ConceptScores("dates", np.ones(1), np.zeros(1)), threshold=float("nan"))


def test_pooling():
    scores = np.array([[9.0, 9.0], [-1.0, 0.1234], [-3.0, 0.4]])
    eligible = np.array([False, True, True])
    assert pool_tokens(scores, eligible).tolist() == [-1.0, 0.4]
    assert pool_tokens(scores, eligible, "mean").tolist() == pytest.approx([-2.0, 0.2617])
    assert pool_tokens(scores[:, 1], eligible, "mean", decimals=1).tolist() == pytest.approx(0.25)
    with pytest.raises(SteeringError, match="no token that counts"):
        pool_tokens(scores, np.zeros(3, dtype=bool))
