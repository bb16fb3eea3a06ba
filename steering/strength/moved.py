"""What else moved? Every feature and every concept of steered answers beside untouched ones, ranked.

Answers to the same prompts are paired. A thing has *moved* where the 95 % interval of its mean difference over prompts
leaves 0 out. Among many things some do so by chance: how many, and how far, is measured on a second set of untouched
answers under another seed, by the same rule. That is more chance than the steered answers have, which share the random
numbers of the first set; so the count errs on the safe side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from steering.errors import SteeringError
from steering.evidence.bootstrap import FEWEST_CONCEPTS, concept_weights, limits

FEWEST_PROMPTS = FEWEST_CONCEPTS
N_RESAMPLES = 2_000
"""Fewer than elsewhere: a dictionary has very many features, and a rank needs no third digit."""
_BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """Mean differences over prompts, steered minus untouched, of many things.

    Attributes:
        difference: of each thing.
        low: lower limit of the difference; not a number where the prompts do not differ.
        high: upper limit.
        moved: whether the interval leaves 0 out.
        by_chance: how many move so between two sets of untouched answers.
        largest_by_chance: the largest difference among these, without its sign; 0 without any.
    """

    difference: Float[np.ndarray, " n"]
    low: Float[np.ndarray, " n"]
    high: Float[np.ndarray, " n"]
    moved: Bool[np.ndarray, " n"]
    by_chance: int
    largest_by_chance: float

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """What moved first, then the rest; each by the size of the difference."""
        return np.lexsort((-np.abs(self.difference), ~self.moved))


def movement(
    steered: Float[np.ndarray, "n_prompts n"],
    untouched: Float[np.ndarray, "n_prompts n"],
    again: Float[np.ndarray, "n_prompts n"],
) -> Movement:
    """Compare steered with untouched answers, and untouched ones with each other.

    Args:
        steered: one value per prompt and thing.
        untouched: the same prompts and random numbers, nothing written.
        again: the same prompts, other random numbers, nothing written.

    Raises:
        SteeringError: too few prompts, or tables that do not belong together.
    """
    if not steered.shape == untouched.shape == again.shape:
        raise SteeringError(f"Tables of {steered.shape}, {untouched.shape} and {again.shape} cannot be paired.")
    if len(steered) < FEWEST_PROMPTS:
        raise SteeringError(
            f"{len(steered)} prompts are too few to tell what moved from chance; ask at least {FEWEST_PROMPTS}."
        )
    difference, low, high, moved = _paired(steered - untouched)
    chance, _, _, by_chance = _paired(again - untouched)
    return Movement(
        difference, low, high, moved, int(by_chance.sum()), float(np.abs(chance[by_chance]).max(initial=0.0))
    )


def _paired(
    differences: Float[np.ndarray, "n_prompts n"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    weights = concept_weights(len(differences), n_resamples=N_RESAMPLES)
    mean = differences.mean(axis=0)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    for start in range(0, len(mean), _BLOCK):
        some = slice(start, start + _BLOCK)
        low[some], high[some] = limits(weights @ differences[:, some], len(differences))
    same = np.isnan(low) & (mean != 0)  # every prompt moved by the same
    return mean, low, high, (low > 0) | (high < 0) | same


def firing_columns(tables: Sequence[Float[np.ndarray, "n_prompts d_sae"]]) -> Int[np.ndarray, " n"]:
    """Features that fire in any of the answers; the others cannot have moved."""
    return np.flatnonzero(np.any([(table > 0).any(axis=0) for table in tables], axis=0))
