"""Is every completion in one batch, and no batch larger than allowed?"""

from hypothesis import given
from hypothesis import strategies as st

from steering.benchmark.unit import batches

sizes = st.integers(1, 12)


@given(sizes, sizes, st.integers(1, 4), st.integers(1, 40))
def test_each_once_in_order(n_factors: int, n_prompts: int, samples: int, size: int) -> None:
    found = list(batches(n_factors, n_prompts, samples, size))
    met = [(factor, prompt) for factors, prompts in found for factor in factors for prompt in prompts]
    assert met == [(factor, prompt) for factor in range(n_factors) for prompt in range(n_prompts)]
    assert all(len(factors) * len(prompts) * samples <= max(size, samples) for factors, prompts in found)
