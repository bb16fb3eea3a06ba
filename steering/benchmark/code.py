"""Which code made this? Told without git, which an installed package has not."""

import hashlib
from functools import cache
from pathlib import Path

import steering


@cache
def code_hash(package: str = "") -> str:
    """SHA-256 over the names and contents of the source files of ``steering``, or of a package below it."""
    root = Path(steering.__file__).parent / package
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(f"{file.relative_to(root).as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
