"""Which prompts are suggested for choosing, and which for comparing?"""

import pytest

from steering.prompting import suggested_prompts


@pytest.mark.parametrize("model", ["demo", "google/gemma-2-2b-it"])
def test_what_is_compared_on_was_not_chosen_on(model):
    select, test = suggested_prompts(model, 6), suggested_prompts(model, 10, split="test")
    assert (len(select), len(test)) == (6, 10)
    assert not set(select) & set(test)
