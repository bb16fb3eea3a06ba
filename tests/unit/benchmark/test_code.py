"""Does the hash of the code hold what decides rows, and nothing besides?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import steering
from steering.benchmark import code

ROOT = Path(steering.__file__).parent

LOADED = """
import importlib, json, pkgutil, sys
import steering.benchmark.unit, steering.benchmark.bench, steering.lora, steering.methods, steering.world.labelled
for found in pkgutil.iter_modules(steering.methods.__path__):
    importlib.import_module(f"steering.methods.{found.name}")
print(json.dumps([one.__file__ for name, one in sys.modules.items() if name.split(".")[0] == "steering"]))
"""


def names() -> set[str]:
    return {file.relative_to(ROOT).as_posix() for file in code.deciding_files()}


def test_what_decides_rows_is_in_it() -> None:
    assert names() >= {
        "benchmark/unit.py", "benchmark/sources.py", "benchmark/settings.py", "methods/controls.py",
        "directions/ssv.py", "lora/training.py", "generation/decoding.py", "world/judge.py", "world/labelled.py",
        "evidence/protocol.py", "judges/openai_judge.py",
    }  # fmt: skip


def test_what_shows_or_keeps_them_is_not() -> None:
    others = [name for name in names() if name.startswith(("cli/", "findings/", "stackexchange/", "feature_labels/"))]
    assert others == []
    assert not names() & {"benchmark/report.py", "benchmark/parts.py", "benchmark/pool.py", "world/build.py"}


def test_nothing_that_computing_imports_is_missed() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    loaded = {Path(one).relative_to(ROOT).as_posix() for one in json.loads(done.stdout)}
    assert "methods/directions.py" in loaded
    assert loaded <= names()


def test_a_changed_file_changes_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "steering"
    for name, text in (
        ("__init__.py", ""),
        ("alone.py", "x = 1\n"),
        ("far.py", "x = 1\n"),
        ("benchmark/__init__.py", ""),
        ("benchmark/unit.py", "def run():\n    from steering import far\n    return far.x\n"),
        ("methods/__init__.py", ""),
        ("methods/one.py", "import math\n"),
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(steering, "__file__", str(package / "__init__.py"))
    first = code.code_hash.__wrapped__()
    (package / "alone.py").write_text("x = 2\n")
    assert code.code_hash.__wrapped__() == first
    for name in ("far.py", "benchmark/unit.py", "methods/one.py"):
        kept = (package / name).read_text()
        (package / name).write_text(f"{kept}\ny = 2\n")
        assert code.code_hash.__wrapped__() != first, name
        (package / name).write_text(kept)
    assert code.code_hash.__wrapped__() == first
