import pytest

from steering.errors import JudgeError, SteeringError
from steering.judges.batch import BatchJudge, score_all
from steering.judges.choice import JudgeChoice, make_judge, parse_judge
from steering.judges.rows import RowToJudge
from steering.judges.score import Judge, Score
from steering.judges.settings import JudgeSettings


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("world", JudgeChoice("world")),
        ("openai:gpt-4o-mini", JudgeChoice("openai", "gpt-4o-mini")),
        ("openai:llama3:8b@http://localhost:11434/v1", JudgeChoice("openai", "llama3:8b", "http://localhost:11434/v1")),
        ("openai:who/m@2024@https://h/v1", JudgeChoice("openai", "who/m@2024", "https://h/v1")),
        ("local:google/gemma-2-2b-it", JudgeChoice("local", "google/gemma-2-2b-it")),
        ("local:C:\\models\\x", JudgeChoice("local", "C:\\models\\x")),
    ],
)
def test_a_choice_is_read_and_written(text: str, choice: JudgeChoice) -> None:
    assert parse_judge(text) == choice
    assert str(choice) == text
    assert parse_judge(str(choice)) == choice


def test_an_address_has_one_form() -> None:
    assert parse_judge(" OpenAI:m@http://h/v1/ ") == JudgeChoice("openai", "m", "http://h/v1")


@pytest.mark.parametrize(
    "text",
    ["", "oracle", "openai", "openai:", "openai:@http://h/v1", "local:", "world:demo", "openai:m@http://", "claude:x"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(JudgeError):
        parse_judge(text)


def test_an_address_with_a_secret_in_it_is_refused_and_not_repeated() -> None:
    for address in ("https://me:topsecret@h/v1", "https://h/v1?key=topsecret", "https://h:topsecret/v1"):
        with pytest.raises(JudgeError) as caught:
            parse_judge(f"openai:m@{address}")
        assert "topsecret" not in str(caught.value)


def test_the_world_judge_scores_in_bulk_like_any_other() -> None:
    judge = make_judge(parse_judge("world"))
    assert isinstance(judge, Judge)
    assert not isinstance(judge, BatchJudge)


class Counting:
    """A judge of one completion at a time."""

    name = "counting"

    def knows(self, concept: str) -> bool:
        return True

    def score(self, concept: str, prompt: str, text: str) -> Score:
        return Score(len(text), 2, 2)


def test_one_at_a_time_keeps_order_and_stops() -> None:
    rows = [RowToJudge("c", "p", text) for text in ("", "x", "xx")]
    told: list[tuple[int, int]] = []
    judged = score_all(Counting(), rows, progress=lambda done, total: told.append((done, total)))
    assert [one.score.concept for one in judged if one.score] == [0, 1, 2]
    assert told == [(1, 3), (2, 3), (3, 3)]
    stops = iter([False, True])
    judged = score_all(Counting(), rows, should_stop=lambda: next(stops))
    assert [one.score is None for one in judged] == [False, True, True]
    assert [one.row for one in judged] == rows


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"max_tokens": 0},
        {"concurrency": 0},
        {"timeout": 0.0},
        {"retries": -1},
        {"batch_size": 0},
    ],
)
def test_settings_out_of_range(wrong: dict) -> None:
    with pytest.raises(SteeringError, match=r"choose|allow"):
        JudgeSettings(**wrong)
