"""Which runs of the benchmark lie in the app's folder, how far did each come, and what do they say so far? No torch."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from steering.benchmark.judged import count_replies
from steering.benchmark.parts import MANIFEST, RESULTS, Failure, Manifest, RunFolder, read_folder, unwritable
from steering.benchmark.rows import SCHEMA
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.benchmark.stored import frame_of, read_table, title_of
from steering.benchmark.texts import WHOLE, can_tell_concepts, from_json, read_texts, to_json
from steering.errors import SteeringError
from steering.evidence.table import COLUMNS
from steering.replacing import replacing

TEXT_FILE = "texts.json"
"""What the texts of a run are like, once they were read; see ``texts``."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run's folder, as it was when it was looked at.

    Attributes:
        path: of the folder.
        manifest: of the run.
        finished: units with a result, in the order of the table.
        failures: units without one, and why.
        made: when the last unit was finished, or the run begun; UTC, such as ``2026-11-22 18:04``.
    """

    path: Path
    manifest: Manifest
    finished: tuple[Unit, ...]
    failures: tuple[Failure, ...]
    made: str

    @property
    def name(self) -> str:
        """Of the folder; the run's id."""
        return self.path.name

    @property
    def settings(self) -> BenchmarkSettings:
        """Of the run."""
        return self.manifest.settings

    @property
    def title(self) -> str:
        """For the screen."""
        return title_of(self.settings)

    @property
    def n_left(self) -> int:
        """Units that were never tried."""
        return self.settings.n_units - len(self.finished) - len(self.failures)

    @property
    def whole_concepts(self) -> tuple[str, ...]:
        """Concepts of which every unit was tried: only these can be compared while a run is not finished."""
        tried = {*self.finished, *(one.unit for one in self.failures)}
        left = {unit.concept for unit in self.settings.units() if unit not in tried}
        return tuple(concept for concept in self.settings.concepts if concept not in left)

    @property
    def columns(self) -> tuple[str, ...]:
        """What :meth:`read` can be asked for."""
        return tuple(SCHEMA.names)

    def read(self, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
        """The rows of finished units; columns of names are categorical.

        Args:
            columns: which; those that ``steering.evidence`` needs unless told.

        Raises:
            SteeringError: no unit is finished, or a file cannot be read.
        """
        if not self.finished:
            raise SteeringError(f"The run {self.name} has no result yet; wait for its first unit, or resume it.")
        folder = RunFolder(self.path, self.manifest)
        parts = [folder.part(unit) for unit in self.finished]
        table = self.path / RESULTS
        if table.exists() and table.stat().st_mtime >= max(one.stat().st_mtime for one in parts):
            return read_table(table, columns)
        try:
            return frame_of(pa.concat_tables(pq.read_table(one, columns=list(columns)) for one in parts))
        except (OSError, pa.ArrowException) as error:
            raise SteeringError(f"A part of the run {self.name} cannot be read ({error}); resume it.") from error

    def read_texts(self, on_progress: Callable[[int, int], None] | None = None) -> pd.DataFrame:
        """What the texts of finished units are like, see ``texts.read_texts``; kept in the run's folder.

        Args:
            on_progress: told how many texts were judged, of how many.

        Raises:
            SteeringError: no unit is finished, or a file cannot be read or written.
        """
        known = self.text_table()
        if known is not None:
            return known
        rows = self.read(WHOLE)
        found = read_texts(rows, told_apart=can_tell_concepts(self.settings), on_progress=on_progress)
        path = self.path / TEXT_FILE
        try:
            with replacing(path) as part:
                part.write_text(to_json(found), encoding="utf-8")
        except OSError as error:
            raise unwritable(path, error) from error
        return found

    def text_table(self) -> pd.DataFrame | None:
        """What :meth:`read_texts` found before; None where it was not asked for since the last unit was finished."""
        path, folder = self.path / TEXT_FILE, RunFolder(self.path, self.manifest)
        try:
            made = path.stat().st_mtime
            if any(folder.part(unit).stat().st_mtime > made for unit in self.finished):
                return None
            return from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):  # it can be made again
            return None

    def replies(self) -> dict[str, int]:
        """Of the judge, by what became of them, see ``judged.count_replies``.

        Raises:
            SteeringError: a part cannot be read.
        """
        return count_replies(RunFolder(self.path, self.manifest).details(), self.failures)

    def seconds(self) -> dict[str, float]:
        """Method → mean seconds of one worker for one unit.

        Raises:
            SteeringError: a part cannot be read.
        """
        folder = RunFolder(self.path, self.manifest)
        spent: dict[str, list[float]] = {}
        for unit in self.finished:
            spent.setdefault(unit.method, []).append(folder.header(unit).seconds)
        return {name: sum(found) / len(found) for name, found in spent.items()}


def runs_folder() -> Path:
    """Where the app keeps its runs: at STEERSCOPE_RUNS, or below the folder that it was started in."""
    return Path(os.environ.get("STEERSCOPE_RUNS") or Path(".steerscope") / "runs")


def read_run(path: Path) -> Run:
    """The run in a folder.

    Raises:
        SteeringError: there is none, or one of another version.
    """
    folder = read_folder(path)
    finished = tuple(unit for unit in folder.settings.units() if folder.part(unit).exists())
    files = [path / MANIFEST, *(folder.part(unit) for unit in finished)]
    changed = max(one.stat().st_mtime for one in files)
    made = f"{datetime.fromtimestamp(changed, UTC):%Y-%m-%d %H:%M}"
    return Run(path, folder.manifest, finished, tuple(folder.failed()), made)


def runs(folder: Path | None = None) -> tuple[list[Run], list[str]]:
    """Every run in a folder, the latest first, and a sentence about each that cannot be read.

    Args:
        folder: where; :func:`runs_folder` unless told.
    """
    found, faults = [], []
    for manifest in (folder or runs_folder()).glob(f"*/{MANIFEST}"):
        try:
            found.append(read_run(manifest.parent))
        except SteeringError as error:
            faults.append(str(error))
    return sorted(found, key=lambda run: (run.made, run.name), reverse=True), sorted(faults)


def new_path(settings: BenchmarkSettings, folder: Path | None = None) -> Path:
    """A name for a new run that no other has: model, day and time."""
    model = re.sub(r"[^A-Za-z0-9]+", "-", Path(settings.model).name).strip("-")[:40] or "model"
    first = (folder or runs_folder()) / f"{model}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    path, number = first, 2
    while path.exists():
        path, number = first.with_name(f"{first.name}-{number}"), number + 1
    return path
