"""Saving on Steer and Compare, opening by link after a restart, and the Studies page; no model is ever loaded."""

import io
import threading
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.outlook import device_of
from steering.studies.library import library
from tests.app.conftest import ROOT, table_key
from tests.app.factors import factor_box
from tests.drawn_study import LABELS, drawn_answers, drawn_completion, drawn_run
from ui.compare_view import Plan
from ui.controls import Ask, Strength
from ui.work import Generated, Request

STRENGTH = Strength(((5, -0.45, 2.142857074737549),), "clamp", "prompt")
TITLES = ("Baseline", "SAE")


def answers(screen: str) -> Generated:
    drawn = drawn_answers(screen, judged=screen == "compare")
    ask = Ask(tuple(drawn.request["prompts"]), 17, 0.7, 1.0, 11, 1)
    settings = STRENGTH if screen == "steer" else Plan(TITLES, "Talk like a pirate.", "prompt", -0.25, STRENGTH, 1.0)
    titles = ("Baseline", "Steered") if screen == "steer" else TITLES
    return Generated(drawn.completions, Request(titles, ask, settings), drawn.concept, drawn.scores)


@pytest.fixture
def session() -> dict[str, object]:
    """What a session has chosen that has steered and compared."""
    run, store = drawn_run(), runtime.store
    return {
        "examples_id": store.put("examples", run.examples.fingerprint, run.examples),
        "examples_title": "Pirates · 12 examples",
        "label": LABELS[0],
        "ranking_id": store.put("ranking", "r", run),
        "features": (5,),
        "completions_id": store.put("steer", "s", answers("steer")),
        "comparison_id": store.put("compare", "c", answers("compare")),
    }


def saved(open_alone, session, screen: str, title: str) -> str:
    page = {"steer": "pages/3_Steer.py", "compare": "pages/4_Compare.py"}[screen]
    app = open_alone(page, **session)
    assert not app.exception
    title_box = next(box for box in app.text_input if str(box.key).startswith(f"study_title_{screen}"))
    assert "pirate" in title_box.value
    title_box.set_value(title)
    app.text_area(key=f"study_note_{screen}").set_value("Look at the *second* answer.")
    app.button(key=f"study_keep_{screen}").click().run()
    assert not app.exception
    found = next(study for study in library().find() if study.about.title == title)
    assert any(found.id in code.value for code in app.code), "the link stands there"
    return found.id


def linked(page: str, id: str) -> AppTest:
    """The page in a new session of a restarted server."""
    runtime.reset()
    app = AppTest.from_file(str(ROOT / page), default_timeout=20)
    app.query_params["study"] = id
    return app.run()


@pytest.mark.parametrize("screen", ["steer", "compare"])
def test_a_link_opens_the_screen_as_it_was_after_a_restart(open_alone, session, screen):
    id = saved(open_alone, session, screen, "Told")
    page = {"steer": "pages/3_Steer.py", "compare": "pages/4_Compare.py"}[screen]
    app = linked(page, id)
    assert not app.exception
    assert [error.value for error in app.error] == []
    assert [warning.value for warning in app.warning] == [], "no control has two values"
    state = app.session_state
    assert (state["steerscope.label"], state["steerscope.features"]) == (LABELS[0], (5,))
    assert state["steerscope.examples_title"] == "Pirates · 12 examples"
    for kind, name in (("steer", "completions_id"), ("compare", "comparison_id")):
        found, told = runtime.store.get(kind, state[f"steerscope.{name}"]), answers(kind)
        assert found.completions == told.completions
        assert found.scores == told.scores
        assert found.request == told.request
    assert repr(runtime.store.get("ranking", state["steerscope.ranking_id"]).rankings) == repr(drawn_run().rankings)
    assert app.text_area(key=f"{screen}_prompts_demo").value.splitlines()[0] == "Explain bread."
    assert app.number_input(key=f"{screen}_seed").value == 11
    assert app.number_input(key=f"{screen}_tokens").value == 17
    assert app.selectbox(key="strength_mode").value == "clamp"
    assert factor_box(app, "strength_demo_demo_5").value == 0.45
    if screen == "compare":
        assert app.slider(key="compare_diff_mean").value == -0.25
        assert any("Overall" in frame.value.columns for frame in app.dataframe)
    else:
        assert not any("Made with other settings" in caption.value for caption in app.caption)
    assert runtime.jobs().active() == []
    assert runtime.shelf().loaded("model") == []


def test_a_conversation_opens_turn_by_turn(open_alone, session):
    def turn(prompt: str, earlier: tuple[Generated, ...], draw: int) -> Generated:
        found = tuple(drawn_completion(c, prompt, f"{prompt} {c}") for c in (0, 1))
        ask = Ask((prompt,), 17, 0.7, 1.0, 11, 1, draw)
        return Generated(found, Request(("Baseline", "Steered"), ask, STRENGTH, earlier=earlier))

    first = turn("Hello.", (), 0)
    last = turn("And then?", (first,), 2)
    session["conversation_id"] = runtime.store.put("converse", "v", last)
    app = AppTest.from_file(str(ROOT / "pages/3_Steer.py"), default_timeout=20)
    for name, value in session.items():
        app.session_state[f"steerscope.{name}"] = value
    app.session_state["steer_form"] = "Conversation"
    app.run()
    app.button(key="study_keep_converse").click().run()
    assert not app.exception
    study = library().find()[0]
    assert any(f"/Steer?study={study.id}" in code.value for code in app.code)
    app = linked("pages/3_Steer.py", study.id)
    assert not app.exception
    assert app.session_state["steer_form"] == "Conversation"
    found = runtime.store.get("converse", app.session_state["steerscope.conversation_id"])
    assert found.completions == last.completions
    assert found.request.ask == last.request.ask
    assert [one.completions for one in found.request.earlier] == [first.completions]
    assert [one.turns for one in found.request.branches()] == [one.turns for one in last.request.branches()]
    assert app.number_input(key="steer_seed").value == 11
    assert runtime.jobs().active() == []


def test_what_the_controls_do_not_offer_is_said(open_alone, session):
    drawn = answers("compare")
    ask = replace(drawn.request.ask, max_new_tokens=300, seed=12)
    plan = replace(drawn.request.settings, diff_mean_factor=7.0, strength=replace(STRENGTH, features=((5, -9.0, 2.1),)))
    told = replace(drawn, request=Request(TITLES, ask, plan))
    session["comparison_id"] = runtime.store.put("compare", "c", told)
    app = linked("pages/4_Compare.py", saved(open_alone, session, "compare", "Told"))
    assert not app.exception
    (warning,) = app.warning
    said = warning.value.replace("\\", "")
    for words in ("Tokens 300 is outside", "DiffMean factor 7 is outside", "factor -9 of feature 5 is outside"):
        assert words in said
    assert app.number_input(key="compare_seed").value == 12
    assert app.number_input(key="compare_tokens").value == 64
    app.button(key="left_out_close").click().run()
    assert not app.warning


@pytest.mark.parametrize(("chosen", "ran_on"), [("cuda:7", "cuda:7"), ("auto", "cuda:0"), ("auto", "cpu")])
def test_device_and_format_come_back_or_what_is_here_is_said(open_alone, session, monkeypatch, chosen, ran_on):
    monkeypatch.setattr("ui.work.device_of", lambda *_, **__: ran_on)
    id = saved(open_alone, session | {"device": chosen, "dtype": "bfloat16"}, "compare", "Told")
    monkeypatch.setattr("ui.work.device_of", device_of)
    app = linked("pages/4_Compare.py", id)
    assert not app.exception
    assert (app.session_state["steerscope.device"], app.session_state["steerscope.dtype"]) == ("auto", "bfloat16")
    told = [caption.value for caption in app.caption if "Made on" in caption.value]
    if ran_on == "cpu":
        assert told == []
    else:
        assert len(told) == 1
        assert f"Made on {ran_on}; new answers are written on cpu here" in told[0].replace("\\", "")


def test_an_adapter_comes_back_and_its_comparison_is_not_stale(open_alone, session, monkeypatch):
    import torch

    from steering.fingerprints import adapter_fingerprint
    from steering.lora import LORA_PRESETS, Adapter
    from steering.recipes import read_recipe

    name = "base_model.model.model.layers.0.mlp.down_proj.lora_{}.weight"
    tensors = {name.format("A"): torch.randn(2, 8), name.format("B"): torch.randn(4, 2)}
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["down_proj"]}
    adapter = Adapter("pirate", config, tensors, "demo", LORA_PRESETS["small"], (2.0, 1.0), n_examples=3)
    ask = answers("compare").request.ask
    plan = Plan(("Baseline", "DiffMean", "SAE", "LoRA"), "", "prompt", 0.3, STRENGTH, 0.8)
    found = tuple(drawn_completion(c, prompt, f"Hm {c}") for c in range(4) for prompt in ask.prompts)
    told = Generated(found, Request(plan.titles, ask, plan, adapter_id="mine"))
    session["comparison_id"] = runtime.store.put("compare", "l", told)
    session["adapter_id"] = runtime.store.put("adapter", "mine", adapter)
    id = saved(open_alone, session, "compare", "With LoRA")
    beside = read_recipe((library().root / id / "recipe.json").read_text()).baselines.adapter
    assert (beside.sha256, beside.factor) == (adapter_fingerprint(adapter), 0.8)
    assert beside.settings == LORA_PRESETS["small"]

    def as_it_was(app: AppTest) -> None:
        assert not app.exception
        assert not any("Made with other settings" in caption.value for caption in app.caption)
        assert app.slider(key="lora_factor").value == 0.8
        assert any("LoRA" in list(frame.value["Method"]) for frame in app.dataframe if "Method" in frame.value)

    app = linked("pages/4_Compare.py", id)
    as_it_was(app)
    found = runtime.store.get("adapter", f"study.{id}")
    assert adapter_fingerprint(found) == adapter_fingerprint(adapter)
    assert (found.settings, found.losses) == (adapter.settings, adapter.losses)

    # While torch is still being imported the worker reads it, and the screen does not wait.
    runtime.reset()
    monkeypatch.setattr(runtime, "warmth", lambda: runtime.Warmth(started=True))
    busy = threading.Event()
    runtime.jobs().submit(lambda _job: busy.wait(20), title="Importing", owner="warm-up")
    app = AppTest.from_file(str(ROOT / "pages/4_Compare.py"), default_timeout=20)
    app.query_params["study"] = id
    app.run()
    assert runtime.store.get("adapter", f"study.{id}") is None
    as_it_was(app)
    busy.set()
    while runtime.jobs().active():
        time.sleep(0.01)
    app.run()
    as_it_was(app)
    assert runtime.store.get("adapter", f"study.{id}") is not None


def test_a_link_that_leads_nowhere_is_one_sentence(open_alone):
    for id in ("a" * 16, "../../etc/passwd", ""):
        app = linked("pages/4_Compare.py", id)
        assert not app.exception
        assert len(app.error) == 1
        assert any("Find features first" in text.value for text in app.markdown)


def test_a_study_that_was_tampered_with_leaves_the_session_alone(open_alone, session):
    id = saved(open_alone, session, "steer", "Told")
    path = library().root / id / "answers.json"
    path.write_text(path.read_text().replace("clamp", "champ"))
    app = linked("pages/3_Steer.py", id)
    assert not app.exception
    assert "was changed since it was saved" in app.error[0].value
    assert "steerscope.label" not in app.session_state


def pick(app: AppTest, *rows: int) -> AppTest:
    app.session_state[table_key(app)] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_an_empty_page_says_how_to_begin(open_alone):
    app = open_alone("pages/7_Studies.py")
    assert not app.exception
    assert any("Nothing is saved yet" in text.value for text in app.markdown)


def test_find_open_duplicate_delete_and_undo(open_app, open_alone, session):
    id = saved(open_alone, session, "compare", "First win")
    other = saved(open_alone, session, "steer", "Second try")
    app = open_app("pages/7_Studies.py")
    assert list(app.dataframe[0].value["Title"]) == ["Second try", "First win"]
    app.text_input(key="studies_query").set_value("FIRST").run()
    assert list(app.dataframe[0].value["Title"]) == ["First win"]
    pick(app, 0)
    app.button(key="study_duplicate").click().run()
    assert len(library().find()) == 3
    app.text_input(key="studies_query").set_value("").run()
    pick(app, 1)
    assert any(other in code.value and "/Steer?study=" in code.value for code in app.code)
    app.button(key="study_delete").click().run()
    assert not app.exception
    assert other not in {study.id for study in library().find()}
    app.button(key="studies_undo").click().run()
    assert other in {study.id for study in library().find()}
    pick(app, 0, 2)
    assert not app.exception
    tables = [frame.value for frame in app.dataframe]
    assert any("Overall" in table.columns for table in tables)
    pick(app, 2)
    app.button(key="study_open").click().run()
    assert not app.exception
    assert app.session_state["steerscope.comparison_id"] == f"study.{id}.compare"


def test_a_tick_does_not_move_on_to_the_next_study(open_alone, session):
    gone, kept = (saved(open_alone, session, "steer", title) for title in ("Goes", "Stays"))
    app = pick(open_alone("pages/7_Studies.py"), 0)
    assert any(kept in code.value for code in app.code)
    app.text_input(key="studies_query").set_value("Goes").run()
    assert not any(button.key == "study_delete" for button in app.button), "nobody ticked this one"
    pick(app, 0)
    app.button(key="study_delete").click().run()
    app.text_input(key="studies_query").set_value("").run()
    assert not any(button.key == "study_delete" for button in app.button)
    app.button(key="studies_undo").click().run()
    assert not any(button.key == "study_delete" for button in app.button)
    assert {study.id for study in library().find()} == {gone, kept}


def test_a_zip_is_taken_over(open_alone, session):
    id = saved(open_alone, session, "compare", "Told")
    packed = io.BytesIO()
    library().export(id, packed)
    library().delete(id)
    library().empty_trash()
    app = open_alone("pages/7_Studies.py")
    app.file_uploader(key="studies_upload_0").upload("study.zip", packed.getvalue(), "application/zip").run()
    app.button(key="studies_take").click().run()
    assert not app.exception
    assert [study.id for study in library().find()] == [id]
    app.file_uploader(key="studies_upload_1").upload("study.zip", b"no zip", "application/zip").run()
    app.button(key="studies_take").click().run()
    assert "no zip" in app.error[0].value
