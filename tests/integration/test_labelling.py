"""The labelling run on a tiny model: interrupted or not, the same table, and the figures that the statistics give."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import steering.labelling as labelling
from steering.activations import collect_statistics
from steering.errors import Cancelled, ExamplesError, SteeringError
from steering.feature_labels import LabellingSettings, deal_parts, open_source, read_labels
from steering.ranking.prior import PRIORS
from tests.tiny_sae import D_SAE, tiny_sae

WORDS = {"sea": "the wave and the salt wind on the water", "stone": "a hard grey rock in the ground", "fire": "red hot"}
SETTINGS = LabellingSettings(shard=7, top=5, min_support=1, max_density=1.0)


@pytest.fixture
def source(tmp_path: Path):
    rng = np.random.default_rng(0)
    path = tmp_path / "set.jsonl"
    with path.open("w") as file:
        for number in range(40):
            labels = [label for label in WORDS if rng.random() < 0.4]
            text = " ".join([WORDS[label] for label in labels] + [f"it was day {number}", f"{7919 * number:x}"])
            file.write(json.dumps({"text": text, "labels": labels, "group": str(number // 2)}) + "\n")
    return open_source(path)


def test_an_interrupted_run_ends_with_the_same_table(tiny_llama, source, tmp_path, monkeypatch):
    monkeypatch.setattr(labelling, "FEATURES_PER_PIECE", 10)
    sae = tiny_sae()
    whole = labelling.label_features(tiny_llama, sae, source, tmp_path / "whole.parquet", SETTINGS)

    calls = {"texts": 0, "effects": 0}
    read, measure = labelling.collect_statistics, labelling.measure_effects

    def counting_read(model, sae, texts, prompts):
        calls["texts"] += len(texts)
        return read(model, sae, texts, prompts)

    def counting_measure(model, sae, features, *rest, **more):
        calls["effects"] += len(features)
        return measure(model, sae, features, *rest, **more)

    monkeypatch.setattr(labelling, "collect_statistics", counting_read)
    monkeypatch.setattr(labelling, "measure_effects", counting_measure)
    out = tmp_path / "broken.parquet"
    stops = [("Reading", 14), ("Reading", 35), ("Finding", 0), ("Measuring", 20)]
    for what, at in stops:

        def stop(done: int, total: int, unit: str, doing: str, what: str = what, at: int = at) -> None:
            if doing.startswith(what) and done >= at:
                raise Cancelled

        with pytest.raises(Cancelled):
            labelling.label_features(tiny_llama, sae, source, out, SETTINGS, on_progress=stop)
        assert not out.exists()
    # A kill in the middle of a writing leaves a part behind; nobody takes it for a piece.
    (tmp_path / "broken.parquet.work" / ".shard-000099.npz.1.part").write_bytes(b"half")
    broken = labelling.label_features(tiny_llama, sae, source, out, SETTINGS)

    assert calls["texts"] == source.n  # nothing was read twice
    assert calls["effects"] == whole.table["feature_id"].nunique()
    pd.testing.assert_frame_equal(broken.table, whole.table, check_exact=True)
    assert broken.metadata == whole.metadata
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not (tmp_path / "broken.parquet.work").exists()


def test_the_table_says_what_the_statistics_say(tiny_gpt2, source, tmp_path):
    sae = tiny_sae()
    out = tmp_path / "labels.parquet"
    labelling.label_features(tiny_gpt2, sae, source, out, SETTINGS)
    table, metadata = read_labels(out)
    texts = [text for text, _ in source.texts()]
    statistics = collect_statistics(tiny_gpt2, sae, texts, [None] * len(texts))
    parts = deal_parts(source.groups, source.labels, seed=0)
    assert (metadata["n_train"], metadata["n_validation"], metadata["n_test"]) == tuple(
        map(len, (parts.train, parts.validation, parts.test))
    )
    assert metadata["pi0"] in PRIORS
    assert set(metadata["validation_average_precision"]) == {f"{prior:g}" for prior in PRIORS}
    best = max(metadata["validation_average_precision"].values())
    assert metadata["validation_average_precision"][f"{metadata['pi0']:g}"] == pytest.approx(best)
    assert metadata["n_features_labelled"] == table["best_label"].sum() <= D_SAE
    trained = collect_statistics(tiny_gpt2, sae, [texts[row] for row in parts.train], [None] * len(parts.train))
    assert (trained.max_act < statistics.max_act).any(), "some feature fires most on a row that chooses nothing"
    frequency, truth = statistics.frequency.toarray(), source.labels.toarray()
    lam = (1 - metadata["pi0"]) / metadata["pi0"]
    for row in table.itertuples():
        fires = frequency[:, row.feature_id] >= row.tau - 1e-6
        carries = truth[:, source.label_names.index(row.label)]
        for part, f1c in ((parts.train, row.f1c_train), (parts.test, row.f1c_test)):
            found, positive = fires[part], carries[part]
            if positive.all() or not positive.any():
                assert np.isnan(f1c)
                continue
            tpr, fpr = found[positive].mean(), found[~positive].mean()
            assert f1c == pytest.approx(2 * tpr / (1 + tpr + lam * fpr))
        assert row.max_act == pytest.approx(trained.max_act[row.feature_id], rel=1e-4)
        assert row.density == pytest.approx(trained.density[row.feature_id], abs=1e-7)
        assert 0 <= row.output_score <= 1
        assert len(row.top_tokens) == 20


def test_another_run_does_not_take_the_work(tiny_llama, source, tmp_path):
    def stop(*_: object) -> None:
        raise Cancelled

    out = tmp_path / "labels.parquet"
    with pytest.raises(Cancelled):
        labelling.label_features(tiny_llama, tiny_sae(), source, out, SETTINGS, on_progress=stop)
    with pytest.raises(SteeringError, match="unfinished work with another sae"):
        labelling.label_features(tiny_llama, tiny_sae(seed=1), source, out, SETTINGS)
    encoder = tiny_sae()
    encoder.b_enc[-1] += 1e-3
    with pytest.raises(SteeringError, match="unfinished work with another sae"):
        labelling.label_features(tiny_llama, encoder, source, out, SETTINGS)
    last = list(tiny_llama.model.parameters())[-2]
    before = last.detach().clone()
    try:
        with torch.no_grad():
            last += 1e-3
        with pytest.raises(SteeringError, match="unfinished work with another model"):
            labelling.label_features(tiny_llama, tiny_sae(), source, out, SETTINGS)
    finally:
        with torch.no_grad():
            last.copy_(before)
    fixed = LabellingSettings(shard=7, min_support=1, pi0=0.1, effects=False)
    with pytest.raises(SteeringError, match="unfinished work with another settings"):
        labelling.label_features(tiny_llama, tiny_sae(), source, out, fixed)


def test_two_runs_do_not_write_to_one_folder(tiny_llama, source, tmp_path):
    out = tmp_path / "labels.parquet"
    folder = tmp_path / "labels.parquet.work"

    def second(done: int, total: int, unit: str, doing: str) -> None:
        if doing.startswith("Reading"):
            with pytest.raises(SteeringError, match=r"Another process is labelling features in .*labels.parquet.work"):
                labelling.label_features(tiny_llama, tiny_sae(), source, out, fixed)
            assert folder.exists()

    fixed = LabellingSettings(shard=20, min_support=1, max_density=1.0, pi0=0.1, effects=False)
    labelling.label_features(tiny_llama, tiny_sae(), source, out, fixed, on_progress=second)
    assert out.exists()
    assert not folder.exists()


def test_labels_without_negatives_cannot_be_given(tiny_llama, tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps({"text": f"day {i}", "labels": ["all"]}) + "\n" for i in range(9)))
    with pytest.raises(ExamplesError, match=r"No label of set\.jsonl has positives and negatives"):
        labelling.label_features(tiny_llama, tiny_sae(), open_source(path), tmp_path / "labels.parquet")
    assert {found.name for found in tmp_path.iterdir()} == {"set.jsonl"}


def test_the_command(tiny_llama, source, tmp_path, monkeypatch, capsys):
    from contextlib import contextmanager

    from steering import workbench
    from steering.cli import main

    @contextmanager
    def open_pair(model: str, sae: str | None, *, device: str, **_: object):
        yield workbench.Loaded(tiny_llama, tiny_sae(), None)

    monkeypatch.setattr(workbench, "open_pair", open_pair)
    out = tmp_path / "labels.parquet"
    given = ["label", "--model", str(tmp_path), "--examples", str(tmp_path / source.name), "--out", str(out)]
    assert main([*given, "--no-effects", "--min-support", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pi0"] in PRIORS
    table, metadata = read_labels(out)
    assert told == {"out": str(out)} | metadata
    assert table["output_score"].isna().all()
    assert table["top_tokens"].isna().all()
    assert main([*given, "--no-effects", "--pi0", "0.01", "--top", "3"]) == 0
    assert "pi0 0.01, chosen by the user" in capsys.readouterr().out
    assert main([*given, "--pi0", "2"]) == 2
    assert main([*given[:-1], str(tmp_path / "labels.csv")]) == 2
    assert capsys.readouterr().err.count("error: ") == 2
