"""Rows of the shape of AxBench's files, and the published set where it lies beside the checkout."""

from pathlib import Path

import pandas as pd
import pytest

from steering.examples.axbench_concepts import AxBenchConcept, axbench_concepts

REAL = Path(__file__).parents[4] / "shared" / "data" / "axbench_concept10_2b_l10"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"AxBench's concept10 files are not at {REAL}")

PAGE = "https://www.neuronpedia.org/tiny/1-res-48"
NAMES = ("references to dates", "audio products", "videos")
WORDS = (("date", "in 1912 on a date"), ("speaker", "a loud speaker hums"), ("film", "the film is shown"))


def metadata_rows(n_concepts: int = 3) -> list[dict]:
    return [
        {
            "concept_id": i,
            "concept": NAMES[i],
            "ref": f"{PAGE}/{10 + i}",
            "concept_genres_map": {NAMES[i]: ["text" if i else "code"]},
        }
        for i in range(n_concepts)
    ]


def concepts(n_concepts: int = 3) -> tuple[AxBenchConcept, ...]:
    return axbench_concepts(metadata_rows(n_concepts))


def evaluation_rows(n_concepts: int = 3, n: int = 4) -> pd.DataFrame:
    """As ``latent_eval_data``; the last concept has no hard negatives."""
    made = []
    for i in range(n_concepts):
        word, phrase = WORDS[i]
        kinds = ["positive"] * n + ["negative"] * n + ["hard negative"] * (2 if i + 1 < n_concepts else 0)
        for place, kind in enumerate(kinds):
            said = {"positive": phrase, "negative": "it is so", "hard negative": f"{word} the other one"}[kind]
            made.append(
                {
                    "input": f"Question {place}?",
                    "output": f"Number {place * 7 % 5}, {said} and {place}.",
                    "output_concept": f"{word}//another sense, {place}" if kind == "hard negative" else NAMES[i],
                    "concept_genre": "text",
                    "category": kind,
                    "dataset_category": "instruction",
                    "concept_id": i,
                    "sae_link": f"{PAGE}/{10 + i}",
                    "sae_id": 10 + i,
                }
            )
    return pd.DataFrame(made)
