"""Does a completion repeat itself? Numbers that stand beside perplexity, which loops make look good.

Everything here counts over a sequence of units: token ids, or the words of a text. No model is needed.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

MIN_REPEATS = 3
"""Saying a thing twice is style; from three times in a row on it counts as a loop [our choice]."""
LOOPING_SHARE = 0.25
"""A completion loops when its looping tail is at least this share of it [our choice]."""


@dataclass(frozen=True, slots=True)
class Loop:
    """The end of a sequence, if it repeats one piece over and over.

    Attributes:
        period: units in the piece that repeats; 0 when nothing does.
        repeats: whole times the piece stands there in a row; 0 when nothing does.
        length: units that the loop covers, a piece that was cut off included.
    """

    period: int
    repeats: int
    length: int


@dataclass(frozen=True, slots=True)
class Repetition:
    """How much a sequence repeats itself.

    Attributes:
        n_units: units in the sequence.
        distinct_1: share of units that differ, in (0, 1]; see :func:`distinct_n`.
        distinct_2: the same for pairs.
        distinct_3: the same for triples.
        loop: the repeating end.
    """

    n_units: int
    distinct_1: float
    distinct_2: float
    distinct_3: float
    loop: Loop

    @property
    def loop_share(self) -> float:
        """Share of the sequence that the repeating end covers, in [0, 1]."""
        return self.loop.length / self.n_units if self.n_units else 0.0

    @property
    def is_looping(self) -> bool:
        """Whether the sequence ended in a loop that is worth a warning."""
        return self.loop_share >= LOOPING_SHARE


def words(text: str) -> list[str]:
    """The words of ``text``, without regard to case; punctuation stays with its word, as in distinct-n's source."""
    return text.casefold().split()


def distinct_n(units: Sequence[Hashable], n: int) -> float:
    """Distinct n-grams as a share of all n-grams (Li et al. 2016): ``|set(n-grams)| / (len(units) - n + 1)``.

    1 is no repetition. A sequence too short for one n-gram repeats nothing and gets 1. Longer sequences score lower
    by nature: compare completions of similar length only.

    Raises:
        ValueError: ``n`` is not positive.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    n_grams = [tuple(units[start : start + n]) for start in range(len(units) - n + 1)]
    return len(set(n_grams)) / len(n_grams) if n_grams else 1.0


def find_loop(units: Sequence[Hashable], *, min_repeats: int = MIN_REPEATS) -> Loop:
    """The longest end of ``units`` that is one piece, at least ``min_repeats`` times in a row.

    ``b a c d a c d a c d a`` ends in ``a c d`` three times and a piece cut off: period 3, repeats 3, length 10. Of
    pieces that explain the same length, the shortest is taken.

    Raises:
        ValueError: ``min_repeats`` is below 2.
    """
    if min_repeats < 2:
        raise ValueError(f"min_repeats must be at least 2, got {min_repeats}.")
    best = Loop(0, 0, 0)
    n_units = len(units)
    for period in range(1, n_units // min_repeats + 1):
        length = period
        while length < n_units and units[n_units - 1 - length] == units[n_units - 1 - length + period]:
            length += 1
        if length >= min_repeats * period and length > best.length:
            best = Loop(period, length // period, length)
    return best


def repetition(units: Sequence[Hashable]) -> Repetition:
    """All of the above for one completion, given as token ids or as :func:`words`."""
    return Repetition(
        n_units=len(units),
        distinct_1=distinct_n(units, 1),
        distinct_2=distinct_n(units, 2),
        distinct_3=distinct_n(units, 3),
        loop=find_loop(units),
    )
