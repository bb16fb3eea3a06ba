"""Right and wrong labels where the truth was planted, and the sentences that the truth is read from."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from steering.errors import WorldError
from steering.world.concepts import concepts
from steering.world.label_truth import (
    FeatureTruth,
    accepted_labels,
    find_truth,
    fresh_answers,
    judge_labels,
    sentence_of_tokens,
)
from steering.world.labelled import all_concepts_examples

NAMES = tuple(one.name for one in concepts())


@pytest.fixture(scope="module")
def answers():
    return fresh_answers(4, seed=3)


def planted(answers) -> csc_array:
    """Feature i fires on the sentences of concept i and on nothing else; the last one on every second sentence.

    Feature 0 is silent, and feature 1 fires in the whole of every answer that carries its concept.
    """
    sentences = [(answer, sentence) for answer in answers for sentence in answer.sentences]
    frequency = np.zeros((len(sentences), len(NAMES) + 1), dtype=np.float32)
    for row, (answer, sentence) in enumerate(sentences):
        frequency[row, 1:-1] = [0.5 * (name in sentence.concepts) for name in NAMES[1:]]
        frequency[row, 1] = 0.5 * (NAMES[1] in answer.carries)
        frequency[row, -1] = 0.1 * (row % 2)
    return csc_array(frequency)


def test_planted_labels_are_found_right_and_exchanged_ones_are_not(answers):
    truth = find_truth(planted(answers), answers, pi0=1e-2)
    assert truth.concepts == NAMES
    ids = np.arange(1, len(NAMES))
    assert truth.auroc[ids, ids] == pytest.approx(1.0)
    assert truth.f1c[ids, ids] == pytest.approx(1.0)
    right = judge_labels(ids, NAMES[1:], truth)
    assert (right.precision, right.finding_precision) == (1.0, 1.0)
    assert right.recall == right.finding_recall == pytest.approx(32 / 33)
    assert right.missed == (NAMES[0],)
    assert right.chance == pytest.approx(1 / 32)
    turned = judge_labels(ids, (*NAMES[2:], NAMES[1]), truth)
    assert (turned.precision, turned.recall) == (0.0, 0.0)
    assert turned.carried == NAMES[1:]
    half = judge_labels(ids[:4], (*NAMES[1:3], NAMES[9], NAMES[9]), truth)
    assert (half.precision, half.recall) == (0.5, pytest.approx(2 / 33))


def test_what_fires_nowhere_or_everywhere_is_not_right_and_does_not_find(answers):
    truth = find_truth(planted(answers), answers, pi0=1e-2)
    judged = judge_labels(np.array([0, len(NAMES)]), (NAMES[0], NAMES[0]), truth)
    assert not judged.right[0], "a silent feature carries nothing, though its first column is the first concept"
    assert judged.carried[0] is None
    assert not judged.finds.any()
    nothing = judge_labels(np.array([], dtype=int), (), truth)
    assert (nothing.precision, nothing.chance, nothing.recall) == (None, None, 0.0)


def test_a_right_label_need_not_find():
    truth = FeatureTruth(("a", "b"), np.array([[0.3, 0.1]]), np.array([[0.6, 0.95]]), np.array([5, 5]))
    judged = judge_labels(np.array([0, 0]), ("a", "b"), truth)
    assert judged.right.tolist() == [True, False]
    assert not judged.finds.any()
    with pytest.raises(WorldError, match="'c' is no concept"):
        judge_labels(np.array([0]), ("c",), truth)


def test_rows_and_sentences_belong_together(answers):
    with pytest.raises(WorldError, match="rows for"):
        find_truth(csc_array(np.ones((3, 2), dtype=np.float32)), answers, pi0=0.1)


def test_a_token_belongs_to_the_sentence_of_its_last_character():
    tokens = ["It", " ra", "ins", ".", " ", "We", " go", "."]
    assert sentence_of_tokens(tokens, ["It rains.", "We go."]).tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert sentence_of_tokens(["It rains", ". We", " go."], ["It rains.", "We go."]).tolist() == [0, 1, 1]
    assert sentence_of_tokens(["I", " go.", " ", "I", " stay."], ["I go.", "I stay."]).tolist() == [0, 0, 0, 1, 1]
    with pytest.raises(WorldError, match="must be the same"):
        sentence_of_tokens(["It"], ["It rains."])


def test_fresh_answers_are_labelled_and_share_no_text_with_the_examples():
    fresh = fresh_answers(4, seed=1, split="heldout")
    assert fresh == fresh_answers(4, seed=1, split="heldout") != fresh_answers(4, seed=2, split="heldout")
    assert len(fresh) == 35 * 4
    for answer in fresh:
        assert {name for sentence in answer.sentences for name in sentence.concepts} == set(answer.carries)
    sentences = {sentence.text for answer in fresh for sentence in answer.sentences if sentence.concepts}
    known = " ".join(all_concepts_examples(12)["text"])
    assert len(sentences) > 200
    assert not [text for text in sentences if text in known]
    with pytest.raises(WorldError, match="at least 1"):
        fresh_answers(0)


def test_accepted_are_best_labels_with_a_small_q():
    table = pd.DataFrame(
        {"feature_id": [1, 2, 3, 4], "best_label": [True, True, False, True], "q_value": [0.05, 0.06, 0.0, np.nan]}
    )
    assert accepted_labels(table)["feature_id"].tolist() == [1]
    assert accepted_labels(table, max_q=1.0)["feature_id"].tolist() == [1, 2]
