from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import steering.judges.local_judge as local_judge
import tests.tiny
from steering.errors import JudgeError
from steering.fingerprints import weights_fingerprint
from steering.generation import Completion
from steering.judges.batch import BatchJudge
from steering.judges.cache import ReplyCache
from steering.judges.local_judge import LocalJudge
from steering.judges.rows import RowToJudge, tally
from steering.judges.settings import JudgeSettings
from steering.models import LanguageModel
from tests.tiny import tiny_llama

ROWS = [RowToJudge("sea", "Say something.", text) for text in ("Waves.", "A much longer text about a house.", "Hm.")]


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> LanguageModel:
    """A tiny model that can read the rubric, which is over a thousand of its tokens."""
    monkeypatch.setattr(tests.tiny, "CONTEXT_SIZE", 2048)
    return tiny_llama()


def judge(model: LanguageModel, cache: ReplyCache | None = None, **settings: Any) -> LocalJudge:
    return LocalJudge(model, settings=JudgeSettings(**{"max_tokens": 3, "batch_size": 4, **settings}), cache=cache)


def replying(monkeypatch: pytest.MonkeyPatch, reply: str, *, finished: Sequence[str] = ("end",)) -> list[list[str]]:
    """The model's own words replaced by ``reply``; its batches are returned.

    The n-th batch ends as the n-th of ``finished`` says, later ones as the last.
    """
    batches: list[list[str]] = []
    real = local_judge.generate

    def generate(model: LanguageModel, conditions: Sequence[Any], prompts: Sequence[str], **rest: Any) -> list:
        batches.append(list(prompts))
        found: list[Completion] = real(model, conditions, prompts, **rest)
        end = finished[min(len(batches), len(finished)) - 1]
        return [
            one
            if one.receipt.finished == "stopped"
            else replace(one, text=reply, receipt=replace(one.receipt, finished=end))
            for one in found
        ]

    monkeypatch.setattr(local_judge, "generate", generate)
    return batches


def test_replies_are_rated_kept_and_not_asked_again(
    roomy: LanguageModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    batches = replying(monkeypatch, "It is fine.\nRating: [[2]]")
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        made = judge(roomy, cache)
        assert isinstance(made, BatchJudge)
        told: list[tuple[int, int]] = []
        judged = made.score_many(ROWS, progress=lambda done, total: told.append((done, total)))
        assert [one.score.overall for one in judged if one.score] == [2.0] * 3
        assert [len(batch) for batch in batches] == [4, 4, 1]
        assert told == [(done, 9) for done in range(10)]
        assert tally(judged).completion_tokens == 27
        again = judge(roomy, cache).score_many(ROWS)
        assert [one.score for one in again] == [one.score for one in judged]
        assert len(batches) == 3


def test_a_model_that_never_comes_to_its_rating_rates_nothing_and_is_reported(
    roomy: LanguageModel, tmp_path: Path
) -> None:
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        made = judge(roomy, cache)
        judged = made.score_many(ROWS[:1])
        assert judged[0].score is None
        assert tally(judged).outcomes["cut_off"] == 3
        assert tally(judged).completion_tokens == 3 * (3 + 12)
        assert len(cache) == 0
        assert made.score_many(ROWS[:1]) == judged  # greedy


def test_a_reply_that_was_cut_off_is_asked_for_once_more(
    roomy: LanguageModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    batches = replying(monkeypatch, "Rating: [[1]]", finished=("length", "end"))
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        judged = judge(roomy, cache).score_many(ROWS[:1])
        assert judged[0].score is not None
        assert judged[0].score.overall == 1.0
        assert [len(batch) for batch in batches] == [3, 3]
        assert all(later.startswith(first) for first, later in zip(sorted(batches[0]), sorted(batches[1]), strict=True))
        assert len(cache) == 3


def test_a_reply_that_cannot_be_read_counts_zero_and_is_reported(
    roomy: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    replying(monkeypatch, "Well.")
    judged = judge(roomy).score_many(ROWS[:1])
    assert judged[0].score is not None
    assert judged[0].score.overall == 0.0
    assert tally(judged).outcomes["unparsable"] == 3


def test_samples_differ_and_repeat(roomy: LanguageModel, tmp_path: Path) -> None:
    def said(name: str, batch_size: int) -> list[tuple[str, ...]]:
        rows = [replace(ROWS[0], sample=sample) for sample in range(3)]
        with ReplyCache(tmp_path / name) as cache:
            made = judge(roomy, cache, temperature=1.0, batch_size=batch_size)
            return [tuple(rating.reason for rating in one.ratings) for one in made.score_many(rows)]

    first = said("a.sqlite", 1)
    assert len(set(first)) == 3
    assert said("b.sqlite", 3) == first


def test_a_stop_keeps_whole_replies_only(roomy: LanguageModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replying(monkeypatch, "Rating: [[1]]")
    calls = 0

    def should_stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 6  # inside the second batch

    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        judged = judge(roomy, cache).score_many(ROWS, should_stop=should_stop)
        assert len(cache) == 4
        assert tally(judged).outcomes["stopped"] == 5


def test_a_text_that_does_not_fit_fails_alone(roomy: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch, "Rating: [[2]]")
    long = RowToJudge("sea", "Say something.", "word " * 3000)
    judged = judge(roomy).score_many([long, ROWS[0]])
    assert judged[0].score is None
    assert "shorten the prompt" in judged[0].ratings[0].reason
    assert judged[1].score is not None


def test_other_weights_are_another_judge(roomy: LanguageModel) -> None:
    before = weights_fingerprint(roomy)
    assert weights_fingerprint(roomy) == before
    identity = judge(roomy).identity
    next(iter(roomy.model.parameters())).data.mul_(1.001)
    assert weights_fingerprint(roomy) != before
    assert judge(roomy).identity != identity


def test_who_cannot_judge_says_so(tiny_gpt2: LanguageModel, tiny_llama: LanguageModel) -> None:
    with pytest.raises(JudgeError, match="no chat template"):
        LocalJudge(tiny_gpt2)
    with pytest.raises(JudgeError, match="give both"):
        LocalJudge(tiny_llama, settings=JudgeSettings(max_tokens=None))
