"""How do results, progress and files leave the command line?"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from steering.errors import SteeringError
from steering.examples import Report
from steering.paths import existing_path
from steering.presets import is_world_model, refuse_missing_folder


class Bar:
    """Progress on standard error: a line that is rewritten on a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int, unit: str, what: str) -> None:
        """Show ``done`` of ``total``, unless something was shown a moment ago."""
        now = time.monotonic()
        if now - self._shown < (0.2 if self._terminal else 3.0) and done < total:
            return
        self._shown = now
        end = ("\r" if done < total else "\n") if self._terminal else "\n"
        sys.stderr.write(f"{what}: {done:,} of {total:,} {unit}{' ' * 10}{end}")
        sys.stderr.flush()


def write_json(value: Any) -> None:
    """Write a value for programs to standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def tell_findings(report: Report) -> None:
    """Say on standard error what was found in the examples, a line each."""
    for finding in report.findings:
        sys.stderr.write(f"{finding.severity}: {' '.join(finding.message.split())}\n")


def tell_source(model: str) -> None:
    """Say on standard error that the Hub is asked for ``model``, which can take a minute where there is no network.

    Raises:
        ModelError: it is a path, and no folder is there.
    """
    refuse_missing_folder(model)
    if not is_world_model(model) and existing_path(model) is None:
        sys.stderr.write(f"Looking for {model} on the Hub\n")
        sys.stderr.flush()


def check_file(path: Path, endings: tuple[str, ...]) -> None:
    """Make sure, before hours of work, that a file can be written there.

    Raises:
        SteeringError: wrong ending, no such folder, a folder of this name, or no permission.
    """
    if path.suffix not in endings:
        raise SteeringError(f"--out is {path.name}; give a name that ends in {', '.join(endings)}.")
    try:
        if not path.parent.is_dir():
            raise SteeringError(f"--out would go into {path.parent}, which is no folder; make it first.")
        if path.exists():
            path.open("ab").close()
        else:
            tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise unwritable(path, error) from error


def check_folder(path: Path) -> None:
    """Make sure, before hours of work, that a folder can be made and filled there. Nothing is left behind.

    Raises:
        SteeringError: a file stands there or in the way, or no permission.
    """
    try:
        place = next(place for place in (path, *path.absolute().parents) if place.exists())
        if not place.is_dir():
            raise SteeringError(f"--out is {path}, but {place} is a file; give the name of a folder.")
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> SteeringError:
    """What is said when ``path`` could not be written."""
    return SteeringError(f"{path} cannot be written ({error.strerror or error}); choose another place.")
