"""What does a language model behind an OpenAI-compatible endpoint say about a completion?

The `openai` package is an extra and imported when a judge is made. Retries are our own and not the client's, because a
wait of two minutes must end when the user stops the run, and because a used-up quota, which has the status of a passing
overload, is not worth waiting for. Answers are read piece by piece, because the client's time-out begins anew with
every byte that comes, so that an endpoint that sends blanks to keep a connection open could hold a request for ever.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, NoReturn

from steering.errors import JudgeError, JudgeUnusableError
from steering.judges.cache import Reply, ReplyCache
from steering.judges.endpoint import Endpoint, find_endpoint
from steering.judges.rubric import SHORTER
from steering.judges.rubric_judge import Question, RubricJudge
from steering.judges.settings import MORE_TOKENS, JudgeSettings

REQUIREMENT = "openai>=3.54,<4"
"""The same as the extra ``judge`` in pyproject.toml."""
FIRST_DELAY, LAST_DELAY, LONGEST_DELAY = 0.5, 16.0, 120.0
"""Seconds: before the first retry, doubled up to the second number; a server may ask for up to the third."""
POLL_SECONDS = 0.2
MAX_DETAIL = 200
RETRIED = frozenset({408, 409, 429})
FILTERED = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
LONGEST_ANSWER = 16 * 2**20
"""Bytes: far more than any rating, thinking aloud included."""
TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why no reply came.

    Attributes:
        sentence: for the user, without the key.
        again: whether another attempt may help.
        fatal: whether every other question will meet the same.
        after: seconds that the server asks to wait, None where it says nothing.
    """

    sentence: str
    again: bool = False
    fatal: bool = False
    after: float | None = None


class OpenAIJudge(RubricJudge):
    """A model behind an OpenAI-compatible endpoint, as a `steering.judges.batch.BatchJudge`.

    Args:
        model: as the endpoint calls it.
        base_url: of the endpoint, up to and with ``/v1``; None takes OPENAI_BASE_URL, or OpenAI.
        api_key: None takes STEERSCOPE_JUDGE_API_KEY, or OPENAI_API_KEY where that is the endpoint's.
        settings: temperature, concurrency and so on.
        cache: where replies are kept.
        pause: waits for some seconds between attempts and answers True when the run was stopped; tests bring their own.

    Raises:
        JudgeError: no model named, the `openai` package is missing, unusable address or key.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        settings: JudgeSettings | None = None,
        cache: ReplyCache | None = None,
        pause: Callable[[threading.Event, float], bool] | None = None,
    ) -> None:
        if not model.strip():
            raise JudgeError("No model was named for the judge; name one, such as openai:gpt-4o-mini.")
        self.model = model.strip()
        self.settings = settings or JudgeSettings()
        self.endpoint = find_endpoint(base_url, api_key)
        super().__init__(
            {
                "judge": "openai",
                "endpoint": self.endpoint.base_url,
                "model": self.model,
                "temperature": None if self.settings.temperature is None else float(self.settings.temperature),
                "max_tokens": self.settings.max_tokens,
            },
            cache,
        )
        self._pause = pause or _wait
        self._client = _client(self.endpoint, self.settings)

    def __repr__(self) -> str:
        return f"OpenAIJudge({self.model!r}, base_url={self.endpoint.base_url!r})"

    def __reduce__(self) -> NoReturn:
        self.endpoint.__reduce__()

    @property
    def name(self) -> str:
        """Model and host."""
        return f"{self.model} at {self.endpoint.host}"

    def _answer(
        self,
        questions: Sequence[Question],
        deliver: Callable[[Question, Reply], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Keep ``concurrency`` requests under way.

        After a stop, requests that are under way end by themselves and their replies still reach the cache, because
        they are paid for.
        """
        stopped = threading.Event()
        waiting = iter(questions)
        running: dict[Future[Reply], Question] = {}
        streak, patience = 0, max(4, 2 * self.settings.concurrency)
        pool = ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="judge")
        try:
            while not should_stop():
                for question in islice(waiting, self.settings.concurrency - len(running)):
                    running[pool.submit(self._ask, question, stopped)] = question
                if not running:
                    return
                done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    question, reply = running.pop(future), future.result()
                    streak = streak + 1 if reply.kind == "failed" else 0
                    deliver(question, reply)
                    if streak >= patience:
                        raise JudgeError(
                            f"{streak} requests in a row to {self.name} failed, the last one so: {reply.text} "
                            "Run again later; what was answered is kept where a cache was given."
                        )
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, question: Question, stopped: threading.Event) -> Reply:
        """One question with its retries, in a worker thread."""
        attempt = 0
        while True:
            found = self._request(question.prompt, self.settings.max_tokens)
            if isinstance(found, Reply):
                return self._keep(question, self._whole(question, found, stopped))
            if found.fatal:
                raise JudgeUnusableError(f"The judge {self.name} cannot be used: {found.sentence}")
            wished = found.after or 0.0
            if not found.again or attempt == self.settings.retries or wished > LONGEST_DELAY:
                return Reply(found.sentence, "failed")
            backoff = min(FIRST_DELAY * 2.0**attempt, LAST_DELAY) * random.uniform(0.75, 1.0)
            # A server's 0 is no invitation to ask without a pause.
            if self._pause(stopped, max(backoff, wished)):
                return Reply(found.sentence, "failed")
            attempt += 1

    def _whole(self, question: Question, reply: Reply, stopped: threading.Event) -> Reply:
        """``reply``, or where it was cut off the one that is given when asked once more; both are paid for."""
        if reply.kind != "cut" or self.settings.max_tokens is None or stopped.is_set():
            return reply
        found = self._request(f"{question.prompt}\n\n{SHORTER}", self.settings.max_tokens * MORE_TOKENS)
        if not isinstance(found, Reply):  # such as a limit that is more than the endpoint allows
            return reply
        return replace(
            found,
            prompt_tokens=reply.prompt_tokens + found.prompt_tokens,
            completion_tokens=reply.completion_tokens + found.completion_tokens,
        )

    def _request(self, prompt: str, max_tokens: int | None) -> Reply | _Problem:
        """One attempt. Errors end here: those of the client hold the request, and with it the key."""
        import httpx
        import openai

        options: dict[str, Any] = {}
        if self.settings.temperature is not None:
            options["temperature"] = float(self.settings.temperature)
        if max_tokens is not None:
            # OpenAI has renamed it and its newer models refuse the old name, which is the one that all others know.
            name = "max_completion_tokens" if self.endpoint.is_openai else "max_tokens"
            options[name] = max_tokens
        answer: Any = None
        deadline = time.monotonic() + self.settings.deadline
        try:
            with self._client.chat.completions.with_streaming_response.create(
                model=self.model, messages=[{"role": "user", "content": prompt}], **options
            ) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if time.monotonic() > deadline:
                        return _Problem(f"No whole answer came within {self.settings.deadline:g} seconds.", again=True)
                    if len(body) > LONGEST_ANSWER:
                        break
                else:
                    answer = json.loads(body)
        except openai.APITimeoutError:
            return _Problem(f"No answer came within {self.settings.timeout:g} seconds.", again=True)
        except openai.APIConnectionError as error:
            cause = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
            return _Problem(f"{self.endpoint.host} cannot be reached{cause}; check the address.", again=True)
        except openai.APIStatusError as error:
            return self._status(error)
        except httpx.TimeoutException:  # while the body is read, where the client translates nothing
            return _Problem(f"No answer came within {self.settings.timeout:g} seconds.", again=True)
        except httpx.HTTPError as error:
            return _Problem(f"{self.endpoint.host} broke off its answer ({type(error).__name__}).", again=True)
        except (openai.OpenAIError, ValueError, RecursionError):
            pass  # a body that is no JSON
        found = _reply(answer)
        return found or _Problem(
            f"{self.endpoint.host} answers in another form than a chat completion; a base URL mostly ends in /v1.",
            again=True,
        )

    def _status(self, error: Any) -> Reply | _Problem:
        """What an HTTP status means for this question and for the others."""
        status, code = int(error.status_code), str(error.code or "")
        said = self._said(error)
        if status == 400 and code in FILTERED:
            return Reply(said, "refused")
        if status in (400, 413) and (code in TOO_LONG or status == 413):
            return _Problem(f"The text is too long for the judge (HTTP {status}: {said}).")
        if status in (401, 403):
            # What the server says may quote the key, in part or differently written, so it is not shown.
            return _Problem(f"the key was not accepted (HTTP {status}); check it and its rights.", fatal=True)
        if status == 429 and code == "insufficient_quota":
            return _Problem("the quota is used up (HTTP 429); look at the account's billing.", fatal=True)
        if status in RETRIED or status >= 500:
            return _Problem(f"HTTP {status}: {said}.", again=True, after=_retry_after(error.response.headers))
        return _Problem(f"it refuses the request (HTTP {status}: {said}); check model and settings.", fatal=True)

    def _said(self, error: Any) -> str:
        """The server's own words on one line, cut, without the key."""
        body = error.body
        words = body.get("message") if isinstance(body, Mapping) else None
        line = " ".join(str(words or error.message or "no reason given").split())
        return self.endpoint.scrub(line)[:MAX_DETAIL].rstrip(".")


def _client(endpoint: Endpoint, settings: JudgeSettings) -> Any:
    try:
        import openai
    except ImportError:
        raise JudgeError(
            f"The openai package is not installed; install it with: pip install '{REQUIREMENT}'."
        ) from None
    client = openai.OpenAI(
        api_key=endpoint.reveal(), base_url=endpoint.base_url, timeout=settings.timeout, max_retries=0
    )
    if not endpoint.is_openai:  # read from the environment by the client; nobody else's business
        client.organization = client.project = None
    return client


def _reply(answer: Any) -> Reply | None:
    """The reply in a chat completion, given as the values of its JSON; None where it is none."""
    if not isinstance(answer, dict):
        return None
    choices = answer.get("choices")
    choice: Any = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return None
    usage = answer.get("usage")
    counts = [usage.get(name) if isinstance(usage, dict) else 0 for name in ("prompt_tokens", "completion_tokens")]
    read, written = (count if isinstance(count, int) and count > 0 else 0 for count in counts)
    text, refusal = _text(message.get("content")), message.get("refusal")
    finish = choice.get("finish_reason")
    if refusal or finish == "content_filter":
        return Reply(str(refusal or text or "stopped by a content filter"), "refused", read, written)
    return Reply(text, "cut" if finish == "length" else "answered", read, written)


def _text(content: Any) -> str:
    """What is said in a message: a text, or a list of parts, of which some endpoints make every message."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [
        part if isinstance(part, str) else part.get("text")
        for part in parts
        if isinstance(part, str) or (isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"))
    ]
    return "".join(text for text in texts if isinstance(text, str))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: ``retry-after-ms``, or ``retry-after`` as a number or a date."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) * unit)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, TypeError):
            continue
    return None


def _wait(stopped: threading.Event, seconds: float) -> bool:
    return stopped.wait(seconds)
