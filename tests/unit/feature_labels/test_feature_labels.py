"""The labelling run without a model: frequencies in which the truth was planted, and the brute-force answer."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from steering.errors import ExamplesError, SteeringError
from steering.feature_labels import (
    LabellingSettings,
    choose_prior,
    deal_parts,
    judge_pairs,
    labels_table,
    open_source,
    read_labels,
    sweep_pairs,
    write_labels,
)
from steering.feature_labels.work import open_work
from steering.ranking.labels import labels_of
from steering.scores import columns
from steering.scores.calibrated_f1 import calibrated_f1, sweep
from steering.scores.significance import benjamini_yekutieli
from steering.statistics import FeatureEffect

N, F, L = 240, 30, 6
PRIOR = 1e-2


def sparse_labels(dense: np.ndarray) -> csc_array:
    return csc_array(dense)


@pytest.fixture
def planted() -> tuple[csc_array, np.ndarray]:
    """Feature 2l reads label l on four in five positives and on 1 % of the others; the rest is noise of all densities.

    Label 5 has no positives.
    """
    rng = np.random.default_rng(0)
    labels = rng.random((N, L)) < 0.12
    labels[:, 5] = False
    levels = rng.integers(1, 6, (N, F)) / 10  # few values, so that there are ties
    fires = rng.random((N, F)) < np.linspace(0.02, 0.6, F)
    for label in range(5):
        fires[:, 2 * label] = np.where(labels[:, label], rng.random(N) < 0.8, rng.random(N) < 0.01)
    return csc_array((levels * fires).astype(np.float32)), labels


def test_pairs_equal_the_dense_sweep(planted, monkeypatch):
    frequency, labels = planted
    monkeypatch.setattr(columns, "ENTRIES_PER_BLOCK", 400)  # several blocks
    pairs = sweep_pairs(frequency, sparse_labels(labels), [PRIOR, 0.5], top=F, min_support=1)[PRIOR]
    dense = sweep(frequency, labels, pi0=PRIOR)
    assert len(pairs) == (dense.best[:, :5] > 0).sum()
    where = pairs.feature, pairs.label
    assert np.array_equal(pairs.tau, dense.tau[where])
    assert np.array_equal(pairs.tp, dense.tp[where])
    assert np.array_equal(pairs.fp, dense.fp[where])
    assert np.allclose(pairs.f1c, dense.best[where], atol=1e-6)
    assert np.array_equal(pairs.tau_balanced, sweep(frequency, labels, pi0=0.5).tau[where])
    support = (frequency.toarray() > 0).T.astype(int) @ labels.astype(int)
    assert np.array_equal(pairs.support, support[where])
    named = labels_of(dense, [str(label) for label in range(L)])
    assert pairs.feature[pairs.best].tolist() != []
    for feature, label in zip(pairs.feature[pairs.best], pairs.label[pairs.best], strict=True):
        assert named.label_index[feature] == label
    assert pairs.best.sum() == (named.label_index >= 0).sum()


def test_planted_features_come_first_and_every_feature_keeps_its_best_label(planted):
    frequency, labels = planted
    pairs = sweep_pairs(frequency, sparse_labels(labels), [PRIOR], top=3, min_support=1)[PRIOR]
    first = pairs.take(pairs.rank == 1)
    assert dict(zip(first.label.tolist(), first.feature.tolist(), strict=True)) == {i: 2 * i for i in range(5)}
    for label in range(5):
        of_label = pairs.take(pairs.label == label)
        ranked = of_label.take(of_label.rank > 0)
        assert ranked.rank.tolist() == [1, 2, 3]
        assert np.all(np.diff(ranked.f1c) <= 0)
        assert of_label.best[of_label.rank == 0].all()  # what lies beyond the top is there for its feature's sake
    names, counts = np.unique(pairs.feature[pairs.best], return_counts=True)
    assert np.array_equal(names, np.arange(F))
    assert (counts == 1).all()
    assert 5 not in pairs.label


def test_of_equal_labels_the_first_names_the_feature_and_of_equal_features_the_lower_id_comes_first():
    carries = np.arange(40) < 10
    frequency = csc_array(np.repeat(carries[:, None] * np.float32(0.5), 3, axis=1))
    pairs = sweep_pairs(frequency, csc_array(np.stack([carries, carries], axis=1)), [PRIOR], top=2)[PRIOR]
    assert pairs.feature[pairs.label == 0].tolist() == [0, 1, 2]
    assert pairs.feature[pairs.label == 1].tolist() == [0, 1]
    assert pairs.rank.tolist() == [1, 2, 0, 1, 2]
    assert pairs.best.tolist() == [True, True, True, False, False]


def test_small_support_and_dense_features_are_no_candidates(planted):
    frequency, labels = planted
    density = np.diff(frequency.indptr) / N
    pairs = sweep_pairs(
        frequency, sparse_labels(labels), [PRIOR], min_support=5, admitted=np.asarray(density < 0.3, dtype=bool)
    )[PRIOR]
    assert pairs.support.min() >= 5
    assert density[pairs.feature].max() < 0.3


def test_blocks_and_order_of_priors_change_nothing(planted, monkeypatch):
    frequency, labels = planted
    whole = sweep_pairs(frequency, sparse_labels(labels), [1e-3, PRIOR], top=4, min_support=2)[PRIOR]
    monkeypatch.setattr(columns, "ENTRIES_PER_BLOCK", 1)
    small = sweep_pairs(frequency, sparse_labels(labels), [PRIOR, 1e-3], top=4, min_support=2)[PRIOR]
    for name in ("feature", "label", "f1c", "tau", "rank", "best"):
        assert np.array_equal(getattr(whole, name), getattr(small, name)), name


def test_the_prior_is_the_one_whose_first_features_hold():
    """Two rare positives' worth of luck against a feature that finds all: worked by hand.

    Feature 0 finds 2 of 10 training positives and nothing else; feature 1 all of them and 5 of 90 negatives. With
    pi0 = 1e-4 the first wins (F1c 0.33 against 0.004), with 0.5 the second (0.97 against 0.33). On the validation part
    feature 0 is noise and feature 1 perfect.
    """
    train = np.zeros((100, 2), dtype=np.float32)
    train[:2, 0] = 0.5
    train[:15, 1] = 0.5
    labels = csc_array((np.arange(100) < 10)[:, None])
    pairs = sweep_pairs(csc_array(train), labels, [1e-4, 0.5], min_support=1)
    assert pairs[1e-4].feature[0] == 0
    assert pairs[0.5].feature[0] == 1
    assert pairs[1e-4].f1c[0] == pytest.approx(2 * 0.2 / 1.2)
    assert pairs[0.5].f1c[0] == pytest.approx(2 / (2 + 5 / 90))
    unseen = np.zeros((20, 2), dtype=np.float32)
    unseen[15:, 0] = 0.5
    unseen[:5, 1] = 0.5
    prior, means = choose_prior(pairs, csc_array(unseen), csc_array((np.arange(20) < 5)[:, None]))
    assert prior == 0.5
    assert means[0.5] == pytest.approx(1.0)
    assert means[1e-4] == pytest.approx(0.25)  # all positives tie at zero, behind five others: precision 5/20
    nothing = choose_prior(pairs, csc_array(unseen), csc_array(np.zeros((20, 1), dtype=bool)))
    assert nothing == (1e-4, {1e-4: None, 0.5: None})
    same, _ = choose_prior({0.5: pairs[0.5], 1e-4: pairs[0.5]}, csc_array(unseen), csc_array(np.eye(20, 1, dtype=bool)))
    assert same == 0.5  # the first wins ties


def test_judging_counts_on_the_unseen_part(planted):
    frequency, labels = planted
    fit, unseen = np.arange(N) % 2 == 0, np.arange(N) % 2 == 1
    pairs = sweep_pairs(csc_array(frequency[fit]), sparse_labels(labels[fit]), [PRIOR], top=5, min_support=1)[PRIOR]
    judged = judge_pairs(pairs, csc_array(frequency[unseen]), sparse_labels(labels[unseen]), pi0=PRIOR)
    values = frequency.toarray()[unseen]
    for at in range(len(pairs)):
        positive = labels[unseen, pairs.label[at]]
        predicted = values[:, pairs.feature[at]] >= pairs.tau[at]
        expected = calibrated_f1(float(predicted[positive].mean()), float(predicted[~positive].mean()), pi0=PRIOR)
        assert judged.f1c[at] == pytest.approx(expected)
    q = benjamini_yekutieli(judged.p)
    truth = pairs.feature == 2 * pairs.label
    assert q[truth].max() < 1e-3
    assert (q[~truth] < 0.05).sum() == 0


def test_the_table_and_its_file(planted, tmp_path):
    frequency, labels = planted
    sparse = sparse_labels(labels)
    pairs = sweep_pairs(frequency, sparse, [PRIOR], top=2, min_support=1)[PRIOR]
    empty = sparse_labels(np.zeros((N, L), dtype=bool))
    effects = {int(f): FeatureEffect(0.5, 0.1, ("a", " b")) for f in np.unique(pairs.feature)}
    table = labels_table(
        pairs,
        [f"label {i}" for i in range(L)],
        validation=judge_pairs(pairs, frequency, empty, pi0=PRIOR),
        test=judge_pairs(pairs, frequency, sparse, pi0=PRIOR),
        n_positive=labels.sum(axis=0),
        n_negative=(~labels).sum(axis=0),
        max_act=np.ones(F, dtype=np.float32),
        density=np.ones(F, dtype=np.float32),
        effects=effects,
    )
    assert table["f1c_validation"].isna().all()
    assert np.allclose(table["f1c_test"], table["f1c_train"])  # judged on the rows it was fitted on
    assert table["rank"].isna().sum() == (pairs.rank == 0).sum() > 0
    path = tmp_path / "labels.parquet"
    write_labels(path, table, {"pi0": PRIOR, "model": "none", "sae": "none"})
    again, metadata = read_labels(path)
    assert metadata == {"pi0": PRIOR, "model": "none", "sae": "none"}
    assert list(again.columns) == list(table.columns)
    assert again["q_value"].tolist() == table["q_value"].tolist()
    assert again["top_tokens"][0].tolist() == ["a", " b"]
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(SteeringError, match="no table of feature labels"):
        read_labels(path)


def test_parts_keep_groups_whole_and_labels_spread():
    rng = np.random.default_rng(1)
    groups = [f"thread {i}" for i in rng.integers(0, 300, 900)]
    dense = np.zeros((900, 12), dtype=bool)
    for row, group in enumerate(groups):
        dense[row, int(group.split()[1]) % 12] = True
    parts = deal_parts(groups, csc_array(dense), seed=3)
    rows = [parts.train, parts.validation, parts.test]
    assert sorted(np.concatenate(rows).tolist()) == list(range(900))
    names = [{groups[row] for row in part} for part in rows]
    assert sum(map(len, names)) == len(set(groups))
    shares = [len(part) / sum(map(len, names)) for part in names]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.04)
    assert all(dense[part].any(axis=0).all() for part in rows)
    order = rng.permutation(900)
    moved = deal_parts([groups[i] for i in order], csc_array(dense[order]), seed=3)
    assert {groups[order[row]] for row in moved.test} == names[2]
    assert {groups[row] for row in deal_parts(groups, csc_array(dense), seed=4).test} != names[2]


def test_sources_of_both_formats_are_read_row_by_row(tmp_path):
    rows = [
        {"text": "one", "labels": ["b", "a"], "group": "7"},
        {"text": "two", "labels": [], "group": "7"},
        {"text": "three", "labels": ["a", "a "], "group": ""},
    ]
    jsonl, parquet = tmp_path / "set.jsonl", tmp_path / "set.parquet"
    jsonl.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    pd.DataFrame(rows).to_parquet(parquet)
    for path in (jsonl, parquet):
        source = open_source(path)
        assert source.label_names == ("a", "b")
        assert source.labels.toarray().tolist() == [[True, True], [False, False], [True, False]]
        assert source.groups[0] == source.groups[1] != source.groups[2]
        assert list(source.texts()) == list(source.texts()) == [("one", None), ("two", None), ("three", None)]
        assert [(first, len(texts)) for first, texts in source.shards(2)] == [(0, 2), (2, 1)]
        assert source.positives(0).tolist() == [0, 2]
    assert open_source(jsonl).fingerprint == open_source(parquet).fingerprint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": " ", "labels": ["a"]}', "row 2: the text is empty"),
        ('{"text": "x", "labels": "a"}', "row 2: the labels are 'a', expected a list"),
        ('{"text": "x", "labels": [1]}', "row 2: the labels are"),
        ('{"text": "x"}', "row 2: expected an object with text and labels"),
        ('{"text": "x",', "row 2: the line is not JSON"),
    ],
)
def test_a_bad_row_is_named(tmp_path, line, message):
    path = tmp_path / "set.jsonl"
    path.write_text('{"text": "one", "labels": ["a"]}\n' + line + "\n")
    with pytest.raises(ExamplesError, match=re.escape(message)):
        open_source(path)


def test_other_files_go_through_the_reader_of_examples(tmp_path):
    path = tmp_path / "set.csv"
    path.write_text("text,label\n" + "".join(f"words number {i},{i % 2}\n" for i in range(20)))
    source = open_source(path)
    assert (source.n, source.label_names) == (20, ("positive",))
    assert source.labels.sum() == 10
    assert source.report is not None
    assert source.report.n_used == 20


def test_the_work_of_another_run_is_refused(tmp_path):
    folder = tmp_path / "out.parquet.work"
    work = open_work(folder, {"model": "a", "seed": 1})
    work.save("shard", 3, {"x": np.arange(3)})
    assert work.has("shard", 3)
    assert not work.has("shard", 2)
    again = open_work(folder, {"model": "a", "seed": 1}).piece("shard", 3)
    assert again is not None
    assert again["x"].tolist() == [0, 1, 2]
    with pytest.raises(SteeringError, match="unfinished work with another seed"):
        open_work(folder, {"model": "a", "seed": 2})
    next(folder.glob("shard*")).write_bytes(b"half")
    with pytest.raises(SteeringError, match="delete it, and it will be computed anew"):
        work.piece("shard", 3)
    work.remove()
    folder.mkdir()
    (folder / "holiday.jpg").write_text("")
    with pytest.raises(SteeringError, match="is not the work of a labelling run"):
        open_work(folder, {})


def test_settings_are_checked():
    for wrong in ({"pi0": 1.0}, {"top": 0}, {"min_support": 0}, {"shard": 0}, {"max_density": 0.0}):
        with pytest.raises(SteeringError):
            LabellingSettings(**wrong)
