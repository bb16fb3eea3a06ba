"""Is the time left what arithmetic says?"""

from steering.benchmark.progress import Pace, duration
from steering.benchmark.settings import Unit


def test_every_method_is_reckoned_at_its_own_pace() -> None:
    clock = [0.0]
    units = [Unit(str(place), 0, name) for name in ("none", "lora") for place in range(3)]
    pace = Pace(units, now=lambda: clock[0])
    assert pace.seconds_left is None
    assert pace.sentence() == "Benchmark"
    clock[0] = 1.0
    pace.done(units[0], 1.0)
    # Two of 1 s, and three of an unknown method at the mean of the others.
    assert pace.seconds_left == 5.0
    clock[0] = 11.0
    pace.done(units[3], 10.0)
    assert pace.seconds_left == 2 * 1.0 + 2 * 10.0


def test_workers_are_seen_from_the_clock() -> None:
    clock = [0.0]
    units = [Unit(str(place), 0, "none") for place in range(6)]
    pace = Pace(units, now=lambda: clock[0])
    clock[0] = 5.0
    for unit in units[:2]:  # both at once
        pace.done(unit, 5.0)
    assert pace.seconds_left == 10.0
    pace.done(units[2], 0.0)  # one that failed at once
    assert pace.seconds_left == 7.5


def test_durations() -> None:
    assert [duration(one) for one in (0.2, 59.0, 90.0, 3599.0, 7300.0)] == [
        "1 s",
        "59 s",
        "2 min",
        "1 h 0 min",
        "2 h 2 min",
    ]
