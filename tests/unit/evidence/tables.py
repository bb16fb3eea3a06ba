"""Small tables of results for the tests of evidence."""

from collections.abc import Callable, Sequence

import pandas as pd

from steering.evidence.table import COLUMNS

# Ratings and their harmonic mean, by hand.
OVERALL = {
    (0, 2, 2): 0.0,
    (1, 1, 1): 1.0,
    (1, 2, 2): 1.5,
    (2, 2, 1): 1.5,
    (2, 1, 1): 1.2,
    (2, 2, 2): 2.0,
    (0, 0, 0): 0.0,
}


def rows(
    method: str,
    concept: str,
    factor: float,
    half: str,
    ratings: Sequence[tuple[int, int, int]],
    *,
    seed: int = 0,
    kl: float = 0.0,
    selected: bool = False,
) -> list[dict[str, object]]:
    """A completion per entry of ``ratings``, each of a prompt of its own."""
    return [
        {
            "model": "m",
            "method": method,
            "concept": concept,
            "split": "test",
            "seed": seed,
            "prompt_id": f"{half}{number}",
            "half": half,
            "factor": factor,
            "selected": selected,
            "concept_score": rating[0],
            "instruction_score": rating[1],
            "fluency_score": rating[2],
            "overall": OVERALL[rating],
            "kl": kl,
        }
        for number, rating in enumerate(ratings)
    ]


def table(*parts: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame([row for part in parts for row in part], columns=COLUMNS)


def full(
    methods: dict[str, Callable[[str, float], tuple[int, int, int]]],
    *,
    concepts: Sequence[str] = ("a", "b", "c"),
    factors: Sequence[float] = (1.0, 2.0),
    seeds: Sequence[int] = (0,),
) -> pd.DataFrame:
    """Two prompts per half; KL is a tenth of the factor."""
    return table(
        *(
            rows(method, concept, factor, half, [rate(concept, factor)] * 2, seed=seed, kl=factor / 10)
            for method, rate in methods.items()
            for concept in concepts
            for seed in seeds
            for factor in factors
            for half in ("select", "test")
        )
    )
