"""Do the verbs of ``python -m steering world`` print what scripts and people need?"""

import argparse
import json

import pandas as pd
import pytest

from steering.errors import WorldError
from steering.world.cli import add_world_parser


def run(*words):
    parser = argparse.ArgumentParser()
    add_world_parser(parser.add_subparsers())
    arguments = parser.parse_args(["world", *map(str, words)])
    return arguments.run(arguments)


def test_concepts(capsys):
    assert run("concepts") == 0
    assert "pirate" in capsys.readouterr().out
    assert run("concepts", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["concepts"]
    told = {"name", "title", "kind", "split", "description", "base_rate", "prompt_instruction"}
    assert told | {"parent", "near", "home"} == set(listed[0])
    assert {one["name"] for one in listed if one["parent"]} == {"birds", "cats"}
    assert {(one["name"], one["near"]) for one in listed if one["near"]} == {
        ("legalese", "formal"),
        ("optimism", "enthusiastic"),
    }
    assert [(one["name"], one["home"]) for one in listed if one["home"]] == [("wine", "cooking")]


@pytest.mark.parametrize(
    ("suffix", "read"),
    [(".csv", pd.read_csv), (".jsonl", lambda path: pd.read_json(path, lines=True)), (".parquet", pd.read_parquet)],
)
def test_examples_files(tmp_path, capsys, suffix, read):
    path = tmp_path / f"rows{suffix}"
    assert run("examples", "--concept", "french", "--count", 6, "--split", "heldout", "--out", path) == 0
    assert "12 examples" in capsys.readouterr().out
    rows = read(path)
    assert {"prompt", "text", "label"} <= set(rows.columns)
    assert rows["label"].sum() == 6


def test_examples_on_screen(capsys):
    assert run("examples", "--concept", "code", "--count", 2) == 0
    assert capsys.readouterr().out.startswith("prompt")
    assert run("examples", "--concept", "code", "--count", 2, "--json", "--multi-label") == 0
    assert len(json.loads(capsys.readouterr().out)["examples"]) == 4


def test_examples_refuse_other_formats(tmp_path):
    with pytest.raises(WorldError, match=r"\.txt"):
        run("examples", "--concept", "sea", "--out", tmp_path / "rows.txt")
    with pytest.raises(WorldError, match="cannot be written"):
        run("examples", "--concept", "sea", "--count", 1, "--out", tmp_path / "none" / "rows.csv")


def test_judge_keeps_the_order(tmp_path, capsys):
    path = tmp_path / "answers.jsonl"
    run("examples", "--concept", "pirate", "--count", 3, "--out", path)
    labels = pd.read_json(path, lines=True)["label"]
    capsys.readouterr()
    assert run("judge", "--concept", "pirate", "--in", path, "--json") == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert [score["concept"] for score in scores] == [2 * label for label in labels]
    assert set(scores[0]) == {"concept", "instruction", "fluency", "overall", "reasons"}
    assert run("judge", "--concept", "pirate", "--in", path) == 0
    assert "overall" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no answers"),
        (b'{"prompt": "x"}\n', "line 1"),
        (b"\n[1]\n", "line 2"),
        (b'{"prompt": 1, "text": ""}', "strings"),
        (b"\xff", "UTF-8"),
    ],
)
def test_judge_says_what_is_wrong_with_a_file(tmp_path, content, message):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(content)
    with pytest.raises(WorldError, match=message):
        run("judge", "--concept", "sea", "--in", path)
