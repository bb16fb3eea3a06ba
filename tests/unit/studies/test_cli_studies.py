"""The verb ``studies``, without a browser."""

import json

import pytest

from steering.cli.entry import main
from steering.studies.library import library
from steering.votes import box
from tests.drawn_study import drawn_about, drawn_content
from tests.drawn_votes import drawn_vote


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STEERSCOPE_STUDIES", str(tmp_path / "studies"))
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)

    def run_(*arguments: str) -> tuple[int, str, str]:
        code = main(["studies", *arguments])
        out, error = capsys.readouterr()
        return code, out, error

    return run_


def test_every_action_of_the_verb(run, tmp_path, monkeypatch):
    code, out, told = run("list")
    assert (code, out) == (0, "")
    assert told.startswith("There is no study in ")
    assert not (tmp_path / "studies").exists()
    id = library().save(drawn_about("=Pirates\tx"), drawn_content()).id
    code, out, _ = run("list", "pirates")
    assert code == 0
    assert out.split("\t")[0] == id
    assert "'=Pirates x" in out
    assert json.loads(run("list", "--json", "nothing")[1]) == {"studies": []}
    code, out, _ = run("show", id)
    assert "overall 0.60" in out
    shown = json.loads(run("show", id, "--json")[1])
    assert shown["about"]["features"] == [5, 2]
    assert shown["scores"][2]["overall"] == pytest.approx(0.6)
    assert run("rename", id, "Arr", "--note", "n")[0] == 0
    copy = json.loads(run("duplicate", id, "--json")[1])["studies"][0]
    assert copy["about"]["title"] == "Copy of Arr"
    compared = json.loads(run("compare", id, copy["id"], "--json")[1])
    assert compared["differences"] == []
    assert compared["scores"][0] == compared["scores"][1]
    zipped = tmp_path / "study.zip"
    assert run("export", id, "--out", str(zipped))[0] == 0
    assert run("delete", id)[0] == 0
    assert id in run("list", "--deleted")[1]
    assert run("restore", id)[0] == 0
    assert run("import", str(zipped))[2] == "It is here already, unchanged.\n"
    monkeypatch.setenv("STEERSCOPE_STUDIES", str(tmp_path / "empty"))
    assert json.loads(run("import", str(zipped), "--json")[1])["new"] is True
    assert run("reindex")[1] == "1 studies in the index\n"
    assert run("empty-trash")[1] == "0 removed for good\n"


def test_mistakes_are_one_line_and_exit_code_2(run, tmp_path):
    (tmp_path / "no.zip").write_bytes(b"no zip")
    for arguments in (
        ("show", "a" * 16),
        ("show", "../x"),
        ("export", "a" * 16, "--out", str(tmp_path / "x.zip")),
        ("import", str(tmp_path / "no.zip")),
        ("import", str(tmp_path / "missing.zip")),
    ):
        code, out, error = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert error.startswith("error: ")
        assert error.count("\n") == 1
    assert not (tmp_path / "x.zip").exists()


def test_votes_on_the_command_line(run):
    id = library().save(drawn_about(), drawn_content()).id
    assert json.loads(run("votes", id, "--json")[1])["n_votes"] == 0
    box.cast(library().root / id, "b" * 16, drawn_vote(0, 1, 0, reason="=1+1", name="Ana"))
    code, out, _ = run("votes", id)
    assert code == 0
    assert "SAE\t1.00 (0.21 to 1.00)\t1" in out
    assert "'=1+1" in out
    found = json.loads(run("votes", id, "--json")[1])
    assert (found["study"], found["n_raters"], found["pairs"][0]["losses"]) == (id, 1, 1)
    assert run("votes", "a" * 16)[0] == 2
