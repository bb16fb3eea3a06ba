"""Which stored results answer a claim, and what is the answer?

The claim about l0 rests on one run for each SAE, stored side by side in ``SPARSITIES``; every other claim on one run.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from steering.benchmark.judging import knows_the_truth
from steering.benchmark.planned import planned_runs
from steering.benchmark.stored import StoredResult, results_folder, stored_results
from steering.errors import SteeringError
from steering.evidence.aggregation import concept_means
from steering.evidence.table import UNSTEERED
from steering.findings.claims import INTERPRETABLE, Claim
from steering.findings.contrasts import MethodsFinding, compare_methods, reported, scale_of
from steering.findings.sparsity import COLUMNS, SparsityFinding, compare_sparsities

SPARSITIES = "sparsity"
"""Folder of the results for l0, beside the others."""
Finding = MethodsFinding | SparsityFinding
_SAE = re.compile(r"layer(\d+)-\w+-l0-(\d+)")


def stored_for(claim: Claim, folder: Path | None = None) -> tuple[StoredResult, ...]:
    """The stored results that a claim rests on; empty where there are none.

    Of several runs of the claim's model, the one that answers the most of the claim's comparisons, and of those the one
    with the most units.

    Args:
        claim: which.
        folder: of stored results; where they ship unless told.

    Raises:
        SteeringError: a file cannot be read, or was stored by another version.
    """
    place = folder or results_folder()
    if claim.name == "l0":
        return tuple(one for one in stored_results(place / SPARSITIES) if _answers(claim, one))
    fit = [one for one in stored_results(place) if _answers(claim, one)]
    return (max(fit, key=lambda one: (_n_contrasts(claim, one), one.settings.n_units)),) if fit else ()


def answer(claim: Claim, results: Sequence[StoredResult], *, n_resamples: int = 10_000) -> Finding:
    """What results say about a claim.

    Args:
        claim: which.
        results: as ``stored_for`` returns them, or of a run of one's own.
        n_resamples: of the bootstraps.

    Raises:
        SteeringError: there are no results, or they do not answer the claim.
    """
    if not results:
        raise SteeringError(f"There are no results for the claim {claim.name}; run python -m benchmarks.findings.")
    if claim.name == "l0":
        return _sparsities(results, n_resamples)
    (result,) = results
    return compare_methods(claim, result.read(), planned=planned_runs(result.settings), n_resamples=n_resamples)


def _answers(claim: Claim, result: StoredResult) -> bool:
    if result.settings.model != claim.model or not knows_the_truth(result.settings.judge):
        return False
    return INTERPRETABLE in result.settings.methods if claim.name == "l0" else _n_contrasts(claim, result) > 0


def _n_contrasts(claim: Claim, result: StoredResult) -> int:
    return sum(set(pair) <= set(result.settings.methods) for pair in claim.contrasts)


def place_of(sae: str) -> tuple[int, int]:
    """Layer and l0 of an SAE of the embedded world.

    Raises:
        SteeringError: its name does not say them.
    """
    found = _SAE.fullmatch(sae)
    if found is None:
        raise SteeringError(f"The SAE {sae!r} does not say its layer and l0; name it such as layer2-1k-l0-16.")
    return int(found[1]), int(found[2])


def sparsity_table(results: Sequence[StoredResult]) -> tuple[pd.DataFrame, pd.Series | None]:
    """A row per concept and SAE, see ``sparsity.COLUMNS``; and the untouched model's score by concept, if it was run.

    Raises:
        SteeringError: a run names no SAE, has no test concept, or lacks concepts that another one has.
    """
    means, unsteered, chosen = [], None, []
    for result in results:
        if result.settings.sae is None:
            raise SteeringError(f"{result.path.name} names no SAE; store a run with --sae.")
        found = concept_means(reported(result.read()))
        found["concept"] = found["concept"].astype(str)
        means.append(found[found["method"] == INTERPRETABLE].assign(sae=result.settings.sae))
        if (found["method"] == UNSTEERED).any():
            unsteered = found[found["method"] == UNSTEERED].set_index("concept")["overall"]
        details = [one for one in result.details() if one["method"] == INTERPRETABLE]
        chosen.append(pd.DataFrame(details, columns=["concept", "f1c"]).assign(sae=result.settings.sae))
    # Seeds have features of their own: their F1c is averaged as their scores are.
    interpretability = pd.concat(chosen).groupby(["concept", "sae"])["f1c"].mean().rename("interpretability")
    scored = pd.concat(means).set_index(["concept", "sae"])["overall"].rename("score")
    saes = [str(one.settings.sae) for one in results]
    concepts = sorted(set(scored.index.get_level_values("concept")))
    every = pd.MultiIndex.from_product([concepts, saes], names=["concept", "sae"])
    table = pd.concat([scored, interpretability], axis=1).reindex(every).reset_index()
    lost = table["score"].isna()
    if lost.any():
        if unsteered is None:
            raise SteeringError(
                f"{table.loc[lost, 'sae'].iloc[0]} has no result of {table.loc[lost, 'concept'].iloc[0]}, and the "
                "untouched model was not run; run the method none too."
            )
        table.loc[lost, "score"] = table.loc[lost, "concept"].map(unsteered)
        if table["score"].isna().any():
            raise SteeringError("A concept has neither a feature's result nor the untouched model's; finish the runs.")
    places = [place_of(sae) for sae in table["sae"]]
    table["layer"], table["l0"] = [layer for layer, _ in places], [l0 for _, l0 in places]
    return table[COLUMNS], unsteered


def _sparsities(results: Sequence[StoredResult], n_resamples: int) -> SparsityFinding:
    table, unsteered = sparsity_table(results)
    lost = table["interpretability"].isna()
    rows = pd.concat([reported(one.read()) for one in results], ignore_index=True)
    rows = rows[rows["method"] == INTERPRETABLE]
    scale = scale_of(rows, table["concept"].nunique(), {INTERPRETABLE: int(lost.sum())} if lost.any() else {})
    return compare_sparsities(
        table,
        scale,
        unsteered=None if unsteered is None else float(unsteered.mean()),
        n_resamples=n_resamples,
    )
