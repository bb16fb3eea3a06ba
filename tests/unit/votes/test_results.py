"""Win rates, intervals and agreement, against numbers worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from steering.scores.intervals import wilson_interval
from steering.votes.results import results_of
from tests.drawn_votes import collected, drawn_contest, drawn_vote


def test_rates_by_hand():
    contest = drawn_contest(4, n_methods=2)
    # Method 1 (SAE's place here) is chosen three times, one tie: it wins 3.5 of 4.
    votes = [drawn_vote(i, 1, 0, "left") for i in range(3)] + [drawn_vote(3, 0, 1, "tie")]
    found = results_of(contest, collected(votes))
    assert (found.n_raters, found.n_votes, found.left) == (1, 4, 1.0)
    assert [method.rate.value for method in found.methods] == [0.125, 0.875]
    pair = found.pairs[0]
    assert (pair.wins, pair.losses, pair.ties, pair.rate.value) == (0, 3, 1, 0.125)
    assert found.methods[1].rate.low == pytest.approx(1 - found.methods[0].rate.high)
    assert 0.5 <= found.methods[1].rate.low < 0.875 < found.methods[1].rate.high


def test_sides_do_not_matter():
    contest = drawn_contest(6, n_methods=2)
    votes = [drawn_vote(i, 0, 1, "left" if i < 4 else "right") for i in range(6)]
    turned = [drawn_vote(i, 1, 0, "right" if i < 4 else "left") for i in range(6)]
    first, second = results_of(contest, collected(votes)), results_of(contest, collected(turned))
    assert first.methods == second.methods
    assert first.pairs == second.pairs
    assert first.judge == second.judge
    assert (first.left, second.left) == (pytest.approx(4 / 6), pytest.approx(2 / 6))


def test_same_answers_are_ties_by_definition():
    contest = drawn_contest(4, n_methods=2, same=2)
    found = results_of(contest, collected([drawn_vote(2), drawn_vote(3)]))
    assert found.pairs[0].rate.value == 0.75, "two wins and two ties"
    # One of the two that differ was voted on: it stands for both.
    assert results_of(contest, collected([drawn_vote(2)])).pairs[0].rate.value == 0.75
    assert (found.pairs[0].n_same, found.pairs[0].n_different) == (2, 2)


def test_a_method_is_the_mean_over_its_opponents():
    contest = drawn_contest(4)
    votes = [drawn_vote(i, 0, 1, "right") for i in range(4)] + [drawn_vote(0, 0, 2, "left")]
    found = results_of(contest, collected(votes))
    assert [method.rate.value for method in found.methods] == [0.5, 1.0, 0.0]
    assert [method.n_votes for method in found.methods] == [5, 4, 1]
    assert found.pairs[2].rate is None, "1 against 2: no vote yet"
    assert results_of(contest, {}).methods[0].rate is None


def test_unanimous_votes_are_not_certain():
    found = results_of(drawn_contest(8, n_methods=2), collected([drawn_vote(i) for i in range(8)]))
    rate = found.methods[0].rate
    assert (rate.low, rate.high) == pytest.approx(wilson_interval(8, 8))


def test_votes_of_one_person_or_prompt_are_no_independent_evidence():
    contest = drawn_contest(12, n_methods=2)
    split = [drawn_vote(i, choice="left" if i < 9 else "right") for i in range(12)]
    alone = results_of(contest, collected(split)).pairs[0].rate
    many = results_of(contest, collected(*[split] * 6)).pairs[0].rate
    assert many.high - many.low == pytest.approx(alone.high - alone.low, rel=0.05), "six who say the same are one"
    raters = collected(*[[drawn_vote(i, choice="left" if r < 4 else "right") for i in range(12)] for r in range(6)])
    divided = results_of(contest, raters).pairs[0].rate
    assert divided.value == pytest.approx(alone.value, abs=0.1)
    assert divided.low < 0.4 < 0.9 < divided.high, "people differ, whatever the prompts"


@pytest.mark.parametrize("rater_sd", [0.0, 0.2])
def test_the_interval_covers_the_truth_and_is_no_wider_than_it_must_be(rater_sd):
    """Prompts differ, and people: one prefers the first answer more often than another does, whatever the prompt."""
    drawn = np.random.default_rng(0)
    found = []
    for _ in range(60):
        prompts, people = drawn.beta(6, 4, size=24), drawn.normal(0, rater_sd, size=8)  # the mean is 0.6
        raters = [
            [drawn_vote(i, choice="left" if drawn.random() < prompts[i] + one else "right") for i in range(24)]
            for one in people
        ]
        found.append(results_of(drawn_contest(24, n_methods=2), collected(*raters)).pairs[0].rate)
    covered = sum(rate.low <= 0.6 <= rate.high for rate in found)
    assert covered >= 55
    spread = 2 * 1.96 * np.std([rate.value for rate in found])
    width = np.mean([rate.high - rate.low for rate in found])
    # The product of both weights counts the noise of single votes more than once, so that it is wide without it, too.
    assert 0.9 < width / spread < 1.7


def test_agreement_by_hand():
    contest = drawn_contest(4, n_methods=2)
    first = [drawn_vote(i, choice="left") for i in range(4)]
    found = results_of(contest, collected(first, first)).agreement
    assert (found.alpha, found.same, found.n_pairs) == (1.0, 1.0, 4)
    assert results_of(contest, collected(first)).agreement == replace(found, alpha=None, same=None, n_pairs=0)
    second = [drawn_vote(0, choice="right"), *first[1:]]
    found = results_of(contest, collected(first, second)).agreement
    # Both ways round: eight units, two mismatched, eight ones and eight zeros: 1 - (16 - 1) * 2 * 2 / (2 * 8 * 8).
    assert found.alpha == pytest.approx(1 - 15 * 4 / 128)
    assert found.same == 0.75


def test_people_and_judge():
    contest = drawn_contest(6, n_methods=2)  # the judge prefers method 1 everywhere
    items = list(contest.items)
    items[5] = replace(items[5], overall=(1.0, 1.0))
    contest = replace(contest, items=tuple(items))
    one = [drawn_vote(i, choice="right" if i < 3 else "left") for i in range(6)]
    two = [drawn_vote(0, choice="left"), *one[1:]]  # on item 0 they are divided
    judge = results_of(contest, collected(one, two)).judge
    assert (judge.n_decided, judge.n_people_tie, judge.n_judge_tie) == (4, 1, 1)
    assert judge.share.value == 0.5
    without = replace(contest, items=tuple(replace(item, overall=(None, None)) for item in contest.items))
    assert results_of(without, collected(one)).judge is None


def test_reasons_and_votes_of_another_contest():
    contest = drawn_contest(3)
    votes = [drawn_vote(0, 2, 0, "right", reason="  saltier ", name="Ana"), drawn_vote(99), drawn_vote(1, 0, 7)]
    found = results_of(contest, collected(votes))
    assert found.n_votes == 1
    assert [(r.chosen, r.other, r.name) for r in found.reasons] == [("Baseline", "SAE", "Ana")]
    assert results_of(contest, collected([drawn_vote(0, choice="tie", reason="x")])).reasons[0].chosen is None


def test_json_has_no_nan():
    found = results_of(drawn_contest(3), collected([drawn_vote(0, choice="tie")])).to_json()
    assert found["pairs"][0]["rate"] == {"value": 0.5, "low": None, "high": None}


def test_a_resample_of_the_same_answers_alone_is_a_tie():
    """Three of twelve prompts differ: some resamples hold none of them, and all their answers are ties."""
    contest = drawn_contest(12, n_methods=2, same=9)
    rate = results_of(contest, collected([drawn_vote(i) for i in (9, 10, 11)])).pairs[0].rate
    assert rate.value == (4.5 + 3) / 12
    assert rate.low == 0.5
