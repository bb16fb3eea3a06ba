"""Completions out to AxBench's evaluation and its ratings back."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.interchange.axbench_steering import (
    RATINGS,
    read_steering_results,
    split_ratio,
    steering_frame,
    steering_results,
    write_evaluate_config,
    write_steering_data,
    write_steering_results,
)
from tests.unit.interchange.axbench_rows import NAMES, concepts

FACTORS = (0.5, 1.0, 2.0)


def completions(methods=("sae_f1c", "diffmean", "prompt")) -> pd.DataFrame:
    """Five prompts, two of them select; ``prompt`` has no factor."""
    made = []
    for method, concept, prompt_id in itertools.product(methods, NAMES, range(5)):
        for factor in (np.nan,) if method == "prompt" else FACTORS:
            scores = [(len(made) * step) % 3 for step in (1, 2, 5)]
            made.append(
                {
                    "model": "tiny",
                    "method": method,
                    "concept": concept,
                    "prompt_id": prompt_id,
                    "half": "select" if prompt_id in (1, 3) else "test",
                    "factor": factor,
                    "prompt": f"Tell me about {prompt_id}.",
                    "text": f"{method} {concept} {prompt_id} {factor}",
                    "strength": 3 * factor,
                    "concept_score": scores[0],
                    "instruction_score": scores[1],
                    "fluency_score": scores[2],
                    "overall": 0.0 if 0 in scores else 3 / sum(1 / score for score in scores),
                }
            )
    return pd.DataFrame(made).sample(frac=1, random_state=0)


def test_rows_and_columns(tmp_path):
    frame = pd.read_parquet(write_steering_data(tmp_path, steering_frame(completions(), concepts())))
    assert len(frame) == 3 * 5 * 3
    keys = frame[["concept_id", "input_id", "factor"]]
    pd.testing.assert_frame_equal(keys, keys.sort_values(list(keys.columns)).reset_index(drop=True))
    front = "dataset_name concept_id input_concept input_id factor original_prompt steered_input input sae_link sae_id"
    methods = ("sae_f1c", "diffmean", "prompt")
    expected = {
        *front.split(),
        *(f"{one}_steered_generation" for one in methods),
        "sae_f1c_strength",
        "diffmean_strength",
    }
    assert set(frame.columns) - {"prompt_strength"} == expected
    for row in frame.itertuples():
        prompt_id = [1, 3, 0, 2, 4][row.input_id]  # the select half first
        assert row.original_prompt == f"Tell me about {prompt_id}."
        assert row.sae_f1c_steered_generation == f"sae_f1c {row.input_concept} {prompt_id} {row.factor}"
        assert row.prompt_steered_generation == f"prompt {row.input_concept} {prompt_id} nan"
        assert row.input_concept == NAMES[row.concept_id]
        assert row.sae_id == 10 + row.concept_id
        assert row.diffmean_strength == 3 * row.factor


def test_axbenchs_split_of_the_ids_is_our_halves(tmp_path):
    rows = completions()
    ratio = split_ratio(rows)
    assert ratio == pytest.approx(3 / 5)
    frame = steering_frame(rows, concepts())
    n = frame.input_id.max() + 1
    select = frame[frame.input_id < n - round(n * ratio)]
    assert set(select.original_prompt) == {"Tell me about 1.", "Tell me about 3."}
    config = json.loads(write_evaluate_config(tmp_path, ["sae_f1c"], ratio=ratio).read_text())["evaluate"]
    assert config["winrate_split_ratio"] == ratio
    assert config["models"] == ["sae_f1c"]
    assert config["steering_evaluators"] == ["LMJudgeEvaluator"]


@pytest.mark.parametrize("half", ["select", "test"])
def test_ratings_round_trip_in_axbenchs_names(tmp_path, half):
    rows = completions()
    results = steering_results(rows, concepts(), half)
    path = write_steering_results(tmp_path, half, results)
    assert path.name == {"select": "steering.jsonl", "test": "steering_test.jsonl"}[half]
    judged = json.loads(path.read_text().splitlines()[1])["results"]["LMJudgeEvaluator"]["sae_f1c"]
    assert judged["factor"] == list(FACTORS)
    n_prompts = {"select": 2, "test": 3}[half]
    # The means of the raw ratings, in the order of rows of steering_data, are the means.
    raw = np.array(judged["raw_relevance_concept_ratings"]).reshape(n_prompts, 3)
    assert judged["relevance_concept_ratings"] == pytest.approx(raw.mean(axis=0).tolist())
    assert len(judged["raw_aggregated_ratings"]) == 3 * n_prompts
    back = read_steering_results(path)
    expected = rows[rows.half == half].assign(
        concept_id=lambda frame: frame.concept.map({name: i for i, name in enumerate(NAMES)}),
        factor=lambda frame: frame.factor.fillna(0.0),
    )
    key = ["concept_id", "method", "factor"]
    pd.testing.assert_frame_equal(
        back.set_index(key).sort_index(), expected.groupby(key)[list(RATINGS)].mean(), check_dtype=False
    )


def test_refusals():
    rows = completions()
    with pytest.raises(SteeringError, match="no column 'text'"):
        steering_frame(rows.drop(columns="text"), concepts())
    with pytest.raises(SteeringError, match="one model, seed and sample"):
        steering_frame(pd.concat([rows, rows]), concepts())
    with pytest.raises(SteeringError, match="other prompts or factors"):
        steering_frame(rows[(rows.method != "diffmean") | (rows.factor != 2.0)], concepts())
    with pytest.raises(SteeringError, match="different numbers of prompts"):
        steering_frame(rows[(rows.concept != NAMES[0]) | (rows.prompt_id != 0)], concepts())
    with pytest.raises(SteeringError, match="which is not in the list"):
        steering_frame(rows, concepts(2))
    with pytest.raises(SteeringError, match="in both halves"):
        steering_frame(pd.concat([rows, rows.assign(half="test")]), concepts())
    with pytest.raises(SteeringError, match="expected 'select' or 'test'"):
        steering_frame(rows.assign(half="first"), concepts())
    with pytest.raises(SteeringError, match="passes over a method called 'BoW'"):
        steering_frame(rows.replace({"method": {"prompt": "BoW"}}), concepts())
    with pytest.raises(SteeringError, match="no method has one"):
        steering_frame(rows[rows.method == "prompt"], concepts())
    with pytest.raises(SteeringError, match="to its end"):
        steering_frame(rows.iloc[:0], concepts())
    with pytest.raises(SteeringError, match="no column 'overall'"):
        steering_results(rows.drop(columns="overall"), concepts(), "test")
