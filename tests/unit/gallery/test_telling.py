"""A story says "above" only where its scores do, counts what it counts, and tells whether it came out."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.gallery_telling import Outcome, Told, tell
from steering.examples import LabelledExamples
from steering.gallery.stories import STORIES
from steering.judges.score import Score
from steering.world.instructions import neutral_instructions, read_prompt
from tests.drawn_study import drawn_completion, drawn_run
from ui.compare_view import Plan
from ui.controls import Ask, Strength
from ui.work import STEER_TITLES, Generated, Request

METHODS = ("Baseline", "Prompted", "DiffMean", "SAE", "LoRA")
PROMPTS = tuple(f"Explain bread number {i}." for i in range(6))
STRENGTH = Strength(((5, 4.0, 2.0),), "add", "all")
ROW = {
    "methods": {name: {"factor": 1.0, "overall": 1.0, "flat": False, "at_end": False} for name in METHODS},
    "enough": {name: [2.0] * len(PROMPTS) for name in ("overall", "fluency")},
    "suppressed": {},
}


def outcome(id: str, levels: dict[str, int], *, tried: tuple[str, ...] = ()) -> Outcome:
    """A study in which each method's concept rating is its level, but for one prompt, where it is 1."""
    story = next(one for one in STORIES if one.id == id)
    titles = METHODS if story.screen == "compare" else STEER_TITLES
    plan = Plan(titles, "Talk like a pirate.", "prompt", 1.0, STRENGTH, 1.0)
    settings = plan if story.screen == "compare" else STRENGTH
    places = [(place, i) for place in range(len(titles)) for i in range(len(PROMPTS))]
    found = tuple(drawn_completion(place, PROMPTS[i], "Arr") for place, i in places)
    scores = tuple(Score(1 if i == 0 else levels[titles[place]], 2, 2) for place, i in places)
    done = Generated(found, Request(titles, Ask(PROMPTS, 64, 1.0, 1.0, 0, 1), settings), "pirate", scores)
    return Outcome(story, drawn_run(), "pirate", 5, done, ROW, tried)


def told(id: str, levels: dict[str, int], **kwargs: tuple[str, ...]) -> Told:
    return tell(outcome(id, levels, **kwargs))


@pytest.mark.parametrize(
    ("sae", "lora", "diff", "title", "came_out"),
    [
        (2, 0, 0, "8 examples: one feature beats LoRA and DiffMean", True),
        (2, 0, 2, "8 examples: one feature beats LoRA, level with DiffMean", True),
        (2, 2, 0, "8 examples: one feature beats DiffMean, level with LoRA", False),
        (0, 2, 2, "8 examples: even here one fails", False),
    ],
)
def test_a_feature_is_said_to_win_where_it_wins(sae, lora, diff, title, came_out):
    levels = {"Baseline": 0, "Prompted": 2, "DiffMean": diff, "SAE": sae, "LoRA": lora}
    found = told("wherefeatureswin", levels)
    assert found.title.startswith(title)
    assert found.came_out == came_out


def test_lora_and_asking_are_said_to_win_where_they_win():
    levels = {"Baseline": 0, "Prompted": 0, "DiffMean": 0, "SAE": 0, "LoRA": 2}
    assert told("wherelorawins222", levels).came_out
    assert not told("whereaskingwins2", levels).came_out
    levels |= {"Prompted": 2}
    assert "level with asking" in told("wherelorawins222", levels).title
    assert told("whereaskingwins2", levels).title.startswith("Asking beats steering, training is too close to call")
    levels |= {"LoRA": 0}
    assert told("whereaskingwins2", levels).came_out
    assert not told("wherelorawins222", levels).came_out


def test_numbers_and_intervals_are_those_of_the_scores():
    levels = {"Baseline": 0, "Prompted": 2, "DiffMean": 0, "SAE": 2, "LoRA": 0}
    of = outcome("wherefeatureswin", levels)
    difference = of.difference("SAE", "LoRA")
    one = Score(1, 2, 2).overall
    low = np.array([one, 0, 0, 0, 0, 0])
    high = np.array([one, 2, 2, 2, 2, 2])
    mean, deviation = (high - low).mean(), (high - low).std(ddof=1)
    half = 2.570582 * deviation / np.sqrt(6)  # Student's t with 5 degrees of freedom
    assert difference.text == f"{mean:+.2f}, 95 % interval {mean - half:+.2f} to {mean + half:+.2f}"
    assert difference.sign == 1
    assert of.difference("LoRA", "DiffMean").sign == 0
    assert f"it scores {high.mean():.2f} of 2" in tell(of).note


def test_what_was_tried_before_is_said():
    levels = {"Baseline": 0, "Prompted": 0, "DiffMean": 0, "SAE": 2, "LoRA": 0}
    note = told("wherefeatureswin", levels, tried=("french", "code")).note
    assert "By the same rule “French phrases” and “Code remarks” were tried too" in note
    assert "Before it" not in told("wherefeatureswin", levels).note


def test_a_grid_that_decides_nothing_or_ends_early_is_said():
    of = outcome("wherelorawins222", {"Baseline": 0, "Prompted": 2, "DiffMean": 0, "SAE": 0, "LoRA": 2})
    methods = {name: dict(row) for name, row in ROW["methods"].items()}
    methods["SAE"] |= {"flat": True, "overall": 0.0, "factor": 3.1}
    methods["LoRA"]["at_end"] = True
    note = tell(replace(of, row=ROW | {"methods": methods})).note
    assert "SAE scored 0.00 there at all of them, so it has the one nearest to where the slider starts, 3.1." in note
    assert "For LoRA it is the last of them" in note
    assert "DiffMean scored" not in note


def test_a_dose_and_a_suppression_are_told_by_their_ratings():
    gone = told("silencedconcept2", {"Baseline": 2, "Steered": 0})
    assert gone.came_out
    assert gone.title.startswith("Asked for, and silenced")
    left = told("silencedconcept2", {"Baseline": 2, "Steered": 2})
    assert not left.came_out
    assert left.title.startswith("Taking one feature away does not silence it")
    held = told("toostrongadose22", {"Baseline": 0, "Steered": 2})
    assert not held.came_out, "nothing was lost in fluency"
    broken = outcome("toostrongadose22", {"Baseline": 0, "Steered": 2})
    scores = tuple(
        one if place < len(PROMPTS) else replace(one, fluency=place % 2) for place, one in enumerate(broken.done.scores)
    )
    found = tell(replace(broken, done=replace(broken.done, scores=scores)))
    assert found.came_out
    assert "fluency 0.50 (-1.50, 95 % interval" in found.note
    assert "a fluency of 2.00 (the untouched model: 2.00)" in found.note


def test_wine_is_told_apart_from_the_kitchen():
    known = neutral_instructions(60, split="select")
    cooking = [one for one in known if read_prompt(one).topic == "cooking"][:4]
    other = [one for one in known if read_prompt(one).topic != "cooking"][:8]
    drawn = drawn_run()
    wine = np.array([[True], [True], [True], [False]] + [[i < 3] for i in range(8)])
    texts = [f"Text {i}." for i in range(12)]
    examples = LabelledExamples.from_rows("Wine", texts, wine, ("wine",), prompts=[*cooking, *other])
    ranking = replace(drawn.rankings["pirate"], label="wine")
    run = replace(drawn, examples=examples, rankings={"wine": ranking})
    of = outcome("winewithcooking2", {"Baseline": 0, "Prompted": 2, "DiffMean": 0, "SAE": 2, "LoRA": 0})
    found = tell(replace(of, run=run, concept="wine"))
    assert "Of those with wine 50% are about cooking, of the others 17%" in found.note
    assert "untouched 0.33 and 0.00" in found.note
