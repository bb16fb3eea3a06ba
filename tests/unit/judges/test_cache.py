import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from steering.errors import JudgeError
from steering.judges.cache import Reply, ReplyCache, reply_key

ROOT = Path(__file__).parents[3]
IDENTITY = {"endpoint": "http://a/v1", "model": "m", "temperature": 0.0, "max_tokens": 9, "rubric": 1}


def test_what_is_put_is_got_and_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "judge.sqlite"
    reply = Reply("It is there. “ü” \udcff\nRating: [[2]]", "answered", 7, 3)
    with ReplyCache(path) as cache:
        assert cache.get("k") is None
        stored = cache.put("k", reply)
        assert stored.text == "It is there. “ü” ?\nRating: [[2]]"
        assert cache.get("k") == stored
    with ReplyCache(path) as cache:
        assert cache.get("k") == stored
        assert len(cache) == 1


def test_the_first_reply_stays_and_failures_are_not_kept(tmp_path: Path) -> None:
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        first = cache.put("k", Reply("one"))
        assert cache.put("k", Reply("two")) == first
        assert cache.put("f", Reply("HTTP 500", "failed")).kind == "failed"
        assert cache.get("f") is None
        assert cache.put("r", Reply("no", "refused")) == cache.get("r")


def test_everything_that_matters_is_in_the_key() -> None:
    base = reply_key(IDENTITY, "prompt", 0)
    assert reply_key(dict(reversed(IDENTITY.items())), "prompt", 0) == base
    others = [
        *(reply_key({**IDENTITY, name: "other"}, "prompt", 0) for name in IDENTITY),
        reply_key({**IDENTITY, "temperature": None}, "prompt", 0),
        reply_key(IDENTITY, "prompt ", 0),
        reply_key(IDENTITY, "prompt", 1),
    ]
    assert len({base, *others}) == len(others) + 1


def test_many_keys_in_one_question(tmp_path: Path) -> None:
    with ReplyCache(tmp_path / "judge.sqlite") as cache:
        for number in range(0, 1200, 2):
            cache.put(str(number), Reply(str(number)))
        found = cache.get_many([str(number) for number in range(1200)])
        assert found == {str(number): Reply(str(number)) for number in range(0, 1200, 2)}
        assert cache.get_many([]) == {}


def test_threads_share_one_cache(tmp_path: Path) -> None:
    with ReplyCache(tmp_path / "judge.sqlite") as cache, ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda number: cache.put(str(number % 50), Reply(str(number))), range(400)))
        assert len(cache) == 50
        assert all(cache.get(str(number % 50)) == kept[number] for number in range(400))


WRITER = """
import sys
from steering.judges.cache import Reply, ReplyCache
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
cache = ReplyCache(path)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    print(cache.put(str(number), Reply(f"{name} {number}")).text, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_two_processes_end_with_the_same_replies(tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    both = [writer(path, name, 200) for name in ("a", "b")]  # they open the new file at the same time
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert len(said[0]) == 200


def test_a_killed_writer_loses_nothing_that_it_stored(tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    process = writer(path, "a", 100_000)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    said = [process.stdout.readline() for _ in range(20)][1:]
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    with ReplyCache(path) as cache:
        assert all(cache.get(str(number)) == Reply(text.strip()) for number, text in enumerate(said))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_opens_its_own_connection(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "judge.sqlite")
    cache.put("parent", Reply("p"))
    child = os.fork()
    if child == 0:
        ok = cache.get("parent") == Reply("p") and cache.put("child", Reply("c")) == Reply("c")
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get("child") == Reply("c")
    cache.close()


def test_a_busy_file_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    with ReplyCache(path) as cache, ThreadPoolExecutor(1) as pool:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        put = pool.submit(cache.put, "k", Reply("late"))
        time.sleep(0.1)
        assert not put.done()
        other.execute("COMMIT")
        other.close()
        assert put.result(timeout=10) == Reply("late")


def test_a_file_that_is_no_cache_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("these are my notes " * 100, encoding="utf-8")
    with pytest.raises(JudgeError, match="cannot be used"):
        ReplyCache(text)
    assert text.read_text(encoding="utf-8").startswith("these are my notes")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(JudgeError, match="not a cache of this version"):
        ReplyCache(other)
    with pytest.raises(JudgeError, match="cannot be used"):
        ReplyCache(tmp_path)


def test_a_closed_cache_says_so(tmp_path: Path) -> None:
    cache = ReplyCache(tmp_path / "judge.sqlite")
    cache.close()
    with pytest.raises(JudgeError, match="was closed"):
        cache.get("k")
