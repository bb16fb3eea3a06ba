"""A recipe of the first release opens for ever, and a step to a later schema is made where it is needed."""

import json
from pathlib import Path

import pytest

from steering.errors import RecipeError
from steering.recipes import SCHEMA, read_recipe, write_recipe
from steering.recipes.migration import STEPS, migrate
from tests.unit.recipes.recipes import FULL

FIRST = Path(__file__).parent / "recipe_version_1.json"


def test_a_recipe_of_the_first_release_opens_for_ever():
    """Never change the file. It was written by schema 1 from what is FULL today."""
    assert json.loads(FIRST.read_text(encoding="utf-8"))["schema"] == 1
    assert read_recipe(FIRST.read_bytes()) == FULL


def test_its_digest_stays():
    """A saved study is found by it; a change here means that canonical JSON has changed."""
    assert read_recipe(FIRST.read_bytes()).digest == "5969202c198000dbffdb89a82d5efad69bf2deb8e654f73c2a44414da859b15f"


def test_there_is_a_step_for_every_version():
    assert set(STEPS) == set(range(1, SCHEMA))


def test_steps_are_made_one_after_the_other():
    def to_two(content: dict) -> dict:
        content["strength"] = content.pop("factor")
        return content

    def to_three(content: dict) -> dict:
        return content | {"strength": content["strength"] * 10}

    steps = {1: to_two, 2: to_three}
    old = {"schema": 1, "factor": 2}
    assert migrate(old, 3, steps) == {"schema": 3, "strength": 20}
    assert old == {"schema": 1, "factor": 2}
    assert migrate({"schema": 2, "strength": 2}, 3, steps) == {"schema": 3, "strength": 20}
    assert migrate({"schema": 3, "strength": 2}, 3, steps) == {"schema": 3, "strength": 2}
    with pytest.raises(RecipeError, match="update Steerscope"):
        migrate({"schema": 4}, 3, steps)


def test_an_old_recipe_is_written_in_todays_form():
    assert json.loads(write_recipe(read_recipe(FIRST.read_bytes())))["schema"] == SCHEMA
