"""Looking through a table of labels: what is found, in which order, and what a spreadsheet and a bomb may do."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from steering.errors import SteeringError
from steering.feature_labels import (
    LabelQuery,
    LabelTable,
    choose_rows,
    labels_of_feature,
    read_labels,
    rows_csv,
    write_labels,
)
from steering.feature_labels import table as table_module

# feature, label, rank, best, f1c train, f1c test, support, q
ROWS = [
    (7, "Sea", 1, True, 0.9, 0.5, 40, 0.001),
    (8, "Sea", 2, False, 0.8, 0.9, 12, 0.2),
    (9, "Sea", None, True, 0.2, 0.1, 30, np.nan),
    (8, "seaweed", 1, True, 0.85, 0.7, 9, 0.01),
    (7, "wine", 1, False, 0.4, 0.6, 25, 0.04),
    (7, "2024", 2, False, 0.3, 0.2, 25, 0.9),
]
METADATA = {"model": "demo", "sae": "some", "d_sae": 16}


@pytest.fixture
def table() -> pd.DataFrame:
    feature, label, rank, best, train, test, support, q = zip(*ROWS, strict=True)
    n = len(ROWS)
    return pd.DataFrame(
        {
            "feature_id": np.array(feature, dtype=np.int32),
            "label": pd.array(label, dtype="str"),
            "rank": pd.array(rank, dtype="Int32"),
            "best_label": best,
            "f1c_train": train,
            "f1c_validation": np.full(n, 0.5),
            "f1c_test": test,
            **{name: np.full(n, 0.1) for name in ("tau", "tpr", "fpr")},
            "support": np.array(support, dtype=np.int32),
            "tp": np.full(n, 3, dtype=np.int32),
            **{name: np.full(n, 0.1) for name in ("density", "max_act", "output_score", "delta_confidence")},
            "top_tokens": [["=wave", " sea"], None, None, [], [" wine"], None],
            "p_value": np.full(n, 0.1),
            "q_value": q,
        }
    )


def found(table: pd.DataFrame, **query: object) -> list[tuple[int, str]]:
    rows = choose_rows(table, LabelQuery(**query))  # type: ignore[arg-type]
    assert rows.index.tolist() == list(range(len(rows)))
    return list(zip(rows["feature_id"].tolist(), rows["label"].tolist(), strict=True))


def test_without_a_search_every_label_shows_its_first_feature_best_on_the_test_part_first(table):
    assert found(table) == [(8, "seaweed"), (7, "wine"), (7, "Sea"), (7, "2024")]
    # A filter that takes the first feature away brings the next one up.
    assert (9, "Sea") in found(table[table["feature_id"] != 7], min_support=20)


def test_a_label_shows_its_features_best_first(table):
    assert found(table, labels=("Sea",)) == [(7, "Sea"), (8, "Sea"), (9, "Sea")]
    assert found(table, search=" SEA ") == [(7, "Sea"), (8, "Sea"), (9, "Sea"), (8, "seaweed")]
    assert found(table, search="(") == []


def test_a_number_is_a_feature_or_a_label_of_that_name(table):
    assert found(table, search="7") == [(7, "Sea"), (7, "wine"), (7, "2024")]
    assert found(table, search="2024") == [(7, "2024")]
    assert found(table, search="99999999999999999999") == []


def test_filters_hold_together_and_a_missing_q_passes_none(table):
    assert found(table, search="sea", max_q=1.0) == [(7, "Sea"), (8, "Sea"), (8, "seaweed")]
    assert found(table, search="sea", max_q=0.05) == [(7, "Sea"), (8, "seaweed")]
    assert found(table, search="sea", max_q=0.05, min_support=10) == [(7, "Sea")]
    assert found(table, search="sea", names_only=True) == [(7, "Sea"), (9, "Sea"), (8, "seaweed")]


def test_features_that_several_labels_share(table):
    assert found(table, labels=("Sea", "seaweed")) == [(7, "Sea"), (8, "Sea"), (9, "Sea"), (8, "seaweed")]
    assert found(table, labels=("Sea", "seaweed"), shared=True) == [(8, "seaweed"), (8, "Sea")]
    assert found(table, labels=("Sea", "seaweed"), shared=True, max_q=0.05) == []


def test_a_features_best_label_stands_first(table):
    assert labels_of_feature(table, 8)["label"].tolist() == ["seaweed", "Sea"]
    assert labels_of_feature(table, 3).empty
    assert LabelTable(table, METADATA, "t").labels == ("2024", "Sea", "seaweed", "wine")


def test_no_cell_of_the_download_is_a_formula(table):
    renamed = table.assign(label=["=1+1", "@x", "a", "b", "c", "-d"])
    text = rows_csv(renamed).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["label"] for row in rows] == ["'=1+1", "'@x", "a", "b", "c", "'-d"]
    assert rows[0]["top_tokens"] == "'=wave sea"
    assert [row["top_tokens"] for row in rows[1:3]] == ["", ""]
    assert float(rows[0]["f1c_test"]) == 0.5


def test_a_file_is_read_from_disk_or_from_memory(table, tmp_path):
    path = tmp_path / "labels.parquet"
    write_labels(path, table, METADATA)
    for source in (path, path.read_bytes()):
        again, metadata = read_labels(source)
        assert metadata == METADATA
        assert again["rank"].isna().tolist() == table["rank"].isna().tolist()
        assert again["label"].tolist() == table["label"].tolist()


def test_what_is_no_table_of_ours_is_refused(table, tmp_path):
    path = tmp_path / "labels.parquet"
    for wrong in (table.drop(columns="q_value"), table.assign(feature_id=table["label"])):
        write_labels(path, wrong, METADATA)
        with pytest.raises(SteeringError, match="no table of feature labels"):
            read_labels(path)
    write_labels(path, table, {"model": "demo"})
    with pytest.raises(SteeringError, match="no table of feature labels"):
        read_labels(path)
    for data in (b"", b"PAR1", b"text,label\n"):
        with pytest.raises(SteeringError, match=r"odd\.parquet is no table"):
            read_labels(data, "odd.parquet")
    with pytest.raises(SteeringError, match="no table of feature labels"):
        read_labels(tmp_path)
    with pytest.raises(SteeringError, match="no table of feature labels"):
        read_labels(Path("nowhere.parquet"))


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_does(table, tmp_path, monkeypatch):
    path = tmp_path / "labels.parquet"
    huge = pd.concat([table] * 2000, ignore_index=True).assign(label="x" * 100_000)
    write_labels(path, huge, METADATA)
    assert path.stat().st_size < 400_000
    read = pq.ParquetFile.read

    def never(*_args: object, **_more: object) -> None:
        raise AssertionError("the whole table was read")

    monkeypatch.setattr(pq.ParquetFile, "read", never)
    with pytest.raises(SteeringError, match="at most 1,000,000,000 are read"):
        read_labels(path)
    monkeypatch.setattr(pq.ParquetFile, "read", read)
    monkeypatch.setattr(table_module, "MAX_PAIRS", 10)
    with pytest.raises(SteeringError, match="12,000 rows, at most 10"):
        read_labels(path)
