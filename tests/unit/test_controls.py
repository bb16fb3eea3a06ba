"""What the controls do not offer is named, and a plan becomes a recipe's baselines in one way."""

from dataclasses import replace

import pytest

from steering.recipes import Baselines, DiffMeanBaseline, PromptedBaseline
from ui.compare_view import Plan
from ui.controls import Ask, Strength, not_asked
from ui.recipe_work import baselines_of

ASK = Ask(("Explain bread.", "And wine?"), 64, 1.0, 1.0, 0, 1)
PLAN = Plan(("Baseline", "SAE"), "", "prompt", 0.3, Strength((), "add", "all"), 1.0)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("seed", 2**31, "Seed 2,147,483,648 is outside of 0 to 2,147,483,647"),
        ("max_new_tokens", 257, "Tokens 257 is outside of 1 to 256"),
        ("temperature", 2.5, "Temperature 2.5 is outside of 0.0 to 2.0"),
        ("count", 5, "Samples per prompt 5 is outside of 1 to 4"),
        ("top_p", 0.9, "top_p 0.9 cannot be set here"),
        ("prompts", tuple(map(str, range(13))), "13 prompts are more than 12"),
        ("prompts", ("x" * 8001,), "Prompts of 8,001 letters"),
        ("prompts", ("two\nlines",), "a line each"),
        ("prompts", (" blank",), "a line each"),
        ("prompts", ("twice", "twice"), "a line each"),
    ],
)
def test_a_value_out_of_reach_is_named_alone(field, value, says):
    assert not_asked(ASK) == {}
    left = not_asked(replace(ASK, **{field: value}))
    assert set(left) == {field}
    assert left[field].startswith(says) or says in left[field]


def test_the_baselines_of_a_plan_are_the_methods_that_take_part():
    assert baselines_of(PLAN, None) == Baselines()
    told = replace(PLAN, titles=("Baseline", "Prompted", "DiffMean", "SAE"), instruction="Arr! ", told_in="system")
    assert baselines_of(told, None) == Baselines(PromptedBaseline("Arr! ", "system"), DiffMeanBaseline(0.3))
