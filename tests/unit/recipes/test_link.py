"""A recipe comes back from its link, and a hostile link is one sentence."""

import base64
import random
import zlib
from dataclasses import replace

import pytest

from steering.errors import RecipeError
from steering.recipes.link import MAX_LETTERS, recipe_from_link, recipe_to_link
from tests.unit.recipes.recipes import FULL, any_recipe


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


def test_every_recipe_comes_back_from_its_link():
    for seed in range(100):
        recipe = any_recipe(seed)
        letters = recipe_to_link(recipe)
        assert recipe_from_link(letters) == replace(recipe, versions={})
        assert letters.isascii()
        assert set("+/=&? ").isdisjoint(letters)


def test_a_recipe_that_is_too_large_says_so():
    chance = random.Random(0)
    prompts = tuple("".join(chance.choices("abcdefghij", k=900)) for _ in range(20))
    with pytest.raises(RecipeError, match="send the file instead"):
        recipe_to_link(replace(FULL, prompts=prompts))


@pytest.mark.parametrize(
    ("letters", "says"),
    [
        ("", "cut off"),
        ("a", "no base64"),
        ("<script>alert(1)</script>", "no base64"),
        ("ü" * 10, "no base64"),
        ("AAAA", "cannot be unpacked"),
        ("A" * (2 * MAX_LETTERS + 1), "letters; at most"),
        (_packed(b" " * 5_000_000), "unpacks to more than"),
        (_packed(b"\xff\xfe"), "no UTF-8"),
        (_packed(b"[1]"), "expected an object"),
        (_packed(b'{"schema": 1, "evil": 1}'), "unknown key 'evil'"),
        (recipe_to_link(FULL)[:-9], "cut off"),
    ],
)
def test_a_hostile_link_is_one_sentence(letters, says):
    with pytest.raises(RecipeError, match=says) as found:
        recipe_from_link(letters)
    assert "\n" not in str(found.value)
