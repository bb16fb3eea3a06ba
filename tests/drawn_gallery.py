"""A shelf of worked studies drawn by hand: real ids, no model."""

import json
from pathlib import Path

from steering.gallery.shelf import MANIFEST, weights_here
from steering.gallery.stories import STORIES, Story
from steering.judges.score import Score
from steering.studies.content import Content, write_content
from steering.studies.packing import pack
from steering.studies.saving import place
from steering.studies.study import About, Study
from tests.drawn_study import LABELS, drawn_completion, drawn_run
from ui.compare_view import Plan
from ui.controls import Ask, Strength
from ui.study_session import answers_of
from ui.work import STEER_TITLES, Generated, Request

DRAWN = (STORIES[0], STORIES[4])
"""One that opens on Compare, one that opens on Steer."""
PROMPTS = ("Explain bread.", "Compare <b> and c.")
STRENGTH = Strength(((5, 0.45, 2.142857074737549),), "add", "all")


def drawn_generated(story: Story) -> Generated:
    """What its screen shows."""
    plan = Plan(("Baseline", "Prompted", "DiffMean", "SAE"), "Talk like a pirate.", "prompt", -0.25, STRENGTH, 1.0)
    titles, settings = (STEER_TITLES, STRENGTH) if story.screen == "steer" else (plan.titles, plan)
    places = [(c, prompt) for c in range(len(titles)) for prompt in PROMPTS]
    found = tuple(drawn_completion(c, prompt, f"Arr {c} {prompt[:3]}") for c, prompt in places)
    scores = tuple(Score(c % 3, 2, 1, ("because",)) for c, _ in places)
    return Generated(found, Request(titles, Ask(PROMPTS, 17, 0.7, 1.0, 11, 1), settings), LABELS[0], scores)


def draw_gallery(folder: Path) -> None:
    """Zips of `DRAWN` and a manifest that says they were made with the weights that are here."""
    told = {}
    for story in DRAWN:
        about = About(
            title=f"*{story.id}* and what it showed",
            note=f"It showed this.\n\n{story.look}",
            screen=story.screen,
            model="demo",
            sae="demo",
            label=LABELS[0],
            examples_title="Pirates · 12 examples",
            features=(5,),
            feature_id=5,
            versions={"steerscope": "0.1.0"},
        )
        content = Content(drawn_run(), (answers_of(story.screen, drawn_generated(story)),))
        at = "2026-01-01T00:00:00.000+00:00"
        study = place(
            folder / "made",
            lambda part, content=content: write_content(part, content, None),
            lambda files, id=story.id, about=about, at=at: Study(id, at, at, about, files),
        )
        with (folder / f"{story.id}.zip").open("wb") as file:
            pack(folder / "made" / study.id, study, file)
        told[story.id] = {"weights": weights_here("demo", "demo")}
    (folder / MANIFEST).write_text(json.dumps(told), encoding="utf-8")
