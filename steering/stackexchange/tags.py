"""Which tags does a question carry?"""

import re

_ANGLE = re.compile(r"(?:<[^<>|\s]+>)+")
_PIPE = re.compile(r"\|(?:[^<>|\s]+\|)+")
_TAG = re.compile(r"[^<>|\s]+")


def parse_tags(cell: str) -> tuple[str, ...] | None:
    """The tags of a ``Tags`` attribute, each once, in the given order; None where it is written in no known way.

    Dumps until 2023 write ``<python><list>``, later ones ``|python|list|``.
    """
    cell = cell.strip()
    if not cell:
        return ()
    if not (_ANGLE.fullmatch(cell) or _PIPE.fullmatch(cell)):
        return None
    return tuple(dict.fromkeys(_TAG.findall(cell)))
