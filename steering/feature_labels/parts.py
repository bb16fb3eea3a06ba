"""Which groups are for fitting, which for choosing the prior, and which for the figures that are reported?"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from scipy.sparse import csc_array

SHARES = (0.70, 0.15, 0.15)
"""Training, validation, test."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Rows of the three parts, ascending; no group has rows in two of them.

    Attributes:
        train: thresholds are fitted and features are ranked on these.
        validation: the prior is chosen on these.
        test: nothing is chosen on these.
    """

    train: Int[np.ndarray, " n_train"]
    validation: Int[np.ndarray, " n_validation"]
    test: Int[np.ndarray, " n_test"]


def deal_parts(groups: Sequence[str], labels: csc_array, *, seed: int = 0) -> Parts:
    """Deal groups to the three parts, 70 : 15 : 15 for every label as nearly as may be.

    Groups are sorted into strata by the rarest label they carry, ordered in each by a hash of their names, and dealt
    one by one to the part that lacks most. One pass, so that it serves a million groups and thousands of labels, where
    the iterative stratification of ``steering.examples.split_examples`` would not end. A label whose stratum has five
    groups or more is in every part.

    Args:
        groups: one name per row.
        labels: ``[n_examples n_labels]``, True where stored.
        seed: another seed gives another split.
    """
    names, group_of = np.unique(np.array(groups, dtype=object), return_inverse=True)
    members = [
        np.unique(group_of[labels.indices[labels.indptr[label] : labels.indptr[label + 1]]])
        for label in range(labels.shape[1])
    ]
    stratum = np.full(len(names), -1)
    for label in sorted(range(len(members)), key=lambda label: (len(members[label]), label)):
        free = members[label][stratum[members[label]] < 0]
        stratum[free] = label
    keys = [hashlib.sha256(f"parts {seed} {name}".encode("utf-8", "surrogatepass")).digest() for name in names]
    part = np.zeros(len(names), dtype=np.int64)
    shares = np.array(SHARES)
    dealt: dict[int, np.ndarray] = {}
    for group in sorted(range(len(names)), key=keys.__getitem__):
        counts = dealt.setdefault(int(stratum[group]), np.zeros(3))
        part[group] = int(np.argmax(shares * (counts.sum() + 1) - counts))
        counts[part[group]] += 1
    of_row = part[group_of]
    return Parts(*(np.flatnonzero(of_row == which) for which in range(3)))
