"""How is a frame with typed slots rendered, and how is a sentence recognised as one?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steering.world.chance import Chance

SlotValues = tuple[str, ...] | range
_SLOT = re.compile(r"\{(\w+?)(2?)\}")
_WORD = re.compile(r"(?<![\w'’-])[\w]+(?![\w'’-])")


def swap_words(text: str, swaps: Mapping[str, str]) -> str:
    """``text`` with every whole word that is a key of ``swaps`` replaced; slots are left alone."""
    if not swaps:
        return text
    return "".join(
        part if part.startswith("{") else _WORD.sub(lambda found: swaps.get(found.group(), found.group()), part)
        for part in re.split(r"(\{\w+\})", text)
    )


def capitalise(text: str) -> str:
    """``text`` with its first letter in upper case and nothing else changed."""
    return text[:1].upper() + text[1:]


def render(frame: str, slots: Mapping[str, SlotValues], bound: Mapping[str, str], rng: Chance) -> str:
    """Fill the slots of a frame.

    Args:
        frame: text with ``{slot}`` and ``{slot2}``.
        slots: values to draw from; ``{slot2}`` never equals ``{slot}``.
        bound: slots whose value is fixed for the whole answer.
        rng: source of chance.
    """
    drawn: dict[str, str] = {}

    def fill(found: re.Match[str]) -> str:
        name, second = found.group(1), found.group(2)
        if name in bound and not second:
            return bound[name]
        if name + second not in drawn:
            taken = {drawn.get(name), drawn.get(name + "2")} - {None}
            values = [value for value in slots[name] if str(value) not in taken] if taken else slots[name]
            drawn[name + second] = str(rng.pick(values))
        return drawn[name + second]

    return _SLOT.sub(fill, frame)


def pattern(frame: str, slots: Mapping[str, SlotValues], swaps: Mapping[str, str] | None = None) -> str:
    """The regular expression that matches exactly the renderings of ``frame``.

    Every slot becomes a named group, a slot's second use a back reference. Numbers of a ``range`` are matched as
    digits; `Matcher` checks their bounds.
    """
    seen: set[str] = set()

    def group(found: re.Match[str]) -> str:
        name = found.group(1) + found.group(2)
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        values = slots[found.group(1)]
        if isinstance(values, range):
            return rf"(?P<{name}>\d{{1,{len(str(values[-1]))}}})"
        options = sorted({swap_words(value, swaps or {}) for value in values}, key=len, reverse=True)
        return f"(?P<{name}>{'|'.join(re.escape(option) for option in options)})"

    pieces = re.split(r"(\{\w+\})", swap_words(frame, swaps or {}))
    return "".join(_SLOT.sub(group, piece) if piece.startswith("{") else re.escape(piece) for piece in pieces)


def first_words(frame: str, slots: Mapping[str, SlotValues], swaps: Mapping[str, str] | None = None) -> frozenset[str]:
    """What stands before the first space in the renderings of ``frame``, each of them a way it can begin."""
    found: set[str] = set()
    begun = {""}
    for piece in re.split(r"(\{\w+\})", swap_words(frame, swaps or {})):
        slot = _SLOT.fullmatch(piece)
        options = [swap_words(str(value), swaps or {}) for value in slots[slot.group(1)]] if slot else [piece]
        longer = {head + option for head in begun for option in options}
        found |= {text.partition(" ")[0] for text in longer if " " in text}
        begun = {text for text in longer if " " not in text}
        if not begun:
            break
    return frozenset(found | begun)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Recognises the renderings of one frame.

    Attributes:
        key: what the caller calls the frame.
        expression: the compiled pattern.
        slots: the slot values, to check numbers and distinctness.
        begins: the first words of the renderings; a text that begins otherwise need not be looked at.
    """

    key: str
    expression: re.Pattern[str]
    slots: Mapping[str, SlotValues]
    begins: frozenset[str]

    def accepts(self, found: re.Match[str]) -> bool:
        """Whether the slots of a match are typed correctly: numbers in range, ``{slot2}`` different from ``{slot}``."""
        values = found.groupdict()
        for name, value in values.items():
            base = name.removesuffix("2")
            allowed = self.slots.get(base)
            if isinstance(allowed, range) and (value.startswith("0") or int(value) not in allowed):
                return False
            if name != base and values.get(base) == value:
                return False
        return True

    def match(self, text: str) -> dict[str, str] | None:
        """The slot values when ``text`` is a rendering of the frame, else None."""
        found = self.expression.fullmatch(text)
        return found.groupdict() if found and self.accepts(found) else None


def matcher(
    key: str,
    frame: str,
    slots: Mapping[str, SlotValues],
    bound: Mapping[str, Iterable[str]],
    swaps: Mapping[str, str] | None = None,
) -> Matcher:
    """A `Matcher` for ``frame``; ``bound`` gives the values that bound slots can take."""
    merged: dict[str, SlotValues] = {**slots, **{name: tuple(values) for name, values in bound.items()}}
    return Matcher(key, re.compile(pattern(frame, merged, swaps)), merged, first_words(frame, merged, swaps))
