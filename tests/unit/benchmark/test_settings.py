"""Are settings strict, and does their hash change with everything that changes a row?"""

import json

import pytest

from steering.benchmark.runner import run_benchmark
from steering.benchmark.settings import BenchmarkSettings, Unit, choose_concepts, choose_methods
from steering.errors import JudgeError, SteeringError

CHANGES = {
    "model": "demo-gpt2",
    "sae": "other",
    "methods": ("none",),
    "concepts": ("a",),
    "seeds": (1, 2),
    "n_select": 3,
    "n_test": 3,
    "prompt_seed": 1,
    "samples": 2,
    "max_new_tokens": 5,
    "temperature": 0.5,
    "positions": "sentence_ends",
    "n_examples": 9,
    "judge": "openai:some-model",
    "judge_temperature": None,
    "test_factors": "chosen",
    "batch_size": 7,
    "threads": 2,
    "device": "cuda",
    "dtype": "bfloat16",
}


def settings(**changes: object) -> BenchmarkSettings:
    values: dict[str, object] = {"model": "demo", "methods": ("none", "lora"), "concepts": ("a", "b")}
    return BenchmarkSettings(**(values | changes))  # type: ignore[arg-type]


def test_there_and_back() -> None:
    for name, value in CHANGES.items():
        one = settings(**{name: value})
        assert BenchmarkSettings.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_every_setting_is_in_the_hash() -> None:
    found = {settings(**{name: value}).digest for name, value in CHANGES.items()} | {settings().digest}
    files = settings(examples="e", prompts="p").digest
    assert len(found | {files}) == len(CHANGES) + 2
    assert set(CHANGES) | {"examples", "prompts"} == set(settings().to_json())
    assert settings().digest == settings().digest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ("lora", "magic")}, "no method 'magic'"),
        ({"methods": ()}, "at least one"),
        ({"concepts": ("a", "a")}, "each once"),
        ({"seeds": (-1,)}, "from 0 up"),
        ({"n_test": 0}, "n_test is 0"),
        ({"n_examples": 1}, "n_examples is 1"),
        ({"temperature": -1.0}, "temperature"),
        ({"judge": "wisdom"}, "no judge 'wisdom'"),
        ({"judge": "python:nothing"}, "python:MODULE:NAME"),
        ({"model": "google/gemma-2-2b-it"}, "--examples"),
        ({"examples": "e"}, "--prompts"),
        ({"model": "x", "examples": "e", "prompts": "p"}, "name another with --judge"),
        ({"concepts": ("a",), "methods": ("other_concept",), "examples": "e", "prompts": "p"}, "second concept"),
    ],
)
def test_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SteeringError, match=words):
        settings(**changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"magic": 1}, "unknown 'magic'"),
        ({"samples": "2"}, "samples"),
        ({"samples": True}, "samples"),
        ({"seeds": [0, "1"]}, "seeds"),
        ({"sae": 3}, "sae"),
        ({"model": None}, "model"),
    ],
)
def test_json_is_read_strictly(change: dict[str, object], words: str) -> None:
    with pytest.raises(SteeringError, match=words):
        BenchmarkSettings.from_json(settings().to_json() | change)
    less = settings().to_json()
    del less["samples"]
    with pytest.raises(SteeringError, match="no 'samples'"):
        BenchmarkSettings.from_json(less)


def test_units_stand_by_concept_seed_and_method() -> None:
    one = settings(seeds=(0, 1))
    found = list(one.units())
    assert len(found) == one.n_units == 8
    assert found[:3] == [Unit("a", 0, "none"), Unit("a", 0, "lora"), Unit("a", 1, "none")]


def test_stems_are_safe_and_different() -> None:
    names = ["a/b", "a b", "A b", "../x", "海賊", "話", "x" * 300, "x" * 301, "con.", ""]
    stems = {Unit(name, 0, "none").stem for name in names}
    assert len({stem.lower() for stem in stems}) == len(names)
    for stem in stems:
        assert stem.isascii()
        assert "/" not in stem
        assert len(stem) < 100


def test_concepts_by_split_and_by_name() -> None:
    available = [("a", "development"), ("b", "test"), ("c, with comma", "test")]
    assert choose_concepts("all", available) == ("a", "b", "c, with comma")
    assert choose_concepts("dev", available) == ("a",)
    assert choose_concepts("test", available) == ("b", "c, with comma")
    assert choose_concepts("a,b", available) == ("a", "b")
    assert choose_concepts("c, with comma", available) == ("c, with comma",)
    assert choose_concepts("a; c, with comma", available) == ("a", "c, with comma")
    with pytest.raises(SteeringError, match="'x'"):
        choose_concepts("a,x", available)
    with pytest.raises(SteeringError, match="split 'dev'"):
        choose_concepts("dev", available[1:])


def test_methods_by_name() -> None:
    assert "other_concept" in choose_methods("all", n_concepts=2)
    assert "other_concept" not in choose_methods("all", n_concepts=1)
    assert choose_methods("lora, none", n_concepts=1) == ("lora", "none")


def test_completions_are_counted() -> None:
    one = settings(seeds=(0, 1), samples=3)
    assert one.n_completions == 2 * 2 * 3 * (30 + 14 * 30)
    assert settings(seeds=(0, 1), samples=3, test_factors="chosen").n_completions == 2 * 2 * 3 * (30 + 14 * 10 + 20)


def test_every_method_is_a_name_of_the_results_table() -> None:
    from steering.evidence.protocol import UNDOSED
    from steering.evidence.table import METHODS as KNOWN
    from steering.methods.registry import METHOD_NAMES, METHODS

    assert {one.name for one in METHODS} == set(KNOWN)
    assert set(KNOWN) - set(METHOD_NAMES) == {"random_dictionary"}
    assert {one.name for one in METHODS if one.dose == "none"} == UNDOSED


def test_a_judge_that_cannot_be_made_leaves_no_folder_behind(tmp_path):
    settings = BenchmarkSettings(model="demo", methods=("none",), concepts=("french",), judge="python:os:path")
    with pytest.raises(JudgeError, match="no judge's class"):
        run_benchmark(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
