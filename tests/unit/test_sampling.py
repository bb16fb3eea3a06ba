"""Drawing tokens: the distribution is right, and the numbers behind it depend on seed, prompt and sample alone."""

import pytest
import torch

from steering.errors import SteeringError
from steering.generation.sampling import Sampling, draw, uniforms

LOGITS = torch.tensor([0.5, 0.3, 0.2]).log()


def test_inverting_the_cumulative_distribution_by_hand():
    uniform = torch.tensor([0.0, 0.49, 0.51, 0.79, 0.81, 0.999], dtype=torch.float64)
    assert draw(LOGITS.expand(6, 3), uniform, Sampling()).tolist() == [0, 0, 1, 1, 2, 2]


def test_frequencies_are_the_probabilities():
    uniform = uniforms(0, "a prompt", 0, 20_000)
    tokens = draw(LOGITS.expand(20_000, 3), uniform, Sampling())
    shares = torch.bincount(tokens, minlength=3) / 20_000
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.01)


def test_temperature_and_top_p():
    uniform = torch.tensor([0.7], dtype=torch.float64)
    assert draw(LOGITS[None], uniform, Sampling(temperature=0.0)).item() == 0
    assert draw(LOGITS[None], uniform, Sampling(temperature=0.1)).item() == 0
    assert draw(LOGITS[None], uniform, Sampling(top_p=0.5)).item() == 0
    # Of the nucleus {0, 1} with 0.5 and 0.3, the first holds 0.625.
    assert draw(LOGITS[None], uniform, Sampling(top_p=0.6)).item() == 1


def test_tokens_of_probability_zero_are_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]])
    for value in (0.0, 0.5, 1.0 - 1e-16):
        assert draw(logits, torch.tensor([value], dtype=torch.float64), Sampling()).item() == 1


def test_the_numbers_depend_on_seed_prompt_and_sample_alone():
    first = uniforms(1, "a", 0, 8)
    assert torch.equal(first, uniforms(1, "a", 0, 8))
    assert torch.equal(first[:4], uniforms(1, "a", 0, 4))
    for other in ((2, "a", 0), (1, "b", 0), (1, "a", 1)):
        assert not torch.equal(first, uniforms(*other, 8))
    with pytest.raises(SteeringError, match="from 0 up"):
        uniforms(-1, "a", 0, 1)
