"""Does one process at a time hold a folder, and is it said where that cannot be seen to?"""

import logging
import multiprocessing
import os
from pathlib import Path

import pytest

from steering import locking
from steering.errors import SteeringError
from steering.locking import holding


def _hold(path: str, held: object, let_go: object) -> None:
    with holding(Path(path), "labelling features"):
        held.set()  # type: ignore[attr-defined]
        let_go.wait(30)  # type: ignore[attr-defined]


def test_only_one_process_holds_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held, let_go = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), held, let_go))
    process.start()
    try:
        assert held.wait(30)
        with (
            pytest.raises(SteeringError, match=r"Another process is labelling features in .*; wait for it or stop it"),
            holding(tmp_path, "labelling features"),
        ):
            pass
        process.kill()  # the lock goes with its holder
        process.join()
        with holding(tmp_path, "labelling features"):
            pass
    finally:
        process.kill()


def test_nor_do_two_threads_of_one_process(tmp_path: Path) -> None:
    with (
        holding(tmp_path, "labelling features"),
        pytest.raises(SteeringError, match="Another process"),
        holding(tmp_path, "labelling features"),
    ):
        pass
    with holding(tmp_path, "labelling features"):
        assert [one.name for one in tmp_path.iterdir()] == [locking.LOCK]


def test_where_there_is_no_lock_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(locking, "fcntl", None)
    with caplog.at_level(logging.WARNING, logger="steering.locking"), holding(tmp_path, "running the benchmark"):
        pass
    assert "cannot be locked on this system" in caplog.text
    assert "running the benchmark" in caplog.text


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), holding(tmp_path / "missing", "running the benchmark"):
        pass
    assert os.listdir(tmp_path) == []
