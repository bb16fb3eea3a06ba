"""Which code made these rows? Told without git, which an installed package has not."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import steering

ROOTS = ("steering.benchmark.unit", "steering.methods")
"""What computes a unit. Methods are imported by their names, so all of their modules are named here."""


@cache
def code_hash() -> str:
    """SHA-256 over the names and contents of :func:`deciding_files`."""
    root = Path(steering.__file__).parent
    digest = hashlib.sha256()
    for file in deciding_files():
        digest.update(f"{file.relative_to(root).as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def deciding_files(roots: Sequence[str] = ROOTS) -> tuple[Path, ...]:
    """Files of ``steering`` that rows depend on: what computes a unit, and all that it imports from here, sorted.

    What starts a run, watches it, keeps its parts, reports or shows them is not among them: a run is not another one
    because a table is printed differently.
    """
    found: set[Path] = set()
    waiting = [name for root in roots for name in (root, *_modules_below(root))]
    while waiting:
        for file in _files(waiting.pop()):
            if file not in found:
                found.add(file)
                waiting += _imported(file)
    return tuple(sorted(found))


def _modules_below(name: str) -> Iterator[str]:
    folder = _place(name)
    for file in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        yield f"{name}.{file.stem}"


def _place(name: str) -> Path:
    return Path(steering.__file__).parent.joinpath(*name.split(".")[1:])


def _files(name: str) -> Iterator[Path]:
    """Of a module and of the packages around it; none where it is not of this package, or names no module."""
    parts = name.split(".")
    if parts[0] != steering.__name__:
        return
    for end in range(1, len(parts) + 1):
        place = _place(".".join(parts[:end]))
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file


def _imported(file: Path) -> Iterator[str]:
    """Names that a file imports, at its head or within a function; absolute, as everywhere here."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
