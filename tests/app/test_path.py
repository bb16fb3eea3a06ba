"""Every screen of the main path in AppTest, on the embedded world's real model: no browser, nothing stubbed."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.presets import presets
from ui import start

LABEL = "pirate"
pytestmark = pytest.mark.skipif("demo" not in presets(), reason="the embedded world's weights are not in this checkout")


def until_idle(app: AppTest, seconds: float = 120) -> AppTest:
    """Run the page until no job is active; timers do not tick in AppTest."""
    deadline = time.monotonic() + seconds
    while runtime.jobs().active():
        assert time.monotonic() < deadline, "a job did not end"
        runtime.jobs().wait_idle(2.0)
    return app.run()


@pytest.fixture
def ranked(open_app) -> AppTest:
    """The Features page with the ranking of the pirate sample."""
    app = open_app()
    app.button(key=f"sample_{LABEL}").click().run()
    assert not app.exception
    app.switch_page("pages/2_Features.py").run()
    return until_idle(app)


def test_samples_are_one_click_away(open_app):
    app = open_app()
    assert [sample.id for sample in start.samples()] == ["pirate", "french", "hedging"]
    app.button(key="sample_pirate").click().run()
    assert not app.exception
    assert app.session_state["steerscope.label"] == LABEL


def test_features_without_examples_say_what_to_do(open_alone):
    app = open_alone("pages/2_Features.py")
    assert not app.exception
    assert any("Bring examples" in text.value for text in app.markdown)
    for page in ("pages/3_Steer.py", "pages/4_Compare.py"):
        app = open_alone(page)
        assert not app.exception
        assert any("Find features first" in text.value for text in app.markdown)


def test_ranking_shows_numbers_table_and_heatmap(ranked):
    assert not ranked.exception
    metrics = {metric.label: metric.value for metric in ranked.metric}
    assert metrics["Examples"] == "72 + 72"
    assert float(metrics["Its held-out AUROC"]) >= 0.9
    table = next(frame.value for frame in ranked.dataframe if "reads" in frame.value.columns)
    assert table["reads"].is_monotonic_decreasing
    assert len(ranked.get("plotly_chart")) == 2
    run = runtime.store.get("ranking", ranked.session_state["steerscope.ranking_id"])
    assert run.hook_module.startswith("model.layers.")


def test_filters_say_how_many_they_removed(ranked):
    ranked.toggle(key="rank_use_top").set_value(True).run()
    ranked.number_input(key="rank_top").set_value(5)
    ranked.button(key="rank").click().run()
    until_idle(ranked)
    steps = next(frame.value for frame in ranked.dataframe if "removed" in frame.value.columns)
    top = steps[steps["filter"] == "top_k"].iloc[0]
    assert bool(top["on"])
    assert top["before"] - top["removed"] == 5


def test_steer_and_compare(ranked):
    feature = ranked.session_state["steerscope.feature_id"]
    ranked.button(key="feature_pick").click().run()
    assert ranked.session_state["steerscope.features"] == (feature,)
    ranked.switch_page("pages/3_Steer.py").run()
    ranked.text_area(key="steer_prompts").set_value("Explain how bread is baked.").run()
    assert runtime.jobs().active() == [], "moving a control must not generate"
    ranked.number_input(key=f"strength_{feature}_box").set_value(1.5).run()
    assert ranked.slider(key=f"strength_{feature}_slider").value == 1.5
    ranked.button(key="generate").click().run()
    until_idle(ranked)
    assert not ranked.exception
    done = runtime.store.get("steer", ranked.session_state["steerscope.completions_id"])
    assert [completion.kind for completion in done.completions] == ["baseline", "steered"]
    assert done.completions[1].receipt.features[0].factor == 1.5
    assert len(done.scores) == 2
    ranked.switch_page("pages/4_Compare.py").run()
    ranked.number_input(key="lora_epochs_small").set_value(1).run()
    ranked.button(key="train_lora").click().run()
    until_idle(ranked)
    assert ranked.session_state["steerscope.adapter_id"]
    ranked.text_area(key="compare_prompts").set_value("Explain how bread is baked.\nGive advice on roses.").run()
    ranked.button(key="compare").click().run()
    until_idle(ranked)
    assert not ranked.exception
    table = next(frame.value for frame in ranked.dataframe if "Method" in frame.value.columns)
    assert table["Method"].tolist() == ["Baseline", "Prompted", "DiffMean", "SAE", "LoRA"]
    assert table["KL"].iloc[0] == 0
    assert (table["KL"].iloc[1:] > 0).all()


def test_another_model_keeps_the_examples_and_drops_the_ranking(ranked):
    examples = ranked.session_state["steerscope.examples_id"]
    ranked.selectbox(key="model_choice_name").select("Another model").run()
    ranked.text_input(key="model_choice_model").set_value("no/such-model")
    ranked.text_input(key="model_choice_sae").set_value("no-such-release/layer_1")
    ranked.run()
    ranked.button(key="model_choice_use").click().run()
    until_idle(ranked)
    assert ranked.session_state["steerscope.examples_id"] == examples
    assert not ranked.exception
    assert any("no/such-model" in error.value.replace("\\", "") for error in ranked.error)


def test_all_labels_are_ranked_in_one_pass(open_app):
    """Multi-label examples: one ranking job, and every label is one choice away."""
    from ui.examples_draft import WorldRecipe, from_world

    draft = from_world(WorldRecipe(concept=None, count=8))
    app = open_app()
    runtime.store.put("examples", draft.examples_id, draft.examples)
    app.session_state["steerscope.examples_id"] = draft.examples_id
    app.session_state["steerscope.label"] = "sea"
    app.switch_page("pages/2_Features.py").run()
    until_idle(app)
    assert not app.exception
    first = app.session_state["steerscope.ranking_id"]
    run = runtime.store.get("ranking", first)
    assert len(run.rankings) == len(draft.examples.label_names) == 12
    table = next(frame.value for frame in app.dataframe if "reads" in frame.value.columns)
    assert table["also"].isin(draft.examples.label_names).any()
    app.selectbox(key=f"label_{draft.examples_id}").select("french").run()
    until_idle(app)
    assert app.session_state["steerscope.label"] == "french"
    assert app.session_state["steerscope.ranking_id"] == first
    assert any("**french**" in text.value for text in app.markdown)


def test_answers_for_other_features_are_not_shown(ranked):
    """A job that was started for one feature must not fill the screen once another was chosen."""
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/3_Steer.py").run()
    ranked.text_area(key="steer_prompts").set_value("Explain how bread is baked.").run()
    ranked.button(key="generate").click().run()
    picker = next(widget for widget in ranked.multiselect if widget.label == "Features")
    other = next(option for option in picker.options if not option.startswith(str(picker.value[0])))
    picker.set_value([int(other.split()[0])]).run()
    until_idle(ranked)
    assert not ranked.exception
    assert "steerscope.completions_id" not in ranked.session_state
    assert any("Press Generate" in info.value for info in ranked.info)
