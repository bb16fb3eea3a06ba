"""A recipe's conversations and system prompts run as generate runs them."""

import json
from dataclasses import replace

import pytest

from steering.conversation import Conversation, Turn
from steering.generation import Completion, Condition, Sampling, generate
from steering.interventions import FeatureEdit, Intervention
from steering.models import load_model
from steering.recipes import (
    Baselines,
    ChosenFeature,
    ModelSource,
    PromptedBaseline,
    Recipe,
    SaeSource,
    SamplingSettings,
    read_recipe,
    write_recipe,
)
from steering.recipes.running import Ingredients, run_recipe
from steering.workbench import Loaded
from tests.integration.test_cli import run
from tests.tiny import TINY
from tests.tiny_sae import tiny_sae

TALK = Conversation(
    (Turn("user", "the ring, and the wind"), Turn("assistant", "a stone"), Turn("user", "why?")), system="be kind"
)
PROMPTS = ("one and two", TALK)
TOLD = Condition("prompted", instruction="Be brief.", told_in="system")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    built = TINY["llama"]()
    built.model.save_pretrained(place)
    built.tokenizer.save_pretrained(place)
    return place


def recipe_for(folder) -> Recipe:
    return Recipe(
        model=ModelSource(str(folder)),
        prompts=PROMPTS,
        sampling=SamplingSettings(8, 1.2, 0.9, 2),
        seed=3,
        baselines=Baselines(PromptedBaseline("Be brief.", "system")),
    )


def tokens(found: list[Completion]) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.kind, one.token_ids) for one in found]


def test_the_command_runs_a_conversation_told_in_the_system_prompt(folder, tmp_path):
    path = tmp_path / "talk.json"
    path.write_text(write_recipe(recipe_for(folder)), encoding="utf-8")
    assert read_recipe(path.read_bytes()).prompts == PROMPTS
    told = json.loads(run("run", str(path), "--json").stdout)["completions"]
    expected = generate(
        load_model(str(folder)), [Condition("baseline"), TOLD], PROMPTS, sampling=Sampling(8, 1.2, 0.9), seed=3, count=2
    )
    assert [(one["kind"], tuple(one["token_ids"])) for one in told] == tokens(expected)
    assert [one["receipt"]["told_in"] for one in told[4:]] == ["system"] * 4
    assert told[4]["receipt"]["n_prompt_tokens"] > told[0]["receipt"]["n_prompt_tokens"]


def test_a_conversation_is_steered_as_generate_steers_it(tiny_llama):
    sae = tiny_sae()
    recipe = replace(
        recipe_for("tiny"), sae=SaeSource("tiny", str(sae.hook_point)), features=(ChosenFeature(3, 1.5, 4.0),)
    )
    steered = Condition("steered", intervention=Intervention((FeatureEdit(3, 1.5, 4.0),)))
    expected = generate(
        tiny_llama, [Condition("baseline"), TOLD, steered], PROMPTS, sae=sae, sampling=Sampling(8, 1.2, 0.9), seed=3,
        count=2,
    )  # fmt: skip
    found = run_recipe(recipe, Ingredients(tiny_llama, Loaded(tiny_llama, sae, None)))
    assert tokens(found) == tokens(expected)
    assert tokens(found[8:])[2][1] != tokens(found[:4])[2][1]
    assert found[2].earlier == TALK.turns[:-1]
