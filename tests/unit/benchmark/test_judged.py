"""Are the judge's odd replies counted over a whole run, and told?"""

from steering.benchmark.judged import count_replies, replies_sentence
from steering.benchmark.parts import Failure


def test_counts_of_units_and_failures_are_added() -> None:
    details = [
        {"unit": 1.0, "judge": {"rated": 90, "unparsable": 2, "refused": 1}},
        {"judge": {"rated": 1000, "empty": 3}},
        {},
    ]
    failures = [Failure("sea", 0, "none", "cut", replies={"rated": 5, "cut_off": 4}), Failure("sea", 1, "none", "bug")]
    found = count_replies(details, failures)
    assert found == {"rated": 1095, "empty": 3, "unparsable": 2, "refused": 1, "cut_off": 4}
    assert replies_sentence(found) == (
        "1,095 of 1,102 replies of the judge are ratings; 2 could not be read, 1 were refused: these count 0, as in "
        "AxBench; 4 were cut off and rate nothing, so their units have no result; 3 ratings of empty answers are 0 "
        "without asking."
    )


def test_a_judge_without_replies_says_nothing() -> None:
    assert count_replies([{"unit": 1.0}], []) == {}
    assert replies_sentence({}) == ""
    assert replies_sentence({"rated": 12}) == "12 of 12 replies of the judge are ratings."
