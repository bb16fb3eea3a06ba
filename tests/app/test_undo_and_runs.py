"""Undo and redo of features and strengths, and the list of this session's runs; no model is loaded."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from tests.app.factors import factor_box
from tests.drawn_study import LABELS, drawn_answers, drawn_run
from ui.compare_view import Plan
from ui.controls import Ask, Strength
from ui.work import Generated, Request

NAME = "strength_demo_demo_5"


def answers(factor: float, seed: int, features: tuple[int, ...] = (5,)) -> Generated:
    """Steered answers, as if they had just been written."""
    drawn, max_act = drawn_answers("steer", judged=False), drawn_run().statistics.max_act
    ask = Ask(tuple(drawn.request["prompts"]), 17, 0.7, 1.0, seed, 1)
    strength = Strength(tuple((one, factor, float(max_act[one])) for one in features), "clamp", "prompt")
    return Generated(drawn.completions, Request(("Baseline", "Steered"), ask, strength), None, ())


@pytest.fixture
def steer(open_alone) -> AppTest:
    """The Steer page of a session with a ranking and one chosen feature."""
    run, store = drawn_run(), runtime.store
    return open_alone(
        "pages/3_Steer.py",
        examples_id=store.put("examples", run.examples.fingerprint, run.examples),
        label=LABELS[0],
        ranking_id=store.put("ranking", "r", run),
        features=(5,),
    )


def undo(app: AppTest) -> AppTest:
    return app.button(key="steer_undo").click().run()


def redo(app: AppTest) -> AppTest:
    return app.button(key="steer_redo").click().run()


def ends(app: AppTest) -> tuple[bool, bool]:
    """Whether there is something to undo, and to redo."""
    return not app.button(key="steer_undo").disabled, not app.button(key="steer_redo").disabled


def test_strength_mode_and_features_can_be_undone_and_done_again(steer):
    first = factor_box(steer, NAME).value
    assert ends(steer) == (False, False)
    factor_box(steer, NAME).set_value(0.25).run()
    steer.selectbox(key="strength_mode").set_value("clamp").run()
    steer.multiselect(key="pick_r").set_value([5, 2]).run()
    assert steer.session_state["steerscope.features"] == (5, 2)
    undo(steer)
    assert steer.session_state["steerscope.features"] == (5,)
    undo(steer)
    assert steer.selectbox(key="strength_mode").value == "add"
    assert factor_box(steer, NAME).value == 0.25
    undo(steer)
    assert factor_box(steer, NAME).value == first
    assert ends(steer) == (False, True)
    for _ in range(3):
        redo(steer)
    assert steer.session_state["steerscope.features"] == (5, 2)
    assert steer.selectbox(key="strength_mode").value == "clamp"
    assert factor_box(steer, NAME).value == 0.25
    assert ends(steer) == (True, False)
    assert not steer.exception


def test_a_change_after_an_undo_takes_the_redo_away(steer):
    factor_box(steer, NAME).set_value(0.25).run()
    undo(steer)
    factor_box(steer, NAME).set_value(0.5).run()
    assert ends(steer) == (True, False)
    undo(steer)
    redo(steer)
    assert factor_box(steer, NAME).value == 0.5


def test_the_last_feature_taken_out_comes_back_with_its_strength(steer):
    factor_box(steer, NAME).set_value(0.25).run()
    steer.multiselect(key="pick_r").set_value([]).run()
    assert steer.session_state["steerscope.features"] == ()
    undo(steer)
    assert steer.session_state["steerscope.features"] == (5,)
    assert factor_box(steer, NAME).value == 0.25


def test_a_new_ranking_begins_a_new_history(steer):
    factor_box(steer, NAME).set_value(0.25).run()
    assert ends(steer) == (True, False)
    steer.session_state["steerscope.ranking_id"] = runtime.store.put("ranking", "other", drawn_run())
    steer.run()
    assert ends(steer) == (False, False)


def shown(app: AppTest, id: str) -> AppTest:
    """The page as it is when these answers have just been written."""
    app.session_state["steerscope.completions_id"] = id
    return app.run()


def test_runs_are_listed_shown_again_and_their_settings_taken(steer):
    for id, made in (("a", answers(0.45, 11)), ("b", answers(-0.8, 12)), ("c", answers(0.3, 13, (5, 2)))):
        shown(steer, runtime.store.put("steer", id, made))
    listed = [button for button in steer.button if str(button.key).startswith("run_show_steer_")]
    assert [button.key[-1] for button in listed] == ["c", "b", "a"]
    assert "5 -0.8" in listed[1].label
    assert "2 +0.3" in listed[0].label
    assert [button.disabled for button in listed] == [True, False, False]
    steer.button(key="run_show_steer_a").click().run()
    assert steer.session_state["steerscope.completions_id"] == "a"
    assert any("Made with other settings" in caption.value for caption in steer.caption)
    steer.button(key="run_use_steer_b").click().run()
    assert not steer.exception
    assert steer.session_state["steerscope.completions_id"] == "b"
    assert factor_box(steer, NAME).value == 0.8
    assert steer.segmented_control(key="strength_demo_demo_5_sign").value == "Suppress"
    assert steer.number_input(key="steer_seed").value == 12
    assert not any("Made with other settings" in caption.value for caption in steer.caption)
    steer.button(key="run_use_steer_c").click().run()
    assert steer.session_state["steerscope.features"] == (5, 2)
    assert steer.session_state["steerscope.completions_id"] == "c"


def test_what_the_store_let_go_is_listed_as_gone(steer):
    for id in ("a", "b"):
        shown(steer, runtime.store.put("steer", id, answers(0.45, 11)))
    runtime.store.drop("steer", "a")
    steer.run()
    assert not steer.exception
    old = steer.button(key="run_show_steer_a")
    assert old.disabled
    assert "gone" in old.label
    assert steer.button(key="run_use_steer_a").disabled
    assert not steer.button(key="run_use_steer_b").disabled


def test_another_ranking_has_runs_of_its_own(steer):
    shown(steer, runtime.store.put("steer", "a", answers(0.45, 11)))
    steer.session_state["steerscope.ranking_id"] = runtime.store.put("ranking", "other", drawn_run())
    steer.session_state["steerscope.completions_id"] = None
    steer.run()
    assert not [button for button in steer.button if str(button.key).startswith("run_show")]


def test_a_saved_run_names_the_features_that_it_was_made_with(steer):
    from steering.studies.library import library

    shown(steer, runtime.store.put("steer", "a", answers(0.3, 13, (5, 2))))
    steer.button(key="study_keep_steer").click().run()
    assert not steer.exception
    (study,) = library().find()
    assert study.about.features == (5, 2)


@pytest.fixture
def compare(open_alone) -> AppTest:
    """The Compare page of a session that had a comparison without LoRA, one with it, and one whose adapter is gone."""
    run, store = drawn_run(), runtime.store
    for id, adapter_id in (("without", None), ("lost", "lost"), ("with", "mine")):
        drawn, max_act = drawn_answers("compare", judged=False), run.statistics.max_act
        ask = Ask(tuple(drawn.request["prompts"]), 17, 0.7, 1.0, 11, 1)
        titles, lora = (("Baseline", "SAE"), 1.0) if adapter_id is None else (("Baseline", "LoRA"), 0.8)
        plan = Plan(titles, "", "prompt", 0.0, Strength(((5, 0.5, float(max_act[5])),), "clamp", "prompt"), lora)
        store.put("compare", id, Generated(drawn.completions, Request(titles, ask, plan, adapter_id), None, ()))
    store.put("adapter", "mine", SimpleNamespace(name="pirate"))
    app = open_alone(
        "pages/4_Compare.py",
        examples_id=store.put("examples", run.examples.fingerprint, run.examples),
        label=LABELS[0],
        ranking_id=store.put("ranking", "r", run),
        features=(5,),
        adapter_id="mine",
        comparison_id="without",
    )
    for id in ("lost", "with"):
        app.session_state["steerscope.comparison_id"] = id
        app.run()
    return app


def test_a_run_brings_its_own_adapter_or_none(compare):
    compare.button(key="run_use_compare_without").click().run()
    assert not compare.exception
    assert compare.session_state["steerscope.adapter_id"] is None
    assert compare.slider(key="compare_diff_mean").value == 0
    assert not any("Made with other settings" in caption.value for caption in compare.caption)
    compare.button(key="run_use_compare_with").click().run()
    assert compare.session_state["steerscope.adapter_id"] == "mine"
    assert compare.slider(key="lora_factor").value == 0.8


def test_a_run_whose_adapter_is_gone_is_shown_and_not_taken(compare):
    use = compare.button(key="run_use_compare_lost")
    assert use.disabled
    assert "train it again" in use.help
    assert not compare.button(key="run_show_compare_lost").disabled
