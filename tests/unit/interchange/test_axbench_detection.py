"""Detection scores out to AxBench's evaluation and its results back."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc, roc_curve

from steering.detection import detect
from steering.errors import SteeringError
from steering.examples.axbench_concepts import read_eval_frame
from steering.interchange.axbench_detection import (
    latent_frame,
    latent_results,
    read_latent_results,
    scores_of,
    write_latent_data,
    write_latent_results,
)
from tests.unit.interchange.axbench_rows import REAL, concepts, evaluation_rows, needs_real


def scored(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Two methods: one with ties that sees something, one that sees nothing."""
    rng = np.random.default_rng(seed)
    sees = (rows.category == "positive").to_numpy() + np.round(rng.normal(size=len(rows)), 1)
    return latent_frame(rows, {"sae_f1c": sees, "diffmean": np.full(len(rows), 2.0)})


def expected(frame: pd.DataFrame, method: str) -> dict[int, tuple[float, float]]:
    """AUROC and mean of two accuracies per concept, from the evaluators' description, with scikit-learn."""
    found = {}
    for concept_id, rows in frame.groupby("concept_id"):
        raw = rows[f"{method}_max_act"]
        with np.errstate(invalid="ignore"):
            scores = ((raw - raw.min()) / (raw.max() - raw.min())).fillna(0)
        kept = rows.category != "hard negative"
        fpr, tpr, thresholds = roc_curve(rows.category[kept] == "positive", scores[kept])
        cut = thresholds[np.argmax(tpr - fpr)]
        hard = scores[rows.category == "hard negative"]
        macro = np.nan
        if len(hard) and np.isfinite(cut):
            macro = ((scores[rows.category == "positive"] >= cut).mean() + (hard < cut).mean()) / 2
        found[int(concept_id)] = (auc(fpr, tpr), macro)
    return found


def check(frame: pd.DataFrame, folder) -> None:
    """Write, read back, and compare with the evaluators' arithmetic."""
    path = write_latent_data(folder, frame)
    again = pd.read_parquet(path)
    pd.testing.assert_frame_equal(again, frame)
    results = latent_results(again, ["sae_f1c", "diffmean"])
    table = read_latent_results(write_latent_results(folder, results))
    for method in ("sae_f1c", "diffmean"):
        ours = table[table.method == method].set_index("concept_id")
        for concept_id, (area, macro) in expected(frame, method).items():
            assert ours.auroc[concept_id] == pytest.approx(area, abs=1e-12)
            assert ours.macro_accuracy[concept_id] == pytest.approx(macro, nan_ok=True)
            assert ours.max_act[concept_id] == detect(scores_of(frame, method)[concept_id]).max_score


def test_round_trip(tmp_path):
    rows = evaluation_rows()
    frame = scored(rows)
    assert list(frame.columns) == [*rows.columns, "sae_f1c_max_act", "diffmean_max_act"]
    check(frame, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "evaluate/latent.jsonl").read_text().splitlines()]
    assert [line["concept_id"] for line in lines] == [0, 1, 2]
    area = lines[0]["results"]["AUCROCEvaluator"]["sae_f1c"]
    assert np.trapezoid(area["roc_curve"]["tpr"], area["roc_curve"]["fpr"]) == pytest.approx(area["roc_auc"])
    # No hard negatives, or scores that tell nothing apart: AxBench leaves the concept out.
    assert lines[2]["results"]["HardNegativeEvaluator"]["sae_f1c"] == {}
    assert lines[0]["results"]["HardNegativeEvaluator"]["diffmean"] == {}


@needs_real
def test_round_trip_of_the_published_set(tmp_path):
    frame = scored(read_eval_frame(REAL))
    assert len(frame) == 770
    check(frame, tmp_path)


def test_links_come_from_the_concepts_where_the_rows_have_none():
    rows = evaluation_rows()
    frame = latent_frame(rows.drop(columns=["sae_link", "sae_id"]), {"a": np.zeros(len(rows))}, concepts())
    assert frame.sae_link.tolist() == rows.sae_link.tolist()
    assert frame.sae_id.tolist() == rows.sae_id.tolist()


def test_refusals(tmp_path):
    rows = evaluation_rows()
    with pytest.raises(SteeringError, match="passes over a method called 'LoRA'"):
        latent_frame(rows, {"LoRA": np.zeros(len(rows))})
    with pytest.raises(SteeringError, match="2 scores for 28 texts"):
        latent_frame(rows, {"a": np.zeros(2)})
    with pytest.raises(SteeringError, match="no column 'output'"):
        latent_frame(rows.drop(columns="output"), {})
    with pytest.raises(SteeringError, match="no scores of 'b'; it has a"):
        scores_of(latent_frame(rows, {"a": np.zeros(len(rows))}), "b")
    (tmp_path / "latent.jsonl").write_text('{"concept_id": 0, "results": {}}\n')
    with pytest.raises(SteeringError, match="not a result of AxBench"):
        read_latent_results(tmp_path / "latent.jsonl")
    with pytest.raises(SteeringError, match="could not be read"):
        read_latent_results(tmp_path / "nowhere.jsonl")
