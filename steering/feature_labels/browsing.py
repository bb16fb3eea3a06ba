"""Which rows of a table of labels does one want to see?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from steering.exports.spreadsheet import spreadsheet_csv


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """A finished labelling run, as it is looked at.

    Attributes:
        table: see :func:`steering.feature_labels.labels_table`.
        metadata: model, SAE, examples, settings, counts.
        title: what the screen calls it.
    """

    table: pd.DataFrame
    metadata: Mapping[str, Any]
    title: str

    @property
    def model(self) -> str:
        """The model as it was named."""
        return str(self.metadata["model"])

    @property
    def sae(self) -> str:
        """The SAE as it was named."""
        return str(self.metadata["sae"])

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels with at least one row, in alphabetical order."""
        return tuple(sorted(self.table["label"].unique().tolist(), key=lambda name: (name.casefold(), name)))


@dataclass(frozen=True, slots=True)
class LabelQuery:
    """What is looked for.

    Attributes:
        search: part of a label, without case, or a feature id; empty for everything.
        labels: only rows of these labels; empty for all.
        shared: only features that have a row for each of ``labels``.
        min_support: training positives on which the feature fires.
        max_q: largest q-value; None also takes rows without one.
        names_only: only rows whose label is the feature's best.
    """

    search: str = ""
    labels: tuple[str, ...] = ()
    shared: bool = False
    min_support: int = 1
    max_q: float | None = None
    names_only: bool = False

    @property
    def is_open(self) -> bool:
        """Whether neither a label nor a feature is looked for."""
        return not self.search.strip() and not self.labels


def choose_rows(table: pd.DataFrame, query: LabelQuery) -> pd.DataFrame:
    """The rows that a query asks for.

    Where a label or a feature is looked for: all their rows, a label's features best first, a feature's labels best
    first. Where nothing is: the first feature of every label that passes the filters, the surest first.

    Args:
        table: see :func:`steering.feature_labels.labels_table`.
        query: filters hold together; "shared" is decided after the other filters.

    Returns:
        Rows of the table with a new index.
    """
    kept = table["support"].to_numpy() >= query.min_support
    if query.max_q is not None:
        kept &= table["q_value"].to_numpy(dtype=np.float64, na_value=np.nan) <= query.max_q
    if query.names_only:
        kept &= table["best_label"].to_numpy(dtype=bool)
    kept &= _found(table, query.search.strip())
    if query.labels:
        kept &= table["label"].isin(query.labels).to_numpy()
    rows = table[kept]
    if query.labels and query.shared:
        carried = rows.groupby("feature_id")["label"].transform("nunique")
        rows = rows[carried == len(set(query.labels))]
        return rows.sort_values(["feature_id", "f1c_train"], ascending=[True, False], kind="stable", ignore_index=True)
    if query.is_open:
        # The table has each label's features best first, so its first row is its best that passes.
        first = rows.drop_duplicates("label")
        return first.sort_values(["f1c_test", "q_value"], ascending=[False, True], kind="stable", ignore_index=True)
    if query.search.strip().isdecimal():
        return rows.sort_values("f1c_train", ascending=False, kind="stable", ignore_index=True)
    return rows.reset_index(drop=True)


def labels_of_feature(table: pd.DataFrame, feature_id: int) -> pd.DataFrame:
    """All rows of one feature, its best label first."""
    rows = table[table["feature_id"] == feature_id]
    return rows.sort_values(["best_label", "f1c_train"], ascending=False, kind="stable", ignore_index=True)


def rows_csv(rows: pd.DataFrame) -> bytes:
    """Rows for a spreadsheet: UTF-8 with a byte order mark, no cell that it would run as a formula."""
    shown = rows.copy()
    shown["top_tokens"] = [
        "" if tokens is None else " ".join(token.strip() for token in tokens) for tokens in rows["top_tokens"]
    ]
    return spreadsheet_csv(shown, texts=("label", "top_tokens"))


def _found(table: pd.DataFrame, search: str) -> Bool[np.ndarray, " n_rows"]:
    """Rows of the feature with this id, where it is a number, or of labels that contain the text."""
    if not search:
        return np.ones(len(table), dtype=bool)
    if search.isdecimal():
        wanted = int(search)
        return (table["feature_id"].to_numpy() == wanted) | (table["label"] == search).to_numpy(dtype=bool)
    return table["label"].str.casefold().str.contains(search.casefold(), regex=False).to_numpy(dtype=bool)
