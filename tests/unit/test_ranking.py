"""Ranking on statistics whose numbers can be worked out by hand, and on simulated ones with and without a concept."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.sparse import csc_array
from sklearn.metrics import roc_auc_score

from steering.errors import Cancelled, ExamplesError, SteeringError
from steering.ranking import (
    PRIORS,
    FilterStep,
    Ranking,
    RankingSettings,
    choose_pi0,
    feature_labels,
    rank_all_labels,
    rank_features,
)
from steering.scores.calibrated_f1 import calibrated_f1
from steering.statistics import FeatureEffect, FeatureStatistics


@dataclass(frozen=True)
class Rows:
    """A split made by hand."""

    train: np.ndarray
    heldout: np.ndarray


def statistics_of(frequency: np.ndarray, *, density: np.ndarray | None = None) -> FeatureStatistics:
    """Every token on which a feature fires has activation 2."""
    frequency = frequency.astype(np.float32)
    n_examples, d_sae = frequency.shape
    if density is None:
        density = frequency.mean(axis=0)
    return FeatureStatistics(
        frequency=csc_array(frequency),
        maximum=csc_array(np.where(frequency > 0, 2, 0).astype(np.float32)),
        mean=csc_array(2 * frequency),
        n_tokens=np.full(n_examples, 20),
        max_act=np.full(d_sae, 2, dtype=np.float32),
        density=density.astype(np.float32),
        resid_norm=1.0,
    )


def all_train(n: int) -> Rows:
    return Rows(np.arange(n), np.arange(0))


def effect(output_score: float) -> FeatureEffect:
    return FeatureEffect(output_score=output_score, delta_confidence=-0.25, top_tokens=("wave", "tide"))


# Six training rows (two positive) and four held-out rows (two positive).
#                     + + - - - -   + + - -
BY_HAND = np.array(
    [
        [4, 4, 0, 0, 0, 0, 4, 4, 0, 0],  # 0: perfect, twice
        [2, 0, 0, 0, 0, 0, 0, 0, 2, 0],  # 1: half of the positives; fails when held out
        [5, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # 2: as 1, but with the larger mean difference
        [4, 4, 4, 4, 4, 4, 4, 4, 4, 4],  # 3: fires everywhere
        [0, 0, 1, 0, 0, 0, 0, 0, 0, 0],  # 4: fires on no positive
        [0, 0, 0, 0, 0, 0, 1, 0, 0, 0],  # 5: fires on no training row
    ]
).T / np.float32(10)
LABELS_BY_HAND = np.array([1, 1, 0, 0, 0, 0, 1, 1, 0, 0], dtype=bool)[:, None]
SPLIT_BY_HAND = Rows(np.arange(6), np.arange(6, 10))
DENSITY_BY_HAND = np.array([0.1, 0.1, 0.1, 0.9, 0.1, 0.1])


def rank_by_hand(settings: RankingSettings = RankingSettings(), **changes: object) -> Ranking:  # noqa: B008 - frozen
    return rank_features(
        statistics_of(BY_HAND, density=DENSITY_BY_HAND),
        LABELS_BY_HAND,
        ("sea",),
        SPLIT_BY_HAND,
        replace(settings, **changes),
        label="sea",
    )


def test_order_scores_and_heldout_by_hand():
    ranking = rank_by_hand()
    assert [feature.feature_id for feature in ranking.features] == [0, 2, 1]
    first, second, third = ranking.features
    assert (first.f1c, first.auroc, first.tpr, first.fpr, first.tp, first.support) == (1, 1, 1, 0, 2, 2)
    assert first.tau == pytest.approx(0.4)
    assert first.mean_difference == pytest.approx(0.8)
    assert (first.f1c_heldout, first.auroc_heldout) == (1, 1)
    # one of the six ways to choose two of four, doubled: two thresholds are tested, here they coincide
    assert first.p_value == pytest.approx(2 / 6)
    # three features, harmonic number 11/6: 3 * 11/6 * 2/6, at most 1
    assert first.q_value == 1
    assert (first.density, first.max_act, first.label, first.best_label) == (pytest.approx(0.1), 2, "sea", None)
    assert second.f1c == pytest.approx(2 / 3)
    assert second.f1c == third.f1c
    assert second.auroc == third.auroc == 0.75
    assert second.mean_difference > third.mean_difference
    assert third.f1c_heldout == 0
    assert third.auroc_heldout == 0.25
    assert third.p_value == 1
    assert second.interval == (0.5, 0.5)
    assert first.output_score is None
    assert first.top_tokens is None


def test_counts_of_the_ranking():
    ranking = rank_by_hand()
    assert (ranking.n_positive, ranking.n_negative, ranking.n_train, ranking.n_heldout) == (4, 6, 6, 4)
    assert (ranking.n_train_positive, ranking.n_heldout_positive, ranking.pi0) == (2, 2, 1e-3)


def test_every_filter_says_what_it_removed():
    steps = {step.name: step for step in rank_by_hand().filters}
    assert list(steps) == ["fires", "support", "density", "candidates", "output_score", "top_k"]
    assert [step.n_removed for step in steps.values()] == [2, 0, 1, 0, 0, 0]
    assert [step.n_before for step in steps.values()] == [6, 4, 4, 3, 3, 3]
    assert steps["support"].threshold == 1  # a fifth of two positives, rounded up
    assert [step.enabled for step in steps.values()] == [True, True, True, True, False, False]
    assert steps["top_k"].n_after == 3


def test_density_filter_is_one_switch_away():
    assert 3 in [feature.feature_id for feature in rank_by_hand(use_density=False).features]
    assert 3 in [feature.feature_id for feature in rank_by_hand(max_density=0.95).features]


def test_top_k_keeps_the_best_and_says_so():
    ranking = rank_by_hand(use_top_k=True, top_k=1)
    assert [feature.feature_id for feature in ranking.features] == [0]
    assert ranking.filters[-1] == FilterStep("top_k", True, 3, 2, 1.0, "Only the best by training F1c are kept.")
    assert ranking.features[0].q_value == pytest.approx(2 / 6)  # one feature shown, nothing to correct for


def test_candidates_are_cut_by_f1c_then_ties():
    ranking = rank_by_hand(candidates=2)
    assert [feature.feature_id for feature in ranking.features] == [0, 2]
    assert ranking.filters[3].n_removed == 1


def test_support_is_a_fifth_of_the_positives_at_most_ten():
    frequency = np.zeros((40, 2))
    frequency[:3, 0] = 0.5  # three of twenty positives
    frequency[:4, 1] = 0.5  # four
    labels = np.arange(40)[:, None] < 20
    settings = RankingSettings(n_permutations=20)
    arguments = (statistics_of(frequency), labels, ("sea",), all_train(40))
    assert [f.feature_id for f in rank_features(*arguments, settings, label="sea").features] == [1]
    off = rank_features(*arguments, replace(settings, use_support=False), label="sea")
    assert [f.feature_id for f in off.features] == [1, 0]
    strict = rank_features(*arguments, replace(settings, min_support=3), label="sea")
    assert [f.feature_id for f in strict.features] == [1, 0]


def test_support_counts_training_positives_only():
    frequency = np.zeros((20, 1))
    frequency[[0, 5, 10, 11, 12], 0] = 0.5  # row 5 is a negative, rows from 10 on are held out
    labels = (np.arange(20) % 10 < 5)[:, None]
    split = Rows(np.arange(10), np.arange(10, 20))
    ranking = rank_features(statistics_of(frequency), labels, ("sea",), split, RankingSettings(), label="sea")
    assert ranking.features[0].support == 1


def test_effects_are_measured_for_candidates_only_and_filter_by_output_score():
    asked: list[list[int]] = []

    def effects(ids: list[int]) -> dict[int, FeatureEffect]:
        asked.append(ids)
        return {feature_id: effect(1.0 if feature_id == 1 else 1e-4) for feature_id in ids}

    arguments = (statistics_of(BY_HAND, density=DENSITY_BY_HAND), LABELS_BY_HAND, ("sea",), SPLIT_BY_HAND)
    ranking = rank_features(*arguments, RankingSettings(use_output_score=True), label="sea", effects=effects)
    assert asked == [[0, 2, 1]]
    assert [feature.feature_id for feature in ranking.features] == [1]
    feature = ranking.features[0]
    assert (feature.output_score, feature.delta_confidence, feature.top_tokens) == (1.0, -0.25, ("wave", "tide"))
    assert (feature.auroc, feature.support) == (0.75, 1)  # still its own numbers
    assert ranking.filters[4].n_removed == 2
    off = rank_features(*arguments, RankingSettings(), label="sea", effects=effects)
    assert [feature.output_score for feature in off.features] == [1e-4, 1e-4, 1.0]


def test_output_filter_without_anything_to_measure_it_is_refused():
    with pytest.raises(SteeringError, match="turn the filter off"):
        rank_by_hand(use_output_score=True)


def test_heldout_labels_change_nothing_that_was_chosen_before():
    labels = LABELS_BY_HAND.copy()
    labels[6:] = ~labels[6:]
    plain = rank_by_hand()
    turned = rank_features(
        statistics_of(BY_HAND, density=DENSITY_BY_HAND), labels, ("sea",), SPLIT_BY_HAND, plain.settings, label="sea"
    )
    for one, other in zip(plain.features, turned.features, strict=True):
        assert (one.feature_id, one.f1c, one.tau, one.auroc) == (other.feature_id, other.f1c, other.tau, other.auroc)
    assert turned.features[0].auroc_heldout == 0


def test_nothing_held_out():
    ranking = rank_features(
        statistics_of(BY_HAND, density=DENSITY_BY_HAND),
        LABELS_BY_HAND,
        ("sea",),
        all_train(10),
        RankingSettings(heldout=0.0),
        label="sea",
    )
    first = ranking.features[0]
    assert (first.f1c_heldout, first.auroc_heldout, first.interval) == (None, None, None)
    assert first.p_value is not None
    assert first.q_value is not None
    assert first.q_value >= first.p_value
    assert any("Nothing was held out" in warning for warning in ranking.warnings)


def test_heldout_part_of_one_class_is_said_and_not_scored():
    split = Rows(np.arange(6), np.array([6, 7]))
    ranking = rank_features(statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), split, RankingSettings(), label="sea")
    assert ranking.features[0].auroc_heldout is None
    assert ranking.features[0].q_value is not None
    assert any("lacks positives or negatives" in warning for warning in ranking.warnings)


def test_few_positives_are_said():
    assert any("4 positive examples" in warning for warning in rank_by_hand().warnings)


def test_json_has_the_names_of_the_command_line_and_no_nan():
    ranking = rank_features(
        statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), all_train(10), RankingSettings(), label="sea"
    )
    for each in (ranking, rank_by_hand()):
        text = json.dumps(each.to_json(), allow_nan=False)
        feature = json.loads(text)["features"][0]
        assert {
            "feature_id", "f1c", "auroc", "tau", "support", "f1c_heldout", "auroc_heldout", "interval", "q_value",
            "output_score", "delta_confidence", "max_act", "density", "label", "tpr", "fpr", "tp", "mean_difference",
            "p_value", "top_tokens",
        } <= set(feature)  # fmt: skip
        assert all(not isinstance(value, float) or np.isfinite(value) for value in feature.values())
    assert json.loads(text)["features"][0]["interval"] == pytest.approx(rank_by_hand().features[0].interval)


def test_table_keeps_the_order_and_splits_the_interval():
    frame = rank_by_hand().table()
    assert frame["feature_id"].tolist() == [0, 2, 1]
    assert frame["interval_high"].tolist()[0] == 1
    assert frame["output_score"].isna().all()
    assert frame["q_value"].dtype == float


def test_empty_ranking_is_a_table_with_all_columns_and_a_warning():
    ranking = rank_by_hand(max_density=0.0)
    assert ranking.features == ()
    assert list(ranking.table().columns) == list(rank_by_hand().table().columns)
    assert any("No feature passed" in warning for warning in ranking.warnings)
    assert json.dumps(ranking.to_json(), allow_nan=False)


def test_unknown_label_names_the_known_ones():
    with pytest.raises(ExamplesError, match="no label 'see'; the examples have 'sea'"):
        rank_features(statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), SPLIT_BY_HAND, RankingSettings(), label="see")


def test_label_without_training_positives_is_refused():
    split = Rows(np.arange(2, 6), np.arange(6, 10))
    with pytest.raises(ExamplesError, match="0 positives and 4 negatives among the 4 training rows"):
        rank_features(statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), split, RankingSettings(), label="sea")
    with pytest.raises(ExamplesError, match="0 positives"):
        rank_all_labels(statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), split, RankingSettings())


def test_split_of_other_examples_or_with_an_overlap_is_refused():
    for split, message in (
        (all_train(11), "split these examples again"),
        (Rows(np.arange(6), np.arange(5, 10)), "twice"),
    ):
        with pytest.raises(SteeringError, match=message):
            rank_features(statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), split, RankingSettings(), label="sea")
    with pytest.raises(SteeringError, match="10 examples and the labels 9"):
        rank_features(
            statistics_of(BY_HAND), LABELS_BY_HAND[:9], ("sea",), all_train(9), RankingSettings(), label="sea"
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"pi0": 0.0}, {"pi0": "best"}, {"heldout": 1.0}, {"max_density": 1.5}, {"candidates": 0}, {"min_support": 0},
        {"use_top_k": True}, {"use_top_k": True, "top_k": 0}, {"seed": -1},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(Exception, match=r"pi0|heldout|max_density|candidates|min_support|top-K|seed"):
        RankingSettings(**wrong)


def simulated(
    seed: int, n_examples: int = 60, n_groups: int = 50, per_group: int = 8, planted: int = 0
) -> tuple[FeatureStatistics, np.ndarray]:
    """Sparse features in correlated groups (split features), some of them planted on the positives."""
    rng = np.random.default_rng(seed)
    positive = rng.permutation(n_examples) < n_examples // 2
    share = 10 ** rng.uniform(-1.5, -0.2, n_groups)
    parents = rng.random((n_examples, n_groups)) < share
    copies = np.repeat(parents, per_group, axis=1)
    copies &= rng.random(copies.shape) < 0.9
    for feature in range(planted):
        copies[:, feature] = positive & (rng.random(n_examples) < 0.95)
    frequency = copies * rng.integers(1, 20, copies.shape) / 20
    return statistics_of(frequency), positive[:, None]


def halves(positive: np.ndarray) -> Rows:
    """Half of each class held out: 15 against 15 of 60."""
    train = np.concatenate([np.flatnonzero(side)[::2] for side in (positive, ~positive)])
    return Rows(np.sort(train), np.setdiff1d(np.arange(len(positive)), train))


def shuffles_with_a_discovery(n_shuffles: int, *, held_out: bool) -> int:
    discoveries = 0
    for seed in range(n_shuffles):
        statistics, labels = simulated(seed)  # labels are independent of every feature
        split = halves(labels[:, 0]) if held_out else all_train(60)
        ranking = rank_features(
            statistics, labels, ("nothing",), split, RankingSettings(n_resamples=10, seed=seed), label="nothing"
        )
        discoveries += any(feature.q_value < 0.05 for feature in ranking.features)
    return discoveries


def test_shuffled_labels_discover_nothing_on_heldout_examples():
    assert shuffles_with_a_discovery(60, held_out=True) <= 1


def test_shuffled_labels_discover_nothing_where_nothing_is_held_out():
    assert shuffles_with_a_discovery(60, held_out=False) <= 2


@pytest.mark.parametrize("held_out", [True, False])
def test_planted_features_are_found_first_with_small_q(held_out):
    statistics, labels = simulated(0, planted=3)
    split = halves(labels[:, 0]) if held_out else all_train(60)
    ranking = rank_features(statistics, labels, ("planted",), split, RankingSettings(), label="planted")
    top = ranking.features[:3]
    assert {feature.feature_id for feature in top} == {0, 1, 2}
    assert all(feature.q_value < (0.001 if held_out else 0.05) for feature in top)
    assert all(feature.f1c > ranking.null_f1c for feature in top)
    assert all(feature.q_value >= 0.05 for feature in ranking.features[3:])
    assert not any("noise floor" in warning for warning in ranking.warnings)


def test_noise_is_called_noise():
    statistics, labels = simulated(3)
    ranking = rank_features(statistics, labels, ("nothing",), all_train(60), RankingSettings(), label="nothing")
    assert any("noise floor" in warning for warning in ranking.warnings)


def test_too_few_negatives_for_the_prior_are_said():
    statistics, labels = simulated(0, planted=3)
    arguments = (statistics, labels, ("x",), all_train(60))
    # 30 negatives: 2 / (2 + 999 / 30) = 0.0566 at 1e-3, 2 / (2 + 1 / 30) = 0.98 at 0.5
    rare = rank_features(*arguments, RankingSettings(), label="x")
    assert any("30 negative training examples and pi0 = 0.001" in note and "0.06" in note for note in rare.warnings)
    even = rank_features(*arguments, RankingSettings(pi0=0.5), label="x")
    assert not any("negative training examples" in note for note in even.warnings)


def test_the_same_seed_gives_the_same_ranking():
    statistics, labels = simulated(1, planted=1)
    split = halves(labels[:, 0])
    one, other = (
        rank_features(statistics, labels, ("x",), split, RankingSettings(), label="x").to_json() for _ in range(2)
    )
    assert one == other


def test_numbers_equal_scikit_learn_on_the_heldout_part():
    statistics, labels = simulated(2, planted=2)
    split = halves(labels[:, 0])
    dense, positive = statistics.frequency.toarray()[split.heldout], labels[split.heldout, 0]
    for feature in rank_features(statistics, labels, ("x",), split, RankingSettings(), label="x").features[:30]:
        column = dense[:, feature.feature_id]
        assert feature.auroc_heldout == pytest.approx(roc_auc_score(positive, column))
        predicted = column >= feature.tau
        expected = calibrated_f1(float(predicted[positive].mean()), float(predicted[~positive].mean()))
        assert feature.f1c_heldout == pytest.approx(expected)
        low, high = feature.interval
        assert 0 <= low <= high <= 1


def three_labels() -> tuple[FeatureStatistics, np.ndarray, tuple[str, ...], Rows]:
    rng = np.random.default_rng(4)
    labels = rng.random((90, 3)) < 0.3
    labels = np.column_stack([labels, np.zeros(90, dtype=bool)])
    frequency = (rng.random((90, 40)) < 0.15) * rng.integers(1, 5, (90, 40)) / 5
    for label in range(3):
        frequency[:, label] = labels[:, label] * 0.4
    return statistics_of(frequency), labels, ("sea", "war", "law", "never"), Rows(np.arange(60), np.arange(60, 90))


def test_labels_swept_group_by_group_are_ranked_and_named_the_same(monkeypatch):
    statistics, labels, names, split = three_labels()
    # "sea" once more at the end: of equals the first label names a feature, whatever group it stands in
    labels, names = np.concatenate([labels, labels[:, :1]], axis=1), (*names, "sea too")
    settings = RankingSettings(n_resamples=20, n_permutations=10)
    at_once = rank_all_labels(statistics, labels, names, split, settings)
    monkeypatch.setattr("steering.ranking.rank.SWEEP_CELLS", 2 * statistics.d_sae)
    assert rank_all_labels(statistics, labels, names, split, settings) == at_once
    monkeypatch.setattr("steering.ranking.rank.SWEEP_CELLS", 1)
    assert rank_all_labels(statistics, labels, names, split, settings) == at_once
    assert at_once["sea too"].features[0].best_label == "sea"


def test_all_labels_in_one_pass_equal_one_label_at_a_time():
    statistics, labels, names, split = three_labels()
    settings = RankingSettings(n_resamples=50, n_permutations=30)
    together = rank_all_labels(statistics, labels, names, split, settings)
    assert list(together) == ["sea", "war", "law"]  # "never" is undefined
    for name, ranking in together.items():
        alone = rank_features(statistics, labels, names, split, settings, label=name)
        unnamed = tuple(replace(feature, best_label=None) for feature in ranking.features)
        assert replace(ranking, features=unnamed) == alone
        assert ranking.features[0].feature_id == names.index(name)
        assert ranking.features[0].best_label == name


def test_negatives_of_a_label_are_all_rows_without_it():
    statistics, labels, names, split = three_labels()
    ranking = rank_all_labels(statistics, labels, names, split, RankingSettings(n_permutations=10))["war"]
    assert ranking.n_positive == labels[:, 1].sum()
    assert ranking.n_negative == (~labels[:, 1]).sum()


def test_effects_of_all_labels_are_asked_for_once():
    asked: list[list[int]] = []

    def effects(ids: list[int]) -> dict[int, FeatureEffect]:
        asked.append(ids)
        return {feature_id: effect(0.5) for feature_id in ids}

    statistics, labels, names, split = three_labels()
    rank_all_labels(statistics, labels, names, split, RankingSettings(n_permutations=10), effects=effects)
    assert len(asked) == 1
    assert len(set(asked[0])) == len(asked[0])


def test_label_of_every_feature_and_features_of_every_label():
    statistics, labels, names, split = three_labels()
    named = feature_labels(statistics, labels, names, split)
    assert [named.name(feature) for feature in range(3)] == ["sea", "war", "law"]
    for name in names[:3]:
        assert named.features(name)[0] == names.index(name)
    assert named.features("never").tolist() == []
    assert len(named.label_index) == statistics.d_sae
    with pytest.raises(ExamplesError, match="no label 'sky'"):
        named.features("sky")


def test_feature_that_reads_nothing_has_no_name():
    named = feature_labels(statistics_of(BY_HAND), LABELS_BY_HAND, ("sea",), SPLIT_BY_HAND)
    assert named.name(4) is None
    assert named.name(5) is None


def test_automatic_prior_never_looks_at_heldout_examples():
    statistics, labels = simulated(5, planted=1)
    split = halves(labels[:, 0])
    turned = labels.copy()
    turned[split.heldout] = ~turned[split.heldout]
    settings = RankingSettings(pi0="auto", n_permutations=10)
    chosen = [rank_features(statistics, each, ("x",), split, settings, label="x").pi0 for each in (labels, turned)]
    assert chosen[0] == chosen[1]
    assert chosen[0] in PRIORS


def test_automatic_prior_leaves_the_default_where_recall_pays():
    # Ten lucky features find a few positives and no negative; one real feature finds all and a few negatives. With few
    # negatives a prior of 1e-3 prefers the lucky ones; they do not hold up, so a larger prior is chosen.
    rng = np.random.default_rng(0)
    positive = np.arange(80) < 40
    frequency = np.zeros((80, 60))
    for feature in range(55):
        frequency[rng.choice(40, 14, replace=False), feature] = 0.5
    for feature in range(55, 60):
        frequency[:, feature] = np.where(positive, 0.5, np.where(rng.random(80) < 0.12, 0.5, 0.0))
    chosen = choose_pi0(csc_array(frequency.astype(np.float32)), positive[:, None])
    assert chosen > 1e-3


def test_automatic_prior_keeps_the_default_where_it_makes_no_difference():
    frequency = csc_array((np.arange(20)[:, None] < 10).astype(np.float32))
    assert choose_pi0(frequency, np.arange(20)[:, None] < 10) == 1e-3
    assert choose_pi0(frequency, np.arange(20)[:, None] < 1) == 1e-3  # one positive cannot be split


def test_progress_can_cancel():
    def stop(share: float, message: str) -> None:
        raise Cancelled

    statistics, labels = simulated(0)
    with pytest.raises(Cancelled):
        rank_features(statistics, labels, ("x",), all_train(60), RankingSettings(), label="x", on_progress=stop)


def test_ranking_needs_no_torch_and_no_streamlit():
    code = (
        "import sys, steering.ranking\n"
        "heavy = {'torch', 'transformers', 'sae_lens', 'streamlit', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_strict_threshold_does_not_hide_a_feature_that_separates_the_classes():
    """One noisy negative drives tau at pi0 = 1e-3 so high that few held-out positives reach it."""
    generator = np.random.default_rng(0)
    positive = np.arange(160) % 2 == 0
    frequency = np.where(positive, generator.uniform(0.2, 0.6, 160), generator.uniform(0.0, 0.15, 160))
    frequency[1] = 0.55  # a training negative
    split = Rows(np.arange(100), np.arange(100, 160))
    statistics = statistics_of(np.stack([frequency, generator.uniform(0, 1, 160)], axis=1))
    ranking = rank_features(statistics, positive[:, None], ("sea",), split, RankingSettings(), label="sea")
    best = ranking.features[0]
    assert best.feature_id == 0
    assert best.tau > 0.54
    assert best.auroc_heldout == 1
    assert best.q_value < 1e-6


@pytest.mark.parametrize("name", ["n_permutations", "n_resamples"])
def test_draws_have_an_upper_bound(name):
    assert RankingSettings(**{name: 10_000})
    with pytest.raises(SteeringError, match=f"{name} is 10,001; choose 10,000 at most"):
        RankingSettings(**{name: 10_001})
