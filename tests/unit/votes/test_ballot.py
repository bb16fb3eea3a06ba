"""Is the ballot fixed per rater, balanced, and a fair sample?"""

from collections import Counter

import pytest

from steering.errors import StudyError
from steering.votes.ballot import MOST_QUESTIONS, ballot
from steering.votes.contest import contest_of, open_contest
from tests.drawn_study import drawn_about, drawn_answers, drawn_completion, drawn_content
from tests.drawn_votes import drawn_contest, drawn_vote_answers

ONE, OTHER = "b" * 16, "c" * 16


def test_a_ballot_is_fixed_per_rater_and_study():
    contest = drawn_contest()
    assert ballot(contest, ONE) == ballot(drawn_contest(), ONE)
    assert ballot(contest, ONE) != ballot(contest, OTHER)
    assert [q.pair for q in ballot(contest, ONE)] != [q.pair for q in ballot(contest, OTHER)]
    assert ballot(contest, ONE) != ballot(drawn_contest(study_id="d" * 16), ONE)


def test_everything_that_differs_is_asked_once_and_nothing_else():
    contest = drawn_contest(same=3)
    assert len(contest.same) == 3
    assert Counter(q.pair for q in ballot(contest, ONE)) == Counter(contest.pairs)


def test_sides_are_balanced_and_cannot_be_guessed():
    contest = drawn_contest(20, n_methods=2)
    questions = ballot(contest, ONE)
    assert sum(q.left == 0 for q in questions) == 10
    assert all({q.left, q.right} == {q.pair.first, q.pair.second} for q in questions)
    orders = {tuple(q.left for q in ballot(contest, letter * 16)) for letter in "abcdefgh"}
    assert len(orders) == 8
    assert not orders & {(0, 1) * 10, (1, 0) * 10}
    few = drawn_contest(5, n_methods=2)
    odd = [sum(q.left == 0 for q in ballot(few, letter * 16)) for letter in "abcdefghijklmnop"]
    assert set(odd) == {2, 3}, "neither method has the odd one always"


def test_a_thousand_prompts_are_sampled():
    contest = drawn_contest(1000)
    questions = ballot(contest, ONE)
    assert len(questions) == MOST_QUESTIONS
    assert len({q.pair.item for q in questions}) == MOST_QUESTIONS, "no prompt twice while others wait"
    few = Counter(q.pair.item for q in ballot(drawn_contest(15), ONE))
    assert set(few.values()) == {2, 3}
    asked = {q.pair.item for letter in "abcdefgh" for q in ballot(contest, letter * 16)}
    assert len(asked) > 4 * MOST_QUESTIONS, "raters see different parts"


def test_a_study_becomes_a_contest(shelf):
    study = shelf.save(drawn_about(), drawn_content())
    contest = open_contest(shelf, study.id)
    assert contest.titles == ("Baseline", "SAE")
    assert [item.texts for item in contest.items] == [("Hm 0", "Arr 0"), ("Hm 1", "Arr 1")]
    assert contest.items[1].overall[0] == drawn_answers("compare", judged=True).scores[1].overall
    assert contest.concept == "pirate"
    assert open_contest(shelf, study.id) is contest, "read once"
    shelf.delete(study.id)
    with pytest.raises(StudyError, match="no study"):
        open_contest(shelf, study.id)


def test_a_prompt_asked_twice_is_two_items():
    contest = contest_of("a" * 16, "x", drawn_vote_answers(("A", "B"), ("Same?", "Same?")))
    assert [item.texts for item in contest.items] == [("Telling a0.", "Telling b0."), ("Telling a1.", "Telling b1.")]
    assert contest.items[0].cluster == contest.items[1].cluster


def test_identical_answers_are_not_asked_and_one_method_is_no_contest():
    answers = drawn_vote_answers(("A", "B"), ("One", "Two"))
    alike = [drawn_completion(c, "One", "Alike.") for c in (0, 1)]
    contest = contest_of("a" * 16, "x", type(answers)("compare", ("A", "B"), {}, (*alike, *answers.completions[1::2])))
    assert (len(contest.same), len(contest.pairs)) == (1, 1)
    with pytest.raises(StudyError, match="Two methods"):
        contest_of("a" * 16, "x", drawn_vote_answers(("A",), ("One",)))
