import pytest

from steering.errors import JudgeError
from steering.judges.cost import Prices, estimate_cost, estimate_run, rough_tokens
from steering.judges.rubric import ASPECTS, judge_prompt


def test_price_of_known_questions_by_hand() -> None:
    # Two questions of 100 and 200 words, 8 tokens of frame each, replies of 50 tokens.
    prices = Prices(prompt=2.0, completion=10.0)
    found = estimate_cost(
        ["w " * 100, "w " * 200],
        n_ratings=6,
        reply_tokens=50,
        prices=prices,
        count_tokens=lambda text: len(text.split()),
    )
    assert (found.n_ratings, found.n_calls, found.prompt_tokens, found.completion_tokens) == (6, 2, 316, 100)
    assert found.price == pytest.approx(316 * 2e-6 + 100 * 10e-6)
    assert found.sentence().startswith("2 requests for 6 ratings; 4 need none; about 316 tokens to read and 100 to")


def test_a_run_to_come_costs_what_its_questions_will_cost() -> None:
    words = {"concept": "c" * 64, "prompt": "p" * 128, "text": "t" * 512}  # 16, 32 and 128 tokens
    prompts = [judge_prompt(aspect, **words) for aspect in ASPECTS] * 10
    known, planned = estimate_cost(prompts), estimate_run(10)
    assert planned.n_calls == known.n_calls == 30
    assert planned.prompt_tokens == pytest.approx(known.prompt_tokens, rel=0.01)
    assert planned.completion_tokens == known.completion_tokens
    assert planned.price is None
    assert "no prices given" in planned.sentence()


def test_nothing_costs_nothing() -> None:
    assert estimate_run(0, prices=Prices(1.0, 1.0)).price == 0.0
    assert estimate_cost([], prices=Prices(1.0, 1.0)).price == 0.0


def test_rough_tokens_count_bytes() -> None:
    assert [rough_tokens(text) for text in ("", "a", "abcd", "abcde", "üüüü")] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_prices_are_numbers_from_0_up(price: float) -> None:
    with pytest.raises(JudgeError, match="price of a million prompt tokens"):
        Prices(price, 1.0)
    with pytest.raises(JudgeError, match="price of a million completion tokens"):
        Prices(1.0, price)


def test_negative_plans_are_refused() -> None:
    with pytest.raises(JudgeError, match="from 0 up"):
        estimate_run(-1)
