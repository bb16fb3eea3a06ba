"""How does a language model, wherever it runs, judge completions with the rubric and the cache?

1. Every completion becomes three questions; an empty one is rated 0 and nobody is asked.
2. Questions that are the same word for word, sample number included, are asked once.
3. What the cache holds is not asked again.
4. The rest goes to the model; every reply is stored as it comes.
5. Replies become ratings, ratings become scores. A completion with a missing rating has no score.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from steering.errors import JudgeError
from steering.judges.cache import Reply, ReplyCache, reply_key
from steering.judges.rows import JudgedRow, RowToJudge
from steering.judges.rubric import (
    ASPECTS,
    MISSING,
    RUBRIC_VERSION,
    Aspect,
    Rating,
    judge_prompt,
    parse_rating,
    reason_of,
)
from steering.judges.score import Score

Identity = dict[str, str | int | float | None]
MAX_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt to the judge.

    Attributes:
        prompt: the whole of it.
        sample: number of the judgement.
        key: of its reply in the cache.
    """

    prompt: str
    sample: int
    key: str


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """What a batch will ask.

    Attributes:
        pending: questions that nobody has answered yet, each once.
        n_ratings: ratings wanted, three for each completion.
        n_empty: ratings of empty completions.
        n_shared: ratings that share the question of another one.
        n_cached: questions that the cache answers.
    """

    pending: tuple[Question, ...]
    n_ratings: int
    n_empty: int
    n_shared: int
    n_cached: int


class RubricJudge(ABC):
    """A judge that reads the rubric and replies in words.

    Args:
        identity: everything about the judge that a reply depends on.
        cache: where replies are kept; None asks every time.
    """

    def __init__(self, identity: Identity, cache: ReplyCache | None) -> None:
        self.identity: Identity = {**identity, "rubric": RUBRIC_VERSION}
        self.cache = cache

    @property
    @abstractmethod
    def name(self) -> str:
        """What stands on the screen beside the scores."""

    @abstractmethod
    def _answer(
        self,
        questions: Sequence[Question],
        deliver: Callable[[Question, Reply], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Ask the model; ``deliver`` each reply, kept before by :meth:`_keep`, from the calling thread."""

    def knows(self, concept: str) -> bool:
        """Whether there is a concept to look for; a language model takes any words for it."""
        return bool(concept.strip())

    def score(self, concept: str, prompt: str, text: str) -> Score:
        """Rate ``text``, an answer to ``prompt``, for ``concept``.

        Raises:
            JudgeError: no reply came, or the judge cannot be used at all.
        """
        judged = self.score_many([RowToJudge(concept, prompt, text)])[0]
        if judged.score is None:
            missing = next(rating for rating in judged.ratings if rating.outcome in MISSING)
            raise JudgeError(f"The judge {self.name} gave no {missing.aspect} rating: {missing.reason}")
        return judged.score

    def score_many(
        self,
        rows: Sequence[RowToJudge],
        *,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[JudgedRow]:
        """Rate many completions.

        Args:
            rows: completions with what they should carry.
            progress: told how many ratings are done, of how many; called in this thread, and may raise to stop.
            should_stop: asked again and again; after True nothing new is asked and what is there is returned.

        Returns:
            One for each row, in the order of the rows; without a score where a reply is missing.

        Raises:
            JudgeError: the judge cannot be used at all, or has stopped working. What was answered is in the cache.
        """
        questions, known = self._known(rows)
        uses = Counter(question.key for row in questions for question in row.values())
        replies = dict(known)
        total = len(ASPECTS) * len(rows)
        done = total - sum(uses.values()) + sum(uses[key] for key in known)

        def deliver(question: Question, reply: Reply) -> None:
            nonlocal done
            replies[question.key] = reply
            done += uses[question.key]
            if progress is not None:
                progress(done, total)

        if progress is not None:
            progress(done, total)
        pending = _once(questions, known)
        if pending:
            self._answer(pending, deliver, should_stop or _never)
        fresh = {question.key for question in pending}
        judged = []
        for row, asked in zip(rows, questions, strict=True):
            ratings = tuple(_rating(aspect, asked.get(aspect), replies, fresh) for aspect in ASPECTS)
            judged.append(JudgedRow(row, _score(ratings), ratings))
        return judged

    def plan(self, rows: Sequence[RowToJudge]) -> QuestionPlan:
        """What :meth:`score_many` would ask, without asking it."""
        questions, known = self._known(rows)
        n_asked = sum(len(row) for row in questions)
        pending = _once(questions, known)
        return QuestionPlan(
            pending=pending,
            n_ratings=len(ASPECTS) * len(rows),
            n_empty=len(ASPECTS) * len(rows) - n_asked,
            n_shared=n_asked - len(pending) - len(known),
            n_cached=len(known),
        )

    def _keep(self, question: Question, reply: Reply) -> Reply:
        """Store a reply that just came; the one that counts is returned."""
        return reply if self.cache is None else self.cache.put(question.key, reply)

    def _known(self, rows: Sequence[RowToJudge]) -> tuple[list[dict[Aspect, Question]], dict[str, Reply]]:
        """The questions of every row, none for an empty text, and the replies that the cache has for them."""
        questions = [self._questions(row) for row in rows]
        keys = dict.fromkeys(question.key for row in questions for question in row.values())
        return questions, {} if self.cache is None else self.cache.get_many(list(keys))

    def _questions(self, row: RowToJudge) -> dict[Aspect, Question]:
        if not row.text.strip():
            return {}
        # Byte-level models write half characters, which no request can carry.
        concept, prompt, text = (
            one.encode("utf-8", "replace").decode("utf-8") for one in (row.concept, row.prompt, row.text)
        )
        found: dict[Aspect, Question] = {}
        for aspect in ASPECTS:
            asked = judge_prompt(aspect, concept, prompt, text)
            found[aspect] = Question(asked, row.sample, reply_key(self.identity, asked, row.sample))
        return found


def _once(questions: Sequence[dict[Aspect, Question]], known: dict[str, Reply]) -> tuple[Question, ...]:
    unanswered = {question.key: question for row in questions for question in row.values() if question.key not in known}
    return tuple(unanswered.values())


def _rating(aspect: Aspect, question: Question | None, replies: dict[str, Reply], fresh: set[str]) -> Rating:
    """Turn a reply into a rating. The first rating that uses a fresh reply carries its tokens; others are cached."""
    if question is None:
        return Rating(aspect, 0, "empty", "The answer is empty.")
    reply = replies.get(question.key)
    if reply is None:
        return Rating(aspect, 0, "stopped", "The run was stopped before this was asked.")
    if reply.kind == "failed":
        return Rating(aspect, 0, "failed", reply.text)
    if reply.kind == "cut":
        told = f"The judge's reply was cut off before its rating: “{_shown(reply.text, tail=True)}”"
        return Rating(
            aspect, 0, "cut_off", told, prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens
        )
    rating = _read(aspect, reply)
    if question.key not in fresh:
        return replace(rating, cached=True)
    fresh.discard(question.key)
    return replace(rating, prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens)


def _read(aspect: Aspect, reply: Reply) -> Rating:
    if reply.kind == "refused":
        return Rating(aspect, 0, "refused", f"The judge refused, which counts as 0: “{_shown(reply.text)}”")
    value, outcome = parse_rating(reply.text)
    if outcome == "rated":
        return Rating(aspect, value, "rated", reason_of(reply.text))
    fault = "is not 0, 1 or 2" if outcome == "out_of_range" else "cannot be read"
    return Rating(aspect, 0, outcome, f"The judge's rating {fault} and counts as 0: “{_shown(reply.text, tail=True)}”")


def _score(ratings: Sequence[Rating]) -> Score | None:
    if any(rating.outcome in MISSING for rating in ratings):
        return None
    concept, instruction, fluency = (rating.value for rating in ratings)
    if all(rating.outcome == "empty" for rating in ratings):
        return Score(0, 0, 0, ("The answer is empty.",))
    reasons = tuple(f"{rating.aspect.capitalize()}: {rating.reason}" for rating in ratings if rating.reason)
    return Score(concept, instruction, fluency, reasons)


def _shown(text: str, *, tail: bool = False) -> str:
    """A reply on one line, cut; its rating stands at the end."""
    line = " ".join(text.split())
    if len(line) <= MAX_SHOWN:
        return line
    return "..." + line[-MAX_SHOWN:] if tail else line[:MAX_SHOWN] + "..."


def _never() -> bool:
    return False
