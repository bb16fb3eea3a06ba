"""Which concepts does an AxBench set hold, and on which texts is a detector of each tested?

``metadata.jsonl`` lists the concepts; ``latent_eval_data.parquet`` holds, per concept, 36 positives, 36 negatives and
up to nine hard negatives: texts with a word of the concept in another sense, named ``word//sense`` in
``output_concept`` (``create_eval_df`` in axbench/utils/dataset.py). As labelled examples (``axbench_examples``) the
kinds of negatives run together; here they stay apart, because AxBench's numbers treat them differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steering.errors import ExamplesError
from steering.examples.axbench import CATEGORIES, EVAL_FILE, METADATA_FILE, read_metadata
from steering.examples.findings import count, quote

EVAL_COLUMNS = ("input", "output", "output_concept", "category", "concept_id")
IMBALANCE_SEED = 42
"""AxBench's, for the draw of the negatives (``create_imbalance_eval_df``)."""


@dataclass(frozen=True, slots=True)
class AxBenchConcept:
    """A row of ``metadata.jsonl``.

    Attributes:
        concept_id: its place in the list, from 0.
        concept: the words.
        ref: page of the SAE feature that the words describe, ending in the feature's id; empty where there is none.
        genres: kinds of instruction that fit it, of text, code and math; AxBench uses the first.
    """

    concept_id: int
    concept: str
    ref: str
    genres: tuple[str, ...] = ("text",)

    @property
    def feature_id(self) -> int | None:
        """The feature that the words were written for, None where ``ref`` names none."""
        last = self.ref.rsplit("/", 1)[-1]
        return int(last) if last.isdecimal() else None


@dataclass(frozen=True, slots=True)
class DetectionTexts:
    """The texts on which a detector of one concept is tested.

    Attributes:
        concept_id: which concept.
        concept: its words.
        texts: what is read.
        prompts: the instruction each answers.
        categories: ``positive``, ``negative`` or ``hard negative``.
        senses: for hard negatives the word and the sense it has in the text, else None.
    """

    concept_id: int
    concept: str
    texts: tuple[str, ...]
    prompts: tuple[str, ...]
    categories: tuple[str, ...]
    senses: tuple[tuple[str, str] | None, ...]


def axbench_concepts(metadata: Sequence[Mapping[str, Any]]) -> tuple[AxBenchConcept, ...]:
    """The concepts of a set, in the order of their ids.

    Args:
        metadata: rows of ``metadata.jsonl``.

    Raises:
        ExamplesError: no rows, a row without concept or id, or ids that are not 0, 1, 2, ... in this order, which
            AxBench needs because it finds concepts by their place (``create_data_latent`` in its inference.py).
    """
    if not metadata:
        raise ExamplesError(f"{METADATA_FILE} lists no concept; use the file that lies beside AxBench's data.")
    concepts = []
    for place, row in enumerate(metadata):
        name, concept_id = str(row.get("concept", "")).strip(), row.get("concept_id")
        if not name or concept_id != place:
            raise ExamplesError(
                f"Row {place + 1} of {METADATA_FILE} has the concept {quote(name)} and the concept_id {concept_id!r}; "
                f"expected a concept and the id {place}, because AxBench finds concepts by their place."
            )
        genres = row.get("concept_genres_map") or {}
        listed = genres.get(row["concept"]) if isinstance(genres, Mapping) else None
        concepts.append(AxBenchConcept(place, name, str(row.get("ref") or ""), tuple(listed or ("text",))))
    return tuple(concepts)


def read_axbench_concepts(folder: Path) -> tuple[AxBenchConcept, ...]:
    """The concepts of a folder with ``metadata.jsonl``.

    Raises:
        ExamplesError: there is no such file, or its rows are not AxBench's.
    """
    metadata = read_metadata(Path(folder))
    if metadata is None:
        raise ExamplesError(f"{folder} has no {METADATA_FILE}; give an AxBench folder.")
    return axbench_concepts(metadata)


def detection_texts(frame: pd.DataFrame) -> tuple[DetectionTexts, ...]:
    """The texts of every concept of ``latent_eval_data``, in the order of concept_id.

    Args:
        frame: its rows.

    Raises:
        ExamplesError: a column is missing, a category is unknown, or a concept has no positives or no negatives.
    """
    missing = [column for column in EVAL_COLUMNS if column not in frame.columns]
    if missing:
        raise ExamplesError(f"{EVAL_FILE} has no column '{missing[0]}'; it needs {', '.join(EVAL_COLUMNS)}.")
    unknown = sorted(set(frame["category"].astype(str)) - set(CATEGORIES))
    if unknown:
        raise ExamplesError(f"{EVAL_FILE} has the category '{unknown[0]}'; expected {', '.join(CATEGORIES)}.")
    found = []
    for concept_id, rows in frame.groupby("concept_id", sort=True):
        categories = tuple(rows["category"].astype(str))
        n_positive, n_negative = categories.count("positive"), categories.count("negative")
        if not n_positive or not n_negative:
            raise ExamplesError(
                f"Concept {concept_id} of {EVAL_FILE} has {count(n_positive, 'positive')} and "
                f"{count(n_negative, 'negative')}; detection needs at least one of each, so use the evaluation file, "
                "not the training data."
            )
        names = tuple(rows["output_concept"].astype(str))
        found.append(
            DetectionTexts(
                concept_id=int(str(concept_id)),
                concept=names[categories.index("positive")].strip(),
                texts=tuple(rows["output"].astype(str)),
                prompts=tuple(rows["input"].astype(str)),
                categories=categories,
                senses=tuple(
                    _sense(name) if category == "hard negative" else None
                    for name, category in zip(names, categories, strict=True)
                ),
            )
        )
    return tuple(found)


def read_detection_texts(folder: Path) -> tuple[DetectionTexts, ...]:
    """The texts of a folder's ``latent_eval_data.parquet``.

    Raises:
        ExamplesError: there is no such file, it cannot be read, or its rows are not AxBench's.
    """
    return detection_texts(read_eval_frame(folder))


def read_eval_frame(folder: Path) -> pd.DataFrame:
    """All columns of ``latent_eval_data.parquet``, as they are; the limits of uploads do not hold here.

    Raises:
        ExamplesError: there is no such file, or it cannot be read.
    """
    path = Path(folder) / EVAL_FILE
    if not path.is_file():
        raise ExamplesError(f"{folder} has no {EVAL_FILE}; give an AxBench folder.")
    try:
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise ExamplesError(f"{path} could not be read as Parquet ({error}); fetch it again.") from error


def imbalance_rows(frame: pd.DataFrame, n_positive: int, *, factor: int = 100) -> pd.DataFrame:
    """The negatives of the imbalanced mode: one draw for all concepts, from the negatives of all of them.

    The same rows in the same order as AxBench's ``create_imbalance_eval_df``, which is pandas' ``sample`` with seed 42,
    without putting back. A concept's own negatives can be among them, and so can a text of another concept's negatives
    that happens to carry it: nobody has looked.

    Args:
        frame: ``latent_eval_data`` of all concepts.
        n_positive: positives per concept.
        factor: negatives for every positive.

    Raises:
        ExamplesError: there are fewer negatives than that (Concept10 has 360).
    """
    pool = frame[frame["category"] == "negative"]
    wanted = n_positive * factor
    if wanted > len(pool):
        raise ExamplesError(
            f"{factor} negatives for each of {n_positive} positives are {wanted:,}, and the set has {len(pool):,}; use "
            f"a set of more concepts, or a factor of at most {len(pool) // max(n_positive, 1)}."
        )
    return pool.sample(wanted, random_state=IMBALANCE_SEED)


def _sense(name: str) -> tuple[str, str]:
    word, _, sense = name.partition("//")
    return word.strip(), sense.strip()
