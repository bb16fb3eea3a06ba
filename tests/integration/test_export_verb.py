"""A recipe leaves by the command line, and the snippets that it leaves as are run and answer as we do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from steering.cli import main
from steering.exports.gguf_vector import read_gguf
from steering.exports.vector import load_vector
from steering.generation import Condition, Sampling, generate
from steering.interventions import FeatureEdit, Intervention
from steering.recipes import ChosenFeature, ModelSource, Recipe, SaeSource, write_recipe
from steering.workbench import open_pair

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "Explain how bread is baked."
pytestmark = pytest.mark.usefixtures("needs_world")


def written(folder: Path, **changes) -> Path:
    given = {
        "model": ModelSource("demo"),
        "prompts": (PROMPT,),
        "sae": SaeSource("layer2-1k-l0-64", "blocks.2.hook_resid_post"),
        "features": (ChosenFeature(5, 1.0, 30.0), ChosenFeature(9, 0.8, 30.0)),
        "concept": 'it\'s "quoted" \\ {x}',
    } | changes
    path = folder / "recipe.json"
    path.write_text(write_recipe(Recipe(**given)), encoding="utf-8")
    return path


def export(recipe: Path, kind: str, out: Path, *more: str) -> int:
    return main(["export", "--recipe", str(recipe), "--format", kind, "--out", str(out), *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("exports")


def test_every_vector_of_a_recipe_is_the_same(folder, capsys):
    recipe = written(folder)
    vector, control = folder / "v.safetensors", folder / "v.gguf"
    assert export(recipe, "safetensors", vector) == 0
    assert export(recipe, "gguf", control) == 0
    assert export(recipe, "axbench", folder / "v.zip") == 0
    assert export(recipe, "lm-eval", folder / "v.pt") == 0
    found = load_vector(vector)
    assert found.direction is not None
    summed = found.direction.direction * found.direction.max_projection
    assert summed.tolist() == pytest.approx(read_gguf(control).directions[2].tolist(), abs=1e-5)
    assert found.metadata["recipe_digest"] == json.loads(json.dumps(found.metadata["recipe_digest"]))
    assert len(found.metadata["recipe_digest"]) == 64


def test_what_cannot_be_exported_is_one_line(folder, capsys):
    assert export(written(folder, mode="clamp"), "gguf", folder / "x.gguf") == 2
    assert export(written(folder), "neuronpedia", folder / "x.txt") == 2
    assert export(written(folder), "gguf", folder / "x.bin") == 2
    assert export(written(folder), "lm-eval", folder / "x.csv") == 2
    assert export(folder / "none.json", "gguf", folder / "x.gguf") == 2
    assert export(written(folder), "gguf", folder / "x.gguf", "--library", "nnsight") == 2
    assert not list(folder.glob("x.*"))
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["error"] * 6
    for words, line in zip(
        ("mode clamp", "Neuronpedia", ".gguf", "keeps one", "cannot be read", "belongs"), lines, strict=True
    ):
        assert words in line


def greedy_answer() -> str:
    edits = (FeatureEdit(5, 1.0, 30.0), FeatureEdit(9, 0.8, 30.0))
    with open_pair("demo", "layer2-1k-l0-64") as loaded:
        baseline, steered = generate(
            loaded.model,
            [Condition("baseline"), Condition("steered", intervention=Intervention(edits, special=True))],
            [PROMPT],
            sae=loaded.sae,
            sampling=Sampling(64, 0.0),
            measured=False,
        )
    assert baseline.text != steered.text
    return steered.text.strip()


@pytest.mark.parametrize("library", ["transformers", "sae-lens"])
def test_a_snippet_runs_on_its_own_and_answers_as_we_do(folder, library):
    recipe = written(folder)
    script = folder / f"snippet_{library}.py"  # transformers.py would stand in the way of the library
    assert export(recipe, "snippet", script, "--library", library) == 0
    assert export(recipe, "safetensors", folder / "steering-vector.safetensors") == 0
    for name in ("steering", "steering-vector.safetensors"):  # the snippets look beside where they are started
        place = folder / name
        if not place.exists():
            place.symlink_to(ROOT / name)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == greedy_answer()


def test_the_nnsight_snippet_is_python_that_names_the_place(folder):
    script = folder / "nn.py"
    assert export(written(folder), "snippet", script, "--library", "nnsight") == 0
    text = script.read_text(encoding="utf-8")
    compile(text, "nn.py", "exec")
    assert "model.model.layers[2].output[:] += vector" in text
    assert "not run" in text
