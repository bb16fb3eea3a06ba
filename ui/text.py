"""How does text that somebody else wrote get into a label without being read as Markdown?"""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=@/])")


def plain(text: str) -> str:
    """``text`` with everything that Markdown would act on made literal: links, images, formulas, icons, colours."""
    return _SPECIAL.sub(r"\\\1", text)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """``number`` with its noun, thousands separated: "1 example", "1,200 examples"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def memory(n_bytes: int) -> str:
    """A number of bytes as one reads it: "130 KiB", "26 MiB", "5.2 GiB"."""
    for unit, size, digits in (("GiB", 2**30, 1), ("MiB", 2**20, 0)):
        if n_bytes >= size:
            return f"{n_bytes / size:.{digits}f} {unit}"
    return f"{n_bytes / 2**10:.0f} KiB"


def duration(seconds: float) -> str:
    """A length of time as one reads it: "8 s", "2 min 05 s", "1 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
