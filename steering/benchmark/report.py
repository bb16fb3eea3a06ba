"""What does a finished run say in one table?"""

import math
from typing import Any

import pandas as pd

from steering.evidence.aggregation import SCORES, concept_means
from steering.evidence.intent_to_treat import count_dropped
from steering.evidence.leaderboard import leaderboard
from steering.evidence.protocol import check_grids, check_halves, mark_selected, oracle_factors
from steering.evidence.table import check_table

REFERENCE = "sae_f1c"


def report(table: pd.DataFrame, *, reference: str | None = None, n_resamples: int = 10_000) -> pd.DataFrame:
    """A leaderboard for each split, methods best first.

    A concept that a method could not be had for counts as unsteered where the method ``none`` was run, else as zero, so
    that refusing hard concepts raises no mean; ``n_dropped`` says how many these are.

    Args:
        table: rows with the columns of ``steering.evidence.table``.
        reference: method that the others are compared with; None for ``sae_f1c`` where it was run.
        n_resamples: of the bootstrap.

    Returns:
        ``split`` and the columns of ``evidence.leaderboard.leaderboard``, then ``n_dropped``, the means of the three
        ratings and of ``kl`` over the concepts that are there, and ``oracle``: the mean score if every factor had been
        chosen on the test half itself.

    Raises:
        SteeringError: the table breaks the protocol.
    """
    check_table(table)
    check_halves(table)
    check_grids(table)
    found = []
    for split, rows in table.groupby("split", observed=True):
        means = concept_means(rows)
        planned = sorted(means["concept"].unique())
        whole = "none" in set(means["method"]) and set(means.loc[means["method"] == "none", "concept"]) == set(planned)
        filled = count_dropped(means, planned, dropped="unsteered" if whole else "zero")
        methods = set(means["method"])
        against = reference or (REFERENCE if REFERENCE in methods else None)
        board = leaderboard(filled, reference=against, n_resamples=n_resamples).set_index(["model", "method"])
        grouped = means.groupby(["model", "method"], observed=True)
        board["n_dropped"] = filled.groupby(["model", "method"])["is_dropped"].sum()
        for name in SCORES:
            if name != "overall":
                board[name] = grouped[name].mean()
        oracle = concept_means(mark_selected(rows, oracle_factors(rows)))
        board["oracle"] = oracle.groupby(["model", "method"], observed=True)["overall"].mean()
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
                "concept": rows["concept_score"].map("{:.2f}".format),
                "instruction": rows["instruction_score"].map("{:.2f}".format),
                "fluency": rows["fluency_score"].map("{:.2f}".format),
                "KL": rows["kl"].map("{:.2f}".format),
                "oracle": rows["oracle"].map("{:.2f}".format),
                "dropped": rows["n_dropped"],
            }
        )
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


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
