"""What is a filter worth when the concepts it dropped are counted too?

A filter that refuses hard concepts raises the mean of what is left. Arad et al. (arXiv 2505.20063) average over the
survivors; a user who wanted a dropped concept got an unsteered model.
"""

from typing import Literal

import pandas as pd

from steering.errors import SteeringError
from steering.evidence.table import UNSTEERED

Dropped = Literal["unsteered", "zero"]


def count_dropped_runs(
    runs: pd.DataFrame, planned: pd.DataFrame, *, dropped: Dropped = "unsteered", column: str = "overall"
) -> pd.DataFrame:
    """Concept means in which every planned run counts: a method that failed under one seed is not judged by the others.

    Args:
        runs: as ``aggregation.run_means`` returns them, of one model or of several with the same plan.
        planned: ``method, concept, seed`` of every run that was planned, whatever became of it.
        dropped: what a run without a result scores: the unsteered model's value of that concept and seed, or 0.
        column: the score that is filled in; other measurements of a dropped run stay missing.

    Returns:
        ``model, method, concept``, ``column`` as the mean over seeds, ``n_seeds``, ``n_dropped`` seeds without a
        result, and ``is_dropped`` where no seed has one; sorted.

    Raises:
        SteeringError: no run or one twice; a result that was not planned; a missing value; or the unsteered model's
            value of a dropped run is not there.
    """
    keys = ["method", "concept", "seed"]
    wanted = planned[keys].astype({"method": str, "concept": str})
    if wanted.empty or wanted.duplicated().any():
        raise SteeringError(
            f"{len(wanted)} planned runs, {len(wanted.drop_duplicates())} of them different; name each once."
        )
    found = runs[["model", *keys, column]].astype({"model": str, "method": str, "concept": str})
    if found[column].isna().any():
        method, concept, seed = found.loc[found[column].isna(), keys].iloc[0]
        raise SteeringError(f"{method} on {concept}, seed {seed}, lacks {column}; measure it first.")
    known = found[keys].merge(wanted, how="left", on=keys, indicator=True)
    unplanned = (known["_merge"] == "left_only").to_numpy()
    if unplanned.any():
        method, concept, seed = found.loc[unplanned, keys].iloc[0]
        raise SteeringError(
            f"{method} has a result of {concept}, seed {seed}, which was not planned; name every run of the benchmark."
        )
    every = found[["model"]].drop_duplicates().merge(wanted, how="cross")
    every = every.merge(found, how="left", on=["model", *keys], validate="one_to_one")
    lost = every[column].isna()
    every["n_dropped"] = lost
    if dropped == "zero":
        every.loc[lost, column] = 0.0
    else:
        place = ["model", "concept", "seed"]
        unsteered = found[found["method"] == UNSTEERED].set_index(place)[column]
        every.loc[lost, column] = unsteered.reindex(pd.MultiIndex.from_frame(every.loc[lost, place])).to_numpy()
        if every[column].isna().any():
            method, concept, seed = every.loc[every[column].isna(), keys].iloc[0]
            raise SteeringError(
                f"{method} dropped {concept}, seed {seed}, and the unsteered model has no result of it; run the method "
                "none on every concept and seed, or count dropped runs as zero."
            )
    grouped = every.groupby(["model", "method", "concept"])
    filled = grouped[column].mean().to_frame()
    filled["n_seeds"] = grouped.size()
    filled["n_dropped"] = grouped["n_dropped"].sum().astype(int)
    filled["is_dropped"] = filled["n_dropped"] == filled["n_seeds"]
    return filled.reset_index()


def can_count_as_unsteered(runs: pd.DataFrame, planned: pd.DataFrame) -> bool:
    """Whether the unsteered model has a result of every planned concept and seed.

    Args:
        runs: as for ``count_dropped_runs``.
        planned: likewise.
    """
    pairs = {(str(concept), int(seed)) for concept, seed in planned[["concept", "seed"]].itertuples(index=False)}
    for _, own in runs.groupby("model", observed=True):
        rows = own.loc[own["method"] == UNSTEERED, ["concept", "seed"]]
        if not pairs <= {(str(concept), int(seed)) for concept, seed in rows.itertuples(index=False)}:
            return False
    return True
