import json
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steering.errors import Cancelled, JudgeError
from steering.judges.batch import BatchJudge
from steering.judges.cache import ReplyCache
from steering.judges.openai_judge import REQUIREMENT, OpenAIJudge
from steering.judges.rows import RowToJudge, tally
from steering.judges.settings import JudgeSettings
from tests.unit.judges.stub import Answer, Stub, completion, failure, stub_endpoint

ROOT = Path(__file__).parents[3]
KEY = "sk-very-secret-0123456789"
ROW = RowToJudge("the sea", "Tell me a story.", "Waves broke on the shore.")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "STEERSCOPE_JUDGE_API_KEY", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    with stub_endpoint() as found:
        yield found


class Pauses:
    """Waits for nothing and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, stopped: threading.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        return stopped.is_set()


def judge(stub: Stub, *, cache: ReplyCache | None = None, pauses: Pauses | None = None, **settings: Any) -> OpenAIJudge:
    return OpenAIJudge(
        "stub-1",
        base_url=stub.url,
        api_key=KEY,
        settings=JudgeSettings(**{"concurrency": 1, "timeout": 5.0, "retries": 2, **settings}),
        cache=cache,
        pause=pauses or Pauses(),
    )


def test_three_good_replies_make_a_score(stub: Stub) -> None:
    stub.script = [
        completion("The sea is the scene.\nRating: [[2]]"),
        completion("No story.\nRating: [[1]]"),
        completion("Fine.\nRating: [[2]]"),
    ]
    made = judge(stub, temperature=0.7)
    assert isinstance(made, BatchJudge)
    score = made.score(ROW.concept, ROW.prompt, ROW.text)
    assert (score.concept, score.instruction, score.fluency) == (2, 1, 2)
    assert score.overall == pytest.approx(1.5)
    assert score.reasons == ("Concept: The sea is the scene.", "Instruction: No story.", "Fluency: Fine.")
    for body in stub.seen:
        assert body["path"] == "/v1/chat/completions"
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("stub-1", 0.7, 512)
        assert [message["role"] for message in body["messages"]] == ["user"]
    assert stub.headers[0]["authorization"] == f"Bearer {KEY}"


def test_what_is_left_to_the_endpoint_is_not_sent(stub: Stub) -> None:
    judge(stub, temperature=None, max_tokens=None).score_many([ROW])
    assert set(stub.seen[0]) == {"model", "messages", "path"}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (completion("I cannot decide."), "unparsable"),
        (completion(None), "unparsable"),
        (completion("Rating: [[7]]"), "out_of_range"),
        (completion(None, refusal="I will not."), "refused"),
        (completion("", finish="content_filter"), "refused"),
        (failure(400, "filtered", "content_filter"), "refused"),
    ],
)
def test_what_is_no_rating_counts_zero_and_is_reported(stub: Stub, answer: Answer, outcome: Any) -> None:
    stub.script = [answer]  # of the concept; the others are rated 2
    judged = judge(stub).score_many([ROW])
    score = judged[0].score
    assert score is not None
    assert (score.concept, score.instruction, score.fluency, score.overall) == (0, 2, 2, 0.0)
    assert [rating.outcome for rating in judged[0].ratings] == [outcome, "rated", "rated"]
    assert "counts as 0" in score.reasons[0]
    found = tally(judged)
    assert (found.outcomes[outcome], found.n_counted_as_zero, found.n_scored) == (1, 1, 1)
    assert "counted as 0" in found.sentence()
    assert len(stub.seen) == 3  # an odd reply is a reply: it is not asked for again


def test_a_reply_that_was_cut_off_is_asked_for_once_more_and_shorter(stub: Stub, tmp_path: Path) -> None:
    stub.script = [completion("Thinking ..., Rating: [[0", finish="length"), completion("Rating: [[2]]")]
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        judged = judge(stub, cache=cache, max_tokens=50).score_many([ROW])
        assert judged[0].score is not None
        assert judged[0].score.overall == 2.0
        assert [body["max_tokens"] for body in stub.seen] == [50, 200, 50, 50]
        first, second = (body["messages"][0]["content"] for body in stub.seen[:2])
        assert second.startswith(first)
        assert second != first
        assert tally(judged).prompt_tokens == 400  # both were paid for
        # What came at last is the question's reply from now on.
        assert judge(stub, cache=cache, max_tokens=50).score_many([ROW])[0].score == judged[0].score
        assert len(stub.seen) == 4


@pytest.mark.parametrize(
    "second", [completion("And so on", finish="length"), failure(400, "max_tokens is too large"), failure(500, "boom")]
)
def test_a_reply_that_stays_cut_off_rates_nothing_and_is_not_kept(stub: Stub, second: Answer, tmp_path: Path) -> None:
    stub.script = [completion("Thinking ..., Rating: [[0", finish="length"), second]
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        judged = judge(stub, cache=cache).score_many([ROW])
        assert judged[0].score is None
        assert [rating.outcome for rating in judged[0].ratings] == ["cut_off", "rated", "rated"]
        assert "cut off" in judged[0].ratings[0].reason
        assert "1 replies cut off" in tally(judged).sentence()
        assert len(cache) == 2
        assert judge(stub, cache=cache).score_many([ROW])[0].score is not None
        assert len(stub.seen) == 5
    stub.script = [completion("Thinking", finish="length"), second]
    with pytest.raises(JudgeError, match="gave no concept rating: The judge's reply was cut off"):
        judge(stub).score(ROW.concept, ROW.prompt, ROW.text)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "It is there.\nRating: [[1]]"}],
        [{"type": "text", "text": "It is there.\n"}, {"type": "text", "text": "Rating: [[1]]"}],
        [{"type": "thinking", "thinking": "Rating: [[0]]"}, {"text": "It is there.\nRating: [[1]]"}],
        ["It is there.\n", "Rating: [[1]]"],
    ],
)
def test_content_in_parts_is_read(stub: Stub, content: list[Any]) -> None:
    stub.usual = completion(content)
    score = judge(stub).score(ROW.concept, ROW.prompt, ROW.text)
    assert (score.concept, score.instruction, score.fluency) == (1, 1, 1)
    assert score.reasons[0] == "Concept: It is there."


def test_an_answer_that_never_ends_ends_at_the_deadline(stub: Stub) -> None:
    body = completion("Rating: [[2]]").body
    stub.usual = Answer(body=body, blanks=3)  # signs of life before an answer do not hurt
    assert judge(stub).score_many([ROW])[0].score is not None
    stub.script = [Answer(body=body, blanks=3000)]
    began = time.monotonic()
    judged = judge(stub, timeout=5.0, deadline=0.2, retries=0).score_many([ROW])
    assert time.monotonic() - began < 10  # half a minute of blanks would have come
    assert judged[0].ratings[0].outcome == "failed"
    assert judged[0].ratings[0].reason == "No whole answer came within 0.2 seconds."
    assert [rating.outcome for rating in judged[0].ratings[1:]] == ["rated", "rated"]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_passing_failure_is_tried_again(stub: Stub, status: int) -> None:
    stub.script = [failure(status), failure(status)]
    pauses = Pauses()
    judged = judge(stub, pauses=pauses).score_many([ROW])
    assert judged[0].score is not None
    assert len(stub.seen) == 5
    assert 0.375 <= pauses.seconds[0] <= 0.5
    assert 0.75 <= pauses.seconds[1] <= 1.0


def test_the_servers_wish_to_wait_is_heard(stub: Stub) -> None:
    stub.script = [failure(429, retry_after="7"), failure(429, retry_after_ms="2500"), failure(429, retry_after="0")]
    pauses = Pauses()
    assert judge(stub, pauses=pauses, retries=3).score_many([ROW])[0].score is not None
    assert pauses.seconds[:2] == [7.0, 2.5]
    assert pauses.seconds[2] >= 1.5  # 0 is no invitation
    stub.script = [failure(429, retry_after="86400")]
    judged = judge(stub, pauses=pauses).score_many([ROW])
    assert judged[0].ratings[0].outcome == "failed"
    assert len(pauses.seconds) == 3


def test_500s_until_exhausted_leave_the_row_without_a_score(stub: Stub, tmp_path: Path) -> None:
    stub.script = [failure(500, "boom")] * 3
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        judged = judge(stub, cache=cache).score_many([ROW])
        assert judged[0].score is None
        assert [rating.outcome for rating in judged[0].ratings] == ["failed", "rated", "rated"]
        assert "HTTP 500: boom" in judged[0].ratings[0].reason
        assert "1 requests failed" in tally(judged).sentence()
        # The failure was not kept, so the next run asks for it and for nothing else.
        assert len(stub.seen) == 5
        again = judge(stub, cache=cache).score_many([ROW])
        assert len(stub.seen) == 6
        assert again[0].score is not None
        assert [rating.cached for rating in again[0].ratings] == [False, True, True]


def test_one_completion_without_a_reply_is_an_error(stub: Stub) -> None:
    stub.usual = failure(503, "asleep")
    with pytest.raises(JudgeError, match=r"gave no concept rating: HTTP 503: asleep\."):
        judge(stub, retries=0).score(ROW.concept, ROW.prompt, ROW.text)


def test_an_endpoint_that_is_down_ends_the_run(stub: Stub) -> None:
    stub.usual = failure(500, "boom")
    rows = [RowToJudge("c", "p", f"text {number}") for number in range(50)]
    with pytest.raises(JudgeError, match="4 requests in a row"):
        judge(stub, retries=0).score_many(rows)
    assert len(stub.seen) <= 6


def test_a_time_out_is_tried_again_and_then_reported(stub: Stub) -> None:
    slow = Answer(body={}, delay=1.5)
    stub.script = [slow]
    assert judge(stub, timeout=0.5).score_many([ROW])[0].score is not None
    stub.script = [slow, slow]
    judged = judge(stub, timeout=0.5, retries=1).score_many([ROW])
    assert judged[0].score is None
    assert judged[0].ratings[0].reason == "No answer came within 0.5 seconds."


def test_nobody_there(stub: Stub) -> None:
    lonely = OpenAIJudge(
        "m", base_url="http://127.0.0.1:9/v1", api_key=KEY, settings=JudgeSettings(retries=0), pause=Pauses()
    )
    with pytest.raises(JudgeError, match=r"127\.0\.0\.1:9 cannot be reached"):
        lonely.score("c", "p", "t")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body="<html>hello</html>", content_type="text/html"),
        Answer(body="{not json"),
        Answer(body="[]"),
        Answer(body={}),
        Answer(body={"choices": []}),
        Answer(body={"choices": [{}]}),
        Answer(body={"choices": [3]}),
        Answer(body={"choices": [{"message": "Rating: [[2]]"}]}),
        Answer(body={"choices": "many"}),
    ],
)
def test_an_answer_that_is_no_chat_completion(stub: Stub, answer: Answer) -> None:
    stub.script = [answer]
    judged = judge(stub, retries=0).score_many([ROW])
    assert [rating.outcome for rating in judged[0].ratings] == ["failed", "rated", "rated"]
    assert "another form than a chat completion" in judged[0].ratings[0].reason


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (failure(401, f"Incorrect key {KEY}"), r"the key was not accepted \(HTTP 401\)"),
        (failure(403, f"no rights for {KEY}"), r"the key was not accepted \(HTTP 403\)"),
        (failure(404, f"no model stub-1 for {KEY}"), r"HTTP 404: no model stub-1 for \[key\]"),
        (failure(400, "temperature is not supported"), "check model and settings"),
        (failure(422, "what?"), "HTTP 422"),
        (failure(429, "pay first", "insufficient_quota"), "quota is used up"),
    ],
)
def test_what_every_request_would_meet_ends_the_run_at_once(stub: Stub, answer: Answer, words: str) -> None:
    stub.usual = answer
    with pytest.raises(JudgeError, match=words) as caught:
        judge(stub).score_many([ROW])
    assert len(stub.seen) <= 2
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_text_that_is_too_long_costs_its_own_rating_only(stub: Stub) -> None:
    stub.script = [failure(400, "8192 tokens at most", "context_length_exceeded")]
    judged = judge(stub).score_many([ROW])
    assert [rating.outcome for rating in judged[0].ratings] == ["failed", "rated", "rated"]
    assert len(stub.seen) == 3


def test_the_key_is_nowhere(stub: Stub, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stub.script = [failure(500, f"your key {KEY} broke me")] * 3
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        made = judge(stub, cache=cache)
        judged = made.score_many([ROW])
        shown = [repr(made), str(made), made.name, repr(made.endpoint), json.dumps(made.identity), repr(judged)]
        assert "your key [key] broke me" in judged[0].ratings[0].reason
        with pytest.raises(JudgeError, match="does not leave its process"):
            pickle.dumps(made)
    stub.usual = failure(500, f"your key {KEY} broke me")
    with pytest.raises(JudgeError) as caught:
        judge(stub, retries=0).score("c", "p", "t")
    shown.append("".join(traceback.format_exception(caught.value)))
    shown.append(caplog.text)
    shown.extend(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())
    assert all(KEY not in one for one in shown)
    seen: list[BaseException | None] = [caught.value]
    while seen[-1] is not None:
        seen.append(seen[-1].__context__)
    assert len(seen) == 2  # no client error, with its request, hangs behind ours


def test_the_environments_organisation_is_not_told_to_strangers(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    judge(stub).score_many([ROW])
    assert not {"openai-organization", "openai-project"} & set(stub.headers[0])


def test_the_cache_answers_the_second_time(stub: Stub, tmp_path: Path) -> None:
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        first = judge(stub, cache=cache).score_many([ROW])
        second = judge(stub, cache=cache).score_many([ROW])
        assert len(stub.seen) == 3
        assert second[0].score == first[0].score
        assert tally(first).prompt_tokens == 300
        assert (tally(second).prompt_tokens, tally(second).n_cached) == (0, 3)
        # Another sample, another temperature, another concept are asked anew; the last with one question only.
        judge(stub, cache=cache).score_many([RowToJudge(ROW.concept, ROW.prompt, ROW.text, sample=1)])
        assert len(stub.seen) == 6
        judge(stub, cache=cache, temperature=1.0).score_many([ROW])
        assert len(stub.seen) == 9
        judge(stub, cache=cache).score_many([RowToJudge("a lake", ROW.prompt, ROW.text)])
        assert len(stub.seen) == 10
    with sqlite3.connect(tmp_path / "judge.sqlite") as connection:
        columns = [str(row) for row in connection.execute("SELECT * FROM replies")]
    connection.close()
    assert not any("Waves broke" in row for row in columns)  # replies, no prompts


def test_the_same_question_is_asked_once(stub: Stub) -> None:
    rows = [ROW, ROW, RowToJudge("a lake", ROW.prompt, ROW.text), RowToJudge("a lake", ROW.prompt, "  ")]
    made = judge(stub)
    plan = made.plan(rows)
    assert (len(plan.pending), plan.n_ratings, plan.n_empty, plan.n_shared, plan.n_cached) == (4, 12, 3, 5, 0)
    assert not stub.seen
    judged = made.score_many(rows)
    assert len(stub.seen) == 4
    assert judged[0].score == judged[1].score
    assert judged[3].score is not None
    assert judged[3].score.reasons == ("The answer is empty.",)
    found = tally(judged)
    assert (found.prompt_tokens, found.outcomes["empty"], found.outcomes["rated"]) == (400, 3, 9)


def test_progress_order_and_bounded_concurrency(stub: Stub) -> None:
    stub.usual = Answer(body=completion("Rating: [[1]]").body, delay=0.03)
    rows = [RowToJudge("c", f"p{number}", f"text {number}") for number in range(10)]
    told: list[tuple[int, int]] = []
    here = threading.get_ident()

    def progress(done: int, total: int) -> None:
        assert threading.get_ident() == here
        told.append((done, total))

    judged = judge(stub, concurrency=4).score_many(rows, progress=progress)
    assert [one.row for one in judged] == rows
    assert all(one.score is not None and one.score.overall == 1.0 for one in judged)
    assert told == [(done, 30) for done in range(31)]
    assert 2 <= stub.most_at_once <= 4


def test_a_stop_keeps_what_was_answered(stub: Stub, tmp_path: Path) -> None:
    rows = [RowToJudge("c", f"p{number}", f"text {number}") for number in range(20)]
    done = 0

    def progress(count: int, _: int) -> None:
        nonlocal done
        done = count

    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        judged = judge(stub, cache=cache).score_many(rows, progress=progress, should_stop=lambda: done >= 6)
        assert [one.score is None for one in judged] == [False] * 2 + [True] * 18
        assert judged[-1].ratings[0].outcome == "stopped"
        assert "because the run was stopped" in tally(judged).sentence()
        again = judge(stub, cache=cache).score_many(rows)
        assert all(one.score is not None for one in again)
        assert tally(again).n_cached >= 6


def test_a_stop_ends_a_long_wait(stub: Stub) -> None:
    stub.usual = failure(429, retry_after="100")
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    patient = OpenAIJudge("m", base_url=stub.url, api_key=KEY, settings=JudgeSettings(concurrency=2))
    judged = patient.score_many([ROW], should_stop=should_stop)
    assert [rating.outcome for rating in judged[0].ratings] == ["stopped"] * 3
    for thread in threading.enumerate():
        if thread.name.startswith("judge"):
            thread.join(timeout=5)
            assert not thread.is_alive()


def test_a_progress_that_raises_ends_the_run(stub: Stub) -> None:
    def progress(done: int, _: int) -> None:
        if done:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        judge(stub).score_many([RowToJudge("c", f"p{number}", "text") for number in range(20)], progress=progress)
    assert len(stub.seen) <= 3


def test_half_characters_can_be_judged(stub: Stub) -> None:
    assert judge(stub).score("c", "p", "broken \ud83d end").overall == 2.0


def test_no_rows_no_requests(stub: Stub) -> None:
    assert judge(stub).score_many([]) == []
    assert not stub.seen


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(JudgeError, match=f"pip install '{REQUIREMENT}'"):
        OpenAIJudge("m", base_url="http://127.0.0.1:9/v1", api_key=KEY)


def test_the_package_is_bounded_everywhere_alike_and_imported_when_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["judge"] == [REQUIREMENT]
    assert REQUIREMENT in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    script = "import sys, steering.judges.choice, steering.judges.openai_judge; sys.exit('openai' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


def test_a_judge_needs_a_model() -> None:
    with pytest.raises(JudgeError, match="No model was named"):
        OpenAIJudge(" ", base_url="http://127.0.0.1:9/v1")
