"""A recipe leaves by the command line, and the snippets that it leaves as are run and answer as we do."""

import json
import os
import subprocess
import sys
from html import escape, unescape
from pathlib import Path

import pytest

from steering.cli import main
from steering.exports.gguf_vector import read_gguf
from steering.exports.vector import load_vector
from steering.generation import Condition, Sampling, generate
from steering.interventions import FeatureEdit, Intervention
from steering.recipes import ChosenFeature, ModelSource, Recipe, SaeSource, SamplingSettings, read_recipe, write_recipe
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
    assert export(written(folder), "python", folder / "recipe.json") == 2
    assert export(written(folder), "python", folder / "x", "--adapter", str(folder)) == 2
    assert not list(folder.glob("x.*"))
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["error"] * 8
    for words, line in zip(
        ("mode clamp", "Neuronpedia", ".gguf", "keeps one", "cannot be read", "belongs", "is a file", "--adapter"),
        lines,
        strict=True,
    ):
        assert words in line


_ANYWHERE = """
import contextlib, io, json, runpy, sys
sys.modules["steering"] = None  # importing it is an error now
found = []
for call in json.loads(sys.argv[1]):
    told, sys.argv = io.StringIO(), call
    with contextlib.redirect_stdout(told):
        runpy.run_path(call[0], run_name="__main__")
    found.append(told.getvalue())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def told(folder) -> dict[str, str]:
    """What each exported program prints; one process without Steerscope, in another folder, runs all of them."""
    bread, recipe = folder / "bread.json", written(folder)
    asked = ["--model", "demo", "--prompt", PROMPT, "--feature", "356", "--factor", "0.4", "--concept", "pirate"]
    assert main(["recipe", *asked, "--max-new-tokens", "24", "--seed", "7", "--out", str(bread)]) == 0
    assert export(bread, "python", folder / "bread") == 0
    calls = {"script": [str(folder / "bread" / "steer.py"), "--json"]}
    assert export(recipe, "safetensors", folder / "steering-vector.safetensors") == 0
    for library in ("transformers", "sae-lens"):
        script = folder / f"snippet_{library}.py"
        assert export(recipe, "snippet", script, "--library", library) == 0
        calls[library] = [str(script)]
    (folder / "steering").symlink_to(ROOT / "steering")  # snippets find the demo's files from the checkout's root
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ANYWHERE, json.dumps(list(calls.values()))], cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(calls, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_the_script_gives_the_tokens_of_run(folder, told, capsys):
    assert main(["run", str(folder / "bread.json"), "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["completions"]
    found = json.loads(told["script"])["completions"]
    assert [one["token_ids"] for one in found] == [one["token_ids"] for one in expected]
    assert found[0]["token_ids"] != found[2]["token_ids"]


def test_a_report_holds_the_answers_and_the_recipe(folder, capsys):
    recipe = written(folder, sampling=SamplingSettings(12, 0.0), concept="pirate")
    page = folder / "report.html"
    assert export(recipe, "html", page) == 0
    text = page.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["run", str(recipe), "--json"]) == 0
    for one in json.loads(capsys.readouterr().out)["completions"]:
        assert escape(one["text"], quote=False).replace("'", "&#39;") in text
    assert "Scored by the embedded world" in text
    shown = unescape(text)
    start = shown.index('{\n  "schema"')
    assert read_recipe(shown[start : shown.index("\n}", start) + 2]) == read_recipe(recipe.read_bytes())


def test_other_weights_are_not_exported_unasked(folder, capsys):
    other = written(folder, model=ModelSource("demo", sha256="0" * 64))
    out = folder / "other.gguf"
    assert export(other, "gguf", out) == 2
    assert "was made with 000000000000" in capsys.readouterr().err
    assert not out.exists()
    assert export(other, "gguf", out, "--other-weights") == 0


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


def test_the_snippets_answer_as_we_do(told):
    answer = greedy_answer()
    assert {library: told[library].strip() for library in ("transformers", "sae-lens")} == {
        "transformers": answer, "sae-lens": answer,
    }  # fmt: skip


def test_the_nnsight_snippet_is_python_that_names_the_place(folder):
    script = folder / "nn.py"
    assert export(written(folder), "snippet", script, "--library", "nnsight") == 0
    text = script.read_text(encoding="utf-8")
    compile(text, "nn.py", "exec")
    assert "model.model.layers[2].output[:] += vector" in text
    assert "not run" in text
