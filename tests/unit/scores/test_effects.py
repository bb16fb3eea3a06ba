"""Output score and token confidence, both on next-token logits."""

import numpy as np
import pytest

from steering.errors import SteeringError
from steering.scores.confidence import delta_confidence, log_partition, token_confidence
from steering.scores.output import output_score

# probabilities 1/8, 1/8, 1/4, 1/2
LOGITS = np.log(np.array([[1.0, 1.0, 2.0, 4.0]], dtype=np.float32))


def test_output_score_by_hand():
    # best of tokens 0 and 2 is 2, rank 1 of 4: (1 - 1/4) * 1/4
    assert output_score(LOGITS, np.array([[0, 2]]))[0] == pytest.approx(0.75 * 0.25)
    # the likeliest token: (1 - 0) * 1/2
    assert output_score(LOGITS, np.array([[3, 0]]))[0] == pytest.approx(0.5)
    # tied last: two are strictly larger
    assert output_score(LOGITS, np.array([[0, 1]]))[0] == pytest.approx(0.5 * 0.125)


def test_output_score_of_a_block_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(7, 50)).astype(np.float32) * 5
    lens = np.array([rng.permutation(50)[:20] for _ in range(7)])
    for row, tokens, score in zip(logits, lens, output_score(logits, lens), strict=True):
        p = np.exp(row) / np.exp(row).sum()
        rank = np.argsort(np.argsort(-p))
        best = tokens[np.argmin(rank[tokens])]
        assert score == pytest.approx((1 - rank[best] / 50) * p[best], rel=1e-5)


def test_output_score_ignores_a_shift_of_the_logits():
    np.testing.assert_allclose(
        output_score(LOGITS + 80, np.array([[0, 2]])), output_score(LOGITS, np.array([[0, 2]])), rtol=1e-5
    )


def test_token_ids_of_another_vocabulary_are_refused():
    with pytest.raises(SteeringError, match="outside the 4 tokens"):
        output_score(LOGITS, np.array([[4]]))


def test_confidence_by_hand():
    assert token_confidence(LOGITS)[0] == pytest.approx(np.log(2))
    assert token_confidence(LOGITS, k=2)[0] == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert token_confidence(LOGITS, k=4)[0] == pytest.approx((np.log(2) + np.log(4) + 2 * np.log(8)) / 4)


def test_confidence_goes_down_where_the_model_becomes_surer():
    baseline = np.zeros(4, dtype=np.float32)
    # log 2 - log 4: the likeliest token went from 1/4 to 1/2
    assert delta_confidence(LOGITS, baseline)[0] == pytest.approx(-np.log(2))
    assert delta_confidence(baseline[None, :], baseline)[0] == 0


def test_ruled_out_tokens_do_not_matter_and_overflow_is_refused():
    ruled_out = np.array([[0.0, 0.0, -np.inf, -np.inf]], dtype=np.float32)
    assert log_partition(ruled_out)[0] == pytest.approx(np.log(2))
    for bad in (np.nan, np.inf):
        with pytest.raises(SteeringError, match="overflowed"):
            token_confidence(np.array([[0.0, bad]], dtype=np.float32))


@pytest.mark.parametrize("k", [0, 5])
def test_impossible_k_is_refused(k):
    with pytest.raises(SteeringError, match="between 1 and the vocabulary size, 4"):
        token_confidence(LOGITS, k=k)
