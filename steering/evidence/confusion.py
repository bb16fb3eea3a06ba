"""Does a text carry the concept that was meant, or another one?

A method can score well on its own concept by raising every concept, or by raising a neighbour's. Here every text is
rated for *all* concepts, and the one that was meant must be rated above every other.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from steering.errors import SteeringError

NOTHING = "nothing"
"""The column of texts in which no concept was found."""


def off_target(intended: Sequence[str], ratings: pd.DataFrame) -> pd.DataFrame:
    """What became of each concept's texts, in shares that sum to 1.

    Args:
        intended: the concept that each text was steered towards.
        ratings: a row per text, a column per concept; not negative, 0 for absent.

    Returns:
        Index: the concept. ``n_texts``; ``on_target``, its rating is above every other; ``tied``, it is highest beside
            others; ``off_target``, another one is higher; ``nothing``, no concept was found.

    Raises:
        SteeringError: numbers of texts disagree, an intended concept was not rated, or a rating is negative or missing.
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
