"""Groups stay whole, labels stay balanced, and the split is a function of the contents and the seed."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steering.errors import ExamplesError
from steering.examples import LabelledExamples, split_examples


def make(labels, groups=None, names=None) -> LabelledExamples:
    labels = np.asarray(labels, dtype=bool)
    n = len(labels)
    texts = tuple(f"text {i}" for i in range(n))
    groups = tuple(groups) if groups is not None else texts
    names = tuple(names) if names is not None else tuple(f"l{i}" for i in range(labels.shape[1]))
    return LabelledExamples("x", texts, (None,) * n, labels, names, groups)


ROOT = Path(__file__).parents[3]


@st.composite
def sets(draw, max_rows=40, max_labels=4, max_groups=40):
    """Arguments of make()."""
    n = draw(st.integers(1, max_rows))
    n_labels = draw(st.integers(1, max_labels))
    labels = draw(st.lists(st.lists(st.booleans(), min_size=n_labels, max_size=n_labels), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(0, draw(st.integers(0, max_groups))), min_size=n, max_size=n))
    return labels, [f"g{g}" for g in groups]


def sides(examples, split):
    """Texts of the two parts."""
    return {examples.texts[i] for i in split.train}, {examples.texts[i] for i in split.heldout}


def group_sets(examples):
    """For every label the groups that hold a positive."""
    return {name: {examples.groups[i] for i in np.flatnonzero(examples.label(name))} for name in examples.label_names}


@settings(max_examples=150, deadline=None)
@given(data=sets(), heldout=st.floats(0, 0.9), seed=st.integers(0, 5))
def test_parts_are_disjoint_complete_sorted_and_whole(data, heldout, seed):
    examples = make(*data)
    split = split_examples(examples, heldout=heldout, seed=seed)
    assert sorted([*split.train, *split.heldout]) == list(range(examples.n))
    assert (np.diff(split.train) > 0).all()
    assert (np.diff(split.heldout) > 0).all()
    held_groups = {examples.groups[i] for i in split.heldout}
    assert not held_groups & {examples.groups[i] for i in split.train}
    if heldout == 0:
        assert len(split.heldout) == 0


@settings(max_examples=80, deadline=None)
@given(data=sets(), seed=st.integers(0, 5), order=st.randoms(use_true_random=False))
def test_order_of_rows_labels_and_names_of_groups_do_not_matter(data, seed, order):
    examples = make(*data)
    rows = list(range(examples.n))
    order.shuffle(rows)
    shuffled = examples.subset(np.array(rows))
    columns = list(range(len(examples.label_names)))
    order.shuffle(columns)
    renamed = LabelledExamples(
        "y",
        shuffled.texts,
        shuffled.prompts,
        shuffled.labels[:, columns],
        tuple(examples.label_names[i] for i in columns),
        tuple(f"other {group}" for group in shuffled.groups),
    )
    assert sides(examples, split_examples(examples, seed=seed)) == sides(renamed, split_examples(renamed, seed=seed))


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    heldout=st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.9]),
    seed=st.integers(0, 3),
)
def test_one_of_many_every_label_with_two_groups_is_in_both_parts(sizes, heldout, seed):
    labels = np.repeat(np.eye(len(sizes), dtype=bool), sizes, axis=0)
    examples = make(labels)
    split = split_examples(examples, heldout=heldout, seed=seed)
    for i, size in enumerate(sizes):
        n_held = int(labels[split.heldout, i].sum())
        if size >= 2:
            assert 1 <= n_held <= size - 1
            assert abs(n_held - heldout * size) <= 1.01
    assert split.uncovered == tuple(f"l{i}" for i, size in enumerate(sizes) if size == 1)


@settings(max_examples=200, deadline=None)
@given(data=sets(max_rows=14, max_labels=4, max_groups=7), seed=st.integers(0, 3))
def test_every_label_that_can_be_in_both_parts_is(data, seed):
    examples = make(*data)
    split = split_examples(examples, heldout=0.3, seed=seed)
    held = {examples.groups[i] for i in split.heldout}
    wanted = [groups for groups in group_sets(examples).values() if len(groups) >= 2]
    met = all(groups & held and groups - held for groups in wanted)
    names = sorted(set(examples.groups))
    possible = any(
        all(0 < len(groups & set(part)) < len(groups) for groups in wanted)
        for k in range(len(names) + 1)
        for part in itertools.combinations(names, k)
    )
    assert met == possible
    one_sided = {
        name for name, groups in group_sets(examples).items() if groups and not (groups & held and groups - held)
    }
    assert set(split.uncovered) == one_sided


def test_shares_are_kept_for_binary_and_for_several_labels():
    rng = np.random.default_rng(0)
    binary = make(np.arange(200)[:, None] < 60)
    split = split_examples(binary, heldout=0.3)
    assert len(split.heldout) == 60
    assert binary.labels[split.heldout].sum() == 18
    several = make(rng.random((600, 12)) < np.linspace(0.02, 0.5, 12))
    split = split_examples(several, heldout=0.25)
    share = several.labels[split.heldout].sum(axis=0) / several.labels.sum(axis=0)
    assert np.abs(share - 0.25).max() < 0.09
    assert abs(len(split.heldout) - 150) <= 10


def test_negatives_are_in_both_parts_too():
    examples = make(np.arange(22)[:, None] < 20)
    for seed in range(10):
        split = split_examples(examples, heldout=0.1, seed=seed)
        assert (~examples.labels[split.heldout]).sum() == 1


def test_seeds_give_different_splits_and_the_same_seed_the_same():
    examples = make(np.arange(40)[:, None] < 20)
    splits = {tuple(split_examples(examples, seed=seed).heldout.tolist()) for seed in range(8)}
    assert len(splits) == 8
    assert tuple(split_examples(examples, seed=3).heldout.tolist()) in splits


def test_split_survives_a_restart():
    examples = make(np.arange(30)[:, None] % 3 == 0)
    code = (
        "import numpy as np; from steering.examples import *; t = tuple(f'text {i}' for i in range(30)); "
        "e = LabelledExamples('x', t, (None,) * 30, np.arange(30)[:, None] % 3 == 0, ('l0',), t); "
        "print(split_examples(e, seed=7).heldout.tolist())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert told == [str(split_examples(examples, seed=7).heldout.tolist())] * 2


@pytest.mark.parametrize("heldout", [-0.1, 0.91, 1.0, float("nan"), float("inf")])
def test_impossible_shares_are_refused(heldout):
    with pytest.raises(ExamplesError, match=r"from 0 to 0\.9"):
        split_examples(make([[True], [False]]), heldout=heldout)


def test_a_triangle_of_labels_cannot_be_covered_and_says_so():
    # Three groups, every two share a label: whatever the parts, one label lies in one part.
    examples = make([[1, 0, 1], [1, 1, 0], [0, 1, 1]])
    assert len(split_examples(examples).uncovered) == 1
