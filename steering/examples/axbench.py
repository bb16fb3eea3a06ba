"""How are AxBench's own files read?

AxBench (arXiv 2501.17148): ``train_data.parquet`` holds positives of every concept and negatives shared by all of
them, marked "EEEEE"; ``latent_eval_data.parquet`` holds positives, negatives and hard negatives of every concept. Both
become examples with one label per concept: a positive carries its concept, everything else carries none, and so the
positives of one concept are negatives of the others. (The shared negatives alone were written by another model than the
positives; a ranking against them alone finds the style of the writer.)
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steering.errors import ExamplesError
from steering.examples.findings import Finding, count, name_rows, quote
from steering.examples.labelled import LabelledExamples
from steering.examples.labelling import ReadLabels
from steering.examples.mapping import guess_mapping, is_axbench
from steering.examples.table import Table, table_from_frame

TRAIN_FILE = "train_data.parquet"
EVAL_FILE = "latent_eval_data.parquet"
METADATA_FILE = "metadata.jsonl"

CATEGORIES = ("positive", "negative", "hard negative")
SHARED_NEGATIVE = "EEEEE"


def axbench_examples(
    train: pd.DataFrame, metadata: Sequence[Mapping[str, Any]] | None = None, *, name: str = "AxBench"
) -> LabelledExamples:
    """The rows of an AxBench data frame as examples with one label per concept, in the order of concept_id.

    Args:
        train: ``train_data`` or ``latent_eval_data``.
        metadata: rows of ``metadata.jsonl``; where given, its concepts must be those of the data.
        name: what to call the set.

    Raises:
        ExamplesError: other columns, no usable row, or metadata of other concepts.
    """
    from steering.examples.building import build_examples

    if not is_axbench([str(column) for column in train.columns]):
        raise ExamplesError(
            f"{name} has the columns {', '.join(map(str, train.columns))}; AxBench's data have input, output, "
            "output_concept, category and concept_id: open it as an ordinary table."
        )
    table = table_from_frame(train, name=name)
    examples, _ = build_examples(table, guess_mapping(table), name=name)
    if metadata is not None:
        check_metadata(examples, metadata)
    return examples


def check_metadata(examples: LabelledExamples, metadata: Sequence[Mapping[str, Any]]) -> None:
    """Refuses metadata that belong to other data.

    Raises:
        ExamplesError: a concept of the data is missing in the metadata.
    """
    listed = {str(row.get("concept", "")).strip() for row in metadata}
    missing = [label for label in examples.label_names if label not in listed]
    if missing:
        raise ExamplesError(
            f"The metadata list {count(len(listed), 'concept')} but not {quote(missing[0])}, which is in "
            f"{examples.name}; use the {METADATA_FILE} that lies beside the data."
        )


def read_axbench_labels(table: Table) -> ReadLabels:
    """Reads ``category`` and ``output_concept``: positives carry their concept, all others no label."""
    numbers = table.row_numbers
    categories = [cell.strip().casefold() for cell in table.column("category")]
    concepts = [cell.strip() for cell in table.column("output_concept")]
    order: dict[str, tuple[float, str]] = {}
    for concept, category, concept_id in zip(concepts, categories, table.column("concept_id"), strict=True):
        if category == "positive" and concept and concept != SHARED_NEGATIVE:
            order.setdefault(concept, (_as_number(concept_id), concept))
    names = tuple(sorted(order, key=lambda concept: order[concept]))
    place = {concept: i for i, concept in enumerate(names)}
    matrix = np.zeros((len(numbers), len(names)), dtype=bool)
    usable = np.ones(len(numbers), dtype=bool)
    unknown = []
    for i, (concept, category) in enumerate(zip(concepts, categories, strict=True)):
        if category not in CATEGORIES or (category == "positive" and concept not in place):
            usable[i] = False
            unknown.append(numbers[i])
        elif category == "positive":
            matrix[i, place[concept]] = True
    findings = []
    if unknown:
        findings.append(
            Finding(
                "warning",
                "unknown_label",
                f"{name_rows(unknown).capitalize()}: expected the category {', '.join(CATEGORIES)} and a concept for "
                "every positive; left out: correct these rows.",
                tuple(unknown),
            )
        )
    n_hard = categories.count("hard negative")
    hard = f", {n_hard} of them hard negatives" if n_hard else ""
    findings.append(
        Finding(
            "note",
            "axbench",
            f"AxBench data: {count(int(matrix.sum()), 'positive')} of {count(len(names), 'concept')} and "
            f"{count(len(numbers) - int(matrix.sum()) - len(unknown), 'shared negative')}{hard}; for each concept the "
            "positives of the others count as negatives too.",
        )
    )
    return ReadLabels(names, matrix, usable, tuple(findings))


def find_axbench_file(folder: Path) -> tuple[Path, Finding | None]:
    """The data file of an AxBench folder, training data first.

    Raises:
        ExamplesError: the folder holds neither file.
    """
    there = [folder / file for file in (TRAIN_FILE, EVAL_FILE) if (folder / file).is_file()]
    if not there:
        raise ExamplesError(
            f"{folder} is a folder without {TRAIN_FILE} or {EVAL_FILE}; give an AxBench folder or the file to read."
        )
    if len(there) == 1:
        return there[0], None
    note = Finding(
        "note",
        "axbench_file",
        f"{TRAIN_FILE} was read; {EVAL_FILE} of the same folder was not, so name that file to use it.",
    )
    return there[0], note


def read_metadata(folder: Path) -> list[dict[str, Any]] | None:
    """Rows of the folder's ``metadata.jsonl``, None where there is no such file.

    Raises:
        ExamplesError: the file is not JSON lines.
    """
    path = folder / METADATA_FILE
    if not path.is_file():
        return None
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (ValueError, RecursionError, OSError) as error:
        raise ExamplesError(
            f"{path} could not be read as JSON lines ({error}); fetch it again or remove it."
        ) from error
    return [row for row in rows if isinstance(row, dict)]


def _as_number(concept_id: str) -> float:
    try:
        return float(concept_id)
    except ValueError:
        return float("inf")
