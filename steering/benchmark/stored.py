"""Which results of the benchmark ship beside the embedded world, what do they say about themselves, how are they made?

Each is one file, ``steering/world/results/benchmark-<model>.parquet``: a row per completion, and in the file's metadata
everything else of the run's folder (manifest, failures, what was fitted, seconds). Nothing here needs torch.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from steering.benchmark.judging import knows_the_truth
from steering.benchmark.parts import Failure, Manifest, RunFolder, read_folder
from steering.benchmark.rows import COMPRESSION, SCHEMA, TEXTS
from steering.benchmark.settings import BenchmarkSettings
from steering.benchmark.texts import WHOLE, can_tell_concepts, from_json, read_texts, to_json
from steering.errors import SteeringError
from steering.evidence.protocol import check_protocol
from steering.evidence.table import COLUMNS
from steering.presets import presets
from steering.replacing import replacing

RESULTS = Path(__file__).parents[1] / "world" / "results"
NUMBERS = (*COLUMNS, "sample", "slider", "is_looping", "n_generated")
"""Columns that are stored of every completion."""

KeptTexts = Literal["none", "chosen", "all"]
_TOLD, _DETAILS, _TEXTS = b"steerscope.result", b"steerscope.details", b"steerscope.texts"
_NAME = re.compile(r"benchmark[a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class StoredResult:
    """One stored result.

    Attributes:
        path: of the file.
        manifest: of the run: settings, versions, machine, fingerprints of inputs, code, model and SAE.
        failures: units without a result.
        seconds: method → mean seconds of one worker for one unit.
        made: when the last unit was finished, UTC, such as ``2026-11-22 18:04``.
        texts: which completions' prompts and texts are there: ``none``, those of the test half at the ``chosen`` factor
            for the first seed, or ``all``.
    """

    path: Path
    manifest: Manifest
    failures: tuple[Failure, ...]
    seconds: dict[str, float]
    made: str
    texts: KeptTexts

    @property
    def name(self) -> str:
        """Name of the file without its ending; the result's id."""
        return self.path.stem

    @property
    def settings(self) -> BenchmarkSettings:
        """Of the run: model, SAE, methods, concepts, seeds, prompts."""
        return self.manifest.settings

    @property
    def versions(self) -> dict[str, str]:
        """Package → version where the run was begun."""
        return self.manifest.versions

    @property
    def title(self) -> str:
        """For the screen: "Embedded world, Llama-style: 25 concepts × 19 methods × 3 seeds"."""
        return title_of(self.settings)

    @property
    def columns(self) -> tuple[str, ...]:
        """What :meth:`read` can be asked for."""
        return NUMBERS if self.texts == "none" else (*NUMBERS, *TEXTS)

    def read(self, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
        """The table; columns of names are categorical, for a world's table has hundreds of thousands of rows.

        Args:
            columns: which; those that ``steering.evidence`` needs unless told. Texts that were not kept are missing.

        Raises:
            SteeringError: the file cannot be read, or has no such column.
        """
        unknown = [name for name in columns if name not in self.columns]
        if unknown:
            raise SteeringError(
                f"{self.path.name} has no column {unknown[0]!r}; it has {', '.join(self.columns)}. Texts are kept by "
                "the folder of a run."
            )
        return read_table(self.path, columns)

    def details(self) -> list[dict[str, Any]]:
        """What was fitted, an entry per finished unit with ``concept, seed, method`` and the method's own names.

        Raises:
            SteeringError: the file cannot be read.
        """
        found: list[dict[str, Any]] = json.loads(_metadata(self.path)[_DETAILS])
        return found

    def text_table(self) -> pd.DataFrame | None:
        """What the texts of the whole run are like, see ``texts.read_texts``; None in results of earlier versions.

        Raises:
            SteeringError: the file cannot be read.
        """
        told = _metadata(self.path).get(_TEXTS)
        try:
            return None if told is None else from_json(told)
        except (KeyError, TypeError, ValueError):  # of another version, as if there were none
            return None


def results_folder() -> Path:
    """Where stored results lie: with the package, or at STEERSCOPE_RESULTS."""
    return Path(os.environ.get("STEERSCOPE_RESULTS") or RESULTS)


def stored_results(folder: Path | None = None) -> tuple[StoredResult, ...]:
    """Every stored result, by name; none where none was made.

    Args:
        folder: where; :func:`results_folder` unless told.

    Raises:
        SteeringError: a file cannot be read, or was stored by another version.
    """
    found = (folder or results_folder()).glob("benchmark*.parquet")
    return tuple(read_stored(path) for path in sorted(found, key=lambda path: path.stem))


def read_stored(path: Path) -> StoredResult:
    """The stored result at ``path``; no row is read.

    Raises:
        SteeringError: it cannot be read, or was stored by another version.
    """
    told = _metadata(path).get(_TOLD)
    if told is None:
        raise SteeringError(
            f"{path} is no stored result of the benchmark; store a run with python -m benchmarks.store_result."
        )
    try:
        given = json.loads(told)
        return StoredResult(
            path,
            Manifest.from_json(given["manifest"], path),
            tuple(Failure(**one) for one in given["failures"]),
            given["seconds"],
            given["made"],
            given["texts"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SteeringError(f"{path} was stored by another version ({error}); store the run again.") from error


def store(folder: Path, name: str | None = None, *, into: Path | None = None, texts: KeptTexts = "chosen") -> Path:
    """Make a stored result from the folder of a run that is finished.

    Args:
        folder: of the run, as given to ``--out``.
        name: ``benchmark`` and more; after the model unless told.
        into: folder for the file; made if need be. :func:`results_folder` unless told.
        texts: see ``StoredResult.texts``. Reasons of a judge that knows the truth are left out: it can be asked again.

    Returns:
        The file's path.

    Raises:
        SteeringError: the run is not finished or breaks the protocol, the name is no such name, or the file cannot be
            written.
    """
    if texts not in get_args(KeptTexts):
        raise SteeringError(f"texts is {texts!r}; choose {', '.join(get_args(KeptTexts))}.")
    run = read_folder(folder)
    model = re.sub(r"[^a-z0-9]+", "-", Path(run.settings.model).name.lower()).strip("-")
    named = name or f"benchmark-{model}"
    if not _NAME.fullmatch(named):
        raise SteeringError(f"A stored result is named benchmark and more, in a-z, 0-9 and -; got {named!r}.")
    failures = run.failed()
    missing = run.settings.n_units - len(run.finished()) - len(failures)
    if missing:
        raise SteeringError(f"The run in {folder} lacks {missing} of {run.settings.n_units} units; --resume it first.")
    finished = [unit for unit in run.settings.units() if run.part(unit).exists()]
    headers = [run.header(unit) for unit in finished]
    if not headers:
        raise SteeringError(f"No unit of the run in {folder} has a result; see its failures.")
    table = pa.concat_tables(_tables(run, texts)).combine_chunks()
    check_protocol(frame_of(table.select(COLUMNS)))
    seconds = pd.DataFrame({"method": [one.method for one in headers], "seconds": [one.seconds for one in headers]})
    last = max(run.part(unit).stat().st_mtime for unit in run.settings.units() if run.part(unit).exists())
    told = {
        "manifest": run.manifest.to_json(),
        "failures": [asdict(one) for one in failures],
        "seconds": seconds.groupby("method")["seconds"].mean().round(3).to_dict(),
        "made": f"{datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M}",
        "texts": texts,
    }
    details = run.details()
    whole = frame_of(pa.concat_tables(pq.read_table(run.part(unit), columns=list(WHOLE)) for unit in finished))
    read = read_texts(whole, told_apart=can_tell_concepts(run.settings))
    metadata = {
        _TOLD: json.dumps(told, sort_keys=True),
        _DETAILS: json.dumps(details, sort_keys=True),
        _TEXTS: to_json(read),
    }
    target = (into or results_folder()) / f"{named}.parquet"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as part:
            pq.write_table(
                table.replace_schema_metadata(metadata),
                part,
                compression=COMPRESSION,
                compression_level=19,
                row_group_size=1 << 20,
                use_dictionary=[column for column in table.column_names if column != "kl"],
                use_byte_stream_split=["kl"],
            )
    except OSError as error:
        raise SteeringError(f"{target} cannot be written ({error.strerror or error}); choose another place.") from error
    return target


def read_table(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    """Columns of a table of results, those of names categorical; None for all.

    Raises:
        SteeringError: the file cannot be read.
    """
    try:
        return frame_of(pq.read_table(path, columns=None if columns is None else list(columns)))
    except (OSError, pa.ArrowException) as error:
        raise SteeringError(f"{path} cannot be read ({error}); store or compute the result again.") from error


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table of results as pandas: names as categories; prompts and texts stay texts."""
    named = [one.name for one in table.schema if pa.types.is_string(one.type) and one.name not in TEXTS]
    return table.to_pandas(categories=named)


def title_of(settings: BenchmarkSettings) -> str:
    """What was run, in a few words."""
    known = presets().get(settings.model)
    name = known.title if known is not None else Path(settings.model).name
    counts = ((settings.concepts, "concept"), (settings.methods, "method"), (settings.seeds, "seed"))
    told = " × ".join(f"{len(of)} {noun}{'' if len(of) == 1 else 's'}" for of, noun in counts)
    return f"{name}: {told}"


def _tables(run: RunFolder, texts: KeptTexts) -> Iterator[pa.Table]:
    """Every finished unit's rows as they are stored."""
    truth = knows_the_truth(run.settings.judge)
    types = [(name, pa.float32() if name == "kl" else SCHEMA.field(name).type) for name in NUMBERS]
    schema = pa.schema([*types, *((name, pa.string()) for name in (TEXTS if texts != "none" else ()))])
    for unit in run.settings.units():
        if not run.part(unit).exists():
            continue
        table = pq.read_table(run.part(unit))
        kept = pa.scalar(texts == "all")
        if texts == "chosen" and unit.seed == run.settings.seeds[0]:
            kept = pc.and_(table["selected"], pc.equal(table["half"], "test"))
        for name in TEXTS:
            keep = pa.scalar(False) if name == "reasons" and truth else kept
            blanked = pc.if_else(keep, table[name], pa.scalar(None, pa.string()))
            table = table.set_column(table.column_names.index(name), name, blanked)
        yield table.select(schema.names).cast(schema)


def _metadata(path: Path) -> dict[bytes, bytes]:
    try:
        found: dict[bytes, bytes] = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise SteeringError(f"{path} cannot be read ({error}); store the run again.") from error
    return found
