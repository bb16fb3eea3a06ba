"""How do completions become one number per concept, and one per method?"""

from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering.errors import SteeringError
from steering.evidence.table import RATINGS, RUN, harmonic_mean

Aggregation = Literal["axbench", "arad"]
SCORES = [*RATINGS, "overall", "kl"]


def run_means(
    table: pd.DataFrame, *, half: Literal["select", "test"] = "test", aggregation: Aggregation = "axbench"
) -> pd.DataFrame:
    """A row per model, method, concept and seed: means over the completions at the selected factor.

    Args:
        table: results with their selected factors; ``protocol.mark_selected`` marks them.
        half: which half's completions count.
        aggregation: as for ``concept_means``.

    Returns:
        Columns ``model, method, concept, seed``, the three ratings, ``overall``, ``kl`` (nats, missing where not
        measured) and ``n_completions``.

    Raises:
        SteeringError: a run has no completion at a selected factor in this half.
    """
    rows = table[table["selected"] & (table["half"] == half)]
    grouped = rows.groupby(RUN, observed=True)
    runs = grouped[SCORES].mean()
    scored = set(runs.index.to_list())
    lost = [run for run in table[RUN].drop_duplicates().itertuples(index=False, name=None) if run not in scored]
    if len(lost):
        _, method, concept, seed = lost[0]
        raise SteeringError(
            f"{method} on {concept}, seed {seed}, has no scored completion at a selected factor in the half {half}; "
            "choose factors with mark_selected, and score that half."
        )
    if aggregation == "arad":
        runs["overall"] = harmonic_mean(runs[RATINGS].to_numpy(np.float64))
    runs["n_completions"] = grouped.size()
    return runs.reset_index()


def concept_means(
    table: pd.DataFrame, *, half: Literal["select", "test"] = "test", aggregation: Aggregation = "axbench"
) -> pd.DataFrame:
    """A row per model, method and concept: means at the selected factor, over completions and then over seeds.

    Each seed is one run of the protocol and weighs the same. Only seeds that are there count:
    ``intent_to_treat.count_dropped_runs`` counts the others too.

    Args:
        table: results with their selected factors; ``protocol.mark_selected`` marks them.
        half: which half's completions count.
        aggregation: ``axbench`` takes the mean of the completions' harmonic means. ``arad`` takes the harmonic mean of
            a concept's three mean ratings, as arXiv 2505.20063 does; it is never lower, often far higher, and cannot be
            compared with the other.

    Returns:
        Columns ``model, method, concept, n_seeds, n_completions``, the three ratings, ``overall`` and ``kl`` (nats,
        missing where not measured).

    Raises:
        SteeringError: a run has no completion at a selected factor in this half.
    """
    concepts = run_means(table, half=half, aggregation=aggregation).groupby(RUN[:-1], observed=True)
    means = concepts[SCORES].mean()
    means.insert(0, "n_seeds", concepts.size())
    means.insert(1, "n_completions", concepts["n_completions"].sum())
    return means.reset_index()


def values_of(means: pd.DataFrame, model: str, method: str, *, column: str = "overall") -> pd.Series:
    """One method's value per concept, sorted by concept.

    Raises:
        SteeringError: there is none, or one is missing.
    """
    rows = means[(means["model"] == model) & (means["method"] == method)]
    if rows.empty:
        raise SteeringError(f"There is no result of {method} on {model}; run it first.")
    if rows[column].isna().any():
        raise SteeringError(f"{method} on {model} lacks {column} for some concepts; measure it first.")
    return rows.set_index(rows["concept"].astype(str))[column].astype(np.float64).sort_index()


def paired_values(
    means: pd.DataFrame, model: str, ours: str, theirs: str, *, column: str = "overall"
) -> tuple[Float[np.ndarray, " n_concepts"], Float[np.ndarray, " n_concepts"]]:
    """Two methods' values on the same concepts, in the same order.

    Raises:
        SteeringError: one of them has no result, or they were measured on different concepts.
    """
    first = values_of(means, model, ours, column=column)
    second = values_of(means, model, theirs, column=column)
    apart = first.index.symmetric_difference(second.index)
    if len(apart):
        raise SteeringError(
            f"{ours} and {theirs} were not measured on the same concepts ({len(apart)} differ, {apart[0]} among them); "
            "give dropped concepts a value (intent_to_treat) or leave them out of both."
        )
    return first.to_numpy(), second.to_numpy()
