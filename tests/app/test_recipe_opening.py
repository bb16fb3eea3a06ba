"""A recipe opens as it is, or says what of it the screen cannot show; nothing is loaded that nobody asked for.

The ranking is drawn by hand and the weights are named beforehand: a model is loaded only where that is the point.
"""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.presets import presets
from steering.recipes import (
    AdapterSource,
    Baselines,
    ChosenFeature,
    DiffMeanBaseline,
    ExamplesSource,
    ModelSource,
    PromptedBaseline,
    Recipe,
    SaeSource,
    SamplingSettings,
    read_recipe,
)
from steering.recipes.link import recipe_to_link
from tests.app.test_path import until_idle
from tests.drawn_study import LABELS, drawn_run
from tests.unit.recipes.recipes import FULL
from ui import work
from ui.recipe_work import Sources

pytestmark = pytest.mark.usefixtures("needs_world")
STEER, COMPARE = "pages/3_Steer.py", "pages/4_Compare.py"
RUN = drawn_run()
RECIPE = Recipe(
    model=ModelSource("demo", sha256="1" * 64),
    prompts=("Explain bread.", "And “wine”?"),
    sae=SaeSource("layer2", "blocks.2.hook_resid_post", sha256="2" * 64),
    features=(ChosenFeature(5, -0.5, float(RUN.statistics.max_act[5])),),
    mode="clamp",
    scope="prompt",
    sampling=SamplingSettings(12, 0.5, 1.0, 2),
    seed=7,
    concept=LABELS[0],
    examples=ExamplesSource(RUN.examples.fingerprint, LABELS[0], 6, 6, RUN.examples.name),
    ranking=RUN.rankings[LABELS[0]].settings,
)
NOWHERE = ExamplesSource("d" * 64, "pirate", 0, 40)
TOLD, BESIDE = PromptedBaseline("Talk like a pirate."), DiffMeanBaseline(-0.25)


@pytest.fixture
def session() -> dict[str, object]:
    """Examples and ranking of the recipe, as an opened study brings them."""
    sae = presets()["demo"].default_sae
    return {
        "sae": sae,
        "examples_id": runtime.store.put("examples", RUN.examples.fingerprint, RUN.examples),
        "label": LABELS[0],
        "ranking_id": runtime.store.put("ranking", "r", RUN),
    }


def opened(open_app, session, page: str, recipe: Recipe, *, named: bool = True) -> AppTest:
    """The page after the link; the recipe's SAE is the embedded world's."""
    sae = replace(recipe.sae, source=session["sae"])
    if named:
        key = work.key_of("sources", "demo", session["sae"], work.Place("cpu", "auto"))
        runtime.store.put(
            "sources", key, Sources(RECIPE.model, replace(RECIPE.sae, source=sae.source), "jumprelu", False)
        )
    app = open_app(**session)
    app.query_params["recipe"] = recipe_to_link(replace(recipe, sae=sae))
    app.switch_page(page).run()
    assert not app.exception
    return app  # not run again: AppTest would go back to the page of the link from the one that the page led to


def shown_recipe(app: AppTest, screen: str) -> Recipe:
    (box,) = (one for one in app.text_area if (one.key or "").startswith(f"{screen}_recipe_text_"))
    return read_recipe(box.value)


def said(app: AppTest) -> str:
    return " ".join(warning.value for warning in app.warning).replace("\\", "")


@pytest.mark.parametrize(
    ("page", "beside"),
    [
        (STEER, Baselines()),
        (STEER, Baselines(TOLD, BESIDE)),
        (COMPARE, Baselines()),
        (COMPARE, Baselines(TOLD)),
        (COMPARE, Baselines(diff_mean=BESIDE)),
    ],
)
def test_what_opens_is_the_recipe_on_the_screen_that_shows_all_of_it(open_app, session, page, beside):
    recipe = replace(RECIPE, baselines=beside)
    app = opened(open_app, session, page, recipe)
    screen = "steer" if page == STEER and beside == Baselines() else "compare"
    assert not app.error
    shown = shown_recipe(app, screen)
    assert shown == replace(recipe, sae=replace(recipe.sae, source=session["sae"]))
    assert not app.warning
    assert runtime.shelf().loaded("model") == []


def test_what_the_screen_does_otherwise_is_said_until_it_is_closed(open_app, session):
    session["adapter_id"] = runtime.store.put("adapter", "other", _adapter())
    beside = Baselines(None, DiffMeanBaseline(0.0), AdapterSource("c" * 64, 0.5))
    app = opened(open_app, session, COMPARE, replace(RECIPE, concept="sea", baselines=beside))
    assert not app.error
    told = said(app)
    assert "LoRA adapter (sha256 cccccccccccc) is not in memory, so LoRA is left out" in told
    assert "DiffMean at factor 0" in told
    assert f"judged for sea, this screen judges for {LABELS[0]}" in told
    assert shown_recipe(app, "compare").baselines == Baselines()
    app.button(key="left_out_close").click().run()
    assert not app.warning


def test_the_recipes_own_adapter_stands_beside_whatever_it_is_called_here(open_app, session):
    from steering.recipes.sources import adapter_source

    adapter = _adapter()
    runtime.store.put("adapter", "mine", adapter)
    session["adapter_id"] = runtime.store.put("adapter", "other", _adapter())
    recipe = replace(RECIPE, baselines=Baselines(adapter=adapter_source(adapter, 0.5)))
    app = opened(open_app, session, COMPARE, recipe)
    assert app.session_state["steerscope.adapter_id"] == "mine"
    assert shown_recipe(app, "compare").baselines == recipe.baselines
    assert not app.warning


def _adapter():
    import torch

    from steering.lora import LORA_PRESETS, Adapter

    name = "base_model.model.model.layers.0.mlp.down_proj.lora_{}.weight"
    tensors = {name.format("A"): torch.randn(2, 8), name.format("B"): torch.randn(4, 2)}
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["down_proj"]}
    return Adapter("pirate", config, tensors, "demo", LORA_PRESETS["small"], (2.0, 1.0), n_examples=3)


def test_weights_are_looked_up_where_nothing_was_loaded_yet(open_app, session):
    """A study brings its ranking and loads no model; the recipe's weights are still not those here."""
    app = until_idle(opened(open_app, session, STEER, RECIPE, named=False))
    assert "other weights of the model" in app.error[0].value
    assert "steerscope.features" not in app.session_state


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hook_point": "blocks.1.hook_resid_post"}, "works at blocks.2.hook_resid_post here"),
        ({"sha256": "3" * 64}, "other weights of the SAE"),
        ({"sha256": None, "revision": "3" * 40}, "other weights of the SAE"),
    ],
)
def test_another_sae_under_the_same_name_is_refused(open_app, session, changes, says):
    app = opened(open_app, session, STEER, replace(RECIPE, sae=replace(RECIPE.sae, **changes)))
    assert says in app.error[0].value.replace("\\", "")
    assert app.button(key="recipe_leave")


@pytest.mark.parametrize("strange", [("model", "sae"), ("sae",)])
def test_a_link_to_other_weights_asks_before_it_loads(open_app, strange):
    other = {name: replace(getattr(FULL, name), source="somebody/something/folder") for name in strange}
    app = open_app()
    app.query_params["recipe"] = recipe_to_link(replace(FULL, **other))
    app.switch_page(COMPARE).run()
    for key in ("steerscope.model", "steerscope.sae"):
        assert key not in app.session_state or app.session_state[key] == "demo"
    assert app.button(key="recipe_load")
    app.button(key="recipe_leave").click().run()
    assert not [button for button in app.button if button.key == "recipe_load"]


def test_an_sae_of_ones_own_is_not_taken_for_the_presets(open_app):
    """The recipe names the preset's SAE by its name; the session has another one for the same model."""
    named = presets()["demo"].default_sae
    app = open_app(model="demo", sae="somebody/something/folder")
    app.query_params["recipe"] = recipe_to_link(replace(FULL, sae=replace(FULL.sae, source=named), examples=NOWHERE))
    app.switch_page(COMPARE).run()
    assert not app.exception
    assert app.session_state["steerscope.sae"] == named
