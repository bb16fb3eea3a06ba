"""What became of a run's judgements: how many ratings are there, and how many replies were none?

A judge that reads replies in words leaves the counts with every unit: with what was fitted where it has a result, with
the failure where there were too few ratings. The embedded world's judge reads no replies and leaves none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from steering.benchmark.parts import Failure
from steering.judges.rubric import OUTCOMES

_WORDS = {
    "unparsable": "could not be read",
    "out_of_range": "had a number that is not 0, 1 or 2",
    "refused": "were refused",
}
"""What counts 0 in a table, as in AxBench."""


def count_replies(details: Iterable[Mapping[str, Any]], failures: Iterable[Failure]) -> dict[str, int]:
    """Outcome of a rating → how often it was met, in the order of ``judges.rubric.OUTCOMES``; empty without replies.

    Args:
        details: of every finished unit, see ``rows.Header``.
        failures: of the units that have no result.
    """
    found: Counter[str] = Counter()
    for one in details:
        found.update(one.get("judge", {}))
    for failure in failures:
        found.update(failure.replies)
    return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}


def replies_sentence(replies: Mapping[str, int]) -> str:
    """What ``count_replies`` found, for the screen and the log; empty where the judge reads no replies."""
    if not replies:
        return ""
    asked = sum(count for outcome, count in replies.items() if outcome not in ("empty", "stopped"))
    odd = [f"{replies[name]:,} {words}" for name, words in _WORDS.items() if replies.get(name)]
    told = [f"{replies.get('rated', 0):,} of {asked:,} replies of the judge are ratings"]
    if odd:
        told.append(f"{', '.join(odd)}: these count 0, as in AxBench")
    if replies.get("cut_off"):
        told.append(f"{replies['cut_off']:,} were cut off and rate nothing, so their units have no result")
    if replies.get("failed"):
        told.append(f"{replies['failed']:,} requests failed")
    if replies.get("empty"):
        told.append(f"{replies['empty']:,} ratings of empty answers are 0 without asking")
    return "; ".join(told) + "."
