"""Which rows are for fitting, and which are held out to check what was found?

Groups of rows are dealt to two parts by iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011): the label with
the fewest groups left is dealt first, each of its groups to the part that still lacks most of that label. Groups are
taken in the order of a hash of their texts and the seed, so that the parts depend on contents alone: not on the order
of rows, the names of groups, or the process.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from steering.errors import ExamplesError
from steering.examples.labelled import LabelledExamples

MAX_HELDOUT = 0.9
_REPAIR_STEPS = 500
_CANDIDATES = 64
_REST = 4  # steps during which a group that was moved stays where it is


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows for fitting and rows held out.

    Attributes:
        train: rows for fitting, ascending, counted from 0.
        heldout: the other rows, ascending; empty where the fraction is 0.
        seed: what was asked for.
        fraction: the share of rows that was asked for; groups are whole, so the share met may differ.
        uncovered: labels whose positives all lie in one part although a share was to be held out: labels with a single
            group of positives, and, rarely, labels whose groups are entangled with those of others.
    """

    train: Int[np.ndarray, " n_train"]
    heldout: Int[np.ndarray, " n_heldout"]
    seed: int
    fraction: float
    uncovered: tuple[str, ...] = ()


def split_examples(examples: LabelledExamples, *, heldout: float = 0.3, seed: int = 0) -> Split:
    """Splits rows into a part for fitting and a held-out part.

    Groups stay whole, the shares of all labels are kept as equal as possible, and every label with at least two groups
    of positives has one in each part (and of negatives, wherever that is possible too).

    Args:
        examples: what to split.
        heldout: share of the rows to hold out, from 0 (nothing) to 0.9.
        seed: another seed gives another split of the same quality.

    Raises:
        ExamplesError: the share is not a number from 0 to 0.9.
    """
    if not (math.isfinite(heldout) and 0 <= heldout <= MAX_HELDOUT):
        raise ExamplesError(
            f"The held-out share is {heldout}, expected a number from 0 to {MAX_HELDOUT}; 0.3 is a good choice."
        )
    everything = np.arange(examples.n)
    if heldout == 0 or examples.n == 0:
        return Split(everything, everything[:0], seed, float(heldout))
    group_of, n_groups = _ordered_groups(examples, seed)
    columns = sorted(range(len(examples.label_names)), key=lambda i: examples.label_names[i])
    labels = examples.labels[:, columns]
    counts = np.zeros((n_groups, len(columns) + 1))
    np.add.at(counts, group_of, np.column_stack([labels, ~labels.any(axis=1)]).astype(float))
    sizes = np.bincount(group_of, minlength=n_groups).astype(float)
    is_heldout = _deal(counts, sizes, heldout)
    is_heldout = _cover(is_heldout, counts[:, :-1], sizes, heldout)
    held_rows = is_heldout[group_of]
    uncovered = tuple(
        name
        for i, name in enumerate(examples.label_names)
        if examples.labels[:, i].any() and len(set(held_rows[examples.labels[:, i]].tolist())) < 2
    )
    return Split(np.flatnonzero(~held_rows), np.flatnonzero(held_rows), int(seed), float(heldout), uncovered)


def _ordered_groups(examples: LabelledExamples, seed: int) -> tuple[Int[np.ndarray, " n_examples"], int]:
    """The group of every row, groups numbered in the order of a hash of their contents and the seed."""
    contents: dict[str, list[bytes]] = {}
    for text, prompt, group in zip(examples.texts, examples.prompts, examples.groups, strict=True):
        row = f"{len(text)}:{text}{'' if prompt is None else '=' + prompt}".encode("utf-8", "surrogatepass")
        contents.setdefault(group, []).append(hashlib.sha256(row).digest())
    keys = {
        group: hashlib.sha256(f"split {seed} ".encode() + b"".join(sorted(rows))).digest()
        for group, rows in contents.items()
    }
    place = {group: i for i, group in enumerate(sorted(keys, key=lambda group: keys[group]))}
    return np.array([place[group] for group in examples.groups], dtype=np.int64), len(place)


def _deal(
    counts: Float[np.ndarray, "n_groups n_columns"], sizes: Float[np.ndarray, " n_groups"], heldout: float
) -> Bool[np.ndarray, " n_groups"]:
    """Iterative stratification: rare labels first, each group to the part that lacks most of the label."""
    shares = np.array([1 - heldout, heldout])
    lacking = shares[:, None] * counts.sum(axis=0)
    room = shares * sizes.sum()
    part = np.full(len(sizes), -1)
    left = (counts > 0).sum(axis=0)
    while (part < 0).any():
        waiting = np.flatnonzero(left > 0)
        column = waiting[np.argmin(left[waiting])]
        groups = np.flatnonzero((counts[:, column] > 0) & (part < 0))
        for group in groups[np.argsort(-counts[groups, column], kind="stable")]:
            difference = lacking[1, column] - lacking[0, column]
            if abs(difference) < 1e-9:
                difference = room[1] - room[0]
            chosen = int(difference > 0)
            part[group] = chosen
            lacking[chosen] -= counts[group]
            room[chosen] -= sizes[group]
            left -= counts[group] > 0
    return part == 1


def _cover(
    is_heldout: Bool[np.ndarray, " n_groups"],
    counts: Float[np.ndarray, "n_groups n_labels"],
    sizes: Float[np.ndarray, " n_groups"],
    heldout: float,
) -> Bool[np.ndarray, " n_groups"]:
    """Moves groups until every label with two groups of positives has one in each part, negatives likewise.

    A local search (the task is two-colouring a hypergraph, which may have no solution): of a label that stands on one
    side, the group is moved that mends most and disturbs the share least; what was just moved rests.
    """
    member = np.hstack([counts > 0, sizes[:, None] - counts > 0])
    weight = np.repeat([1000.0, 1.0], counts.shape[1])
    total = member.sum(axis=0)
    matters = total >= 2
    member, weight, total = member[:, matters], weight[matters], total[matters]
    target = heldout * sizes.sum()
    now = is_heldout.copy()
    inside = member[now].sum(axis=0)
    rested = np.zeros(len(sizes), dtype=int)

    def faults(inside_counts: np.ndarray) -> np.ndarray:
        one_sided = (inside_counts == 0) | (inside_counts == total)
        return np.asarray(one_sided @ weight)

    best, fewest = now.copy(), float(faults(inside))
    for step in range(_REPAIR_STEPS + 4 * len(total)):
        broken = np.flatnonzero((inside == 0) | (inside == total))
        if not len(broken) or fewest == 0:
            break
        column = broken[np.lexsort((total[broken], -weight[broken]))[step % len(broken) if step >= len(broken) else 0]]
        groups = np.flatnonzero(member[:, column] & (rested <= step))
        if not len(groups):
            continue
        groups = groups[np.argsort(sizes[groups], kind="stable")][:_CANDIDATES]
        change = np.where(now[groups], -1, 1)
        after = inside[None, :] + change[:, None] * member[groups]
        share = np.abs(sizes[now].sum() + change * sizes[groups] - target)
        group = groups[np.lexsort((share, faults(after)))[0]]
        inside = inside + (-1 if now[group] else 1) * member[group]
        now[group] = not now[group]
        rested[group] = step + 1 + _REST
        wrong = float(faults(inside))
        if wrong < fewest:
            best, fewest = now.copy(), wrong
    return best
