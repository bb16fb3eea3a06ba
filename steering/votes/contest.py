"""What of a study can be voted on: which answers, by which methods, to which prompts?"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from steering.conversation import Turn
from steering.errors import StudyError
from steering.studies.answers import Answers
from steering.studies.library import Library


@dataclass(frozen=True, slots=True)
class Item:
    """The answers of all methods to one prompt, in one sample.

    Attributes:
        prompt: the user's last turn.
        earlier: the turns before it.
        texts: the answer of each method, None where a method has none.
        overall: the judge's overall score of each answer, 0 to 2, None without a judge or an answer.
    """

    prompt: str
    earlier: tuple[Turn, ...]
    texts: tuple[str | None, ...]
    overall: tuple[float | None, ...]

    @property
    def cluster(self) -> tuple[str, tuple[Turn, ...]]:
        """What its samples have in common: they are not independent of each other."""
        return self.prompt, self.earlier


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to the same prompt.

    Attributes:
        item: place of the item.
        first: place of one method among the titles.
        second: place of the other, larger than ``first``.
    """

    item: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Contest:
    """What is voted on.

    Attributes:
        study_id: whose answers they are.
        concept: what the answers should carry.
        titles: one per method; raters never see them.
        items: every prompt, and sample of it.
        pairs: answers that differ; these are asked.
        same: answers that are letter for letter the same: ties by definition, never asked.
    """

    study_id: str
    concept: str
    titles: tuple[str, ...]
    items: tuple[Item, ...]
    pairs: tuple[Pair, ...]
    same: tuple[Pair, ...]


def contest_of(study_id: str, label: str, answers: Answers) -> Contest:
    """The contest between the methods of one screen.

    Args:
        study_id: whose answers they are.
        label: what they are about where no judge knows the concept.
        answers: completions of at least two methods.

    Raises:
        StudyError: there are not two methods with an answer to the same prompt.
    """
    n_methods = len(answers.titles)
    place: dict[object, int] = {}
    found: list[tuple[str, tuple[Turn, ...], list[str | None], list[float | None]]] = []
    seen: Counter[object] = Counter()
    for row, one in enumerate(answers.completions):
        spoken = (one.prompt, one.earlier, one.system, one.receipt.sample)
        seen[one.condition, spoken] += 1  # a prompt may have been asked twice
        key = (spoken, seen[one.condition, spoken])
        if key not in place:
            place[key] = len(found)
            found.append((one.prompt, one.earlier, [None] * n_methods, [None] * n_methods))
        _, _, texts, overall = found[place[key]]
        texts[one.condition] = one.text
        overall[one.condition] = answers.scores[row].overall if answers.scores else None
    items = tuple(Item(prompt, earlier, tuple(texts), tuple(overall)) for prompt, earlier, texts, overall in found)
    pairs: list[Pair] = []
    same: list[Pair] = []
    for number, item in enumerate(items):
        for first, second in combinations(range(n_methods), 2):
            one_text, other_text = item.texts[first], item.texts[second]
            if one_text is not None and other_text is not None:
                (same if one_text == other_text else pairs).append(Pair(number, first, second))
    if not pairs and not same:
        raise StudyError(
            "Two methods that answered the same prompt are needed for a vote, and this study has none; save one from "
            "Compare."
        )
    return Contest(study_id, answers.concept or label, answers.titles, items, tuple(pairs), tuple(same))


def open_contest(shelf: Library, id: str) -> Contest:
    """The contest of a study, on the screen where it was saved; read once and kept while the study is as it was.

    Raises:
        StudyError: no such study (any more), damaged, or nothing to choose between.
    """
    return _contest(shelf, id, shelf.get(id).digest)


@lru_cache(maxsize=8)
def _contest(shelf: Library, id: str, digest: str) -> Contest:  # noqa: ARG001 - a changed study is read anew
    study, content = shelf.open(id)
    answers = content.of(study.about.screen)
    if answers is None:
        raise StudyError("The study has no answers on the screen where it was saved; take a sound copy of it.")
    return contest_of(id, study.about.label, answers)
