"""What will a judge cost, before it is asked?

    price = prompt tokens / 1e6 * price per million + completion tokens / 1e6 * price per million

Prices are the user's: they change, and differ by endpoint. Tokens are counted by whoever has the tokenizer, or
roughly, one for every four bytes of text, which is a little high for English.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steering.errors import JudgeError
from steering.judges.rubric import ASPECTS, judge_prompt

BYTES_PER_TOKEN = 4
MESSAGE_TOKENS = 8
"""What a chat's own marks add to a question."""
REPLY_TOKENS = 80
"""A reason of one or two sentences and the rating [our estimate]."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a judge, in any currency.

    Attributes:
        prompt: for a million tokens that the judge reads.
        completion: for a million tokens that it writes.

    Raises:
        JudgeError: a price below 0, or none at all.
    """

    prompt: float
    completion: float

    def __post_init__(self) -> None:
        for name in ("prompt", "completion"):
            price = getattr(self, name)
            if not (math.isfinite(price) and price >= 0):
                raise JudgeError(f"The price of a million {name} tokens is {price}; give a number from 0 up.")

    def price(self, prompt_tokens: int | float, completion_tokens: int | float) -> float:
        """Of so many tokens read and written."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a run of a judge will take. Retries and thinking aloud come on top.

    Attributes:
        n_ratings: ratings wanted.
        n_calls: requests for them, after what is cached, shared or empty.
        prompt_tokens: read by the judge.
        completion_tokens: written by the judge.
        price: None where no prices were given.
    """

    n_ratings: int
    n_calls: int
    prompt_tokens: int
    completion_tokens: int
    price: float | None

    def sentence(self) -> str:
        """For the screen and the log."""
        spared = self.n_ratings - self.n_calls
        parts = [f"{self.n_calls:,} requests for {self.n_ratings:,} ratings"]
        if spared:
            parts.append(f"{spared:,} need none")
        parts.append(f"about {self.prompt_tokens:,} tokens to read and {self.completion_tokens:,} to write")
        parts.append(f"about {self.price:,.2f} at the prices given" if self.price is not None else "no prices given")
        return "; ".join(parts) + "."


def rough_tokens(text: str) -> int:
    """Tokens of ``text`` without a tokenizer: a quarter of its bytes, rounded up."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def estimate_cost(
    prompts: Sequence[str],
    *,
    n_ratings: int | None = None,
    reply_tokens: int = REPLY_TOKENS,
    prices: Prices | None = None,
    count_tokens: Callable[[str], int] = rough_tokens,
) -> CostEstimate:
    """The cost of questions that are known, such as those of `steering.judges.rubric_judge.RubricJudge.plan`.

    Args:
        prompts: every question that will be sent.
        n_ratings: ratings that they serve, where some are cached or shared; None for one each.
        reply_tokens: of a reply, on average.
        prices: the user's; None leaves the price out.
        count_tokens: of a text.
    """
    read = sum(count_tokens(prompt) + MESSAGE_TOKENS for prompt in prompts)
    return _estimate(len(prompts) if n_ratings is None else n_ratings, len(prompts), read, reply_tokens, prices)


def estimate_run(
    n_rows: int,
    *,
    text_tokens: int = 128,
    instruction_tokens: int = 32,
    concept_tokens: int = 16,
    reply_tokens: int = REPLY_TOKENS,
    prices: Prices | None = None,
    count_tokens: Callable[[str], int] = rough_tokens,
) -> CostEstimate:
    """The cost of completions that are yet to be written: three ratings each, nothing cached.

    Args:
        n_rows: completions. AxBench's protocol: per concept and method, 5 instructions at every factor and 5 at the
            chosen one.
        text_tokens: of a completion, on average; its limit is an upper bound.
        instruction_tokens: of an instruction, on average.
        concept_tokens: of a concept, on average.
        reply_tokens: of a reply, on average.
        prices: the user's; None leaves the price out.
        count_tokens: of a text; used on the rubric's own words.

    Raises:
        JudgeError: a negative number.
    """
    numbers = (n_rows, text_tokens, instruction_tokens, concept_tokens, reply_tokens)
    if min(numbers) < 0:
        raise JudgeError(f"An estimate was asked for with {min(numbers)} rows or tokens; give numbers from 0 up.")
    frames = sum(count_tokens(judge_prompt(aspect, "", "", "")) + MESSAGE_TOKENS for aspect in ASPECTS)
    read = n_rows * (frames + len(ASPECTS) * text_tokens + instruction_tokens + concept_tokens)
    n_calls = len(ASPECTS) * n_rows
    return _estimate(n_calls, n_calls, read, reply_tokens, prices)


def _estimate(n_ratings: int, n_calls: int, read: int, reply_tokens: int, prices: Prices | None) -> CostEstimate:
    written = n_calls * reply_tokens
    return CostEstimate(n_ratings, n_calls, read, written, prices.price(read, written) if prices else None)
