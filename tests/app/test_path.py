"""Every screen of the main path in AppTest, on the embedded world's real model: no browser, nothing stubbed."""

import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.errors import Cancelled
from steering.jobs import JobState, QueueFullError
from tests.app.factors import factor_box, factor_slider
from ui import start
from ui.controls import FACTOR_LIMIT
from ui.text import plain

LABEL = "pirate"
pytestmark = pytest.mark.usefixtures("needs_world")


def until_idle(app: AppTest, seconds: float = 120) -> AppTest:
    """Run the page until no job is active; timers do not tick in AppTest."""
    deadline = time.monotonic() + seconds
    while runtime.jobs().active():
        assert time.monotonic() < deadline, "a job did not end"
        runtime.jobs().wait_idle(2.0)
    return app.run()


def renewals(app: AppTest) -> int:
    """How many results say that they were made with other settings."""
    return sum("Made with other settings" in caption.value for caption in app.caption)


@pytest.fixture
def endless(monkeypatch) -> None:
    """Completions that are written until somebody stops them."""

    def generate(*_args, should_stop, **_kwargs):
        while not should_stop():
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setattr("steering.generation.generate", generate)


@pytest.fixture
def comparing(ranked, endless) -> AppTest:
    """The Compare page while the methods answer one prompt."""
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/4_Compare.py").run()
    ranked.text_area(key="compare_prompts_demo").set_value("Explain how bread is baked.").run()
    ranked.button(key="compare").click().run()
    assert len(runtime.jobs().active(kind="compare")) == 1
    return ranked


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
    assert [sample.id for sample in start.samples()] == ["french", "sea", "pirate"]
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
    ranked.text_area(key="steer_prompts_demo").set_value("Explain how bread is baked.").run()
    assert runtime.jobs().active() == [], "moving a control must not generate"
    factor_box(ranked, f"strength_demo_demo_{feature}").set_value(FACTOR_LIMIT).run()
    slider = factor_slider(ranked, f"strength_demo_demo_{feature}")
    assert slider.value == slider.max <= FACTOR_LIMIT, "the box goes on where the slider ends"
    factor_box(ranked, f"strength_demo_demo_{feature}").set_value(0.5).run()
    assert factor_slider(ranked, f"strength_demo_demo_{feature}").value == 0.5
    ranked.button(key="generate").click().run()
    until_idle(ranked)
    assert not ranked.exception
    done = runtime.store.get("steer", ranked.session_state["steerscope.completions_id"])
    assert [completion.kind for completion in done.completions] == ["baseline", "steered"]
    assert done.completions[1].receipt.features[0].factor == 0.5
    assert len(done.scores) == 2
    assert renewals(ranked) == 0
    factor_box(ranked, f"strength_demo_demo_{feature}").set_value(1.0).run()
    assert renewals(ranked) == 1, "another factor than that of the answers"
    factor_box(ranked, f"strength_demo_demo_{feature}").set_value(0.5).run()
    assert renewals(ranked) == 0
    ranked.switch_page("pages/4_Compare.py").run()
    ranked.number_input(key="lora_epochs_small").set_value(1).run()
    ranked.button(key="train_lora").click().run()
    until_idle(ranked)
    assert ranked.session_state["steerscope.adapter_id"]
    ranked.text_area(key="compare_prompts_demo").set_value("Explain how bread is baked.\nGive advice on roses.").run()
    ranked.button(key="compare").click().run()
    until_idle(ranked)
    assert not ranked.exception
    table = next(frame.value for frame in ranked.dataframe if "Method" in frame.value.columns)
    assert table["Method"].tolist() == ["Baseline", "Prompted", "DiffMean", "SAE", "LoRA"]
    assert table["KL"].iloc[0] == 0
    assert (table["KL"].iloc[1:] > 0).all()
    assert table["95 % interval"].tolist() == ["–"] * 5, "two prompts give no interval"
    assert table["vs SAE"].iloc[3] == "–"
    assert renewals(ranked) == 0
    ranked.number_input(key="lora_epochs_small").set_value(2).run()
    ranked.button(key="train_lora").click().run()
    until_idle(ranked)
    assert renewals(ranked) == 1, "the adapter is another one now"


def test_a_conversation_goes_on_from_each_panes_own_answers(ranked):
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/3_Steer.py").run()
    ranked.segmented_control(key="steer_form").set_value("Conversation").run()
    assert any("trained on single questions" in caption.value for caption in ranked.caption)
    ranked.number_input(key="steer_tokens").set_value(12).run()

    def last():
        until_idle(ranked)
        assert not ranked.exception
        assert not ranked.error
        return runtime.store.get("converse", ranked.session_state["steerscope.conversation_id"])

    ranked.button(key="converse_suggestion_0").click().run()
    first = last()
    assert [one.kind for one in first.completions] == ["baseline", "steered"]
    ranked.chat_input(key="converse_say").set_value("Tell me more.").run()
    second = last()
    assert second.request.earlier == (first,)
    for before, after in zip(first.completions, second.completions, strict=True):
        assert [turn.text for turn in after.earlier] == [before.prompt, before.text]
        assert after.receipt.n_prompt_tokens > before.receipt.n_prompt_tokens + before.receipt.n_generated - 2
    shown = [text.value for text in ranked.markdown]
    assert r"**Tell me more\.**" in shown
    assert f"**{plain(first.prompts[0])}**" in shown

    ranked.button(key="converse_again").click().run()
    again = last()
    assert again.request.earlier == (first,)
    assert [one.receipt.seed for one in again.completions] == [1, 1], "the same seed would give the same words"
    ranked.text_area(key=f"converse_text_{ranked.session_state['steerscope.conversation_id']}").set_value("Why?").run()
    ranked.button(key="converse_edited").click().run()
    edited = last()
    assert edited.request.earlier == (first,)
    assert (edited.completions[0].prompt, edited.completions[0].receipt.seed) == ("Why?", 0)

    ranked.segmented_control(key="steer_form").set_value("Prompts").run()
    ranked.segmented_control(key="steer_form").set_value("Conversation").run()
    assert ranked.session_state["steerscope.conversation_id"], "it is still there"
    ranked.button(key="converse_over").click().run()
    assert not ranked.session_state["steerscope.conversation_id"]
    assert any(button.key == "converse_suggestion_0" for button in ranked.button)


def test_a_conversation_that_is_full_says_so_with_numbers(ranked):
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/3_Steer.py").run()
    ranked.segmented_control(key="steer_form").set_value("Conversation").run()
    ranked.chat_input(key="converse_say").set_value("bread " * 330).run()
    until_idle(ranked)
    (error,) = ranked.error
    assert "tokens, and the model reads" in error.value
    assert ranked.chat_input(key="converse_say")
    assert [code.value for code in ranked.code] == [("bread " * 330).strip()], "what was typed is not lost"


def test_a_turn_that_the_queue_refuses_is_not_lost(ranked, monkeypatch):
    def refuse(*_given, **_options):
        raise QueueFullError("Too much is waiting; try again.")

    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/3_Steer.py").run()
    ranked.segmented_control(key="steer_form").set_value("Conversation").run()
    monkeypatch.setattr("ui.work.start_turn", refuse)
    ranked.chat_input(key="converse_say").set_value("Tell me about bread.").run()
    assert "Too much is waiting" in ranked.error[0].value
    assert [code.value for code in ranked.code] == ["Tell me about bread."]


def test_where_the_template_takes_one_the_sentence_may_stand_in_the_system_prompt(comparing):
    assert any("cannot be told in a system prompt" in caption.value for caption in comparing.caption)
    id = comparing.session_state["steerscope.ranking_id"]
    run = runtime.store.get("ranking", id)
    runtime.store.put("ranking", id, replace(run, chat=replace(run.chat, no_system=None)))
    comparing.run()
    comparing.segmented_control(key="compare_told_in").set_value("system").run()
    comparing.button(key="compare").click().run()
    assert comparing.session_state["steerscope.request.compare"].settings.told_in == "system"
    assert any(text.label == "System prompt" for text in comparing.text_input)
    for job in runtime.jobs().active(kind="compare"):
        job.cancel()


def test_another_model_keeps_the_examples_and_drops_the_ranking(ranked):
    examples = ranked.session_state["steerscope.examples_id"]
    ranked.button(key="model_choice_open").click().run()
    ranked.segmented_control(key="model_choice_way").set_value("Your own").run()
    ranked.text_input(key="model_choice_model").set_value("no/such-model")
    ranked.text_input(key="model_choice_sae").set_value("no-such-release/layer_1")
    ranked.run()
    ranked.button(key="model_choice_use").click().run()
    until_idle(ranked)
    assert ranked.session_state["steerscope.examples_id"] == examples
    assert not ranked.exception
    assert any("no/such-model" in error.value.replace("\\", "") for error in ranked.error)


def test_after_a_load_that_failed_one_click_brings_back_the_pair_with_its_work(ranked):
    names = ("model", "sae", "ranking_id", "features", "completions_id", "feature_id")

    def now():
        return {name: getattr(state, name) for name in names}

    class _State:
        def __getattr__(self, name):
            key = f"steerscope.{name}"
            return ranked.session_state[key] if key in ranked.session_state else None  # noqa: SIM401 - it has no get

    state = _State()
    ranked.button(key="feature_pick").click().run()
    for name, value in {"completions_id": "kept", "model": "demo", "sae": "demo"}.items():
        ranked.session_state[f"steerscope.{name}"] = value
    before = now()
    assert before["ranking_id"]
    for attempt in ("no-such-release/layer_1", "no-such-release/layer_2"):  # the second does not become the way back
        ranked.button(key="model_choice_open").click().run()
        ranked.segmented_control(key="model_choice_way").set_value("Your own").run()
        ranked.text_input(key="model_choice_model").set_value("demo")
        ranked.text_input(key="model_choice_sae").set_value(attempt).run()
        ranked.button(key="model_choice_use").click().run()
        until_idle(ranked)
        assert not ranked.exception
        assert now()["ranking_id"] is None
        (error,) = ranked.error
        assert "no-such-release" in error.value.replace("\\", "")
        assert not any("Press" in info.value for info in ranked.info)
        assert any("Could not be loaded" in caption.value for caption in ranked.sidebar.caption)
        assert not any("Ready" in caption.value for caption in ranked.sidebar.caption)
    ranked.switch_page("pages/3_Steer.py").run()
    assert "no-such-release" in ranked.error[0].value.replace("\\", "")
    assert not any("Find features first" in text.value for text in ranked.markdown)
    ranked.button(key="steer_pair_before").click().run()
    assert not ranked.exception
    assert not ranked.error
    assert now() == before
    assert any("Ready" in caption.value for caption in ranked.sidebar.caption)
    assert not [button for button in ranked.button if str(button.key).endswith("pair_before")]


def test_the_work_of_other_examples_is_not_brought_back():
    def page() -> None:
        from ui.pair_before import _go_back, choose_pair
        from ui.state import chosen

        chosen.examples_id, chosen.label, chosen.ranking_id = "mine", "sea", "of mine"
        choose_pair("other", "sae", "auto", "auto", "float32")
        assert (chosen.model, chosen.ranking_id) == ("other", None)
        chosen.examples_id = "others"
        _go_back()
        assert (chosen.model, chosen.sae, chosen.ranking_id) == ("demo", "demo", None)
        choose_pair("other", "sae", "auto", "auto", "float32")
        chosen.model = "third"  # chosen in another way: the way back is not from here
        _go_back()
        assert chosen.model == "third"

    assert not AppTest.from_function(page).run().exception


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
    assert len(run.rankings) == len(draft.examples.label_names) == 33
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
    ranked.text_area(key="steer_prompts_demo").set_value("Explain how bread is baked.").run()
    ranked.button(key="generate").click().run()
    picker = next(widget for widget in ranked.multiselect if widget.label == "Features")
    other = next(option for option in picker.options if not option.startswith(str(picker.value[0])))
    picker.set_value([int(other.split()[0])]).run()
    until_idle(ranked)
    assert not ranked.exception
    assert "steerscope.completions_id" not in ranked.session_state
    assert any("Press Generate" in info.value for info in ranked.info)


def test_comparing_again_stops_the_first(comparing):
    first = runtime.jobs().active(kind="compare")[0]
    comparing.text_area(key="compare_prompts_demo").set_value("Give advice on roses.").run()
    comparing.button(key="compare").click().run()
    assert not comparing.exception
    assert first.wait(5)
    assert first.state is JobState.CANCELLED
    assert len(runtime.jobs().active(kind="compare")) == 1
    runtime.jobs().active(kind="compare")[0].cancel()


def test_answers_that_are_being_written_keep_their_prompts_when_the_queue_is_full(comparing, monkeypatch):
    def full(*_args, **_kwargs):
        raise QueueFullError("You already have 3 jobs waiting.")

    comparing.text_area(key="compare_prompts_demo").set_value("Give advice on roses.").run()
    with monkeypatch.context() as patch:
        patch.setattr(runtime.jobs(), "submit", full)
        comparing.button(key="compare").click().run()
    assert any("3 jobs waiting" in error.value for error in comparing.error)
    shown = [text.value for text in comparing.markdown]
    assert r"**Explain how bread is baked\.**" in shown
    assert not any("roses" in text for text in shown)
    (job,) = runtime.jobs().active(kind="compare")
    assert job.state is JobState.RUNNING
    job.cancel()


def test_a_heatmap_that_was_stopped_waits_for_its_button(ranked, monkeypatch):
    asked = []

    def stopped(*_args, **_kwargs):
        asked.append(1)
        raise Cancelled

    monkeypatch.setattr("steering.activations.token_activations", stopped)
    ranked.segmented_control(key="feature_class").set_value("Negatives").run()
    until_idle(ranked)
    ranked.run()
    assert len(asked) == 1
    assert any("was stopped" in info.value for info in ranked.info)
    ranked.button(key="heatmap_again").click().run()
    until_idle(ranked)
    assert len(asked) == 2


def test_a_ranking_says_when_the_settings_are_other_ones_now(ranked):
    assert renewals(ranked) == 0
    ranked.selectbox(key="rank_pi0_True").select("0.1").run()
    assert renewals(ranked) == 1
    ranked.button(key="rank").click().run()
    until_idle(ranked)
    assert renewals(ranked) == 0


def test_a_label_without_ranking_says_why(ranked):
    id = ranked.session_state["steerscope.ranking_id"]
    run = runtime.store.get("ranking", id)
    everyone = replace(run.examples, labels=run.examples.labels | True)
    runtime.store.put("ranking", id, replace(run, examples=everyone, rankings={}))
    ranked.run()
    assert not ranked.exception
    (warning,) = ranked.warning
    assert "every one of the" in warning.value
    assert not any("No ranking yet" in info.value for info in ranked.info)


def test_a_label_whose_positives_could_not_be_divided_says_so(ranked):
    id = ranked.session_state["steerscope.ranking_id"]
    run = runtime.store.get("ranking", id)
    runtime.store.put("ranking", id, replace(run, split=replace(run.split, uncovered=(LABEL,))))
    ranked.run()
    assert any("all lie in one part" in caption.value for caption in ranked.caption)


def test_strength_starts_where_the_model_bears_it_and_never_raises_below_zero(ranked):
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/3_Steer.py").run()
    feature = ranked.session_state["steerscope.features"][0]
    run = runtime.store.get("ranking", ranked.session_state["steerscope.ranking_id"])
    name = f"strength_demo_demo_{feature}"
    share = factor_box(ranked, name).value * run.statistics.max_act[feature] / run.statistics.resid_norm
    assert share == pytest.approx(0.6, abs=0.1)
    ranked.segmented_control(key=f"{name}_sign").set_value("Suppress").run()
    ranked.selectbox(key="strength_mode").select("min_clamp").run()
    direction = ranked.segmented_control(key=f"{name}_one_way")
    assert direction.disabled
    assert direction.value == "Boost"
    ranked.selectbox(key="strength_mode").select("scale").run()
    assert factor_box(ranked, f"{name}_scale").value == 2


def test_methods_are_compared_on_other_prompts_than_strengths_are_chosen_on(ranked):
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/3_Steer.py").run()
    chosen_on = set(ranked.text_area(key="steer_prompts_demo").value.splitlines())
    ranked.switch_page("pages/4_Compare.py").run()
    compared_on = set(ranked.text_area(key="compare_prompts_demo").value.splitlines())
    assert chosen_on
    assert compared_on
    assert not chosen_on & compared_on


def test_finding_diffmean_says_so_and_can_be_stopped(ranked, monkeypatch):
    def endless(*_args, positions, on_batch, should_stop):
        on_batch(1, 8)
        while not should_stop():
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setattr("steering.workbench.difference_direction", endless)
    ranked.button(key="feature_pick").click().run()
    ranked.switch_page("pages/4_Compare.py").run()
    ranked.button(key="compare").click().run()
    (job,) = runtime.jobs().active(kind="compare")
    deadline = time.monotonic() + 20
    while "DiffMean" not in job.progress.note and time.monotonic() < deadline:
        time.sleep(0.05)
    assert job.progress.note == "Finding the DiffMean direction"
    job.cancel()
    assert job.wait(5)
    assert job.state is JobState.CANCELLED


def test_the_shortcut_to_the_best_feature_keeps_it_chosen(ranked):
    best = ranked.session_state["steerscope.feature_id"]
    ranked.switch_page("pages/3_Steer.py").run()
    ranked.button(key="pick_best").click().run()
    assert ranked.session_state["steerscope.features"] == (best,)
    ranked.run()
    assert ranked.session_state["steerscope.features"] == (best,)
    assert not any(button.key == "pick_best" for button in ranked.button)
    ranked.button(key="generate").click().run()
    until_idle(ranked)
    assert ranked.session_state["steerscope.completions_id"]


def test_the_trained_adapter_can_be_taken_home(tiny_llama, tmp_path):
    """The download is the folder that peft and our own loader read."""
    import io
    import zipfile

    from steering.exports.lora import adapter_zip
    from steering.lora import LoraSettings, load_adapter, train_lora

    adapter = train_lora(tiny_llama, ["the sea"] * 2, ["tell"] * 2, settings=LoraSettings(epochs=1), name="sea")
    with zipfile.ZipFile(io.BytesIO(adapter_zip(adapter))) as archive:
        assert {"adapter_config.json", "adapter_model.safetensors"} <= set(archive.namelist())
        archive.extractall(tmp_path)
    assert load_adapter(tmp_path).name == "sea"
