"""An OpenAI-compatible endpoint on this machine that answers what a test tells it to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One HTTP answer.

    Attributes:
        status: HTTP status.
        body: sent as JSON; a string goes as it is.
        headers: besides the usual ones.
        delay: seconds before it is sent.
        content_type: of the body.
        blanks: so many are sent before the body, one every hundredth of a second, as servers do that keep a connection
            open while they think.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    content_type: str = "application/json"
    blanks: int = 0


def completion(text: str | list[Any] | None, *, refusal: str | None = None, finish: str = "stop") -> Answer:
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return Answer(
        body={
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": "stub",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }
    )


def failure(status: int, message: str = "no", code: str | None = None, **headers: str) -> Answer:
    body = {"error": {"message": message, "type": "stub", "param": None, "code": code}}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Stub:
    """What the endpoint saw and what it will say.

    Attributes:
        url: base URL.
        script: answers in the order of the requests; after the last, ``usual`` for ever.
        usual: the answer when the script is used up.
        seen: bodies of the requests.
        headers: of every request, names in lower case.
        most_at_once: largest number of requests under way.
    """

    def __init__(self) -> None:
        self.url = ""
        self.script: list[Answer] = []
        self.usual = completion("It is there.\nRating: [[2]]")
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        with self._lock:
            self.seen.append(body)
            self.headers.append(headers)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            found = self.script.pop(0) if self.script else self.usual
        time.sleep(found.delay)
        with self._lock:
            self._now -= 1
        return found


@contextmanager
def stub_endpoint() -> Iterator[Stub]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = stub.answer({**body, "path": self.path}, headers)
            data = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(data) + answer.blanks))
                self.end_headers()
                for _ in range(answer.blanks):
                    self.wfile.write(b" ")
                    time.sleep(0.01)
                self.wfile.write(data)
            except OSError:  # the client had no patience
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
