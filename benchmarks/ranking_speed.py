"""How long does ranking take, step by step, for dictionaries of three sizes?

Run from the repository root: ``python -m benchmarks.ranking_speed``. Prints a Markdown table. The data are synthetic:
features of log-uniform density, firing in 1.5 % of the examples on average, one label of ten per example.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from steering.ranking import RankingSettings, rank_all_labels, rank_features
from steering.scores.auroc import auroc
from steering.scores.calibrated_f1 import sweep
from steering.scores.intervals import auroc_intervals
from steering.scores.significance import null_best_f1c
from steering.statistics import FeatureStatistics

SIZES = ((2_048, 150, 10), (16_384, 1_000, 10), (131_072, 2_000, 10))
MEAN_DENSITY = 0.015
CANDIDATES = 200


@dataclass(frozen=True)
class Rows:
    """Training and held-out rows."""

    train: np.ndarray
    heldout: np.ndarray


def synthetic(d_sae: int, n_examples: int, n_labels: int, seed: int = 0) -> tuple[FeatureStatistics, np.ndarray]:
    """Sparse statistics of features that know nothing of the labels."""
    rng = np.random.default_rng(seed)
    share = 10 ** rng.uniform(-4, 0, d_sae)
    share *= MEAN_DENSITY / share.mean()
    counts = rng.binomial(n_examples, np.minimum(share, 0.9))
    rows = np.concatenate([np.sort(rng.choice(n_examples, count, replace=False)) for count in counts])
    values = (rng.integers(1, 41, len(rows)) / 64).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    frequency = csc_array((values, rows, indptr), shape=(n_examples, d_sae))
    statistics = FeatureStatistics(
        frequency=frequency,
        maximum=frequency * np.float32(8),
        mean=frequency * np.float32(2),
        n_tokens=np.full(n_examples, 64),
        max_act=np.full(d_sae, 5, dtype=np.float32),
        density=(counts / n_examples * 0.3).astype(np.float32),
        resid_norm=1.0,
    )
    return statistics, np.eye(n_labels, dtype=bool)[rng.integers(0, n_labels, n_examples)]


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    print("| features × examples × labels | stored | sweep, all labels | AUROC, one label | intervals, 200 features "
          "| 200 permutations | one label | all labels |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for d_sae, n_examples, n_labels in SIZES:
        statistics, labels = synthetic(d_sae, n_examples, n_labels)
        names = tuple(f"label {index}" for index in range(n_labels))
        shuffled = np.random.default_rng(1).permutation(n_examples)
        cut = round(0.7 * n_examples)
        split = Rows(np.sort(shuffled[:cut]), np.sort(shuffled[cut:]))
        frequency, positive = statistics.frequency, labels[:, 0]
        densest = np.argsort(-np.diff(frequency.indptr))[:CANDIDATES]
        settings = RankingSettings(candidates=CANDIDATES)
        times = (
            seconds(lambda: sweep(frequency, labels)),  # noqa: B023 - called at once
            seconds(lambda: auroc(frequency, positive)),  # noqa: B023
            seconds(lambda: auroc_intervals(frequency[:, densest], positive)),  # noqa: B023
            seconds(lambda: null_best_f1c(frequency, int(positive.sum()))),  # noqa: B023
            seconds(lambda: rank_features(statistics, labels, names, split, settings, label=names[0])),  # noqa: B023
            seconds(lambda: rank_all_labels(statistics, labels, names, split, settings)),  # noqa: B023
        )
        size = f"{d_sae:,} × {n_examples:,} × {n_labels}"
        print(f"| {size} | {frequency.nnz:,} | " + " | ".join(f"{each:.2f} s" for each in times) + " |")
    print(f"\nLargest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
