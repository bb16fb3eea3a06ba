"""Which six worked studies does the app open on, and what came out of them?

    python -m benchmarks.gallery --out FOLDER [--choose-only] [--only winewithcooking2]
    STEERSCOPE_GALLERY=FOLDER streamlit run app.py     shows them before they ship

First a few concepts are tried on prompts that no study shows; what came of it is kept beside the studies
(choices.json), and gone on with where it was broken off. Then each study takes the concept that its rule names, and
holds what came out on prompts that nothing was chosen on. Titles and texts are written from these scores.
"""

import argparse
import hashlib
import json
import logging
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gallery_bench import (
    FEW,
    MODEL,
    PER_CLASS,
    RATINGS,
    SAMPLES,
    SAMPLING_SEED,
    TOKENS,
    Bench,
    bench_of,
)
from benchmarks.gallery_choosing import order, shared, survey
from benchmarks.gallery_prompts import CANDIDATES, FEW_STORY, TOGETHER, shown_prompts
from benchmarks.gallery_telling import Outcome, Told, tell
from steering.fingerprints import weights_fingerprint
from steering.gallery.shelf import CHOICES, FOLDER, MANIFEST, weights_here
from steering.gallery.stories import STORIES, Story
from steering.lora import Adapter
from steering.recipes.reading import read_recipe
from steering.recipes.recipe import Baselines, DiffMeanBaseline, PromptedBaseline, Recipe
from steering.recipes.sources import adapter_source, model_source, present_versions, sae_source
from steering.recipes.writing import write_recipe
from steering.studies.content import Content, write_content
from steering.studies.packing import pack
from steering.studies.saving import place
from steering.studies.study import About, StoredFile, Study, now
from steering.versions import versions_of
from steering.workbench import Loaded, open_pair
from ui.compare_view import Plan
from ui.controls import FACTOR_LIMIT, Ask, Strength
from ui.recipe_work import recipe_of
from ui.study_session import PACKAGES, answers_of
from ui.work import STEER_TITLES, Generated, Request

log = logging.getLogger(__name__)

TOO_STRONG = 4.0
"""Times the factor that was best on the prompts to choose by; written everywhere, not where that was."""


def main() -> None:
    """Choose, then make the studies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the zips")
    parser.add_argument("--choose-only", action="store_true", help="stop before any study is made")
    parser.add_argument("--only", choices=[story.id for story in STORIES], help="make this study alone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    with open_pair(MODEL) as loaded:
        benches = _Benches(loaded)
        choices = choose(benches, folder)
        if not arguments.choose_only:
            make_all(benches, folder, choices, arguments.only)


class _Benches:
    """Rankings, directions and adapters, each made once."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._made: dict[tuple[str, int], Bench | None] = {}

    def of(self, concept: str, per_class: int = PER_CLASS) -> Bench | None:
        key = concept, per_class
        if key not in self._made:
            self._made[key] = bench_of(self._loaded, concept, per_class=per_class, with_lora=concept != TOGETHER)
        return self._made[key]


def choose(benches: _Benches, folder: Path) -> dict[str, Any]:
    """What every concept comes to, kept after each; what was found with other weights is thrown away."""
    weights = weights_here(MODEL, MODEL)
    choices: dict[str, Any] = {"weights": weights, "concepts": {}, "few": {}, "studies": {}}
    if (folder / CHOICES).exists():
        kept = json.loads((folder / CHOICES).read_text(encoding="utf-8"))
        if kept["weights"] == weights and kept.keys() == choices.keys():
            choices = kept
    for part, concept in [("concepts", one) for one in (*CANDIDATES, TOGETHER)] + [("few", one) for one in CANDIDATES]:
        if concept in choices[part]:
            continue
        bench = benches.of(concept, FEW if part == "few" else PER_CLASS)
        choices[part][concept] = None if bench is None else survey(bench, suppressing=part == "concepts")
        _write(folder / CHOICES, choices)
        log.info("%s: %s", concept, _short(choices[part][concept]))
    return choices


def make_all(benches: _Benches, folder: Path, choices: dict[str, Any], only: str | None = None) -> None:
    """Make each study with the first concept of its order that comes out, or the first of all, and note which it is."""
    taken: set[str] = set()
    manifest_path = folder / MANIFEST
    manifest = json.loads(manifest_path.read_text(encoding="utf-8")) if manifest_path.exists() else {}
    if only is not None and len(choices["studies"]) < len(STORIES):
        raise SystemExit(f"Only {len(choices['studies'])} of {len(STORIES)} studies are there; make all of them first.")
    for story in STORIES:
        if only not in (None, story.id):
            taken.add(choices["studies"][story.id]["concept"])
            continue
        is_few = story.id == FEW_STORY
        surveyed = {name: row for name, row in choices["few" if is_few else "concepts"].items() if row is not None}
        candidates = [TOGETHER] if story.id == "winewithcooking2" else order(story.id, surveyed, taken)
        tried: list[str] = []
        for concept in [*candidates, candidates[0]]:
            bench = benches.of(concept, FEW if is_few else PER_CLASS)
            assert bench is not None
            others = [one for one in tried if one != concept]
            done, recipe, told = show(bench, story, surveyed, others)
            log.info("%s with %s: %s (%s)", story.id, concept, told.title, told.came_out)
            if told.came_out or concept in tried:
                break
            tried.append(concept)
        taken.add(concept)
        choices["studies"][story.id] = {"concept": concept, "tried": others}
        manifest[story.id] = store(folder / f"{story.id}.zip", story, bench, done, recipe, told)
        _write(manifest_path, manifest)
        _write(folder / CHOICES, choices)
        log.info("%s\n%s\n", told.title, told.note)


def show(bench: Bench, story: Story, surveyed: dict[str, Any], tried: list[str]) -> tuple[Generated, Recipe, Told]:
    """The answers that a study shows, the recipe that makes them again, and what is to be said of them."""
    row, also = surveyed[bench.concept], shared(bench.concept, surveyed)
    done, recipe = (_compared if story.screen == "compare" else _steered)(bench, story, row)
    if story.id == "toostrongadose22":
        row["enough"] = _enough(bench, done.request.ask, row)
    return done, recipe, tell(Outcome(story, bench.run, bench.concept, bench.feature_id, done, row, tried, also))


def _compared(bench: Bench, story: Story, row: dict[str, Any]) -> tuple[Generated, Recipe]:
    factors = {method: told["factor"] for method, told in row["methods"].items()}
    titles = tuple(factors)
    ask = Ask(tuple(shown_prompts(story.id, bench.concept)), TOKENS, 1.0, 1.0, SAMPLING_SEED, SAMPLES)
    strength = bench.strength(factors["SAE"])
    plan = Plan(titles, bench.instruction, "prompt", factors["DiffMean"], strength, factors.get("LoRA", 1.0))
    conditions = [bench.condition(title, factors[title]) for title in titles]
    adapter = None if bench.adapter is None else adapter_source(bench.adapter, plan.lora_factor)
    beside = Baselines(PromptedBaseline(bench.instruction), DiffMeanBaseline(plan.diff_mean_factor), adapter)
    request = Request(titles, ask, plan, "adapter" if adapter is not None else None)
    return _answered(bench, request, conditions, beside)


def _steered(bench: Bench, story: Story, row: dict[str, Any]) -> tuple[Generated, Recipe]:
    prompts = shown_prompts(story.id, bench.concept)
    if story.id == "toostrongadose22":
        strength = bench.strength(min(FACTOR_LIMIT, TOO_STRONG * row["methods"]["SAE"]["factor"]), scope="all")
    else:
        edit = row["suppressed"]
        strength = bench.strength(edit["factor"], edit["mode"], edit["scope"])
        prompts = [f"{one} {bench.instruction}" for one in prompts]
    ask = Ask(tuple(prompts), TOKENS, 1.0, 1.0, SAMPLING_SEED, SAMPLES)
    conditions = [bench.condition("Baseline"), bench.steered(strength)]
    return _answered(bench, Request(STEER_TITLES, ask, strength), conditions, Baselines())


def _enough(bench: Bench, ask: Ask, row: dict[str, Any]) -> dict[str, Any]:
    """What the best dose comes to on the same prompts: its ratings, a mean for each prompt."""
    conditions = [bench.condition("SAE", row["methods"]["SAE"]["factor"])]
    _, scores = bench.answer(conditions, ask.prompts, seed=ask.seed, count=ask.count, is_kept=False)
    parts = [scores[place : place + ask.count] for place in range(0, len(scores), ask.count)]
    return {name: [float(np.mean([getattr(one, name) for one in part])) for part in parts] for name in RATINGS}


def _answered(bench: Bench, request: Request, conditions: list[Any], beside: Baselines) -> tuple[Generated, Recipe]:
    ask = request.ask
    strength = request.settings if isinstance(request.settings, Strength) else request.settings.strength
    found, scores = bench.answer(conditions, ask.prompts, seed=ask.seed, count=ask.count, is_kept=True)
    done = Generated(tuple(found), request, bench.concept, tuple(scores))
    recipe = recipe_of(
        model_source(bench.loaded.model), sae_source(bench.loaded.sae), bench.run, bench.concept, strength, ask, beside
    )
    assert recipe.model.sha256 == weights_fingerprint(bench.loaded.model)
    return done, recipe


def store(path: Path, story: Story, bench: Bench, done: Generated, recipe: Recipe, told: Told) -> dict[str, Any]:
    """Write a study's zip, and say what the manifest is to say of it."""
    about = About(
        title=told.title,
        note=told.note,
        screen=story.screen,
        model=MODEL,
        sae=MODEL,
        label=bench.concept,
        examples_title=f"{bench.run.examples.name} · {bench.run.examples.n} examples",
        features=(bench.feature_id,),
        feature_id=bench.feature_id,
        versions=versions_of(PACKAGES),
        ran_on="cpu",
    )
    text = write_recipe(replace(recipe, versions=present_versions()))
    content = Content(bench.run, (answers_of(story.screen, done),), text)
    adapter: Adapter | None = bench.adapter if done.request.adapter_id is not None else None
    time = now()

    def study_of(files: tuple[StoredFile, ...]) -> Study:
        return Study(story.id, time, time, about, files)

    with tempfile.TemporaryDirectory() as folder:
        study = place(Path(folder), lambda part: write_content(part, content, adapter), study_of)
        with path.open("wb") as file:
            pack(Path(folder) / study.id, study, file)
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "study": study.digest,
        "recipe": read_recipe(text).digest,
        "weights": weights_here(MODEL, MODEL),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def _short(row: dict[str, Any] | None) -> str:
    if row is None:
        return "no feature is left in the ranking"
    told = ", ".join(f"{name} {one['overall']:.2f} at {one['factor']:g}" for name, one in row["methods"].items())
    gone = row.get("suppressed")
    if gone is not None:
        told += f"; asked {gone['untouched']['concept']:.2f}, suppressed {gone['told']['concept']:.2f}"
    return told


if __name__ == "__main__":
    main()
