"""The verbs detect and axbench on AxBench's published set, where it lies beside the checkout, and on a made-up one."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score

from steering import runtime
from steering.activations import encode_examples, read_resid
from steering.benchmark.runner import run_benchmark
from steering.cli import main
from steering.encoding import pad_left
from steering.interchange.axbench_features import read_top_features
from steering.interchange.axbench_steering import read_steering_results
from tests.tiny import tiny_llama
from tests.tiny_bench import CONCEPTS, bench_settings, write_bench
from tests.tiny_sae import tiny_sae
from tests.unit.interchange.axbench_rows import REAL, evaluation_rows, metadata_rows, needs_real


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    torch.set_num_threads(1)
    yield write_bench(tmp_path_factory.mktemp("bench"), tiny_llama())
    runtime.shelf().clear()


def made_up(folder: Path) -> Path:
    """Two concepts in AxBench's format; every training text is another one than those that are measured on."""
    evaluation = evaluation_rows(n_concepts=2, n=8)
    training = evaluation[evaluation["category"] != "hard negative"].copy()
    training["output"] = "As was said, " + training["output"]
    return write_set(folder, training, evaluation, metadata_rows(2))


def published(folder: Path) -> Path:
    """Two concepts of the published ten, cut short."""
    training, evaluation = (pd.read_parquet(REAL / name) for name in ("train_data.parquet", "latent_eval_data.parquet"))
    metadata = [json.loads(line) for line in (REAL / "metadata.jsonl").read_text().splitlines()][:2]
    training = pd.concat([rows.head(20) for _, rows in training[training["concept_id"] < 2].groupby("concept_id")])
    evaluation = evaluation[evaluation["concept_id"] < 2].copy()
    evaluation = pd.concat([rows.head(12) for _, rows in evaluation.groupby(["concept_id", "category"])])
    for frame in (training, evaluation):
        frame["output"] = frame["output"].str.slice(0, 150)
        frame["input"] = frame["input"].str.slice(0, 80)
    return write_set(folder, training, evaluation, metadata)


def write_set(folder: Path, training: pd.DataFrame, evaluation: pd.DataFrame, metadata: list[dict]) -> Path:
    folder.mkdir()
    training.to_parquet(folder / "train_data.parquet")
    evaluation.to_parquet(folder / "latent_eval_data.parquet")
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metadata))
    return folder


def largest(rows: pd.DataFrame) -> np.ndarray:
    """Largest activation of every feature on every text, one by one and without the code under test."""
    model, sae = tiny_llama(), tiny_sae()
    found = []
    for text in encode_examples(model, list(rows["output"]), list(rows["input"])):
        stream = read_resid(model, sae.hook_point, pad_left([text], pad_id=0))[0]
        found.append(sae.encode(stream[torch.tensor(text.eligible)].float()).amax(dim=0).numpy())
    return np.array(found)


@pytest.mark.parametrize("make", [made_up, pytest.param(published, marks=needs_real)])
def test_detection_equals_an_independent_computation(
    make, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(tmp_path / "set")
    options = ["--model", str(bench / "model"), "--sae", str(bench / "sae"), "--examples", str(folder)]
    assert main(["detect", *options, "--json"]) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    training, evaluation = (
        pd.read_parquet(folder / name).drop_duplicates(["input", "output", "category", "concept_id"])
        for name in ("train_data.parquet", "latent_eval_data.parquet")
    )
    on_training, on_evaluation = largest(training), largest(evaluation)
    kinds = evaluation["category"].to_numpy()
    negatives = on_evaluation[kinds == "negative"]
    for place, found in enumerate(told["concepts"]):
        carries = ((training["category"] == "positive") & (training["concept_id"] == place)).to_numpy()
        aurocs = [roc_auc_score(carries, column) for column in on_training.T]
        feature = found["feature_id"]
        assert aurocs[feature] == pytest.approx(max(aurocs), abs=1e-9)
        assert found["auroc_training"] == pytest.approx(max(aurocs), abs=1e-9)
        own = (evaluation["concept_id"] == place).to_numpy()
        plain = own & (kinds != "hard negative")
        positive = on_evaluation[own & (kinds == "positive"), feature]
        assert found["auroc"] == pytest.approx(
            roc_auc_score(kinds[plain] == "positive", on_evaluation[plain, feature]), abs=1e-9
        )
        assert found["auroc_with_hard"] == pytest.approx(
            roc_auc_score(kinds[own] == "positive", on_evaluation[own, feature]), abs=1e-9
        )
        # 100 to 1: scikit-learn with weights; ours lets each of the few negatives count as often as it takes.
        scores = np.concatenate([positive, negatives[:, feature]])
        truth = np.arange(len(scores)) < len(positive)
        weights = np.where(truth, 1.0, 100 * len(positive) / len(negatives))
        thresholds = precision_recall_curve(truth, scores)[2]
        best = max(f1_score(truth, scores >= one, sample_weight=weights) for one in thresholds)
        assert found["f1_imbalanced"] == pytest.approx(best, abs=0.02)
        assert found["n_extra_negative"] == 100 * len(positive)
        assert found["n_different_negatives"] == len(np.unique(evaluation.loc[kinds == "negative", ["input", "output"]]
                                                               .agg(" ".join, axis=1)))  # fmt: skip
    assert told["summary"]["auroc"] == pytest.approx(np.mean([one["auroc"] for one in told["concepts"]]))
    assert "counts negatives up to" in printed.err
    assert main(["detect", *options]) == 0
    assert "f1 at 100:1" in capsys.readouterr().out


def test_a_file_of_examples_is_split(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--model",
        str(bench / "model"),
        "--sae",
        str(bench / "sae"),
        "--examples",
        str(bench / "examples.jsonl"),
    ]
    assert main(["detect", *options, "--json", "--imbalance", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["concept"] for one in told["concepts"]} == set(CONCEPTS)
    for one in told["concepts"]:
        assert one["n_positive"] + one["n_negative"] == 24, "half of the file"
        assert one["auroc_with_hard"] == one["auroc"] > 0.8
        assert one["hard_negative_accuracy"] is None
        assert one["n_different_negatives"] == one["n_extra_negative"] == one["n_positive"]


def test_the_features_are_those_that_axbench_would_read(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made_up(tmp_path / "set")
    options = ["--model", str(bench / "model"), "--sae", str(bench / "sae"), "--examples", str(folder)]
    assert main(["detect", *options, "--json"]) == 0
    detected = [one["feature_id"] for one in json.loads(capsys.readouterr().out)["concepts"]]
    assert main(["axbench", "export-features", *options, "--out", str(tmp_path / "run"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["features"] == detected
    assert read_top_features(tmp_path / "run") == tuple(detected)
    assert all(Path(one).is_file() for one in told["files"])
    units = json.loads(next((tmp_path / "run" / "data").iterdir()).read_text())
    training = largest(pd.read_parquet(folder / "train_data.parquet"))
    for feature in detected:
        assert units[str(feature)] == pytest.approx(training[:, feature].max(), rel=1e-4)
    assert main(["axbench", "export-features", *options, "--out", str(tmp_path / "run"), "--feature", "3"]) == 2
    assert "2 concepts and 1 features" in capsys.readouterr().err


def test_the_results_are_those_that_axbench_would_read(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_benchmark(bench_settings(bench, methods=("none", "diffmean"), seeds=(0, 1)), tmp_path / "run")
    options = ["axbench", "export-results", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "out")]
    assert main([*options, "--seed", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["methods"] == ["none", "diffmean"]
    frame = pd.read_parquet(tmp_path / "out" / "inference" / "steering_data.parquet")
    assert len(frame) == told["rows"] == 2 * 5 * 14
    table = pd.read_parquet(tmp_path / "run" / "results.parquet").query("seed == 1 and method == 'diffmean'")
    assert sorted(frame["diffmean_steered_generation"]) == sorted(table["text"])
    rated = read_steering_results(tmp_path / "out" / "evaluate" / "steering_test.jsonl").query("method == 'diffmean'")
    expected = table[table["half"] == "test"].groupby(["concept", "factor"])["overall"].mean()
    assert sorted(rated["overall"]) == pytest.approx(sorted(expected))
    assert main([*options, "--methods", "lora"]) == 2
    assert "its methods are none, diffmean" in capsys.readouterr().err


def test_a_folder_without_training_texts_is_refused(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made_up(tmp_path / "set")
    (folder / "train_data.parquet").unlink()
    assert (
        main(["detect", "--model", str(bench / "model"), "--sae", str(bench / "sae"), "--examples", str(folder)]) == 2
    )
    assert "no train_data.parquet to choose features on" in capsys.readouterr().err
