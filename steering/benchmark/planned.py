"""Which runs would a table hold if nothing had failed, and which of them are to be reported?"""

import pandas as pd

from steering.benchmark.settings import BenchmarkSettings

PLANNED = ["split", "method", "concept", "seed"]


def splits_of(settings: BenchmarkSettings) -> dict[str, str]:
    """Concept → ``development`` or ``test``; a file of one's own says nothing of splits, so all is to be reported."""
    if settings.examples is not None:
        return dict.fromkeys(settings.concepts, "test")
    from steering.world.concepts import concepts

    known = {one.name: one.split for one in concepts()}
    return {concept: known.get(concept, "test") for concept in settings.concepts}


def planned_runs(settings: BenchmarkSettings) -> pd.DataFrame:
    """A row per unit, whatever became of it, in the order of the table: ``split, method, concept, seed``."""
    splits = splits_of(settings)
    rows = [(splits[unit.concept], unit.method, unit.concept, unit.seed) for unit in settings.units()]
    return pd.DataFrame(rows, columns=PLANNED)


def planned_of(table: pd.DataFrame) -> pd.DataFrame:
    """What a table lets one suppose was planned: every method of it on every concept under every seed.

    What failed for all methods, or everywhere, is in no row; only a run's settings know it.
    """
    splits = table[["split", "concept"]].drop_duplicates().astype(str)
    methods = table[["method"]].drop_duplicates().astype(str)
    every = splits.merge(methods, how="cross").merge(table[["seed"]].drop_duplicates(), how="cross")
    return every[PLANNED].reset_index(drop=True)
