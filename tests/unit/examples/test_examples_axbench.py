"""AxBench's files, read as they are."""

import io
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steering.errors import ExamplesError
from steering.examples import axbench_examples, build_examples, guess_mapping, read_examples, read_table, split_examples

REAL = Path(__file__).parents[4] / "shared" / "data" / "axbench_concept10_2b_l10"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"AxBench's concept10 files are not at {REAL}")

CONCEPTS = ["references to dates, and places", "audio; products | and more", "videos"]


def rows(*, evaluation: bool = False) -> pd.DataFrame:
    """Rows of the same shape: shared negatives first, then the positives of every concept (here out of order)."""
    made = []

    def add(concept, category, concept_id, i):
        made.append(
            {
                "input": f"Question {len(made)} about {i}?",
                "output": f"Answer {len(made)} that speaks of {concept if category == 'positive' else 'things'} {i}",
                "output_concept": concept,
                "concept_genre": "text",
                "category": category,
                "dataset_category": "instruction",
                "concept_id": concept_id,
            }
        )

    for i in range(9):
        add("EEEEE", "negative", -1, i)
    for concept_id in (2, 0, 1):
        for i in range(6):
            add(CONCEPTS[concept_id], "positive", concept_id, i)
        if evaluation:
            for i in range(4):
                add(CONCEPTS[concept_id], "negative", concept_id, i)
            add("date//a social appointment", "hard negative", concept_id, 0)
    return pd.DataFrame(made)


def metadata() -> list[dict]:
    return [{"concept_id": i, "concept": concept} for i, concept in enumerate(CONCEPTS)]


def test_train_data():
    examples = axbench_examples(rows(), metadata())
    assert examples.label_names == tuple(CONCEPTS)
    assert examples.n == 27
    assert examples.labels.sum(axis=0).tolist() == [6, 6, 6]
    assert not examples.labels[:9].any()
    assert examples.labels.sum(axis=1).max() == 1
    assert examples.texts[0] == rows().output[0]
    assert examples.prompts[0] == rows().input[0]


def test_evaluation_data_negatives_and_hard_negatives_carry_no_label():
    data = rows(evaluation=True)
    examples = axbench_examples(data, None)
    assert examples.n == len(data) == 42
    assert np.array_equal(examples.labels.any(axis=1), (data.category == "positive").to_numpy())


@pytest.mark.parametrize("name", ["train_data.parquet", "copy.csv", "copy.jsonl"])
def test_the_same_by_every_format(name):
    data = rows(evaluation=True)
    sink = io.BytesIO()
    if name.endswith("parquet"):
        data.to_parquet(sink)
    elif name.endswith("csv"):
        data.to_csv(sink, index=False)
    else:
        data.to_json(sink, orient="records", lines=True)
    table = read_table(sink.getvalue(), name)
    examples, report = build_examples(table, guess_mapping(table), name="x")
    expected = axbench_examples(data, None)
    assert examples.fingerprint == expected.fingerprint
    assert report.n_used == report.n_read == 42
    assert any("3 of them hard negatives" in finding.message for finding in report.notes)


def test_unknown_categories_are_reported_by_row():
    data = rows()
    data.loc[4, "category"] = "odd"
    data.loc[12, "output_concept"] = ""
    table = read_table(data.to_csv(index=False).encode(), "a.csv")
    examples, report = build_examples(table, guess_mapping(table), name="x")
    (finding,) = [finding for finding in report.findings if finding.kind == "unknown_label"]
    assert finding.rows == (5, 13)
    assert examples.n == 25


def test_a_category_column_may_be_mapped_instead():
    table = read_table(rows().to_csv(index=False).encode(), "a.csv")
    examples, _ = build_examples(table, guess_mapping(table, label="category"), name="x")
    assert examples.label_names == ("positive",)
    assert examples.labels.sum() == 18


def test_folders(tmp_path):
    with pytest.raises(ExamplesError, match="train_data"):
        read_examples(tmp_path)
    rows(evaluation=True).to_parquet(tmp_path / "latent_eval_data.parquet")
    assert read_examples(tmp_path)[0].n == 42
    rows().to_parquet(tmp_path / "train_data.parquet")
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, metadata())), encoding="utf-8")
    examples, report = read_examples(tmp_path, label="videos")
    assert examples.n == 27
    assert "axbench_file" in [finding.kind for finding in report.notes]
    (tmp_path / "metadata.jsonl").write_text('{"concept": "other"}', encoding="utf-8")
    with pytest.raises(ExamplesError, match="metadata"):
        read_examples(tmp_path)


def test_other_frames_are_refused():
    with pytest.raises(ExamplesError, match="output_concept"):
        axbench_examples(pd.DataFrame({"text": ["a"], "label": [1]}), None)


@needs_real
def test_concept10_loads_as_it_is_and_fast():
    started = time.perf_counter()
    examples, report = read_examples(REAL)
    split = split_examples(examples)
    seconds = time.perf_counter() - started
    assert examples.n == report.n_read == 936
    assert examples.labels.sum(axis=0).tolist() == [72] * 10
    assert (~examples.labels.any(axis=1)).sum() == 216
    assert not report.errors
    assert examples.label_names[0] == "references to specific dates and publication information"
    assert np.isin(examples.labels[split.heldout].sum(axis=0), [21, 22]).all()
    assert not split.uncovered
    assert seconds < 5, "about 0.4 s on an idle core"


@needs_real
def test_concept10_evaluation_data():
    examples, report = read_examples(REAL / "latent_eval_data.parquet")
    assert (report.n_read, report.n_used) == (770, 768)
    assert examples.labels.sum(axis=0).tolist() == [36] * 10
    (duplicates,) = [finding for finding in report.warnings if finding.kind == "duplicate"]
    assert duplicates.rows == (430, 677)
