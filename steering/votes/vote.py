"""What did a rater say about one pair, and how is that kept as one line of a file?"""

import json
import re
from dataclasses import dataclass
from typing import Literal, get_args

from steering.errors import StudyError
from steering.studies.plain import from_plain, read_json, to_plain

Choice = Literal["left", "right", "tie"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
MAX_REASON = 500
MAX_NAME = 60
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


@dataclass(frozen=True, slots=True)
class Vote:
    """One rater's choice between two answers.

    Attributes:
        item: place of the prompt among the contest's items.
        left: place among the titles of the method whose answer stood left.
        right: of the one that stood right.
        choice: which answer is better, or neither.
        reason: what the rater wrote, may be empty.
        name: what the rater is called, may be empty; two raters may have one name.
        at: when, UTC, ISO 8601.
    """

    item: int
    left: int
    right: int
    choice: Choice
    reason: str
    name: str
    at: str

    def __post_init__(self) -> None:
        if min(self.item, self.left, self.right) < 0 or self.left == self.right:
            raise StudyError(f"A vote is between {self.left} and {self.right} of item {self.item}; take a sound copy.")
        if self.choice not in CHOICES:
            raise StudyError(f"A vote is for {ascii(self.choice)[:40]}; choose one of {', '.join(CHOICES)}.")
        if len(self.reason) > MAX_REASON or len(self.name) > MAX_NAME:
            raise StudyError(
                f"The reason has {len(self.reason):,} characters, the name {len(self.name):,}; at most {MAX_REASON} "
                f"and {MAX_NAME} are kept, so shorten them."
            )
        if any("\ud800" <= letter <= "\udfff" for letter in self.reason + self.name):
            raise StudyError("Reason or name holds half a character (\\ud800 to \\udfff); write it again.")
        if not _TIME.fullmatch(self.at):
            raise StudyError(f"A vote was cast at {ascii(self.at)[:40]}, which is no time; take a sound copy.")

    @property
    def pair(self) -> tuple[int, int, int]:
        """Item and methods in one order, whatever the sides were: what a later vote replaces."""
        return self.item, min(self.left, self.right), max(self.left, self.right)

    @property
    def win(self) -> float:
        """1 where the method with the smaller place was chosen, 0 where the other was, 0.5 for a tie."""
        if self.choice == "tie":
            return 0.5
        return float((self.left if self.choice == "left" else self.right) == min(self.left, self.right))

    def line(self) -> bytes:
        """As one line of JSON, its end included."""
        return (json.dumps(to_plain(Vote, self), ensure_ascii=False) + "\n").encode()


def read_vote(line: bytes, where: str) -> Vote:
    """The vote that a line tells of.

    Raises:
        StudyError: it tells of none.
    """
    vote: Vote = from_plain(Vote, read_json(line, where), where)
    return vote
