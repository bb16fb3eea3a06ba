"""Concepts and factors of the worked studies are chosen on other prompts than those shown, with equal grids."""

import pytest

from benchmarks.gallery_bench import FACTORS, LORA_FACTORS, best, grid
from benchmarks.gallery_choosing import RULES, TRIES, order
from benchmarks.gallery_prompts import (
    CANDIDATES,
    CHOOSING,
    FEW_STORY,
    SHOWN,
    TOGETHER,
    TOPIC,
    choosing_prompts,
    shown_prompts,
)
from steering.gallery.stories import STORIES
from steering.world.instructions import neutral_instructions, read_prompt
from ui.controls import FACTOR_LIMIT, MAX_PROMPTS

STORY = "silencedconcept2"


def row(sae: float, lora: float, prompted: float, diff: float = 0.0, fall: float = 0.0) -> dict:
    """What a concept came to."""
    told = {"SAE": sae, "LoRA": lora, "Prompted": prompted, "DiffMean": diff}
    methods = {name: {"overall": overall, "factor": 1.0} for name, overall in told.items()}
    return {"methods": methods, "suppressed": {"untouched": {"concept": 2.0}, "told": {"concept": 2.0 - fall}}}


def test_what_is_shown_was_never_chosen_by_nor_shown_before():
    blocks = [shown_prompts(STORY, concept) for concept in (*CANDIDATES, TOGETHER)]
    blocks += [shown_prompts(FEW_STORY, concept) for concept in CANDIDATES]
    assert {len(block) for block in blocks} == {SHOWN}
    assert SHOWN <= MAX_PROMPTS
    shown = {prompt for block in blocks for prompt in block}
    assert len(shown) == SHOWN * len(blocks), "no two studies can share a prompt"
    assert len(choosing_prompts()) == CHOOSING
    assert not shown & set(choosing_prompts())
    assert not shown & set(neutral_instructions(120, split="test")), "the first versions were drawn from these"


def test_half_of_the_prompts_about_wine_are_about_cooking():
    topics = [read_prompt(one).topic == TOPIC for one in shown_prompts("winewithcooking2", TOGETHER)]
    assert topics == [True] * (SHOWN // 2) + [False] * (SHOWN // 2)


@pytest.mark.parametrize("unit", [0.5, 4.0, 50.0, 400.0])
def test_grids_are_as_long_for_every_method_and_within_the_screen(unit):
    factors = grid(unit, 180.0)
    assert len(factors) == len(LORA_FACTORS) == FACTORS
    assert list(factors) == sorted(factors)
    assert factors[0] > 0
    assert factors[-1] <= FACTOR_LIMIT
    assert all(abs(one / 0.05 - round(one / 0.05)) < 1e-6 for one in factors), "steps of the slider"


def test_the_smallest_of_equally_good_factors_is_taken():
    assert best((0.5, 1.0, 2.0), [{"overall": value} for value in (0.5, 1.5, 1.5)]) == 1


def test_each_rule_names_the_concept_with_its_lead_and_none_is_taken_twice():
    surveyed = {
        "a": row(1.5, 0.5, 1.0),
        "b": row(0.1, 1.5, 1.0),
        "c": row(0.1, 0.2, 1.9),
        "d": row(1.6, 1.6, 1.6, 1.6),
        "e": row(0.0, 0.0, 0.0, fall=1.5),
        TOGETHER: row(2.0, 0.0, 0.0, fall=2.0),
    }
    taken: set[str] = set()
    found = []
    for story in STORIES:
        if story.id not in RULES:
            continue
        candidates = order(story.id, surveyed, taken)
        assert len(candidates) <= TRIES
        found.append(candidates[0])
        taken.add(candidates[0])
    assert found == ["a", "b", "c", "d", "e"]
