"""A recipe from the command line gives what generate gives, and never quietly something else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from steering.errors import RecipeError
from steering.examples import LabelledExamples
from steering.lora import LoraSettings, train_lora
from steering.presets import presets
from steering.ranking import RankingSettings
from steering.recipes import Baselines, DiffMeanBaseline, read_recipe, write_recipe
from steering.recipes.running import opened, run_recipe
from steering.recipes.sources import adapter_source, examples_source
from steering.workbench import open_model
from steering.world.labelled import labelled_examples
from tests.integration.test_cli import run

pytestmark = pytest.mark.usefixtures("needs_world")

OPTIONS = (
    "--model", "demo", "--feature", "356", "--feature", "381", "--factor", "0.3", "--factor", "-0.2", "--mode", "clamp",
    "--scope", "sentence_ends", "--concept", "pirate", "--prompt", "Explain how bread is made.", "--prompt",
    "Tell me about a day at the market.", "--seed", "3", "--count", "2", "--max-new-tokens", "16", "--top-p", "0.9",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "pirate.json"
    run("recipe", *OPTIONS, "--out", str(path))
    return path


def test_run_prints_what_generate_prints(written):
    reproduced = run("run", str(written), "--json").stdout
    assert reproduced == run("run", str(written), "--json").stdout, "to the letter"
    assert reproduced == run("generate", *OPTIONS, "--json").stdout
    generated = json.loads(reproduced)["completions"]
    assert {one["kind"] for one in generated} == {"baseline", "prompted", "steered"}
    told = run("run", str(written)).stdout
    assert generated[-1]["text"] in told


def test_the_recipe_names_its_weights(written):
    recipe = read_recipe(written.read_bytes())
    assert recipe.model.source == "demo"
    assert recipe.sae.source == presets()["demo"].default_sae
    assert recipe.model.sha256 is not None
    assert recipe.sae.sha256 is not None
    assert str(Path.cwd()) not in written.read_text(encoding="utf-8")


def test_other_weights_are_an_error_unless_allowed(written, tmp_path):
    recipe = read_recipe(written.read_bytes())
    changed = tmp_path / "changed.json"
    for field in ("model", "sae"):
        other = replace(recipe, **{field: replace(getattr(recipe, field), sha256="0" * 64)})
        changed.write_text(write_recipe(other), encoding="utf-8")
        told = run("run", str(changed), "--json", code=2)
        assert "but the recipe was made with" in told.stderr
        assert "000000000000" in told.stderr
        assert told.stderr.count("\n") == 1
        assert json.loads(run("run", str(changed), "--json", "--other-weights").stdout)["completions"]


def test_a_recipe_that_cannot_be_run_says_why(written, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"schema": 1, "promts": []}')
    assert "nearest known one is 'prompts'" in run("run", str(broken), code=2).stderr
    assert "cannot be read" in run("run", str(tmp_path / "none.json"), code=2).stderr
    assert "without one" in run("run", str(written), "--adapter", str(_adapter(tmp_path)[0]), code=2).stderr


def test_names_that_no_file_system_takes_are_one_line(written, tmp_path):
    recipe = read_recipe(written.read_bytes())
    long = tmp_path / "long.json"
    for source in ("m" * 5000, "~nobody/m", "m\0"):
        for changes in (
            {"model": replace(recipe.model, source=source, revision="main", sha256=None)},
            {"sae": replace(recipe.sae, source=source)},
        ):
            long.write_text(write_recipe(replace(recipe, **changes)), encoding="utf-8")
            assert "error: " in run("run", str(long), code=2).stderr
    for out in ("r" * 300 + ".json", "r" * 300 + "/r.json"):
        assert "cannot be written" in run("recipe", *OPTIONS, "--out", str(tmp_path / out), code=2).stderr


def test_an_adapter_is_asked_for_and_checked(written, tmp_path):
    folder, adapter = _adapter(tmp_path)
    recipe = replace(read_recipe(written.read_bytes()), baselines=Baselines(adapter=adapter_source(adapter, 0.5)))
    path = tmp_path / "adapted.json"
    path.write_text(write_recipe(recipe), encoding="utf-8")
    assert "--adapter DIR" in run("run", str(path), code=2).stderr
    found = json.loads(run("run", str(path), "--adapter", str(folder), "--json").stdout)["completions"]
    assert found[-1]["kind"] == "adapted"
    assert found[-1]["receipt"]["adapter"].endswith("x 0.5")
    other = replace(recipe, baselines=Baselines(adapter=replace(recipe.baselines.adapter, sha256="0" * 64)))
    path.write_text(write_recipe(other), encoding="utf-8")
    assert "adapter has sha256" in run("run", str(path), "--adapter", str(folder), code=2).stderr


def test_diff_mean_needs_the_very_examples(written, tmp_path):
    examples = _examples(seed=0)
    recipe = replace(
        read_recipe(written.read_bytes()),
        baselines=Baselines(diff_mean=DiffMeanBaseline(0.3)),
        examples=examples_source(examples, examples.label_names[0]),
        ranking=RankingSettings(positions="sentence_ends"),
    )
    with pytest.raises(RecipeError, match="DiffMean needs the examples"), opened(recipe):
        pass
    other = _examples(seed=1)
    with pytest.raises(RecipeError, match="These examples have sha256"), opened(recipe, examples=other):
        pass
    with opened(recipe, examples=examples) as ingredients:
        found = run_recipe(recipe, ingredients)
    assert [one.kind for one in found[::4]] == ["baseline", "direction", "steered"]
    assert found[4].receipt.scope == "sentence_ends"


def _examples(*, seed: int) -> LabelledExamples:
    rows = labelled_examples("pirate", count=12, seed=seed)
    return LabelledExamples.from_rows(
        "Pirate",
        rows["text"].tolist(),
        rows[["label"]].to_numpy(dtype=bool),
        ["pirate"],
        prompts=rows["prompt"].tolist(),
    )


def _adapter(folder: Path):
    with open_model("demo") as model:
        adapter = train_lora(
            model, ["Arr, matey!"] * 4, ["Hello"] * 4, settings=LoraSettings(epochs=1, batch_size=4), name="pirate"
        )
    adapter.save(folder / "adapter")
    return folder / "adapter", adapter
