"""How is a file written so that nobody ever sees half of it?"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block ends well.

    Whoever reads ``path`` meanwhile, or after a crash, finds what was there before or all of the new contents. An
    error inside the block leaves ``path`` as it was and removes what was written. When the block has ended, the new
    contents outlive a power cut. Each block writes to a path of its own, so that threads may replace one file at once:
    the last one stays.

    Args:
        path: what is to be written; its folder exists.

    Raises:
        OSError: the folder cannot be written to; or, the new contents being there, not be brought to the disk.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        bring_to_disk(part)
        part.replace(path)
        bring_to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def bring_to_disk(path: Path) -> None:
    """See that a file's contents, or the names in a folder, outlive a power cut.

    Raises:
        OSError: the disk is full, or broken.
    """
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def left_parts(path: Path) -> list[Path]:
    """What processes that were killed inside :func:`replacing` left beside ``path``, or are writing there just now."""
    name = re.compile(rf"\.{re.escape(path.name)}\.\d+(-[0-9a-f]{{8}})?\.part")
    return [one for one in path.parent.iterdir() if name.fullmatch(one.name)]
