"""What does a finished run say in one table?"""

import math
from typing import Any

import pandas as pd

from steering.benchmark.planned import planned_of
from steering.evidence.aggregation import run_means
from steering.evidence.intent_to_treat import Dropped, count_dropped_runs
from steering.evidence.planned_runs import score_planned
from steering.evidence.protocol import check_protocol, mark_selected, oracle_factors, short_grids

REFERENCE = "sae_f1c"


def report(
    table: pd.DataFrame,
    *,
    planned: pd.DataFrame | None = None,
    reference: str | None = None,
    n_resamples: int = 10_000,
) -> pd.DataFrame:
    """A leaderboard for each split, methods best first.

    A concept and seed that a method could not be had for counts as unsteered where the method ``none`` was run on all,
    else as zero, so that refusing hard concepts raises no mean; ``n_dropped`` says how many these are.

    Args:
        table: rows with the columns of ``steering.evidence.table``.
        planned: every run that was planned, as ``planned.planned_runs`` tells from the settings. Unless told, every
            method, concept and seed that the table has; what failed for all of them is then in no count.
        reference: method that the others are compared with; None for ``sae_f1c`` where it was run.
        n_resamples: of the bootstrap.

    Returns:
        ``split``; what ``evidence.planned_runs.PlannedScores.leaderboard`` returns; and ``oracle``: the score if every
        factor had been chosen on the test half itself, missing where only chosen factors were scored there.

    Raises:
        SteeringError: the table breaks the protocol, or has a run that was not planned.
    """
    check_protocol(table)
    plan = planned_of(table) if planned is None else planned
    found = []
    for split, of_split in plan.groupby("split"):
        rows = table[table["split"] == split]
        if rows.empty:  # nothing came of it at all: there is nothing to compare
            continue
        scores = score_planned(rows, of_split)
        against = reference or (REFERENCE if REFERENCE in set(scores.filled["method"]) else None)
        board = scores.leaderboard(reference=against, n_resamples=n_resamples).set_index(["model", "method"])
        board["oracle"] = _oracle(rows, of_split, scores.dropped_as)
        board = board.reset_index()
        board.insert(0, "split", split)
        found.append(board)
    return pd.concat(found, ignore_index=True)


def as_text(board: pd.DataFrame) -> str:
    """A leaderboard for people: one block for each split."""
    blocks = []
    for split, rows in board.groupby("split", observed=True):
        shown = pd.DataFrame(
            {
                "method": rows["method"],
                "score": [_interval(*of) for of in rows[["score", "low", "high"]].itertuples(index=False)],
                "concept": rows["concept_score"].map(_number),
                "instruction": rows["instruction_score"].map(_number),
                "fluency": rows["fluency_score"].map(_number),
                "KL": rows["kl"].map(_number),
                "oracle": rows["oracle"].map(_number),
                "dropped": rows["n_dropped"],
            }
        )
        if rows["n_dropped"].any():
            shown["survivors"] = rows["survivors"].map(_number)
        count = int(rows["n_concepts"].max())
        blocks.append(f"{split}, {count} concept{'s' if count != 1 else ''}\n{shown.to_string(index=False)}")
    return "\n\n".join(blocks) + "\n"


def as_json(board: pd.DataFrame) -> list[dict[str, Any]]:
    """A leaderboard for programs; what is not known is None."""
    return [
        {
            str(name): None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        for row in board.to_dict(orient="records")
    ]


def _oracle(rows: pd.DataFrame, planned: pd.DataFrame, dropped: Dropped) -> pd.Series:
    """Model and method → score with factors chosen on the test half, dropped runs counted as in the score itself."""
    short = {(str(model), str(name)) for model, name, *_ in short_grids(rows).index}
    graded = rows[~pd.MultiIndex.from_frame(rows[["model", "method"]].astype(str)).isin(list(short))]
    if graded.empty:
        return pd.Series(dtype=float)
    runs = run_means(mark_selected(graded, oracle_factors(graded)))
    # The unsteered model has one factor, so it is always there to stand in for dropped runs.
    known = planned[~planned["method"].isin({name for _, name in short})]
    filled = count_dropped_runs(runs, known, dropped=dropped)
    found: pd.Series = filled.groupby(["model", "method"])["overall"].mean()
    return found


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
