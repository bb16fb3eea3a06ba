"""Tables in which the answer is known, for the tests of findings."""

import numpy as np
import pandas as pd

from steering.evidence.table import COLUMNS

CONCEPTS = tuple(f"c{place}" for place in range(12))
N_PROMPTS = 10


def scores(mean: float, *, sd: float = 0.2, seed: int = 0, concepts: tuple[str, ...] = CONCEPTS) -> dict[str, float]:
    """A score for each concept, a tenth of two apart at least, around ``mean``."""
    drawn = np.random.default_rng(seed).normal(0, sd, len(concepts))
    return {
        name: float(np.clip(mean + shift, 0, 2)) for name, shift in zip(concepts, drawn - drawn.mean(), strict=True)
    }


def table(
    methods: dict[str, dict[str, float]], *, model: str = "demo", seeds: tuple[int, ...] = (0,), split: str = "test"
) -> pd.DataFrame:
    """Results in which each method scores on each concept what is given, to the tenth of two.

    Every prompt is rated (2, 2, 2) or (0, 2, 2): the mean is twice the share of the former. One factor; both halves.
    """
    rows = []
    for method, of_concept in methods.items():
        for concept, score in of_concept.items():
            n_good = round(score / 2 * N_PROMPTS)
            for seed in seeds:
                for half in ("select", "test"):
                    for prompt in range(N_PROMPTS):
                        concept_score = 2 if prompt < n_good else 0
                        rows.append(
                            (model, method, concept, split, seed, f"{half}{prompt}", half, 1.0, True, concept_score, 2,
                             2, float(concept_score), 0.5)
                        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def shifted(base: dict[str, float], by: float, *, sd: float = 0.2, seed: int = 1) -> dict[str, float]:
    """The same concepts, each moved by about ``by``."""
    drawn = np.random.default_rng(seed).normal(0, sd, len(base))
    moves = drawn - drawn.mean() + by
    return {name: float(np.clip(value + move, 0, 2)) for (name, value), move in zip(base.items(), moves, strict=True)}
