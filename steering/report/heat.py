"""On which of the examples does a feature fire most, and how is each read token by token?"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from steering.report.content import HeatRow

if TYPE_CHECKING:
    from steering.activations import TokenActivations
    from steering.workbench import Loaded, RankingRun

ROWS = 6
"""Examples of each feature in a report."""


def strongest_rows(
    run: "RankingRun", label: str, feature_id: int, which: str = "Positives"
) -> Int[np.ndarray, " rows"]:
    """Rows of a class ("Positives", "Negatives" or "Both"), strongest first, rows on which it does not fire last."""
    positive = run.examples.label(label)
    maximum = run.statistics.maximum[:, [feature_id]].toarray()[:, 0]
    rows = np.arange(run.examples.n)
    if which != "Both":
        rows = rows[positive if which == "Positives" else ~positive]
    return rows[np.argsort(-maximum[rows], kind="stable")]


def content_tokens(tokens: "TokenActivations", place: int = 0) -> tuple[list[str], list[float]]:
    """The tokens that count with the activations of one of the features that were read; a line break stands for what
    the template wrote between them.
    """
    texts: list[str] = []
    acts: list[float] = []
    skipped = False
    for text, counts, value in zip(tokens.tokens, tokens.eligible, tokens.values[:, place], strict=True):
        if counts and skipped and texts:
            texts.append("\n")
            acts.append(0.0)
        skipped = not counts
        if counts:
            texts.append(text)
            acts.append(float(value))
    return texts, acts


def row_title(run: "RankingRun", row: int) -> str:
    """Number and part of an example, and all of its labels where the set has several."""
    names = [name for name, carries in zip(run.examples.label_names, run.examples.labels[row], strict=True) if carries]
    labels = f": {', '.join(names)}" if len(run.examples.label_names) > 1 and names else ""
    return f"row {row + 1}{', held out' if row in run.split.heldout else ''}{labels}"


def heat_rows(
    loaded: "Loaded",
    run: "RankingRun",
    label: str,
    feature_ids: Sequence[int],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[int, tuple[HeatRow, ...]]:
    """The strongest examples of each feature, read again token by token; runs the model.

    Raises:
        SaeError: a feature that the SAE does not have.
    """
    from steering.activations import token_activations

    positive = run.examples.label(label)
    wanted = {one: strongest_rows(run, label, one, "Both")[:ROWS].tolist() for one in feature_ids}
    rows = sorted({row for chosen in wanted.values() for row in chosen})
    found = token_activations(
        loaded.model,
        loaded.sae,
        [run.examples.texts[row] for row in rows],
        [run.examples.prompts[row] for row in rows],
        list(feature_ids),
        progress=on_progress,
    )
    read = dict(zip(rows, found, strict=True))

    def drawn(row: int, place: int, max_act: float) -> HeatRow:
        texts, acts = content_tokens(read[row], place)
        return HeatRow(
            label="positive" if positive[row] else "negative",
            title=row_title(run, row),
            peak=max(acts, default=0.0),
            tokens=tuple((text, act / max_act if max_act > 0 else 0.0) for text, act in zip(texts, acts, strict=True)),
        )

    return {
        # Where only sentence ends were read for the ranking, another token may be the strongest.
        one: tuple(
            sorted(
                (drawn(row, place, float(run.statistics.max_act[one])) for row in wanted[one]),
                key=lambda row: -row.peak,
            )
        )
        for place, one in enumerate(feature_ids)
    }
