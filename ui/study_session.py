"""How does what a session sees become a study, and how does a study become what a session sees?

Opening loads no model: results come from the study's files, controls from what was asked for. Results are put under
names of the study's own, so that nobody's study can pass for the results of another session.
"""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from steering import runtime
from steering.errors import StudyError
from steering.studies.answers import Answers
from steering.studies.content import Content
from steering.studies.library import library
from steering.studies.plain import from_plain, to_plain
from steering.studies.study import About, Screen, Study
from steering.versions import versions_of
from ui import work
from ui.compare_view import Plan, put_plan
from ui.controls import Ask, Strength, put_ask, put_strength
from ui.ranking_view import put_settings
from ui.state import chosen, is_news, owner, set_job
from ui.study_recipe import recipe_text

PACKAGES = ("steerscope", "streamlit", "torch", "transformers", "sae-lens", "peft")
PAGES: dict[Screen, str] = {"steer": "pages/3_Steer.py", "compare": "pages/4_Compare.py"}
NEWS = "study_opened"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for, as `work.Request` has it; an adapter of the study is meant, whatever its id was."""

    ask: Ask
    strength: Strength | None
    plan: Plan | None
    adapted: bool


def save(screen: Screen, title: str, note: str) -> Study:
    """Keep what the session sees on a screen, and what led there, as a study.

    Raises:
        StudyError: nothing is there to be saved, or it could not be saved.
    """
    run, label = work.ranking_run(), chosen.label
    done = {name: generated(name) for name in PAGES}
    if run is None or label is None or done[screen] is None:
        raise StudyError("There are no answers to save yet; generate some first.")
    kept: list[Answers] = [_answers(name, found) for name, found in done.items() if found is not None]
    adapter_id = next((found.request.adapter_id for found in done.values() if found and found.request.adapter_id), None)
    adapter = runtime.store.get("adapter", adapter_id)
    if adapter_id is not None and adapter is None:
        raise StudyError("The adapter of this comparison is not in memory any more; compare again, then save.")
    about = About(
        title=title.strip(),
        note=note,
        screen=screen,
        model=chosen.model,
        sae=chosen.sae,
        label=label,
        examples_title=chosen.examples_title or run.examples.name,
        features=chosen.features,
        feature_id=chosen.feature_id,
        versions=versions_of(PACKAGES),
    )
    recipe = recipe_text(run, label, done[screen], adapter)
    return library().save(about, Content(run, tuple(kept), recipe), adapter)


def restore(id: str) -> Study:
    """Make a study what this session sees: model, SAE, examples, ranking, features, controls and answers.

    Raises:
        StudyError: there is none with this id, or it was damaged; the session stays as it was.
    """
    study, content = library().open(id)
    about, run, mine = study.about, content.run, owner()
    asked = {one.screen: from_plain(_Asked, one.request, "answers.json") for one in content.answers}
    if about.label not in run.rankings:
        raise StudyError(f"The study has no ranking for {about.label!a:.60}; take a sound copy of it.")
    ranking = run.rankings[about.label]
    for kind in ("ranking", "lora", *PAGES):
        job = work.latest(kind)
        if job is not None and job.active:
            job.cancel()
        set_job(kind, None)
    chosen.model, chosen.sae = about.model, about.sae
    chosen.examples_id = runtime.store.put("examples", run.examples.fingerprint, run.examples, owner=mine)
    chosen.examples_title, chosen.label = about.examples_title, about.label
    chosen.ranking_id = runtime.store.put("ranking", f"study.{id}", run, owner=mine)
    chosen.ranking_title = f"{len(ranking.features)} features ranked"
    st.session_state["ranked_for"] = (chosen.examples_id, about.label, about.model, about.sae)
    chosen.features, chosen.feature_id = about.features, about.feature_id
    chosen.features_title = f"Feature{'s' if len(about.features) > 1 else ''} {', '.join(map(str, about.features))}"
    adapter_id = f"study.{id}" if library().has_adapter(id) else None
    chosen.adapter_id = adapter_id
    put_settings(ranking.settings)
    st.session_state["steer_form"] = "Prompts"  # conversations are not kept
    for one in content.answers:
        found = _generated(one, asked[one.screen], adapter_id)
        kept = runtime.store.put(one.screen, f"study.{id}.{one.screen}", found, owner=mine)
        put_ask(found.request.ask, key=one.screen)
        if one.screen == "steer":
            chosen.completions_id, chosen.steer_title = kept, "Steered answers written"
        else:
            chosen.comparison_id, chosen.comparison_title = kept, "Methods compared"
    # Both screens share the strength's controls: those of the screen that the study opens on are put last.
    for one in sorted(content.answers, key=lambda one: one.screen == about.screen):
        settings = asked[one.screen]
        if settings.plan is not None:
            put_plan(settings.plan, about.label, run)
        elif settings.strength is not None:
            put_strength(settings.strength, run)
    is_news(NEWS, id)
    return study


def read_adapter() -> None:
    """Bring the adapter of an opened study to memory: at once where torch is there, else by a job that waits for it."""
    id = chosen.adapter_id
    if id is None or not id.startswith("study.") or runtime.store.get("adapter", id) is not None:
        return
    mine, study_id = owner(), id.removeprefix("study.")

    def read(_job: object = None) -> str:
        return runtime.store.put("adapter", id, library().adapter(study_id), owner=mine)

    warmth = runtime.warmth()
    if warmth.ready or not warmth.started:
        read()
    elif work.latest("lora") is None:
        work.submit("lora", "Reading the study's adapter", read)


def generated(screen: str) -> work.Generated | None:
    """The answers that the session sees on a screen."""
    found: work.Generated | None = runtime.store.get(
        screen, chosen.completions_id if screen == "steer" else chosen.comparison_id
    )
    return found


def _answers(screen: Screen, found: work.Generated) -> Answers:
    request = found.request
    plan = request.settings if isinstance(request.settings, Plan) else None
    strength = request.settings if isinstance(request.settings, Strength) else None
    asked: dict[str, Any] = to_plain(_Asked, _Asked(request.ask, strength, plan, request.adapter_id is not None))
    return Answers(screen, request.titles, asked, found.completions, found.concept, found.scores)


def _generated(answers: Answers, asked: _Asked, adapter_id: str | None) -> work.Generated:
    settings = asked.plan or asked.strength
    if settings is None:
        raise StudyError("The study does not say how its answers were made; take a sound copy of it.")
    request = work.Request(answers.titles, asked.ask, settings, adapter_id if asked.adapted else None)
    expected = len(request.titles) * len(asked.ask.prompts) * asked.ask.count
    if len(answers.completions) != expected:
        raise StudyError(
            f"The study has {len(answers.completions)} answers, {expected} were expected; take a sound copy."
        )
    return work.Generated(answers.completions, request, answers.concept, answers.scores)
