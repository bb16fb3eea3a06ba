"""A ranking as a table for other programs: CSV for spreadsheets, Parquet and JSON without loss."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from steering.errors import ExportError
from steering.exports.spreadsheet import spreadsheet_csv

if TYPE_CHECKING:
    from steering.ranking import Ranking

ENDINGS = (".csv", ".json", ".parquet")
TEXTS = ("label", "best_label", "top_tokens")
MIMES = {".csv": "text/csv", ".json": "application/json", ".parquet": "application/vnd.apache.parquet"}


def ranking_file(rankings: Sequence["Ranking"], head: Mapping[str, Any], ending: str) -> bytes:
    """Every ranked feature of one or several labels.

    Args:
        rankings: at least one.
        head: model, SAE and hook module; JSON and Parquet (as metadata of the file) carry it.
        ending: .csv, .json or .parquet.

    Raises:
        ExportError: another ending.
    """
    import pandas as pd

    if ending == ".json":
        value = dict(head) | (
            rankings[0].to_json() if len(rankings) == 1 else {"rankings": [one.to_json() for one in rankings]}
        )
        return (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()
    if ending not in ENDINGS:
        raise ExportError(f"A ranking is written as {', '.join(ENDINGS)}, not as {ending!r}; choose one of these.")
    table = pd.concat([one.table() for one in rankings], ignore_index=True)
    table["top_tokens"] = [" ".join(tokens) if tokens else "" for tokens in table["top_tokens"]]
    if ending == ".csv":
        return spreadsheet_csv(table, texts=[name for name in TEXTS if name in table])
    table.attrs = {name: str(value) for name, value in head.items()}
    made = BytesIO()
    table.to_parquet(made, index=False)
    return made.getvalue()
