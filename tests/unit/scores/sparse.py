"""Sparse firing frequencies with many ties, for tests."""

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csc_array


def columns(*values: list[float]) -> csc_array:
    """One list per feature, one number per example."""
    return csc_array(np.array(values, dtype=np.float32).T)


@st.composite
def frequencies_and_labels(draw: st.DrawFn, *, both_classes: bool = False) -> tuple[csc_array, np.ndarray]:
    """Few distinct values, mostly zeros, some features that never fire, several labels per example."""
    n_examples = draw(st.integers(2, 14))
    n_features = draw(st.integers(1, 6))
    n_labels = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.integers(1, 4))
    dense = rng.integers(0, levels + 1, (n_examples, n_features)) / np.float32(levels)
    dense[rng.random(dense.shape) < draw(st.sampled_from([0.0, 0.5, 0.9]))] = 0
    labels = rng.random((n_examples, n_labels)) < draw(st.sampled_from([0.1, 0.5, 0.8]))
    if both_classes:
        labels[0], labels[1] = True, False
    return csc_array(dense.astype(np.float32)), labels
