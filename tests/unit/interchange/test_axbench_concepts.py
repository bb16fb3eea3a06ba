"""Concepts and detection texts of AxBench's files."""

import json

import numpy as np
import pytest

from steering.errors import ExamplesError
from steering.examples.axbench_concepts import (
    axbench_concepts,
    detection_texts,
    imbalance_rows,
    read_axbench_concepts,
    read_detection_texts,
    read_eval_frame,
)
from tests.unit.interchange.axbench_rows import NAMES, PAGE, REAL, evaluation_rows, metadata_rows, needs_real


def test_concepts():
    found = axbench_concepts(metadata_rows())
    assert [one.concept for one in found] == list(NAMES)
    assert [one.feature_id for one in found] == [10, 11, 12]
    assert [one.genres for one in found] == [("code",), ("text",), ("text",)]
    bare = axbench_concepts([{"concept_id": 0, "concept": "a"}])[0]
    assert (bare.ref, bare.feature_id, bare.genres) == ("", None, ("text",))


def test_concepts_out_of_place_are_refused():
    with pytest.raises(ExamplesError, match=r"Row 1 .* expected a concept and the id 0"):
        axbench_concepts(metadata_rows()[1:])
    with pytest.raises(ExamplesError, match="lists no concept"):
        axbench_concepts([])


def test_detection_texts():
    found = detection_texts(evaluation_rows().sample(frac=1, random_state=0))
    assert [one.concept for one in found] == list(NAMES)
    assert [len(one.texts) for one in found] == [10, 10, 8]
    senses = [sense for sense in found[0].senses if sense is not None]
    assert sorted(senses) == [("date", "another sense, 8"), ("date", "another sense, 9")]
    assert [kind == "hard negative" for kind in found[0].categories] == [one is not None for one in found[0].senses]


def test_a_folder_is_read_back(tmp_path):
    evaluation_rows().to_parquet(tmp_path / "latent_eval_data.parquet")
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, metadata_rows())), encoding="utf-8")
    assert read_detection_texts(tmp_path) == detection_texts(evaluation_rows())
    assert read_axbench_concepts(tmp_path)[2].ref == f"{PAGE}/12"


def test_refusals(tmp_path):
    rows = evaluation_rows()
    with pytest.raises(ExamplesError, match="no latent_eval_data"):
        read_eval_frame(tmp_path)
    with pytest.raises(ExamplesError, match=r"no metadata.jsonl"):
        read_axbench_concepts(tmp_path)
    (tmp_path / "latent_eval_data.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(ExamplesError, match="could not be read as Parquet"):
        read_eval_frame(tmp_path)
    with pytest.raises(ExamplesError, match="no column 'category'"):
        detection_texts(rows.drop(columns="category"))
    with pytest.raises(ExamplesError, match="category 'odd'"):
        detection_texts(rows.assign(category="odd"))
    with pytest.raises(ExamplesError, match="0 positives"):
        detection_texts(rows[rows.category == "negative"])


def test_imbalanced_negatives_are_pandas_draw_and_never_twice():
    rows = evaluation_rows(n=6)
    drawn = imbalance_rows(rows, 2, factor=9)
    assert len(drawn) == drawn.index.nunique() == 18
    assert set(drawn.category) == {"negative"}
    # DataFrame.sample with a whole number as its state is this permutation of NumPy's old generator.
    pool = rows[rows.category == "negative"]
    places = np.random.RandomState(42).choice(len(pool), 18, replace=False)
    assert drawn.index.tolist() == pool.index[places].tolist()
    with pytest.raises(ExamplesError, match=r"200, and the set has 18; .* a factor of at most 9"):
        imbalance_rows(rows, 2)


@needs_real
def test_the_published_set():
    concepts, found = read_axbench_concepts(REAL), read_detection_texts(REAL)
    assert [one.concept for one in found] == [one.concept for one in concepts]
    assert concepts[0].feature_id == 14874
    assert {one.genres[0] for one in concepts} == {"text", "code", "math"}
    for one in found:
        assert one.categories.count("positive") == one.categories.count("negative") == 36
    hard = [one.categories.count("hard negative") for one in found]
    assert hard == [5, 5, 4, 4, 6, 6, 7, 2, 3, 8]
    assert all(word and sense for one in found for word, sense in filter(None, one.senses))
    with pytest.raises(ExamplesError, match="3,600, and the set has 360"):
        imbalance_rows(read_eval_frame(REAL), 36)
