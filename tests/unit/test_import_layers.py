"""The direction of imports: app, pages -> ui -> steering; and heavy libraries only where they are meant to be.

Modules are found by looking, not listed, so a new one is covered from its first day.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "peft", "sae_lens")
SCREENS = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]

# Packages and modules below steering that pages may import before torch is there.
LIGHT = (
    "benchmark.board",
    "benchmark.command",
    "benchmark.estimate",
    "benchmark.runs",
    "benchmark.stored",
    "catalogue",
    "devices",
    "directions.settings",
    "errors",
    "evidence",
    "examples",
    "exports.formats",
    "exports.ranking",
    "exports.spreadsheet",
    "feature_labels",
    "finetuning.settings",
    "generation.completion",
    "hook_points",
    "jobs",
    "judges.batch",
    "judges.cache",
    "judges.choice",
    "judges.cost",
    "judges.openai_judge",
    "judges.score",
    "lora.settings",
    "measures",
    "memory",
    "neuronpedia",
    "outlook",
    "presets",
    "prompts",
    "ranking",
    "report",
    "recipes.conversation",
    "recipes.link",
    "recipes.migration",
    "recipes.reading",
    "recipes.recipe",
    "recipes.script_limits",
    "recipes.writing",
    "runtime",
    "scores",
    "shapes",
    "stackexchange",
    "statistics",
    "strength.band",
    "strength.curves",
    "strength.dose",
    "strength.mix",
    "strength.moved",
    "studies",
    "votes",
)


def files_of(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


def modules_of(package: str) -> list[str]:
    """Dotted names of every module; ``__main__`` is left out, for importing it would run it."""
    names = []
    for path in files_of(package):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] != "__main__":
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def is_light(module: str) -> bool:
    return any(f"{module}.".startswith(f"steering.{name}.") for name in LIGHT)


def culprit(modules: list[str], banned: tuple[str, ...]) -> str:
    """Import ``modules`` in a fresh process; the first that brought something banned along, or nothing."""
    script = f"""
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module)
    found = [name for name in {banned!r} if name in sys.modules]
    if found:
        print(module, "brings", *found)
        break
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imports(path: Path, *, top_only: bool) -> Iterator[str]:
    """Dotted names that a file imports; with ``top_only`` those that run when the file is imported."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        waiting.extend(ast.iter_child_nodes(node))


def roots(names: Iterator[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_steering_needs_no_streamlit_and_no_ui() -> None:
    assert not culprit(modules_of("steering"), ("streamlit", "ui", "pages", "app"))
    for path in files_of("steering"):  # nor inside a function
        assert not roots(imports(path, top_only=False)) & {"streamlit", "ui", "pages", "app"}, path


def test_light_modules_need_no_heavy_library() -> None:
    light = [module for module in modules_of("steering") if is_light(module)]
    missing = [name for name in ("errors", "measures", "lora.settings") if f"steering.{name}" not in light]
    assert not missing  # the search itself works
    assert not culprit(light, HEAVY)


def test_ui_needs_no_heavy_library_until_a_job_runs() -> None:
    assert not culprit(modules_of("ui"), HEAVY)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: path.name)
def test_a_screen_imports_nothing_heavy(screen: Path) -> None:
    names = list(imports(screen, top_only=True))
    assert not roots(iter(names)) & set(HEAVY)
    ours = set(modules_of("steering")) | set(modules_of("ui"))
    modules = sorted({name if name in ours else name.rpartition(".")[0] for name in names} & ours)
    assert not culprit(modules, HEAVY)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: path.name)
def test_a_screen_imports_no_other_screen(screen: Path) -> None:
    assert not roots(imports(screen, top_only=False)) & {"app", "pages"}


def registers_hooks(path: Path) -> bool:
    """Whether the file's own code does; programs that it writes for others may."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Attribute) and node.attr.startswith("register_forward") for node in nodes)


def test_forward_hooks_are_registered_in_one_file() -> None:
    files = [*files_of("steering"), *files_of("ui"), *SCREENS]
    found = {path.relative_to(ROOT).as_posix() for path in files if registers_hooks(path)}
    assert found == {"steering/hooks.py"}


def test_sae_lens_is_imported_only_when_used() -> None:
    for path in files_of("steering"):
        assert "sae_lens" not in roots(imports(path, top_only=True)), path


def test_nothing_reads_pickles_or_writes_raw_html() -> None:
    for path in [*files_of("steering"), *files_of("ui"), *SCREENS]:
        text = path.read_text(encoding="utf-8")
        for banned in ("pickle.load", "torch.load(", "trust_remote_code=True", "unsafe_allow_html=True"):
            assert banned not in text, f"{path}: {banned}"
