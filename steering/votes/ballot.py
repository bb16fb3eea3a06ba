"""Which pairs is a rater asked, in which order, and which answer stands left?

All of it is drawn from a seed that study and rater decide, so that a reload shows the same ballot, and another rater
has another one: no order or side favours a method.
"""

import hashlib
import random
from collections import Counter, defaultdict
from dataclasses import dataclass

from steering.votes.contest import Contest, Pair

MOST_QUESTIONS = 40
"""Asked of one rater; beyond, care runs out before the list does."""


@dataclass(frozen=True, slots=True)
class Question:
    """Two answers side by side.

    Attributes:
        pair: which answers.
        left: the method whose answer stands left.
        right: the other one.
    """

    pair: Pair
    left: int
    right: int


def ballot(contest: Contest, rater: str, *, most: int = MOST_QUESTIONS) -> tuple[Question, ...]:
    """The questions for one rater.

    With more pairs than ``most`` a sample is drawn: every item gives one pair before any gives a second. Each pair of
    methods has its first method left in half of its questions, give or take one.

    Args:
        contest: what is voted on.
        rater: the rater's id.
        most: at most so many questions.
    """
    seed = hashlib.sha256(f"{contest.study_id} {rater}".encode()).digest()
    drawn = random.Random(seed)
    by_item: dict[int, list[Pair]] = defaultdict(list)
    for pair in contest.pairs:
        by_item[pair.item].append(pair)
    piles = list(by_item.values())
    drawn.shuffle(piles)
    for pile in piles:
        drawn.shuffle(pile)
    rounds = max(map(len, piles), default=0)
    chosen = [pile[i] for i in range(rounds) for pile in piles if i < len(pile)][:most]
    drawn.shuffle(chosen)
    sides = {methods: _sides(number, drawn) for methods, number in sorted(Counter(map(_methods, chosen)).items())}
    questions = []
    for pair in chosen:
        first_is_left = sides[_methods(pair)].pop()
        left, right = _methods(pair) if first_is_left else (pair.second, pair.first)
        questions.append(Question(pair, left, right))
    return tuple(questions)


def _methods(pair: Pair) -> tuple[int, int]:
    return pair.first, pair.second


def _sides(number: int, drawn: random.Random) -> list[bool]:
    """Whether the first method stands left, half of the times, in no order that could be guessed."""
    sides = [place % 2 == 0 for place in range(number)]
    if drawn.random() < 0.5:
        sides = [not side for side in sides]
    drawn.shuffle(sides)
    return sides
