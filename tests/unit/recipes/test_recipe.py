"""A recipe survives its file, and nothing wrong is read as something right."""

import json
from dataclasses import replace

import pytest

from steering.errors import RecipeError
from steering.recipes import ChosenFeature, ModelSource, Recipe, SamplingSettings, read_recipe, write_recipe
from tests.unit.recipes.recipes import FULL, any_recipe

TALK = '[{"role": "user", "content": "x"}%s]'
SMALL = '{"schema": 1, "model": {"source": "demo"}, "prompts": ["Hello"]%s}'


def test_every_recipe_comes_back_from_its_file():
    for seed in range(200):
        recipe = any_recipe(seed)
        text = write_recipe(recipe)
        assert read_recipe(text) == recipe
        assert read_recipe(text.encode()) == recipe
        assert write_recipe(read_recipe(text)) == text
        assert read_recipe(text).digest == recipe.digest


def test_the_full_recipe_comes_back():
    assert read_recipe(write_recipe(FULL)) == FULL
    assert {"schema", *FULL.to_json()} == {one for one in FULL.__slots__} | {"schema"}  # no field is forgotten


def test_a_small_recipe_is_filled_with_what_a_full_file_says():
    recipe = read_recipe(SMALL % "")
    assert recipe == Recipe(ModelSource("demo"), ("Hello",))
    written = json.loads(write_recipe(recipe))
    assert written["sampling"] == {"max_new_tokens": 64, "temperature": 1.0, "top_p": 1.0, "count": 1}
    assert {"mode", "scope", "shared_budget", "seed"} <= set(written)
    assert not {"sae", "features", "concept", "baselines", "examples", "ranking", "versions"} & set(written)


def test_the_digest_is_of_the_content():
    assert replace(FULL, versions={}).digest == FULL.digest
    assert replace(FULL, seed=6).digest != FULL.digest
    whole, same, less = (read_recipe(SMALL % f', "sampling": {{"temperature": {told}}}') for told in ("1", "1.0", "0"))
    assert whole.digest == same.digest != less.digest
    reordered = json.dumps(json.loads(write_recipe(FULL)), sort_keys=True)
    assert read_recipe(reordered).digest == FULL.digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Line 1, column 1"),
        ('{"schema": 1,\n "model": }', "Line 2, column 11"),
        ("[]", "expected an object in braces"),
        ("{}", 'begin it with "schema": 1'),
        ('{"schema": 2}', "reads up to 1; update"),
        ('{"schema": true}', "schema is True"),
        ('{"schema": 1, "schema": 1}', "'schema' stands twice"),
        ('{"schema": 1, "promts": []}', "unknown key 'promts'; the nearest known one is 'prompts'"),
        ('{"schema": 1, "model": {"source": "demo", "sha": ""}, "prompts": ["a"]}', "model has the unknown key 'sha'"),
        ('{"schema": 1, "model": {"source": "demo"}}', "has no 'prompts'"),
        ('{"schema": 1, "model": {"source": " "}, "prompts": ["a"]}', "model: source is empty"),
        ('{"schema": 1, "model": {"source": "demo", "sha256": "XYZ"}, "prompts": ["a"]}', "expected 64 digits"),
        (SMALL % ', "seed": 1.0', "seed is 1.0, expected a whole number"),
        (SMALL % ', "seed": true', "seed is true, expected a whole number"),
        (SMALL % ', "seed": -1', "seed is -1; choose"),
        (SMALL % ', "seed": 1e999', "seed is Infinity"),
        (SMALL % ', "seed": NaN', "holds NaN"),
        (SMALL % (', "seed": ' + "9" * 5000), "a number of thousands of digits"),
        (SMALL % ', "mode": "multiply"', "choose one of add, clamp, min_clamp, scale, ablate"),
        (SMALL % ', "shared_budget": 1', "shared_budget is 1, expected true or false"),
        (SMALL % ', "sampling": {"top_p": 0}', "sampling: top_p is 0"),
        (SMALL % ', "sampling": {"temperature": 1e400}', "temperature is inf"),
        (SMALL % ', "features": [{"feature_id": 1, "factor": 1, "max_act": 1}]', "without an sae"),
        (SMALL % ', "features": {}', "features is an object, expected a list"),
        (SMALL % ', "baselines": {"diff_mean": {"factor": 0.3}}', "without examples and ranking"),
        (SMALL % ', "ranking": {"pi0": 2}', "ranking: pi0 is 2.0"),
        (SMALL % ', "ranking": {"pi0": []}', "ranking.pi0 is a list, expected a number or auto"),
        (SMALL % ', "sae": {"source": "demo", "hook_point": "nowhere"}', "sae: hook_point is 'nowhere'"),
        (SMALL.replace('"Hello"', "3") % "", "prompts[0] is 3, expected a text or a list"),
        (SMALL.replace('"Hello"', "") % "", "prompts holds 0 entries"),
        (SMALL.replace("Hello", "\\ud800") % "", "holds half a character"),
        (SMALL.replace('"Hello"', '[{"role": "assistant", "content": "x"}]') % "", "begin with user"),
        (SMALL.replace('"Hello"', TALK % ', {"role": "assistant", "content": ""}') % "", "not end with a user turn"),
        (SMALL.replace('"Hello"', TALK % ', {"role": "system", "content": "x"}') % "", "behind another turn"),
        (SMALL.replace('"Hello"', (TALK % "").replace("x", "\\ud800")) % "", "holds half a character"),
        (SMALL.replace('"Hello"', '[{"role": "user", "content": "x", "name": "y"}]') % "", "prompts[0][0] is no turn"),
        (SMALL.replace('"Hello"', '[{"role": "user", "content": " "}]') % "", "content of the user turn is empty"),
        (SMALL.replace('"Hello"', '[{"role": "robot", "content": "x"}]') % "", "prompts[0][0].role"),
        ("[" * 100_000, "nested too deeply"),
        (b"\xff\xfe{}", "no UTF-8 text"),
        (" " * 1_000_001, "1,000,001 bytes"),
        ("é" * 500_001, "1,000,002 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_sentence(text, says):
    with pytest.raises(RecipeError) as found:
        read_recipe(text)
    message = str(found.value)
    assert says in message
    assert "\n" not in message
    assert len(message) < 300


def test_features_must_fit_their_mode():
    feature = ChosenFeature(3, -1.0, 0.0)
    with pytest.raises(RecipeError, match="max_act is 0"):
        replace(FULL, features=(feature,))
    assert replace(FULL, mode="scale", features=(feature,)).features == (feature,)
    with pytest.raises(RecipeError, match="min_clamp raises"):
        replace(FULL, mode="min_clamp", features=(ChosenFeature(3, -1.0, 2.0),))
    with pytest.raises(RecipeError, match="feature 3 twice"):
        replace(FULL, features=(ChosenFeature(3, 1.0, 2.0), ChosenFeature(3, 2.0, 2.0)))


def test_numbers_and_words_are_those_of_the_generation():
    """The recipe is read without torch, so it repeats a few of its words; here they are held together."""
    from typing import get_args

    from steering.generation import sampling
    from steering.interventions import MAX_FEATURES, MODES, SCOPES
    from steering.models import Dtype
    from steering.recipes import recipe

    assert get_args(recipe.RecipeMode) == MODES
    assert get_args(recipe.RecipeScope) == SCOPES
    assert {"auto", *get_args(recipe.RecipeDtype)} == set(get_args(Dtype))
    assert (recipe.MAX_FEATURES, recipe.MAX_NEW_TOKENS) == (MAX_FEATURES, sampling.MAX_NEW_TOKENS)
    drawn, written = sampling.Sampling(), SamplingSettings()
    assert (drawn.max_new_tokens, drawn.temperature, drawn.top_p) == (
        written.max_new_tokens,
        written.temperature,
        written.top_p,
    )
