"""Which replies of a judge are already paid for?

One SQLite file. Safe for threads and for several processes of one machine (write-ahead log; not on a network drive).
Every reply is written by itself, whole or not at all, so a killed run loses nothing that had come. The file holds
replies and the hashes of what was asked, never a key and never a prompt.
"""

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from steering.errors import JudgeError

SCHEMA = 1
BUSY_SECONDS = 30.0
"""How long one process waits for another to finish its write."""
_BLOCK = 500  # keys per query, below every SQLite's limit on variables

_CREATE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    made_at REAL NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one question.

    Attributes:
        text: the judge's words; what went wrong where it failed.
        kind: "answered", "refused" by the judge or a content filter, "cut" where it came to the limit of its length
            before its end, "failed" where no reply came. The last two are never stored.
        prompt_tokens: as reported, 0 where not.
        completion_tokens: as reported, 0 where not.
    """

    text: str
    kind: Literal["answered", "refused", "cut", "failed"] = "answered"
    prompt_tokens: int = 0
    completion_tokens: int = 0


def reply_key(identity: Mapping[str, str | int | float | None], prompt: str, sample: int) -> str:
    """SHA-256 over everything that a reply depends on.

    Args:
        identity: of the judge: endpoint or weights, model, temperature, length limit, rubric version.
        prompt: the whole question.
        sample: number of the judgement.
    """
    content = json.dumps([SCHEMA, dict(identity), prompt, sample], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


class ReplyCache:
    """Replies on disk.

    Args:
        path: of the file; made with its folder where missing.

    Raises:
        JudgeError: the file is something else, of another version, or cannot be written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0
        self._closed = False
        with self._lock:
            self._open()

    def __repr__(self) -> str:
        return f"ReplyCache({str(self.path)!r})"

    def __enter__(self) -> "ReplyCache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        with self._lock:
            return int(self._run("SELECT COUNT(*) FROM replies")[0][0])

    def get(self, key: str) -> Reply | None:
        """The reply stored under ``key``, None where there is none."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Those of ``keys`` that are stored, with their replies."""
        found: dict[str, Reply] = {}
        with self._lock:
            for start in range(0, len(keys), _BLOCK):
                block = keys[start : start + _BLOCK]
                marks = ",".join("?" * len(block))
                query = f"SELECT key, text, kind, prompt_tokens, completion_tokens FROM replies WHERE key IN ({marks})"
                for key, text, kind, prompt_tokens, completion_tokens in self._run(query, tuple(block)):
                    found[key] = Reply(text, kind, prompt_tokens, completion_tokens)
        return found

    def put(self, key: str, reply: Reply) -> Reply:
        """Store ``reply`` and return what is stored now.

        The first reply under a key stays, so that two processes that asked the same question go on with the same one.
        A failure, and a reply that was cut off, is returned as it is and not stored: asked again, it may be whole.
        """
        if reply.kind in ("failed", "cut"):
            return reply
        row = (key, _encoded(reply.text), reply.kind, reply.prompt_tokens, reply.completion_tokens, time.time())
        with self._lock:
            self._run("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)", row)
            return self.get(key) or reply

    def close(self) -> None:
        """Give the file back; the cache answers nothing afterwards."""
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection, self._closed = None, True

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            _patiently(connection, "PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            # One writer at a time looks at the version, or two processes could both find none and both write one.
            _patiently(connection, "BEGIN IMMEDIATE")
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
            if version != SCHEMA and (version or tables):
                raise JudgeError(
                    f"{self.path} is not a cache of this version's judges (it has version {version}, {SCHEMA} is "
                    "needed); name another file."
                )
            connection.execute(_CREATE)
            connection.execute(f"PRAGMA user_version={SCHEMA}")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise self._unusable(error) from error
        except JudgeError:
            connection.close()
            raise
        self._connection, self._owner = connection, os.getpid()
        return connection

    def _run(self, query: str, values: tuple[object, ...] = ()) -> list[tuple]:
        if self._closed:
            raise JudgeError(f"The judge's cache {self.path} was closed; open it again.")
        connection = self._connection
        if connection is None or self._owner != os.getpid():  # SQLite's connections do not survive a fork
            connection = self._open()
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> JudgeError:
        return JudgeError(f"The judge's cache {self.path} cannot be used ({error}); name another file or delete it.")


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement that SQLite may refuse at once, without its own waiting, while another process opens the file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _encoded(text: str) -> str:
    """Half a surrogate pair, which a broken reply may hold, has no UTF-8 and would be refused."""
    return text.encode("utf-8", "replace").decode("utf-8")
