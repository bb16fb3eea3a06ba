"""Was every method given the same chance, and which factor did it earn?

AxBench (arXiv 2501.17148, section 4.2): each concept's prompts are dealt into two halves. The factor is the one with
the best mean overall score on the selection half; the score is what this factor reaches on the other half.
"""

from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering.errors import SteeringError
from steering.evidence.table import RUN, check_table

UNDOSED = frozenset({"none", "prompt", "sft"})
"""Methods without a dose. One grid point is enough for them: repeats would be draws of the same thing."""

DECIMALS = 9
"""Means that differ by less are equal: the same ratings summed in another order must not decide a tie."""


def choose_factor(factors: Float[np.ndarray, " n_factors"], overall: Float[np.ndarray, "n_factors n"]) -> float:
    """The factor whose completions have the best mean overall score; the smallest of several that are best.

    Args:
        factors: the grid, in any order; size counts without its sign.
        overall: scores of the selection half at every factor, ``n`` completions each.

    Raises:
        SteeringError: an empty grid, no completion, or a score that is not a finite number.
    """
    if overall.size == 0 or not np.isfinite(overall).all():
        raise SteeringError(f"A factor cannot be chosen by {overall.shape} scores that are not all finite numbers.")
    order = np.argsort(np.abs(factors), kind="stable")
    return float(factors[order][np.argmax(overall.mean(axis=1)[order].round(DECIMALS))])


def choose_factors(table: pd.DataFrame, *, half: Literal["select", "test"] = "select") -> pd.DataFrame:
    """``choose_factor`` for every run.

    Args:
        table: results; see ``table.check_table``.
        half: whose completions decide. Anything but the selection half is an oracle, see ``oracle_factors``.

    Returns:
        Columns ``model, method, concept, seed, factor``, a row per run.
    """
    rows = table[table["half"] == half]
    means = rows.groupby([*RUN, "factor"], observed=True)["overall"].mean().round(DECIMALS).reset_index()
    means = means.iloc[np.argsort(means["factor"].abs().to_numpy(), kind="stable")]
    best = means.loc[means.groupby(RUN, observed=True)["overall"].idxmax()]
    return best[[*RUN, "factor"]].reset_index(drop=True)


def short_grids(table: pd.DataFrame) -> pd.DataFrame:
    """Runs that were scored at fewer factors on the test half than on the selection half: they have no oracle.

    Returns:
        Index: the run. ``select`` and ``test``: how many factors each half has.
    """
    sizes = table.groupby([*RUN, "half"], observed=True)["factor"].nunique().unstack("half", fill_value=0)
    found: pd.DataFrame = sizes.reindex(columns=["select", "test"], fill_value=0).query("test < select")
    return found


def oracle_factors(table: pd.DataFrame) -> pd.DataFrame:
    """The factor that is best on the test half itself: a bound that no honest choice reaches on average.

    The gap to the chosen factor is what choosing costs. It is flattered by noise, the more so the longer the grid.

    Returns:
        As ``choose_factors``.

    Raises:
        SteeringError: a run's grid was not scored in full on the test half.
    """
    short = short_grids(table)
    if len(short):
        _, method, concept, seed = short.index[0]
        raise SteeringError(
            f"{method} on {concept}, seed {seed}, was scored at {short['test'].iloc[0]} of its "
            f"{short['select'].iloc[0]} factors on the test half; an oracle needs them all."
        )
    return choose_factors(table, half="test")


def mark_selected(table: pd.DataFrame, chosen: pd.DataFrame | None = None) -> pd.DataFrame:
    """A copy of ``table`` whose column ``selected`` is true at each run's chosen factor, in both halves.

    Args:
        table: results.
        chosen: as ``choose_factors`` returns them, which is also the default.

    Raises:
        SteeringError: a run has no chosen factor.
    """
    factors = choose_factors(table) if chosen is None else chosen
    # A left merge keeps the order of the rows.
    of_row = table[RUN].merge(factors, on=RUN, how="left", validate="many_to_one")["factor"].to_numpy(np.float64)
    if np.isnan(of_row).any():
        run = table.iloc[int(np.isnan(of_row).argmax())]
        raise SteeringError(
            f"No factor was chosen for {run['method']} on {run['concept']}, seed {run['seed']}; score its completions "
            "of the selection half first."
        )
    return table.assign(selected=table["factor"].to_numpy(np.float64) == of_row)


def check_protocol(table: pd.DataFrame) -> None:
    """See that the comparison is fair: halves apart, equal grids, the same prompts for every method.

    Raises:
        SteeringError: whatever ``table.check_table``, ``check_halves``, ``check_grids`` or ``check_prompts`` finds.
    """
    check_table(table)
    check_halves(table)
    check_grids(table)
    check_prompts(table)


def check_halves(table: pd.DataFrame) -> None:
    """See that no prompt of a concept is in both halves.

    Raises:
        SteeringError: one is.
    """
    halves = table.groupby(["concept", "prompt_id"], observed=True)["half"].nunique()
    if (halves > 1).any():
        concept, prompt = halves.index[int((halves > 1).to_numpy().argmax())]
        raise SteeringError(
            f"Prompt {prompt} of {concept} is in both halves; a factor must be scored on prompts that had no part in "
            "choosing it."
        )


def check_grids(table: pd.DataFrame) -> None:
    """See that every method with a dose chose among equally many factors, on every concept of a model.

    Counted on the selection half: the other half may hold the chosen factor alone.

    Raises:
        SteeringError: two runs differ.
    """
    rows = table[(table["half"] == "select") & ~table["method"].isin(UNDOSED)]
    sizes = rows.groupby(RUN, observed=True)["factor"].nunique()
    for model, of_model in sizes.groupby("model", observed=True):
        if of_model.nunique() > 1:
            runs = of_model.index.to_list()
            few, many = runs[int(of_model.to_numpy().argmin())], runs[int(of_model.to_numpy().argmax())]
            raise SteeringError(
                f"On {model}, {few[1]} ({few[2]}) has {of_model.min()} factors and {many[1]} ({many[2]}) has "
                f"{of_model.max()}; give every method equally many, for the best of more is better."
            )


def check_prompts(table: pd.DataFrame) -> None:
    """See that, within a half, each factor was given the same prompts equally often, and each method the same prompts.

    Raises:
        SteeringError: completions are missing, or stand there more often than others.
    """
    cells = table.groupby([*RUN, "half", "factor", "prompt_id"], observed=True).size().rename("n").reset_index()
    run = [*RUN, "half"]
    grouped = cells.groupby(run, observed=True)
    expected = grouped["factor"].nunique() * grouped["prompt_id"].nunique()
    uneven = (grouped.size() != expected) | (grouped["n"].nunique() > 1)
    if uneven.any():
        _, method, concept, seed, half = uneven.index.to_list()[int(uneven.to_numpy().argmax())]
        raise SteeringError(
            f"The factors of {method} on {concept}, seed {seed}, half {half}, did not get the same prompts "
            "equally often; finish the run (--resume) or remove what stands there twice."
        )
    prompts = cells[[*run, "prompt_id"]].drop_duplicates()
    of_run = prompts.groupby(run, observed=True).size().rename("n").reset_index()
    of_concept = prompts.groupby(["model", "concept", "half"], observed=True)["prompt_id"].nunique().rename("all")
    both = of_run.join(of_concept, on=["model", "concept", "half"])
    short = both[both["n"] < both["all"]]
    if len(short):
        first = short.iloc[0]
        raise SteeringError(
            f"{first['method']} was given {first['n']} of the {first['all']} prompts of {first['concept']} in the half "
            f"{first['half']}; methods can be compared on the same prompts only."
        )
