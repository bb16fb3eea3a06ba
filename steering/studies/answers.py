"""How do the completions of a screen, with their receipts and scores, lie in a study's folder?

``answers.json`` (what was asked), ``completions.parquet`` (a row per completion, tokens and receipt included) and
``scores.parquet`` (a row per judged completion). The turns of a conversation are requests of one screen in their order.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steering.errors import StudyError
from steering.generation.completion import Completion
from steering.judges.score import Score
from steering.studies.plain import from_plain, read_json, to_plain, write_json
from steering.studies.study import Screen
from steering.studies.tables import read_table, write_table

HEAD, COMPLETIONS, SCORES = "answers.json", "completions.parquet", "scores.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The completions of one request.

    Attributes:
        screen: where they were asked for.
        titles: one per condition, as on the screen.
        request: what was asked for, in plain values; the screen that wrote it reads it again.
        completions: conditions outermost, then prompts, then samples.
        concept: what was judged, None where no judge knows it.
        scores: one per completion, empty without a judge.
    """

    screen: Screen
    titles: tuple[str, ...]
    request: dict[str, Any]
    completions: tuple[Completion, ...]
    concept: str | None = None
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True, slots=True)
class _Head:
    screen: Screen
    titles: tuple[str, ...]
    concept: str | None
    n: int | None = None
    """How many rows of its screen are its own, those of the requests before it aside; all of them unless told."""


@dataclass(frozen=True, slots=True)
class CompletionRow:
    """One row of ``completions.parquet``: the screen, the method's title, and all of a ``Completion``."""

    screen: Screen
    title: str
    completion: Completion


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One row of ``scores.parquet``: the screen, the completion's place among its rows, and a ``Score``."""

    screen: Screen
    place: int
    score: Score


def write_answers(folder: Path, answers: Sequence[Answers]) -> None:
    """Write the three files.

    Raises:
        StudyError: a text that no file can hold.
        OSError: the folder cannot be written to.
    """
    heads, rows, scores = [], [], []
    before: Counter[str] = Counter()
    for one in answers:
        n = len(one.completions) if one.screen == "converse" else None
        head = to_plain(_Head, _Head(one.screen, one.titles, one.concept, n))
        heads.append(head | {"request": one.request})
        rows += [CompletionRow(one.screen, one.titles[found.condition], found) for found in one.completions]
        scores += [ScoreRow(one.screen, before[one.screen] + place, score) for place, score in enumerate(one.scores)]
        before[one.screen] += len(one.completions)
    (folder / HEAD).write_bytes(write_json(heads))
    write_table(folder / COMPLETIONS, CompletionRow, rows)
    write_table(folder / SCORES, ScoreRow, scores)


def read_answers(folder: Path) -> tuple[Answers, ...]:
    """What :func:`write_answers` wrote.

    Raises:
        StudyError: a file is missing, broken, or does not fit the others.
    """
    heads = read_json((folder / HEAD).read_bytes(), HEAD)
    if not isinstance(heads, list) or not all(isinstance(head, dict) for head in heads):
        raise StudyError(f"{HEAD} holds no list of objects; take a sound copy of the study.")
    rows = read_table(folder / COMPLETIONS, CompletionRow)
    scored = read_table(folder / SCORES, ScoreRow)
    found = []
    before: Counter[str] = Counter()
    for content in heads:
        request = content.pop("request", None)
        if not isinstance(request, dict):
            raise StudyError(f"{HEAD} does not say what was asked for; take a sound copy of the study.")
        head: _Head = from_plain(_Head, content, HEAD)
        start = before[head.screen]
        end = None if head.n is None else start + max(0, head.n)
        completions = tuple(row.completion for row in rows if row.screen == head.screen)[start:end]
        before[head.screen] += len(completions)
        scores = sorted(
            (row for row in scored if row.screen == head.screen and start <= row.place < start + len(completions)),
            key=lambda row: row.place,
        )
        if scores and [row.place - start for row in scores] != list(range(len(completions))):
            raise StudyError(f"{SCORES} does not hold one row for each completion; take a sound copy of the study.")
        if any(not 0 <= completion.condition < len(head.titles) for completion in completions):
            raise StudyError(f"{COMPLETIONS} has a completion of no condition; take a sound copy of the study.")
        found.append(
            Answers(head.screen, head.titles, request, completions, head.concept, tuple(row.score for row in scores))
        )
    if sum(before.values()) != len(rows) or sum(len(one.scores) for one in found) != len(scored):
        raise StudyError(f"{COMPLETIONS} or {SCORES} has rows that {HEAD} does not name; take a sound copy.")
    return tuple(found)
