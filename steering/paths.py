"""Which file or folder of this machine does a text name that somebody typed?"""

from pathlib import Path


def existing_path(text: str) -> Path | None:
    """The file or folder that ``text`` names, ``~`` spelt out; None where it names none.

    Any text may be asked about: a name that is too long for a file system, of a user who does not exist, with a NUL
    or behind a folder that may not be read names nothing.
    """
    try:
        path = Path(text).expanduser()
        path.stat()
    except (OSError, RuntimeError, ValueError):
        return None
    return path


def is_path(text: str) -> bool:
    """Whether ``text`` can mean nothing but a file or folder: no name on the Hub begins like this."""
    return Path(text).is_absolute() or text.startswith((".", "~")) or "\\" in text
