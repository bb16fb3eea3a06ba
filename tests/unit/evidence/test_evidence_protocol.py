"""Choosing a factor, and seeing that the comparison is fair."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.protocol import (
    check_grids,
    check_halves,
    check_prompts,
    check_protocol,
    choose_factor,
    choose_factors,
    mark_selected,
    oracle_factors,
)
from tests.unit.evidence.tables import full, rows, table

GOOD, FAIR, BAD = (2, 2, 2), (1, 2, 2), (0, 2, 2)


def test_the_best_mean_wins_and_the_smallest_of_equals():
    scores = np.array([[0.0, 1.0], [1.2, 0.8], [2.0, 0.0], [0.5, 0.5]])
    assert choose_factor(np.array([1.0, 2.0, 3.0, 4.0]), scores) == 2.0
    assert choose_factor(np.array([3.0, 2.0, 1.0, 4.0]), scores[[2, 1, 0, 3]]) == 2.0
    assert choose_factor(np.array([-1.0, 2.0]), np.ones((2, 1))) == -1.0


def test_the_order_of_the_same_ratings_does_not_break_a_tie():
    scores = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    assert len(set(scores.mean(axis=1))) == 2  # they differ in the last digit
    for pair in (scores, scores[::-1]):
        assert choose_factor(np.array([1.0, 2.0]), pair) == 1.0


def test_nor_does_it_in_a_table():
    rng = np.random.default_rng(0)
    given = table(
        *(
            rows("lora", f"c{concept}", factor, "select", [(2, 2, 2)] * 60)
            for concept in range(20)
            for factor in (2.0, 1.0)
        )
    )
    scores = rng.choice([0.0, 0.1, 0.3, 1.0, 1.2, 1.5, 2.0], (20, 60))
    given["overall"] = np.concatenate([rng.permutation(of_concept) for of_concept in scores for _ in range(2)])
    means = given.groupby(["concept", "factor"])["overall"].mean().unstack()
    assert (means[2.0] > means[1.0]).any()  # in the last digit
    assert (choose_factors(given)["factor"] == 1.0).all()


def test_no_score_no_factor():
    with pytest.raises(SteeringError, match="cannot be chosen"):
        choose_factor(np.array([1.0]), np.array([[np.nan]]))


def contrary():
    """On the selection half factor 1 is best, on the test half factor 2; seed 1 the other way round."""
    parts = []
    for seed, (first, second) in enumerate([(GOOD, BAD), (BAD, GOOD)]):
        parts += [
            rows("lora", "a", 2.0, "select", [second, FAIR], seed=seed),
            rows("lora", "a", 1.0, "select", [first, FAIR], seed=seed),
            rows("lora", "a", 1.0, "test", [second, FAIR], seed=seed),
            rows("lora", "a", 2.0, "test", [first, FAIR], seed=seed),
        ]
    return table(*parts)


def test_each_seed_chooses_on_the_selection_half_only():
    assert choose_factors(contrary())["factor"].tolist() == [1.0, 2.0]
    assert oracle_factors(contrary())["factor"].tolist() == [2.0, 1.0]


def test_it_is_choose_factor_run_by_run():
    rng = np.random.default_rng(0)
    given = full({"lora": lambda *_: GOOD, "lat": lambda *_: GOOD}, factors=(1.0, 2.0, 3.0), seeds=(0, 1))
    given["overall"] = rng.choice([0.0, 1.0, 1.5, 2.0], len(given))
    for run in choose_factors(given).itertuples():
        mine = given[(given["half"] == "select") & (given["method"] == run.method) & (given["concept"] == run.concept)]
        mine = mine[mine["seed"] == run.seed].sort_values(["factor", "prompt_id"])
        assert run.factor == choose_factor(np.array([1.0, 2.0, 3.0]), mine["overall"].to_numpy().reshape(3, -1))


def test_the_chosen_factor_is_marked_in_both_halves():
    marked = mark_selected(contrary())
    of_seed = {0: 1.0, 1: 2.0}
    assert (marked["selected"] == (marked["factor"] == marked["seed"].map(of_seed))).all()
    assert set(marked[marked["selected"]]["half"]) == {"select", "test"}
    assert not contrary()["selected"].any()  # the input stays as it was
    oracle = mark_selected(contrary(), oracle_factors(contrary()))
    assert (oracle["selected"] == ~marked["selected"]).all()


def test_a_run_without_a_selection_half_has_no_factor():
    half = contrary()[lambda t: (t["half"] == "test") | (t["seed"] == 0)]
    with pytest.raises(SteeringError, match="No factor was chosen for lora on a, seed 1"):
        mark_selected(half)


def test_an_oracle_needs_the_whole_grid():
    chosen_only = contrary()[lambda t: (t["half"] == "select") | (t["factor"] == 1.0)]
    with pytest.raises(SteeringError, match="1 of its 2 factors"):
        oracle_factors(chosen_only)


def fair():
    return full({"lora": lambda *_: GOOD, "sae_f1c": lambda *_: FAIR})


def test_a_fair_table_passes():
    check_protocol(fair())
    # After the choice the test half may hold the chosen factor alone, and a prompt has no factor to choose.
    check_protocol(fair()[lambda t: (t["half"] == "select") | (t["factor"] == 1.0)])
    prompted = full({"prompt": lambda *_: GOOD, "none": lambda *_: BAD}, factors=(0.0,))
    check_protocol(pd.concat([fair(), prompted]))


def test_a_prompt_in_both_halves_is_found():
    with pytest.raises(SteeringError, match="Prompt p of a is in both halves"):
        check_halves(fair().assign(prompt_id="p"))


def test_grids_of_unequal_size_are_found():
    more = full({"lat": lambda *_: GOOD}, factors=(1.0, 2.0, 3.0))
    with pytest.raises(SteeringError, match=r"lora \(a\) has 2 factors and lat \(a\) has 3"):
        check_grids(pd.concat([fair(), more]))


@pytest.mark.parametrize(
    "spoil",
    [lambda t: t.iloc[1:], lambda t: pd.concat([t, t.iloc[:1]])],
    ids=["one is missing", "one stands twice"],
)
def test_uneven_prompts_are_found(spoil):
    with pytest.raises(SteeringError, match="did not get the same prompts equally often"):
        check_prompts(spoil(fair()))


def test_methods_on_other_prompts_are_found():
    less = fair()[lambda t: (t["method"] != "lora") | ~t["prompt_id"].str.endswith("1")]
    with pytest.raises(SteeringError, match="lora was given 1 of the 2 prompts of a"):
        check_prompts(less)
