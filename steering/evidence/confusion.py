"""Does a text carry the concept that was meant, or another one?

A method can score well on its own concept by raising every concept, or by raising a neighbour's. Here every text is
rated for *all* concepts, and the one that was meant must be rated above every other.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from steering.errors import SteeringError
from steering.evidence.bootstrap import LEVEL, N_RESAMPLES, Interval, bootstrap_mean

NOTHING = "nothing"
"""The column of texts in which no concept was found."""


def confusion_matrix(intended: Sequence[str], ratings: pd.DataFrame) -> pd.DataFrame:
    """Share of each concept's texts in which each concept is rated highest; several that are highest share the text.

    Args:
        intended: the concept that each text was steered towards.
        ratings: a row per text, a column per concept; not negative, 0 for absent.

    Returns:
        A row per intended concept, columns as in ``ratings`` and ``nothing`` at the end; rows sum to 1.

    Raises:
        SteeringError: numbers of texts disagree, an intended concept was not rated, or a rating is negative or missing.
    """
    values, _ = _checked(intended, ratings)
    best = values.max(axis=1, keepdims=True)
    highest = (values == best) & (best > 0)
    shares = np.hstack([highest / np.maximum(highest.sum(axis=1, keepdims=True), 1), best == 0])
    frame = pd.DataFrame(shares, columns=[*map(str, ratings.columns), NOTHING])
    matrix = frame.groupby(np.asarray(intended, dtype=object), sort=False).mean()
    order = [name for name in map(str, ratings.columns) if name in matrix.index]
    return matrix.loc[order].rename_axis(index="intended", columns="rated highest")


def on_target(intended: Sequence[str], ratings: pd.DataFrame) -> Bool[np.ndarray, " n_texts"]:
    """Whether the intended concept is rated higher than any other; a tie is not higher.

    Args:
        intended: as for ``confusion_matrix``.
        ratings: likewise.

    Raises:
        SteeringError: as ``confusion_matrix``.
    """
    values, column = _checked(intended, ratings)
    return _margin(values, column) > 0


def off_target(intended: Sequence[str], ratings: pd.DataFrame) -> pd.DataFrame:
    """What became of each concept's texts, in shares that sum to 1.

    Args:
        intended: as for ``confusion_matrix``.
        ratings: likewise.

    Returns:
        Index: the concept. ``n_texts``; ``on_target``, its rating is above every other; ``tied``, it is highest beside
            others;
        ``off_target``, another one is higher; ``nothing``, no concept was found.

    Raises:
        SteeringError: as ``confusion_matrix``.
    """
    values, column = _checked(intended, ratings)
    margin, found = _margin(values, column), values.max(axis=1) > 0
    frame = pd.DataFrame(
        {"on_target": margin > 0, "tied": (margin == 0) & found, "off_target": margin < 0, NOTHING: ~found}
    )
    grouped = frame.groupby(np.asarray(intended, dtype=object), sort=True)
    shares = grouped.mean()
    shares.insert(0, "n_texts", grouped.size())
    return shares.rename_axis(index="concept")


def on_target_rate(
    intended: Sequence[str],
    ratings: pd.DataFrame,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Mean over concepts of the share of texts that are on target. Chance is below 1 / number of concepts, for ties
    count not.

    Raises:
        SteeringError: as ``confusion_matrix``.
    """
    shares = off_target(intended, ratings)["on_target"].to_numpy(np.float64)
    return bootstrap_mean(shares, level=level, n_resamples=n_resamples, seed=seed)


def _checked(
    intended: Sequence[str], ratings: pd.DataFrame
) -> tuple[Float[np.ndarray, "n_texts n_concepts"], Int[np.ndarray, " n_texts"]]:
    """The ratings, and the column of each text's intended concept."""
    values = ratings.to_numpy(np.float64)
    if len(intended) != len(values) or not len(values):
        raise SteeringError(
            f"{len(intended)} intended concepts were given for {len(values)} rated texts; pass one for each."
        )
    column = pd.Index(ratings.columns.astype(str)).get_indexer(list(intended))
    if (column < 0).any():
        raise SteeringError(
            f"No text was rated for {intended[int((column < 0).argmax())]}; rate every text for every concept."
        )
    if not (values >= 0).all():
        raise SteeringError("A rating is missing or below zero; rate every text for every concept, 0 for absent.")
    return values, column.astype(np.int64)


def _margin(
    values: Float[np.ndarray, "n_texts n_concepts"], column: Int[np.ndarray, " n_texts"]
) -> Float[np.ndarray, " n_texts"]:
    """The intended concept's rating minus the highest of the others; a concept alone competes with 0."""
    row = np.arange(len(values))
    others = values.copy()
    others[row, column] = 0.0
    return values[row, column] - others.max(axis=1)
