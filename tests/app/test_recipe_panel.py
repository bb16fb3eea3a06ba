"""Recipe and controls follow one another, and a link opens the screen that it was copied from."""

import html
import io
import json
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.exports.vector import read_vector
from steering.recipes import read_recipe
from steering.recipes.link import recipe_from_link, recipe_to_link
from tests.app.test_path import until_idle

pytestmark = pytest.mark.usefixtures("needs_world")
STEER, COMPARE = "pages/3_Steer.py", "pages/4_Compare.py"


@pytest.fixture
def steering(open_app) -> AppTest:
    """The Steer screen with two features of a sample."""
    app = until_idle(open_app())
    app.button(key="sample_pirate").click().run()
    until_idle(app.switch_page("pages/2_Features.py").run())
    ranked = [feature.feature_id for feature in _run(app).rankings["pirate"].features]
    app.session_state["steerscope.features"] = tuple(ranked[:2])
    return until_idle(app.switch_page(STEER).run())


def _run(app: AppTest):
    return runtime.store.get("ranking", app.session_state["steerscope.ranking_id"])


def _text(app: AppTest, screen: str = "steer"):
    return next(one for one in app.text_area if (one.key or "").startswith(f"{screen}_recipe_text_"))


def _edited(app: AppTest, change, screen: str = "steer") -> AppTest:
    content = json.loads(_text(app, screen).value)
    change(content)
    return _text(app, screen).set_value(json.dumps(content)).run()


def test_controls_and_text_follow_one_another(steering):
    app = steering
    recipe = read_recipe(_text(app).value)
    assert recipe.features[0].feature_id == app.session_state["steerscope.features"][0]
    assert recipe.model.sha256 is not None
    app.number_input(key="steer_seed").set_value(7).run()
    assert read_recipe(_text(app).value).seed == 7

    def change(content):
        content["seed"] = 9
        content["mode"] = "clamp"
        content["scope"] = "generated"
        content["prompts"] = ["Tell me about bread.", "And about “wine”?"]
        content["sampling"] |= {"temperature": 0.5, "max_new_tokens": 12, "count": 2}
        content["features"][0]["factor"] = -0.25
        content["features"].reverse()

    wanted = {}
    _edited(app, lambda content: (change(content), wanted.update(content)))
    assert not app.exception
    assert not app.error
    assert app.number_input(key="steer_seed").value == 9
    assert app.selectbox(key="strength_mode").value == "clamp"
    assert json.loads(_text(app).value) == wanted
    assert app.session_state["steerscope.features"] == tuple(one["feature_id"] for one in wanted["features"])


def test_wrong_text_stays_and_leaves_the_controls(steering):
    app = steering
    good = _text(app).value
    for broken, says in (
        (good.replace('\n  "seed"', '\n  "sede"'), "nearest known one is 'seed'"),
        (good.replace('\n  "seed": 0', '"seed": '), "Line "),
        (good.replace('\n  "seed": 0', '"seed": 99999999999'), "is outside of 0 to 2,147,483,647"),
        (good.replace('"label": "pirate"', '"label": "sea"'), "examples is not chosen on this screen"),
    ):
        assert broken != good
        _text(app).set_value(broken).run()
        assert says in app.error[0].value.replace("\\", "")
        assert _text(app).value == broken
        assert app.number_input(key="steer_seed").value == 0
    _text(app).set_value(good).run()
    assert not app.error


def test_a_link_opens_the_screen_in_a_new_session(steering, open_app):
    _edited(steering, lambda content: content.update(seed=4, prompts=["Tell me about bread."]))
    recipe = read_recipe(_text(steering).value)
    letters = recipe_to_link(recipe)
    shown = [code.value for code in steering.code if "recipe=" in code.value]
    assert recipe_from_link(shown[0].partition("recipe=")[2]) == recipe_from_link(letters)

    app = open_app()
    app.query_params["recipe"] = letters
    app.switch_page(STEER).run()
    until_idle(app)
    assert not app.exception
    assert read_recipe(_text(app).value).digest == recipe.digest
    app.number_input(key="steer_seed").set_value(5).run()  # and is not opened again over later choices
    assert read_recipe(_text(app).value).seed == 5


@pytest.mark.parametrize("letters", ["<script>", "A" * 50_000, "AAAA"])
def test_a_hostile_link_is_one_sentence(open_app, letters):
    app = open_app()
    app.query_params["recipe"] = letters
    app.switch_page(STEER).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "link" in app.error[0].value


def test_other_weights_under_the_same_name_are_not_taken_for_the_recipes(steering):
    content = json.loads(_text(steering).value) | {"seed": 21}
    content["sae"]["sha256"] = "0" * 64
    steering.file_uploader(key="steer_recipe_file").upload(
        "recipe.json", json.dumps(content).encode(), "application/json"
    )
    until_idle(steering.run())
    assert "other weights of the SAE" in steering.error[0].value
    steering.button(key="recipe_leave").click().run()
    assert read_recipe(_text(steering).value).seed != 21


def test_a_file_is_opened(steering):
    content = json.loads(_text(steering).value) | {"seed": 21}
    steering.file_uploader(key="steer_recipe_file").upload(
        "recipe.json", json.dumps(content).encode(), "application/json"
    )
    until_idle(steering.run())
    assert read_recipe(_text(steering).value).seed == 21


def test_compare_has_its_own_recipe(steering):
    app = until_idle(steering.switch_page(COMPARE).run())
    recipe = read_recipe(_text(app, "compare").value)
    assert recipe.baselines.diff_mean.factor == 0.3
    assert recipe.baselines.prompted is not None
    _edited(app, lambda content: content["baselines"].update(diff_mean={"factor": 0.5}), "compare")
    assert app.slider(key="compare_diff_mean").value == 0.5


def _downloads(app: AppTest) -> dict[str, str]:
    return {one.proto.label: one.proto.id for one in app.get("download_button")}


def test_every_format_that_holds_the_recipe_is_made_when_asked(steering):
    from steering.recipes.running import opened, run_recipe
    from ui import export_panel, work

    app = steering
    offered = set(_downloads(app))
    assert {"Python script", "Steering vector", "AxBench features"} <= offered
    refused = " ".join(caption.value for caption in app.caption)
    assert "scope here is sentence" in refused.replace("\\", "")  # the demo's default scope, which GGUF cannot hold
    assert "GGUF control vector" not in offered
    app.selectbox(key="strength_mode").set_value("clamp").run()
    recipe = read_recipe(_text(app).value)
    at = work.Place("cpu", "auto")
    made = export_panel._vector_file("_script", at, "me", "demo", recipe.sae.source, recipe)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {"steer.py", "features.safetensors", "recipe.json"} <= set(archive.namelist())
        assert read_recipe(archive.read("recipe.json")).digest == recipe.digest
    vector = export_panel._vector_file("safetensors", at, "me", "demo", recipe.sae.source, recipe)
    found = read_vector(vector)
    with opened(recipe) as ingredients:
        from steering.generation import Sampling, generate

        expected = [one.token_ids for one in run_recipe(recipe, ingredients) if one.kind == "steered"]
        sampling = Sampling(recipe.sampling.max_new_tokens, recipe.sampling.temperature)
        again = generate(
            ingredients.model, [found.condition()], recipe.prompts, sae=found.sae, sampling=sampling, seed=recipe.seed
        )
    assert [one.token_ids for one in again] == expected


def test_a_comparison_leaves_as_a_report_with_its_recipe(steering):
    from ui import export_panel, work

    app = until_idle(steering.switch_page(COMPARE).run())
    _edited(app, lambda content: content["sampling"].update(max_new_tokens=8), "compare")
    recipe = read_recipe(_text(app, "compare").value)
    until_idle(app.button(key="compare").click().run())
    assert "Report" in _downloads(app)
    done, run = runtime.store.get("compare", app.session_state["steerscope.comparison_id"]), _run(app)
    page = export_panel._report_file(work.Place("cpu", "auto"), "me", done, run, "pirate", recipe).decode()
    assert html.escape(done.completions[0].text, quote=False).replace("'", "&#39;") in page
    shown = html.unescape(page)
    start = shown.index('{\n  "schema"')
    assert read_recipe(shown[start : shown.index("\n}", start) + 2]) == recipe
    assert "Ranking for" in page


def test_a_ranking_leaves_for_spreadsheets(steering):
    app = until_idle(steering.switch_page("pages/2_Features.py").run())
    assert {"CSV, for spreadsheets", "Parquet", "JSON"} <= set(_downloads(app))
