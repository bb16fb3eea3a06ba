"""How does one process keep others out of a folder that it writes to?"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steering.errors import SteeringError

try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
_log = logging.getLogger(__name__)


@contextmanager
def holding(path: Path, doing: str) -> Iterator[None]:
    """Hold a folder for the block; the system lets go of it when this process ends, however it ends.

    Where the system has no such lock (Windows), nothing is held and a warning says so.

    Args:
        path: a folder that exists; the file ``.lock`` in it is made and stays.
        doing: for the sentence to the second one, such as "running the benchmark".

    Raises:
        SteeringError: it is held already.
        OSError: the folder cannot be written to.
    """
    with (path / LOCK).open("ab") as lock:
        if fcntl is None:
            _log.warning("%s cannot be locked on this system; see that no other process is %s there.", path, doing)
        else:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SteeringError(f"Another process is {doing} in {path}; wait for it or stop it.") from error
        yield
