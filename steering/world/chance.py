"""How likely was what was drawn?"""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


class Chance(Random):
    """A source of chance that keeps account of the probability of everything it draws.

    Only draws whose outcome can be read off the finished text may be noted; then ``exp(log_p)`` is the probability of
    that text, and the mean of ``-log_p`` over many texts estimates the grammar's entropy.

    Attributes:
        log_p: natural logarithm of the probability of all noted draws so far.
    """

    log_p = 0.0

    def note(self, probability: float) -> None:
        """Count a draw that was made elsewhere and whose outcome had this probability."""
        self.log_p += math.log(probability)

    def pick(self, options: Sequence[Item]) -> Item:
        """One of the options, all equally likely."""
        self.log_p -= math.log(len(options))
        return self.choice(options)

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        found = self.random() < probability
        self.note(probability if found else 1 - probability)
        return found

    def pick_weighted(self, weights: Mapping[Item, float]) -> Item:
        """One of the keys, each as likely as its share of the weights."""
        options = list(weights)
        found = self.choices(options, weights=list(weights.values()))[0]
        self.note(weights[found] / sum(weights.values()))
        return found

    def pick_subset(self, options: Sequence[Item], count: int) -> list[Item]:
        """``count`` of the options in the order in which they are listed, all subsets equally likely."""
        self.log_p -= math.log(math.comb(len(options), count))
        return [options[place] for place in sorted(self.sample(range(len(options)), count))]
