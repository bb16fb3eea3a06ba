"""Which prompts are suggested for choosing, and which for comparing?"""

import pytest

from steering.prompting import suggested_prompts


@pytest.mark.parametrize("model", ["demo", "google/gemma-2-2b-it"])
def test_what_is_compared_on_was_not_chosen_on(model):
    select, test = suggested_prompts(model, 6), suggested_prompts(model, 10, split="test")
    assert (len(select), len(test)) == (6, 10)
    assert not set(select) & set(test)


def test_a_model_that_only_continues_texts_is_given_beginnings():
    base = suggested_prompts("gpt2-small")
    assert base == suggested_prompts("openai-community/gpt2")
    test = suggested_prompts("gemma-2-2b", 10, split="test")
    assert not any(prompt.endswith((".", "?")) for prompt in base + test)
    assert all(prompt.endswith((".", "?")) for prompt in suggested_prompts("gemma-2-2b-it", 10))
    assert not set(suggested_prompts("gpt2-small", 10)) & set(suggested_prompts("gpt2-small", 10, split="test"))
