"""How do the parts become one table, the same to the byte however the run went?

Parts stand in the order of the settings, not in that in which they were finished; each becomes a row group, so that the
whole never lies in memory; and nothing that differs between runs (times, workers, versions) is in the file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from steering.benchmark.parts import RESULTS, RunFolder, read_folder, unwritable, write_json
from steering.benchmark.rows import COMPRESSION, HEADER, SCHEMA
from steering.errors import SteeringError
from steering.evidence.table import COLUMNS
from steering.replacing import replacing

DETAILS = "details.json"


def collect(folder: RunFolder) -> Path | None:
    """Write ``results.parquet`` and ``details.json`` from the parts that are there.

    Returns:
        The table's path, None where no unit is finished.

    Raises:
        SteeringError: a part cannot be read or belongs to another run, or the table cannot be written.
    """
    finished = [unit for unit in folder.settings.units() if folder.part(unit).exists()]
    if not finished:
        return None
    path = folder.path / RESULTS
    told = json.dumps({"key": folder.manifest.key, "settings": folder.settings.to_json()}, sort_keys=True)
    schema = SCHEMA.with_metadata({HEADER: told.encode()})
    try:
        with replacing(path) as part, pq.ParquetWriter(part, schema, compression=COMPRESSION) as writer:
            for unit in finished:
                folder.header(unit)  # a part of another run has no place here
                writer.write_table(pq.read_table(folder.part(unit)).replace_schema_metadata(schema.metadata))
    except OSError as error:
        raise unwritable(path, error) from error
    write_json(folder.path / DETAILS, folder.details())
    return path


def read_results(path: Path, columns: Sequence[str] | None = COLUMNS) -> pd.DataFrame:
    """The collected table of a run.

    Args:
        path: of the run's folder.
        columns: which; those that ``steering.evidence`` needs unless told, None for all with the texts.

    Raises:
        SteeringError: there is no table yet.
    """
    read_folder(path)
    if not (path / RESULTS).exists():
        raise SteeringError(f"{path} has no {RESULTS} yet; finish the run with --resume.")
    return pq.read_table(path / RESULTS, columns=None if columns is None else list(columns)).to_pandas()
