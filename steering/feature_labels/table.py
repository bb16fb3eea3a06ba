"""Do the pairs hold on examples they were not fitted on, and how is the table kept?"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32
from scipy.sparse import csc_array

from steering.errors import SteeringError
from steering.feature_labels.pairs import Pairs
from steering.replacing import replacing
from steering.scores.calibrated_f1 import Confusion, at_threshold
from steering.scores.significance import benjamini_yekutieli, label_permutation_p
from steering.statistics import FeatureEffect

METADATA_KEY = b"steerscope"
COLUMNS = {
    "feature_id": "int", "label": "text", "rank": "int", "best_label": "bool",
    "f1c_train": "float", "f1c_validation": "float", "f1c_test": "float",
    "tau": "float", "tpr": "float", "fpr": "float", "support": "int", "tp": "int",
    "density": "float", "max_act": "float", "output_score": "float", "delta_confidence": "float",
    "top_tokens": "texts", "p_value": "float", "q_value": "float",
}  # fmt: skip
"""What a table holds; see :func:`labels_table`."""
MAX_PAIRS = 2_000_000
MAX_CHARACTERS = 1_000_000_000
_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """What one unseen part says about every pair; NaN where the label has no positives or no negatives there.

    Attributes:
        f1c: calibrated F1 of the fitted threshold.
        p: of permuting the labels of the part.
    """

    f1c: Float[np.ndarray, " n_pairs"]
    p: Float[np.ndarray, " n_pairs"]


def judge_pairs(pairs: Pairs, frequency: csc_array, labels: csc_array, *, pi0: float) -> JudgedPairs:
    """F1c and p-value of fitted thresholds on a part that nothing was fitted on.

    Two thresholds are tested, the one fitted for ``pi0`` and the one for balanced classes, and the smaller p is doubled
    (Bonferroni), as in ``steering.ranking.judging``. Both tests are exact for rows that are exchangeable; where threads
    have several posts with the same tags, p is too small by as much as they repeat one another.

    Args:
        pairs: fitted on the training part.
        frequency: ``[n_examples d_sae]`` of the unseen part.
        labels: ``[n_examples n_labels]`` of the unseen part, True where stored.
        pi0: the prior the pairs were fitted for.
    """
    f1c, p = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
    bounds = np.searchsorted(pairs.label, np.arange(labels.shape[1] + 1))
    for label in np.flatnonzero(np.diff(bounds)).tolist():
        positive = np.zeros(labels.shape[0], dtype=bool)
        positive[labels.indices[labels.indptr[label] : labels.indptr[label + 1]]] = True
        if not 0 < positive.sum() < len(positive):
            continue
        for start in range(int(bounds[label]), int(bounds[label + 1]), _CHUNK):
            rows = slice(start, min(start + _CHUNK, int(bounds[label + 1])))
            columns = frequency[:, pairs.feature[rows]]
            fitted = at_threshold(columns, positive, pairs.tau[rows], pi0=pi0)
            balanced = at_threshold(columns, positive, pairs.tau_balanced[rows], pi0=pi0)
            f1c[rows] = fitted.f1c
            p[rows] = np.minimum(1.0, 2 * np.minimum(_permutation_p(fitted), _permutation_p(balanced)))
    return JudgedPairs(f1c, p)


def _permutation_p(found: Confusion) -> Float[np.ndarray, " n_features"]:
    return label_permutation_p(
        found.tp, found.tp + found.fp, n_positive=found.n_positive, n_examples=found.n_positive + found.n_negative
    )


def labels_table(
    pairs: Pairs,
    label_names: Sequence[str],
    *,
    validation: JudgedPairs,
    test: JudgedPairs,
    n_positive: np.ndarray,
    n_negative: np.ndarray,
    max_act: Float32[np.ndarray, " d_sae"],
    density: Float32[np.ndarray, " d_sae"],
    effects: Mapping[int, FeatureEffect] | None = None,
) -> pd.DataFrame:
    """One row for every pair: what it is, how good it was in training, and what is left of that on unseen examples.

    Columns: ``feature_id, label, rank`` (null for pairs kept for the feature's sake alone), ``best_label`` (whether it
    is the feature's name), ``f1c_train, f1c_validation, f1c_test, tau, tpr, fpr, support, tp`` (training part),
    ``density, max_act`` (training part), ``output_score, delta_confidence, top_tokens`` (null where not measured),
    ``p_value, q_value`` (test part; q by Benjamini & Yekutieli over *all* pairs of the table, because looking through
    many labels for the smallest is a search of its own).

    Args:
        pairs: of the training part.
        label_names: by column.
        validation: figures of the validation part.
        test: figures of the test part.
        n_positive: training positives of every label.
        n_negative: training negatives of every label.
        max_act: largest activation of every feature.
        density: share of eligible tokens on which each fires.
        effects: what every feature of the pairs writes.
    """
    known = ~np.isnan(test.p)
    q = np.full(len(pairs), np.nan)
    q[known] = benjamini_yekutieli(test.p[known])
    measured = [None if effects is None else effects[feature] for feature in pairs.feature.tolist()]
    names = np.array(label_names, dtype=object)
    rank = pd.array(pairs.rank, dtype="Int32")
    rank[pairs.rank == 0] = pd.NA
    return pd.DataFrame(
        {
            "feature_id": pairs.feature,
            "label": pd.array(names[pairs.label], dtype="str"),
            "rank": rank,
            "best_label": pairs.best,
            "f1c_train": pairs.f1c,
            "f1c_validation": validation.f1c,
            "f1c_test": test.f1c,
            "tau": pairs.tau,
            "tpr": pairs.tp / n_positive[pairs.label],
            "fpr": pairs.fp / n_negative[pairs.label],
            "support": pairs.support,
            "tp": pairs.tp,
            "density": density[pairs.feature],
            "max_act": max_act[pairs.feature],
            "output_score": np.array([np.nan if e is None else e.output_score for e in measured], dtype=np.float64),
            "delta_confidence": np.array(
                [np.nan if e is None else e.delta_confidence for e in measured], dtype=np.float64
            ),
            "top_tokens": [None if e is None else list(e.top_tokens) for e in measured],
            "p_value": test.p,
            "q_value": q,
        }
    )


def write_labels(path: Path, table: pd.DataFrame, metadata: Mapping[str, Any]) -> None:
    """Write the table as Parquet, whole or not at all, with what is known about the run in its metadata.

    Raises:
        OSError: ``path`` cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.Schema.from_pandas(table, preserve_index=False)
    tokens = schema.get_field_index("top_tokens")
    schema = schema.set(tokens, pa.field("top_tokens", pa.list_(pa.string())))
    rows = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    note = json.dumps(metadata, ensure_ascii=False, allow_nan=False).encode()
    with replacing(path) as part:
        pq.write_table(
            rows.replace_schema_metadata({**(rows.schema.metadata or {}), METADATA_KEY: note}), part, compression="zstd"
        )


def read_labels(source: Path | bytes, name: str | None = None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A table that :func:`write_labels` wrote, and what is known about its run.

    A small file may unpack to many gigabytes, so texts are measured as dictionaries, batch by batch, before any is
    copied out.

    Args:
        source: the file, or its bytes.
        name: what messages call it.

    Raises:
        SteeringError: there is no such file, or it is none of ours, or too large.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = name or (str(source) if isinstance(source, Path) else "The file")

    def opened(**options: Any) -> Any:
        return pq.ParquetFile(source if isinstance(source, Path) else io.BytesIO(source), **options)

    try:
        with opened() as file:
            note = json.loads((file.schema_arrow.metadata or {})[METADATA_KEY])
            _check_schema(file.schema_arrow, note)
            n_rows = file.metadata.num_rows
        if n_rows > MAX_PAIRS:
            raise SteeringError(
                f"{name} has {n_rows:,} rows, at most {MAX_PAIRS:,} are read; label with a smaller --top."
            )
        with opened(read_dictionary=["label", "top_tokens.list.element"]) as file:
            characters = sum(map(_characters, file.iter_batches(1024, columns=["label", "top_tokens"])))
        if characters > MAX_CHARACTERS:
            raise SteeringError(
                f"The texts of {name} unpack to {characters:,} bytes, at most {MAX_CHARACTERS:,} are read; it is none "
                "of ours, or label with a smaller --top."
            )
        with opened() as file:
            table = file.read(columns=list(COLUMNS)).to_pandas()
    except (OSError, pa.ArrowException, KeyError, ValueError, RecursionError) as error:
        raise SteeringError(
            f"{name} is no table of feature labels that could be read; make one with `python -m steering label`."
        ) from error
    return table, note


def _characters(batch: Any) -> int:
    """Bytes of the texts of a batch, repeated ones as often as they stand there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = 0
    for array in batch.columns:
        values = array.flatten() if pa.types.is_list(array.type) else array
        if pa.types.is_dictionary(values.type):
            values = pc.binary_length(values.dictionary).take(values.indices)
        else:
            values = pc.binary_length(values)
        total += pc.sum(values).as_py() or 0
        if total > MAX_CHARACTERS:
            break
    return total


def _check_schema(schema: Any, note: object) -> None:
    """Whether columns and metadata are those of :func:`write_labels`.

    Raises:
        ValueError: they are not.
    """
    import pyarrow as pa

    kinds = {"int": pa.types.is_integer, "float": pa.types.is_floating, "bool": pa.types.is_boolean}
    for column, kind in COLUMNS.items():
        found = schema.field(column).type
        if kind == "texts":
            good = pa.types.is_list(found) and (
                pa.types.is_string(found.value_type) or pa.types.is_large_string(found.value_type)
            )
        elif kind == "text":
            good = pa.types.is_string(found) or pa.types.is_large_string(found)
        else:
            good = kinds[kind](found)
        if not good:
            raise ValueError(f"column {column} is {found}")
    if not isinstance(note, dict) or not all(isinstance(note.get(key), str) for key in ("model", "sae")):
        raise ValueError("the metadata name no model and SAE")


def admitted_features(density: Float32[np.ndarray, " d_sae"], max_density: float) -> Bool[np.ndarray, " d_sae"]:
    """Features that may get a label: those that fire, and not everywhere."""
    return (density > 0) & (density <= max_density)
