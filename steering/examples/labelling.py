"""How do label cells become a table of yes and no, and which cells mean nothing?"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from steering.errors import ExamplesError
from steering.examples.findings import Finding, count, join_words, name_rows, quote
from steering.examples.limits import MAX_LABELS

BINARY_PAIRS = (
    ("1", "0"),
    ("1", "-1"),
    ("true", "false"),
    ("yes", "no"),
    ("positive", "negative"),
    ("pos", "neg"),
    ("t", "f"),
    ("y", "n"),
)
"""Positive first; compared without case, and 1.0 is 1."""

_PLAIN_VALUES = {value for pair in BINARY_PAIRS for value in pair}
_PLAIN_COLUMNS = {"label", "labels", "class", "category", "target", "y", "tag", "tags", "is_positive"}
_NEGATIVE_WORDS = {
    "other", "others", "none", "neutral", "control", "normal", "ham", "safe", "benign", "harmless", "baseline",
    "without", "absent", "clean", "rest", "non", "nein",
    *(no for _, no in BINARY_PAIRS if len(no) > 1 or no == "0"),
}  # fmt: skip
_NEGATIVE_START = re.compile(r"(not|non|no|without)[\s_\-]")
_SHOWN_VALUES = 20


@dataclass(frozen=True, slots=True)
class BinaryPair:
    """The two values of a binary label as the file writes them, and whether the choice was a guess."""

    positive: str
    negative: str | None
    guessed: bool


@dataclass(frozen=True, slots=True, eq=False)
class ReadLabels:
    """Label cells, read.

    Attributes:
        names: label names; binary data have one.
        matrix: ``[n_rows n_names]``.
        usable: ``[n_rows]`` False where the cell is empty or unknown.
        findings: what was noticed, by row.
    """

    names: tuple[str, ...]
    matrix: Bool[np.ndarray, "n_rows n_names"]
    usable: Bool[np.ndarray, " n_rows"]
    findings: tuple[Finding, ...]


def canonical(cell: str) -> str:
    """A binary value without case, surrounding space, plus sign or the ``.0`` of a spreadsheet."""
    value = cell.strip().casefold()
    number = re.fullmatch(r"([+-]?\d+)(\.0*)?", value)
    return number.group(1).lstrip("+") if number else value


def has_known_pair(cells: Sequence[str]) -> bool:
    """Whether the filled cells are one of the pairs that say themselves which side is positive.

    Nine in ten must be. Beside 1 and 0, or true and false, half is enough where the others are words: such words are
    mistakes, while "neutral" beside "positive", or 2 beside 0 and 1, is a class of its own.
    """
    counts = Counter(canonical(cell) for cell in cells if cell.strip())
    yes, no = max(BINARY_PAIRS, key=lambda pair: counts[pair[0]] + counts[pair[1]])
    covered = counts[yes] + counts[no]
    words = all(not re.fullmatch(r"-?[\d.]+", value) for value in counts if value not in {yes, no})
    lenient = yes in {"1", "true"} and words and counts[yes] > 0 and counts[no] > 0
    return covered > 0 and covered * 10 >= (5 if lenient else 9) * counts.total()


def is_yes_or_no(cells: Sequence[str]) -> bool:
    """Whether the filled cells say yes and no to one thing: a known pair, a single value, or one of two that sounds
    like the absence of the other. Two bare words, such as cat and dog, are two labels.
    """
    values = {canonical(cell) for cell in cells if cell.strip()}
    return has_known_pair(cells) or len(values) < 2 or (len(values) == 2 and len(_absences(values)) == 1)


def is_json_list(cell: str) -> bool:
    """Whether a cell looks like a JSON list."""
    return cell.strip().startswith("[") and cell.strip().endswith("]")


def split_labels(cell: str, separator: str) -> list[str]:
    """The labels of one cell: a JSON list, or texts between separators; no empty ones, none twice.

    Raises:
        ValueError: the cell begins and ends like a list but is none.
    """
    if is_json_list(cell):
        try:
            items = json.loads(cell)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        parts = ["" if item is None else str(item) for item in items]
    else:
        parts = cell.split(separator)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def choose_pair(cells: Sequence[str], positive: str | None, column: str) -> BinaryPair:
    """Finds the two values of a binary label.

    Args:
        cells: the label cells.
        positive: the value that means positive, where the user said so.
        column: the column's name, for messages.

    Raises:
        ExamplesError: ``positive`` does not occur, or the column has clearly more than two values.
    """
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in cells:
        if cell.strip():
            spelled[canonical(cell)][cell.strip()] += 1
    counts = {value: spellings.total() for value, spellings in spelled.items()}
    total = sum(counts.values())
    if not counts:
        raise ExamplesError(f"The label column '{column}' is empty; choose another column or fill in the labels.")

    def shown(value: str | None) -> str | None:
        return spelled[value].most_common(1)[0][0] if value in spelled else value

    def pair(yes: str, no: str | None, *, guessed: bool) -> BinaryPair:
        return BinaryPair(shown(yes) or yes, shown(no), guessed)

    known = max(BINARY_PAIRS, key=lambda two: counts.get(two[0], 0) + counts.get(two[1], 0))
    covered = counts.get(known[0], 0) + counts.get(known[1], 0)
    if positive is None and covered * 2 >= total:
        return pair(*known, guessed=False)
    by_size = sorted(counts, key=lambda value: (-counts[value], value))
    if positive is not None:
        wanted = canonical(positive)
        if wanted not in counts:
            values = join_words([quote(str(shown(value))) for value in by_size])
            raise ExamplesError(
                f"No row has the positive value {quote(positive)} in column '{column}', which holds {values}; choose "
                "one of these."
            )
        if wanted in known and covered * 2 >= total:
            return pair(wanted, known[1] if wanted == known[0] else known[0], guessed=False)
        others = [value for value in by_size if value != wanted]
        two = (wanted, others[0] if others else None)
    else:
        two = _guess_sides(by_size[:2], counts)
    if sum(counts.get(value, 0) for value in two if value is not None) * 10 < total * 9:
        values = join_words([quote(str(shown(value))) for value in by_size])
        raise ExamplesError(
            f"The label column '{column}' has {len(counts):,} values ({values}), a binary label has two; read it as "
            "one of many labels instead."
        )
    return pair(*two, guessed=positive is None)


def read_binary(cells: Sequence[str], numbers: Sequence[int], column: str, positive: str | None) -> ReadLabels:
    """Reads two values as yes and no; anything else is reported by row.

    Raises:
        ExamplesError: see :func:`choose_pair`.
    """
    pair = choose_pair(cells, positive, column)
    yes = canonical(pair.positive)
    no = None if pair.negative is None else canonical(pair.negative)
    values = np.array([canonical(cell) for cell in cells], dtype=object)
    is_yes = np.array([value == yes for value in values], dtype=bool)
    usable = is_yes | np.array([value == no and value != "" for value in values], dtype=bool)
    expected = ", ".join(value for value in (pair.negative, pair.positive) if value is not None)
    findings = list(_missing(cells, numbers, "fill it in"))
    unknown: dict[str, list[int]] = defaultdict(list)
    for cell, number, good in zip(cells, numbers, usable, strict=True):
        if cell.strip() and not good:
            unknown[cell.strip()].append(number)
    ordered = list(unknown.items())
    for value, rows in ordered[:_SHOWN_VALUES]:
        findings.append(
            Finding(
                "warning",
                "unknown_label",
                f"{name_rows(rows).capitalize()}: label {quote(value)} is not one of {expected}; left out: correct "
                "the label, or read the column as one of many labels.",
                tuple(rows),
            )
        )
    if ordered[_SHOWN_VALUES:]:
        rows = sorted(row for _, more in ordered[_SHOWN_VALUES:] for row in more)
        findings.append(
            Finding(
                "warning",
                "unknown_label",
                f"{len(ordered) - _SHOWN_VALUES} further label values in {name_rows(rows)} are not one of {expected}; "
                "left out: is this the right column?",
                tuple(rows),
            )
        )
    if pair.guessed and pair.negative is not None:
        findings.append(
            Finding(
                "note",
                "positive_guessed",
                f"'{pair.positive}' is taken as positive and '{pair.negative}' as negative; choose the other value as "
                "positive if it should be the other way round.",
            )
        )
    name = pair.positive if canonical(pair.positive) not in _PLAIN_VALUES else column.strip()
    if name.casefold() in _PLAIN_COLUMNS:
        name = "positive"
    return ReadLabels((name,), is_yes[:, None], usable, tuple(findings))


def read_one_of_many(cells: Sequence[str], numbers: Sequence[int]) -> ReadLabels:
    """Reads every value as a label of its own.

    Raises:
        ExamplesError: more different values than labels are allowed.
    """
    findings = _missing(cells, numbers, "fill it in, for example with 'none' if the row is an example of nothing")
    rows = [[cell.strip()] if cell.strip() else [] for cell in cells]
    usable = np.array([bool(row) for row in rows], dtype=bool)
    values = sorted({row[0] for row in rows if row})
    if len(values) == 2:
        findings.append(
            Finding(
                "note",
                "two_labels",
                f"{quote(values[0])} and {quote(values[1])} are read as two labels; read the column as yes or no if "
                "one of them only means that the other is absent.",
            )
        )
    return _matrix(rows, usable, findings)


def read_several(cells: Sequence[str], numbers: Sequence[int], separator: str) -> ReadLabels:
    """Reads any number of labels per cell; an empty cell is a row that carries none of the labels.

    Raises:
        ExamplesError: no separator, or more different values than labels are allowed.
    """
    if not separator:
        raise ExamplesError("No separator is given for several labels per row; choose one of ; | or a comma.")
    rows: list[list[str]] = []
    broken: list[int] = []
    for cell, number in zip(cells, numbers, strict=True):
        try:
            rows.append(split_labels(cell, separator))
        except ValueError:
            rows.append([])
            broken.append(number)
    findings = []
    if broken:
        findings.append(
            Finding(
                "warning",
                "unknown_label",
                f"{name_rows(broken).capitalize()}: the label is written like a list but is not a JSON list such as "
                '["a", "b"]; left out: write it so, or with a separator.',
                tuple(broken),
            )
        )
    bare = [number for row, number in zip(rows, numbers, strict=True) if not row and number not in set(broken)]
    if bare:
        findings.append(
            Finding(
                "note",
                "no_label",
                f"{count(len(bare), 'row')} without any label ({name_rows(bare)}): used as negatives of every label.",
                tuple(bare),
            )
        )
    unreadable = set(broken)
    usable = np.array([number not in unreadable for number in numbers], dtype=bool)
    return _matrix(rows, usable, findings)


def _matrix(rows: Sequence[Sequence[str]], usable: np.ndarray, findings: Sequence[Finding]) -> ReadLabels:
    names = sorted({label for row in rows for label in row}, key=lambda name: (name.casefold(), name))
    if len(names) > MAX_LABELS:
        raise ExamplesError(
            f"The label column has {len(names):,} different labels, at most {MAX_LABELS:,} are read; choose the column "
            "with the labels, or the separator between them."
        )
    place = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(rows), len(names)), dtype=bool)
    for i, row in enumerate(rows):
        matrix[i, [place[label] for label in row]] = True
    found = list(findings)
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in names:
        spellings[" ".join(name.casefold().split())].append(name)
    for alike in (names for names in spellings.values() if len(names) > 1):
        found.append(
            Finding(
                "warning",
                "label_spelling",
                f"The labels {join_words([repr(name) for name in alike])} differ only in case or spacing and are "
                f"read as {len(alike)} labels; write them alike if they are one.",
            )
        )
    return ReadLabels(tuple(names), matrix, usable, tuple(found))


def _missing(cells: Sequence[str], numbers: Sequence[int], advice: str) -> list[Finding]:
    rows = [number for cell, number in zip(cells, numbers, strict=True) if not cell.strip()]
    if not rows:
        return []
    return [
        Finding(
            "warning",
            "missing_label",
            f"{name_rows(rows).capitalize()}: the label is empty; left out: {advice}.",
            tuple(rows),
        )
    ]


def _guess_sides(values: Sequence[str], counts: dict[str, int]) -> tuple[str, str | None]:
    """The word that does not sound like the absence of something; failing that, the rarer value."""
    if len(values) == 1:
        return values[0], None
    negative = _absences(values)
    if len(negative) == 1:
        return next(value for value in values if value != negative[0]), negative[0]
    rarer = min(values, key=lambda value: (counts[value], value))
    return rarer, next(value for value in values if value != rarer)


def _absences(values: Iterable[str]) -> list[str]:
    """Those of the values that sound like the absence of something."""
    return [value for value in values if value in _NEGATIVE_WORDS or _NEGATIVE_START.match(value)]
