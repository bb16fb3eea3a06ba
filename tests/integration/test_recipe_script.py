"""The script of a recipe makes the same tokens as the recipe, in a process where Steerscope cannot be imported."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from steering.conversation import Conversation, Turn
from steering.errors import RecipeError
from steering.models import load_model
from steering.presets import presets
from steering.recipes import (
    Baselines,
    ChosenFeature,
    ModelSource,
    PromptedBaseline,
    Recipe,
    SaeSource,
    SamplingSettings,
    read_recipe,
)
from steering.recipes.running import Ingredients, opened, run_recipe
from steering.recipes.script import script_of, write_script
from steering.saes import SparseAutoencoder
from steering.workbench import Loaded
from tests.chat_templates import QWEN_3
from tests.tiny import TINY
from tests.tiny_sae import tiny_sae

_WITHOUT_STEERSCOPE = """
import contextlib, io, json, runpy, sys
sys.modules["steering"] = sys.modules["sae_lens"] = sys.modules["peft"] = None  # importing them is an error now
found = []
for script in sys.argv[1:]:
    told, sys.argv = io.StringIO(), [script, "--json"]
    with contextlib.redirect_stdout(told):
        runpy.run_path(script, run_name="__main__")
    found.append(json.loads(told.getvalue()))
print(json.dumps(found))
"""

_PROMPTS = ("He went and said: the end.", "  Tønder is a town\nnear the sea. $x \\ \"quoted\" 'too' 🙂 ", "Go")


def _tiny(
    folder: Path, family: str, sae: SparseAutoencoder, template: str | None = None, **changes: object
) -> tuple[Recipe, Ingredients]:
    """A recipe for a tiny model that lies in a folder, as a user's own does."""
    built = TINY[family]()
    if template is not None:
        built.tokenizer.chat_template = template
    place = folder / f"model-{family}"
    if not place.exists():
        built.model.save_pretrained(place)
        built.tokenizer.save_pretrained(place)
    model = load_model(str(place))
    recipe = Recipe(
        model=ModelSource(str(place)),
        prompts=_PROMPTS,
        sae=SaeSource("tiny", str(sae.hook_point)),
        features=(ChosenFeature(3, 1.5, 4.0), ChosenFeature(7, -1.0, 3.0), ChosenFeature(11, 0.5, 2.0)),
        sampling=SamplingSettings(12, 1.3, 0.8, 2),
        seed=3,
    )
    return replace(recipe, **changes), Ingredients(model, Loaded(model, sae, None))


def _cases(folder: Path) -> dict[str, tuple[Recipe, Ingredients]]:
    """Every mode, scope, family, architecture and normalisation at least once; not every pair of them."""
    lifted = (ChosenFeature(3, 1.5, 4.0), ChosenFeature(7, 0.5, 3.0))
    told = Baselines(prompted=PromptedBaseline("Say it in one line."))
    sampled = SamplingSettings(12, 0.0, 1.0, 1)
    return {
        "add, sentence ends, told": _tiny(folder, "llama", tiny_sae(), scope="sentence_ends", baselines=told),
        "clamp, everywhere": _tiny(folder, "gpt2", tiny_sae(site="resid_pre"), mode="clamp"),
        "min_clamp, prompt": _tiny(
            folder, "gemma2", tiny_sae(architecture="topk", site="resid_mid"), mode="min_clamp", scope="prompt",
            features=lifted,
        ),
        "scale, generated": _tiny(
            folder, "neox", tiny_sae(architecture="standard", normalize="layer_norm"), mode="scale", scope="generated",
        ),
        "ablate, greedy, a template with options": _tiny(
            folder, "qwen2", tiny_sae(site="mlp_out"), QWEN_3, mode="ablate", sampling=sampled
        ),
        "add without a shared budget": _tiny(
            folder, "llama", tiny_sae(normalize="constant_norm_rescale"), shared_budget=False
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory, needs_world) -> dict[str, tuple[list, list]]:
    """Case -> completions here and those of its script; one process runs all of the scripts."""
    folder = tmp_path_factory.mktemp("scripts")
    expected, scripts = {}, []
    with opened(_demo()) as ingredients:
        cases = {"demo": (_demo(), ingredients), **_cases(folder)}
        for place, (name, (recipe, found)) in enumerate(cases.items()):
            expected[name] = run_recipe(recipe, found)
            scripts.append(str(write_script(recipe, found, folder / f"script-{place}")))
    done = subprocess.run(
        [sys.executable, "-I", "-c", _WITHOUT_STEERSCOPE, *scripts],
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [one["completions"] for one in json.loads(done.stdout.splitlines()[-1])]
    return {name: (here, there) for (name, here), there in zip(expected.items(), found, strict=True)}


def _demo() -> Recipe:
    return Recipe(
        model=ModelSource("demo"),
        prompts=("Explain how bread is made.", "Tell me about a day at the market."),
        sae=SaeSource(presets()["demo"].default_sae, "blocks.2.hook_resid_post"),
        features=(ChosenFeature(356, 2.0, 20.0), ChosenFeature(381, 1.5, 20.0)),
        scope="sentence_ends",
        sampling=SamplingSettings(40),
        seed=5,
    )


def test_the_script_makes_the_same_tokens(pairs):
    assert len(pairs) == 7
    for name, (here, there) in pairs.items():
        assert [one.kind for one in here] == [one["condition"] for one in there], name
        assert [list(one.token_ids) for one in here] == [one["token_ids"] for one in there], name
        assert [one.text for one in here] == [one["text"] for one in there], name


def test_the_edit_can_be_seen(pairs):
    """Equal tokens would say nothing if the features moved none."""
    for name, (here, _) in pairs.items():
        answers = {
            kind: [one.token_ids for one in here if one.kind == kind] for kind in ("baseline", "prompted", "steered")
        }
        assert answers["steered"] != answers["baseline"], name


def test_the_folder_holds_the_recipe_and_the_model_of_a_preset(tmp_path, needs_world):
    with opened(_demo()) as ingredients:
        script = write_script(_demo(), ingredients, tmp_path / "kept")
    assert read_recipe((script.parent / "recipe.json").read_bytes()) == _demo()
    assert (script.parent / "model" / "model.safetensors").is_file()
    text = script.read_text(encoding="utf-8")
    compile(text, "steer.py", "exec")
    assert "feature_acts" not in text  # add reads nothing, so nothing is there to be read
    assert "import steering" not in text


def test_what_no_script_does_is_refused(tmp_path):
    recipe, ingredients = _tiny(tmp_path, "llama", tiny_sae())
    sae_alone = replace(recipe, features=())
    with pytest.raises(RecipeError, match="writes no feature"):
        script_of(sae_alone, ingredients)
    with pytest.raises(RecipeError, match="special token </s>"):
        script_of(replace(recipe, prompts=("What is </s>?",)), ingredients)
    with pytest.raises(RecipeError, match="conversation"):
        script_of(replace(recipe, prompts=(Conversation((Turn("user", "Hi"),)),)), ingredients)
    with pytest.raises(RecipeError, match="system turn"):
        script_of(replace(recipe, baselines=Baselines(PromptedBaseline("Be brief.", "system"))), ingredients)


def test_nothing_of_the_user_ends_the_docstring(tmp_path):
    recipe, ingredients = _tiny(tmp_path, "llama", tiny_sae(), concept='"""\nraise SystemExit(1)\n\\')
    text, _ = script_of(recipe, ingredients)
    first = compile(text, "steer.py", "exec")
    assert "raise SystemExit" in str(first.co_consts[0])  # still inside the docstring
