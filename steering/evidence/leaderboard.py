"""Which method steers best, by how much, and how sure is that?"""

import pandas as pd

from steering.evidence.aggregation import paired_values, values_of
from steering.evidence.bootstrap import (
    LEVEL,
    N_RESAMPLES,
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
)
from steering.evidence.win_rate import win_rate


def leaderboard(
    means: pd.DataFrame,
    *,
    reference: str | None = None,
    column: str = "overall",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """A row per model and method, the best first.

    Args:
        means: a value per model, method and concept, as ``aggregation.concept_means`` or ``curves.equal_dose`` returns
            them.
        reference: a method that every other is compared with, concept by concept.
        column: which value.
        level: coverage of the intervals.
        n_resamples: bootstrap resamples; all methods see the same.
        seed: of the resamples.

    Returns:
        ``model, method, n_concepts, score, low, high``; with a reference also ``win_rate``, ``difference`` and
        ``ratio``, each with ``_low`` and ``_high``. Missing: limits that there is nothing to judge by, the reference
        against itself, and a ratio to a reference whose mean is zero.

    Raises:
        SteeringError: a method was not measured on the reference's concepts, or the reference not at all.
    """
    rows = []
    for model, method in means[["model", "method"]].drop_duplicates().itertuples(index=False):
        values = values_of(means, model, method, column=column).to_numpy()
        estimates = {"score": bootstrap_mean(values, level=level, n_resamples=n_resamples, seed=seed)}
        if reference is not None and method != reference:
            pair = paired_values(means, model, method, reference, column=column)
            for name, statistic in (("win_rate", win_rate), ("difference", bootstrap_difference)):
                estimates[name] = statistic(*pair, level=level, n_resamples=n_resamples, seed=seed)
            # A control may score nothing at all, and nothing has no share.
            if pair[1].mean() > 0 and min(pair[0].min(), pair[1].min()) >= 0:
                estimates["ratio"] = bootstrap_ratio(*pair, level=level, n_resamples=n_resamples, seed=seed)
        row: dict[str, object] = {"model": model, "method": method, "n_concepts": len(values)}
        for name, estimate in estimates.items():
            row |= _columns(name, estimate)
        rows.append(row)
    names = ["score"] if reference is None else ["score", "win_rate", "difference", "ratio"]
    columns = [column for name in names for column in _columns(name, Interval(0.0, 0.0, 0.0))]
    board = pd.DataFrame(rows, columns=["model", "method", "n_concepts", *columns])
    return board.sort_values(["model", "score"], ascending=[True, False], kind="stable", ignore_index=True)


def _columns(name: str, estimate: Interval) -> dict[str, float]:
    prefix = "" if name == "score" else f"{name}_"
    return {name: estimate.value, f"{prefix}low": estimate.low, f"{prefix}high": estimate.high}
