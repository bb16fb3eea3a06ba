"""How is the next token drawn, so that the same seed gives the same text however rows are batched?

Every row has its own stream of uniform numbers, made from seed, prompt (in a conversation: all that the user said) and
sample number. Panes that differ only in condition share it (common random numbers), so a factor of 0 reproduces the
baseline token for token, and small changes of the distribution change few tokens.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from steering.errors import SteeringError

MAX_NEW_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn.

    Attributes:
        max_new_tokens: tokens at most, the end-of-text token included.
        temperature: 1 samples from the model's own distribution, 0 always takes the likeliest token.
        top_p: nucleus; 1 keeps every token.
    """

    max_new_tokens: int = 64
    temperature: float = 1.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.max_new_tokens <= MAX_NEW_TOKENS:
            raise SteeringError(f"{self.max_new_tokens} new tokens were asked for; choose 1 to {MAX_NEW_TOKENS}.")
        if not (math.isfinite(self.temperature) and 0 <= self.temperature <= 10):
            raise SteeringError(f"The temperature is {self.temperature}; choose a number from 0 to 10.")
        if not 0 < self.top_p <= 1:
            raise SteeringError(f"top_p is {self.top_p}; choose a number above 0 and at most 1.")


def uniforms(seed: int, prompt: str, sample: int, count: int) -> Float[Tensor, " count"]:
    """The uniform numbers of one row, the same for every condition and every batch."""
    if seed < 0:
        raise SteeringError(f"The seed is {seed}; choose a whole number from 0 up.")
    generator = np.random.Generator(np.random.PCG64([seed, sample, zlib.crc32(prompt.encode())]))
    return torch.from_numpy(generator.random(count))


def draw(
    logits: Float[Tensor, "rows vocab"], uniform: Float[Tensor, " rows"], sampling: Sampling
) -> Int[Tensor, " rows"]:
    """Draw one token per row by inverting the cumulative distribution at ``uniform``."""
    if sampling.temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = (logits.double() / sampling.temperature).softmax(dim=-1)
    if sampling.top_p < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= sampling.top_p
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered.masked_fill(outside, 0.0))
    cumulative = probabilities.cumsum(dim=-1)
    target = uniform.to(cumulative)[:, None] * cumulative[:, -1:]
    # The right side keeps tokens of probability zero from being drawn; rounding must not run past the last token.
    return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
