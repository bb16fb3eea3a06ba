"""Does the command line that the screen shows give the very same settings?"""

import json
import shlex
from dataclasses import replace

import pytest

from steering.benchmark.command import command_line
from steering.benchmark.settings import BenchmarkSettings
from steering.cli.benchmark import _settings
from steering.cli.entry import _parser
from steering.errors import SteeringError
from steering.methods.registry import METHOD_NAMES
from steering.world.concepts import concepts

NAMES = tuple(one.name for one in concepts())
PLAIN = BenchmarkSettings(model="demo", methods=("none", "prompt"), concepts=("sea", "french"))
EVERYTHING = BenchmarkSettings(
    model="demo-gpt2",
    sae="layer2-l0-32",
    methods=METHOD_NAMES,
    concepts=NAMES,
    seeds=(3, 0, 7),
    n_select=4,
    n_test=6,
    samples=2,
    max_new_tokens=50,
    n_examples=30,
    test_factors="chosen",
    batch_size=100,
    positions="sentence_ends",
    judge_temperature=0.7,
    dtype="float32",
)


@pytest.mark.parametrize("settings", [PLAIN, EVERYTHING, replace(PLAIN, concepts=("sea",))])
def test_the_command_line_means_the_same(settings: BenchmarkSettings) -> None:
    line = command_line(settings, "a folder/run", workers=3, resume=True)
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "steering"]
    parsed = _parser().parse_args(words[3:])
    assert _settings(parsed) == settings
    assert (str(parsed.out), parsed.workers, parsed.resume) == ("a folder/run", 3, True)


def test_only_what_differs_is_said() -> None:
    assert command_line(PLAIN, "out") == (
        "python -m steering benchmark --model demo --methods none,prompt --concepts sea,french --seed 0 "
        "--positions all --out out"
    )


def test_what_no_option_sets_is_refused() -> None:
    with pytest.raises(SteeringError, match="sets threads"):
        command_line(replace(PLAIN, threads=2), "out")


def test_models_of_ones_own(tmp_path) -> None:
    examples = tmp_path / "e.jsonl"
    rows = [{"prompt": f"p{n}", "text": f"text {n}", "labels": [("x, y", "z")[n % 2]]} for n in range(12)]
    examples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = BenchmarkSettings(
        model="gpt2", sae="s/1", methods=("none",), concepts=("x, y", "z"), max_new_tokens=64, judge="local:m",
        examples=str(examples), prompts="p.txt",
    )  # fmt: skip
    words = shlex.split(command_line(settings, "out"))
    assert _settings(_parser().parse_args(words[3:])) == settings
    longer = replace(settings, max_new_tokens=128)
    assert _settings(_parser().parse_args(shlex.split(command_line(longer, "out"))[3:])) == longer
