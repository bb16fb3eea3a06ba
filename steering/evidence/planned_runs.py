"""What did every planned run score, those without a result counted too, and which method stands where by that?"""

from dataclasses import dataclass

import pandas as pd

from steering.evidence.aggregation import SCORES, run_means
from steering.evidence.bootstrap import N_RESAMPLES
from steering.evidence.intent_to_treat import Dropped, can_count_as_unsteered, count_dropped_runs
from steering.evidence.leaderboard import leaderboard
from steering.evidence.table import RATINGS


@dataclass(frozen=True, slots=True)
class PlannedScores:
    """Scores of the runs (a concept under a seed) of every method.

    Attributes:
        means: a row per model, method and concept that there is a result of: means of ``SCORES`` over its seeds.
        filled: as ``intent_to_treat.count_dropped_runs`` returns it, every planned method and concept.
        dropped_as: what a run without a result scores: ``unsteered`` where the untouched model was run on every planned
            concept and seed, else ``zero``.
    """

    means: pd.DataFrame
    filled: pd.DataFrame
    dropped_as: Dropped

    def leaderboard(self, *, reference: str | None = None, n_resamples: int = N_RESAMPLES) -> pd.DataFrame:
        """As ``leaderboard.leaderboard`` of ``filled``, then ``n_dropped`` runs without a result; ``survivors``, the
        score over those with one, which a method that drops hard concepts gains by; and the ratings.

        Raises:
            SteeringError: the reference is not there.
        """
        keys = ["model", "method"]
        board = leaderboard(self.filled, reference=reference, n_resamples=n_resamples).set_index(keys)
        board["n_dropped"] = self.filled.groupby(keys)["n_dropped"].sum()
        return with_ratings(board.reset_index(), self.means)


def score_planned(rows: pd.DataFrame, planned: pd.DataFrame) -> PlannedScores:
    """Score completions run by run.

    Args:
        rows: results with their selected factors.
        planned: ``method, concept, seed`` of every run that was planned, whatever became of it.

    Raises:
        SteeringError: a run has no scored completion at a selected factor, or was not planned.
    """
    runs = run_means(rows).astype({"model": str, "method": str, "concept": str})
    dropped: Dropped = "unsteered" if can_count_as_unsteered(runs, planned) else "zero"
    means = runs.groupby(["model", "method", "concept"])[SCORES].mean().reset_index()
    return PlannedScores(means, count_dropped_runs(runs, planned, dropped=dropped), dropped)


def with_ratings(board: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """A leaderboard with the means over the concepts that a method has a result of: of its score, called ``survivors``,
    of the ratings and of ``kl``.
    """
    keys = ["model", "method"]
    grouped = means.astype({"model": str, "method": str}).groupby(keys)[["overall", *RATINGS, "kl"]].mean()
    grouped = grouped.rename(columns={"overall": "survivors"})
    return board.astype({"model": str, "method": str}).merge(grouped, how="left", left_on=keys, right_index=True)
