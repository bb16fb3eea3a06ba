"""How long will the rest take?"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from steering.benchmark.settings import Unit


class Pace:
    """Measures units as they come and estimates the rest.

    A method that trains takes many times as long as one that does not, so every method is reckoned at its own pace, and
    one that has not been met at the mean of the others. What the workers do at once is seen from the clock.
    """

    def __init__(self, remaining: Iterable[Unit], *, now: Callable[[], float] = time.monotonic) -> None:
        self._left: dict[str, int] = defaultdict(int)
        for unit in remaining:
            self._left[unit.method] += 1
        self._now = now
        self._began = now()
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def done(self, unit: Unit, seconds: float) -> None:
        """A unit is finished after ``seconds`` of one worker's time; 0 or less for one that failed at once."""
        self._left[unit.method] -= 1
        if seconds > 0:
            self._seconds[unit.method].append(seconds)

    @property
    def seconds_left(self) -> float | None:
        """Of the clock; None before the first unit."""
        spent = sum(sum(found) for found in self._seconds.values())
        count = sum(len(found) for found in self._seconds.values())
        if not spent:
            return None
        usual = spent / count
        work = sum(
            left * (sum(self._seconds[name]) / len(self._seconds[name]) if self._seconds[name] else usual)
            for name, left in list(self._left.items())
        )
        return work * (self._now() - self._began) / spent

    def sentence(self) -> str:
        """For the screen and the log."""
        left = self.seconds_left
        if left is None:
            return "Benchmark"
        return f"Benchmark, about {duration(left)} left"


def duration(seconds: float) -> str:
    """A length of time as people say it.

    >>> duration(90), duration(7300)
    ('2 min', '2 h 2 min')
    """
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
