"""How is a file written so that nobody ever sees half of it?"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block ends well.

    Whoever reads ``path`` meanwhile, or after a crash, finds what was there before or all of the new contents. An
    error inside the block leaves ``path`` as it was and removes what was written.

    Args:
        path: what is to be written; its folder exists.

    Raises:
        OSError: the folder cannot be written to.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def left_parts(path: Path) -> list[Path]:
    """What processes that were killed inside :func:`replacing` left beside ``path``, or are writing there just now."""
    name = re.compile(rf"\.{re.escape(path.name)}\.\d+\.part")
    return [one for one in path.parent.iterdir() if name.fullmatch(one.name)]
