"""How does what a session sees become a study, and how does a study become what a session sees?

Opening loads no model: results come from the study's files, controls from what was asked for. Results are put under
names of the study's own, so that nobody's study can pass for the results of another session.
"""

import sys
from dataclasses import dataclass
from typing import Any

import streamlit as st

from steering import runtime
from steering.devices import AUTO, devices
from steering.errors import StudyError
from steering.gallery.shelf import shelf_of
from steering.studies.answers import Answers
from steering.studies.content import Content
from steering.studies.library import library
from steering.studies.plain import from_plain, to_plain
from steering.studies.study import About, Screen, Study
from steering.versions import versions_of
from ui import left_out, work
from ui.compare_view import Plan, put_plan
from ui.controls import Ask, Strength, put_ask, put_strength
from ui.ranking_view import put_settings
from ui.state import chosen, is_news, owner, set_job
from ui.study_recipe import recipe_text

PACKAGES = ("steerscope", "streamlit", "torch", "transformers", "sae-lens", "peft")
PAGES: dict[Screen, str] = {
    "steer": "pages/3_Steer.py",
    "converse": "pages/3_Steer.py",
    "compare": "pages/4_Compare.py",
}
NEWS = "study_opened"
_MOVED = "steerscope.study.moved"


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
    shown = done[screen]
    if run is None or label is None or shown is None:
        raise StudyError("There are no answers to save yet; generate some first.")
    kept: list[Answers] = [
        answers_of(name, turn) for name, found in done.items() if found is not None for turn in _turns(found)
    ]
    adapter_id = next((found.request.adapter_id for found in done.values() if found and found.request.adapter_id), None)
    adapter = runtime.store.get("adapter", adapter_id)
    if adapter_id is not None and adapter is None:
        raise StudyError("The adapter of this comparison is not in memory any more; compare again, then save.")
    settings = shown.request.settings  # what the answers were made with, which a run shown again need not share
    strength = settings.strength if isinstance(settings, Plan) else settings
    about = About(
        title=title.strip(),
        note=note,
        screen=screen,
        model=chosen.model,
        sae=chosen.sae,
        label=label,
        examples_title=chosen.examples_title or run.examples.name,
        features=tuple(feature_id for feature_id, _, _ in strength.features),
        feature_id=chosen.feature_id,
        versions=versions_of(PACKAGES),
        device=chosen.device,
        dtype=chosen.dtype,
        ran_on=work.place().device,
    )
    recipe = recipe_text(run, label, shown, adapter)
    return library().save(about, Content(run, tuple(kept), recipe), adapter)


def restore(id: str) -> Study:
    """Make a study what this session sees: model, SAE, examples, ranking, features, controls and answers.

    Raises:
        StudyError: there is none with this id, or it was damaged; the session stays as it was.
    """
    shelf = shelf_of(id)
    study, content = shelf.open(id)
    about, run, mine = study.about, content.run, owner()
    if about.label not in run.rankings:
        raise StudyError(f"The study has no ranking for {about.label!a:.60}; take a sound copy of it.")
    ranking = run.rankings[about.label]
    adapter_id = f"study.{id}" if shelf.has_adapter(id) else None
    made: list[work.Generated] = []
    turns: tuple[work.Generated, ...] = ()
    for one in content.answers:
        made.append(generated_of(one, adapter_id, turns if one.screen == "converse" else ()))
        turns = (*turns, made[-1]) if one.screen == "converse" else turns
    # From here on nothing is refused: a study that is damaged leaves the session as it was.
    for kind in ("ranking", "lora", *PAGES):
        job = work.latest(kind)
        if job is not None and job.active:
            job.cancel()
        set_job(kind, None)
    chosen.model, chosen.sae = about.model, about.sae
    _put_place(study)
    chosen.examples_id = runtime.store.put("examples", run.examples.fingerprint, run.examples, owner=mine)
    chosen.examples_title, chosen.label = about.examples_title, about.label
    chosen.ranking_id = runtime.store.put("ranking", f"study.{id}", run, owner=mine)
    chosen.ranking_title = f"{len(ranking.features)} features ranked"
    st.session_state["ranked_for"] = (chosen.examples_id, about.label, about.model, about.sae)
    chosen.features, chosen.feature_id = about.features, about.feature_id
    chosen.features_title = f"Feature{'s' if len(about.features) > 1 else ''} {', '.join(map(str, about.features))}"
    chosen.adapter_id = adapter_id
    put_settings(ranking.settings)
    st.session_state["steer_form"] = "Conversation" if about.screen == "converse" else "Prompts"
    chosen.completions_id = chosen.conversation_id = chosen.comparison_id = None
    for one, found in zip(content.answers, made, strict=True):
        kept = runtime.store.put(one.screen, f"study.{id}.{one.screen}", found, owner=mine)
        if one.screen == "steer":
            chosen.completions_id, chosen.steer_title = kept, "Steered answers written"
        elif one.screen == "converse":
            chosen.conversation_id, chosen.steer_title = kept, "Conversation steered"
        else:
            chosen.comparison_id, chosen.comparison_title = kept, "Methods compared"
    # Screens share controls: those of the screen that the study opens on are put last.
    left: list[str] = []
    for place in sorted(range(len(made)), key=lambda place: content.answers[place].screen == about.screen):
        request, screen = made[place].request, content.answers[place].screen
        left += put_ask(request.ask, key="compare" if screen == "compare" else "steer", prompts=screen != "converse")
        if isinstance(request.settings, Plan):
            left += put_plan(request.settings, about.label, run)
        else:
            left += put_strength(request.settings, run)
    left_out.note(left)
    is_news(NEWS, id)
    return study


def read_adapter() -> None:
    """Bring the adapter of an opened study to memory: at once where what reads it is imported, else by a job.

    The answers of the study need no adapter, and peft takes seconds to import: the screen does not wait for it.
    """
    id = chosen.adapter_id
    if id is None or not id.startswith("study.") or runtime.store.get("adapter", id) is not None:
        return
    mine, study_id = owner(), id.removeprefix("study.")

    def read(_job: object = None) -> str:
        return runtime.store.put("adapter", id, shelf_of(study_id).adapter(study_id), owner=mine)

    warmth = runtime.warmth()
    if "peft" in sys.modules and (warmth.ready or not warmth.started):
        read()
    elif work.latest("lora") is None:
        work.submit("lora", "Reading the study's adapter", read)


def answers_id(screen: Screen) -> str | None:
    """Store id of the answers that the session sees on a screen; of a conversation the last turn."""
    return {
        "steer": chosen.completions_id,
        "converse": chosen.conversation_id,
        "compare": chosen.comparison_id,
    }[screen]


def generated(screen: Screen) -> work.Generated | None:
    """The answers that the session sees on a screen; of a conversation the last turn, which knows those before."""
    found: work.Generated | None = runtime.store.get(screen, answers_id(screen))
    return found


def moved(id: str) -> str | None:
    """What to say of a study that this session opened, where it was made elsewhere than new answers would be."""
    told: dict[str, str] = st.session_state.get(_MOVED, {})
    return told.get(id)


def _put_place(study: Study) -> None:
    """Choose the study's device and number format; what this machine has not is said by `moved`."""
    about = study.about
    here = about.device in (AUTO, *devices())
    chosen.device, chosen.dtype = about.device if here else AUTO, about.dtype
    chosen.sae_dtype = "float32"  # a study keeps what was read, not how the SAE was kept
    told: dict[str, str] = dict(st.session_state.get(_MOVED, {}))
    told.pop(study.id, None)
    now, then = work.place().device, about.ran_on or about.device
    if then not in (now, AUTO):
        told[study.id] = f"Made on {then}; new answers are written on {now} here, and their words may differ."
    st.session_state[_MOVED] = told


def _turns(found: work.Generated) -> tuple[work.Generated, ...]:
    return (*found.request.earlier, found)


def answers_of(screen: Screen, found: work.Generated) -> Answers:
    """The answers of a screen as a study keeps them."""
    request = found.request
    plan = request.settings if isinstance(request.settings, Plan) else None
    strength = request.settings if isinstance(request.settings, Strength) else None
    asked: dict[str, Any] = to_plain(_Asked, _Asked(request.ask, strength, plan, request.adapter_id is not None))
    return Answers(screen, request.titles, asked, found.completions, found.concept, found.scores)


def generated_of(
    answers: Answers, adapter_id: str | None = None, earlier: tuple[work.Generated, ...] = ()
) -> work.Generated:
    """The answers of a study as screens show them.

    Args:
        answers: of one request.
        adapter_id: store id of the study's adapter.
        earlier: the turns before, of a conversation.

    Raises:
        StudyError: they do not say how they were made, or there are too few of them.
    """
    asked: _Asked = from_plain(_Asked, answers.request, "answers.json")
    settings = asked.plan or asked.strength
    if settings is None:
        raise StudyError("The study does not say how its answers were made; take a sound copy of it.")
    request = work.Request(answers.titles, asked.ask, settings, adapter_id if asked.adapted else None, earlier)
    if answers.screen == "converse" and (len(asked.ask.prompts), asked.ask.count) != (1, 1):
        raise StudyError("A turn of the study's conversation is not one question with one answer; take a sound copy.")
    expected = len(request.titles) * len(asked.ask.prompts) * asked.ask.count
    if len(answers.completions) != expected:
        raise StudyError(
            f"The study has {len(answers.completions)} answers, {expected} were expected; take a sound copy."
        )
    return work.Generated(answers.completions, request, answers.concept, answers.scores)
