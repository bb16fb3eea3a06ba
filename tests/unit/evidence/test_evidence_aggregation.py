"""From completions to concepts, AxBench's way and Arad's."""

import pytest

from steering.errors import SteeringError
from steering.evidence.aggregation import concept_means, paired_values
from steering.evidence.protocol import mark_selected
from tests.unit.evidence.tables import full, rows, table


def by_hand():
    """One concept, two seeds; the chosen factor 1 scores (0, 2) and (1.5, 1.5) on the test half."""
    return table(
        rows("lora", "a", 1.0, "select", [(2, 2, 2)] * 2),
        rows("lora", "a", 2.0, "select", [(0, 2, 2)] * 2),
        rows("lora", "a", 1.0, "test", [(0, 2, 2), (2, 2, 2)], kl=0.4),
        rows("lora", "a", 2.0, "test", [(2, 2, 2)] * 2, kl=9.0),
        rows("lora", "a", 1.0, "select", [(2, 2, 2)] * 2, seed=1),
        rows("lora", "a", 1.0, "test", [(1, 2, 2), (1, 2, 2)], seed=1, kl=0.6),
    )


def test_axbench_averages_harmonic_means_of_the_test_half_at_the_chosen_factor():
    means = concept_means(mark_selected(by_hand())).iloc[0]
    assert means["overall"] == pytest.approx((1.0 + 1.5) / 2)
    assert means["concept_score"] == pytest.approx(1.0)
    assert means["kl"] == pytest.approx(0.5)
    assert (means["n_seeds"], means["n_completions"]) == (2, 4)


def test_arad_takes_the_harmonic_mean_of_mean_ratings():
    """Seed 0: ratings average (1, 2, 2), so 1.5 instead of 1; seed 1 is the same either way."""
    means = concept_means(mark_selected(by_hand()), aggregation="arad").iloc[0]
    assert means["overall"] == pytest.approx(1.5)


def test_a_seed_with_more_completions_weighs_no_more():
    more = table(rows("lora", "a", 1.0, "test", [(0, 2, 2)] * 6, seed=1), rows("lora", "a", 1.0, "test", [(2, 2, 2)]))
    assert concept_means(more.assign(selected=True))["overall"].tolist() == [1.0]


def test_an_unscored_test_half_is_named():
    marked = mark_selected(by_hand())
    with pytest.raises(SteeringError, match="lora on a, seed 1, has no scored completion"):
        concept_means(marked[(marked["half"] == "select") | (marked["seed"] == 0)])


def test_pairs_are_of_the_same_concepts():
    methods = {"lora": lambda concept, _: (2, 2, 2) if concept == "a" else (0, 2, 2), "lat": lambda *_: (1, 2, 2)}
    means = concept_means(mark_selected(full(methods)))
    ours, theirs = paired_values(means.sample(frac=1, random_state=0), "m", "lora", "lat")
    assert ours.tolist() == [2.0, 0.0, 0.0]
    assert theirs.tolist() == [1.5] * 3
    with pytest.raises(SteeringError, match="not measured on the same concepts"):
        paired_values(means.iloc[1:], "m", "lora", "lat")
    with pytest.raises(SteeringError, match="no result of pca"):
        paired_values(means, "m", "pca", "lat")
