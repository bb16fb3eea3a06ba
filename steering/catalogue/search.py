"""Which SAEs does somebody mean who types a few words?

Every word must be found. A word with letters may be the beginning of one, a number must be the whole: ``2`` does not
find layer 20. ``layer 12`` (or ``l12``) and ``16k`` are read as that layer and that width.
"""

import functools
import re
from collections.abc import Sequence

from steering.catalogue.directory import catalogue
from steering.catalogue.entry import Entry
from steering.hook_points import SITES

_LAYER = re.compile(r"\b(?:layer[\s_]*|l)(\d+)\b")
_WORD = re.compile(r"[a-z0-9.]+")


class Index:
    """Entries with their words, ready to be searched.

    Args:
        entries: what is searched; results come in the order of usefulness below, not in this one.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(sorted(entries, key=_usefulness))
        self._places: dict[str, set[int]] = {}
        for place, entry in enumerate(self.entries):
            for word in _words_of(entry):
                self._places.setdefault(word, set()).add(place)

    def search(
        self,
        query: str = "",
        *,
        model: str | None = None,
        layer: int | None = None,
        site: str | None = None,
        width: int | None = None,
        l0: tuple[int | float, int | float] | None = None,
        steerable: bool | None = None,
    ) -> list[Entry]:
        """Entries that match all that is given; see `search`."""
        words = query.casefold()
        if match := _LAYER.search(words):
            if layer is not None and layer != int(match[1]):
                return []
            layer, words = int(match[1]), words.replace(match[0], " ", 1)
        found: set[int] | None = None
        for word in _split(words):
            places = self._with(word)
            found = places if found is None else found & places
            if not found:
                return []
        chosen = self.entries if found is None else [self.entries[place] for place in sorted(found)]
        return [
            entry
            for entry in chosen
            if (model is None or entry.model == model)
            and (layer is None or entry.layer == layer)
            and (site is None or entry.site == site)
            and (width is None or entry.width == width)
            and (l0 is None or (entry.l0 is not None and l0[0] <= entry.l0 <= l0[1]))
            and (steerable is None or entry.steerable == steerable)
        ]

    def _with(self, word: str) -> set[int]:
        if word.replace(".", "").isdigit():
            return self._places.get(word, set())
        return set().union(*(places for known, places in self._places.items() if known.startswith(word)))


@functools.cache
def _index() -> Index:
    return Index(catalogue())


def search(
    query: str = "",
    *,
    model: str | None = None,
    layer: int | None = None,
    site: str | None = None,
    width: int | None = None,
    l0: tuple[int | float, int | float] | None = None,
    steerable: bool | None = None,
) -> list[Entry]:
    """SAEs of the catalogue that match all that is given, the more useful first.

    Args:
        query: words, e.g. ``gemma 2 2b layer 12 16k``; empty matches everything.
        model: Hub id of the model that it was trained on.
        layer: zero-based decoder block.
        site: as in ``Entry.site``.
        width: number of features.
        l0: lowest and highest declared l0; an SAE that declares none is left out.
        steerable: only those that can, or cannot, steer.

    Raises:
        SaeError: sae-lens is not installed.
    """
    return _index().search(query, model=model, layer=layer, site=site, width=width, l0=l0, steerable=steerable)


def width_name(width: int | None) -> str:
    """A width as authors write it: 16k, 131k, 1m."""
    if width is None:
        return "–"
    if width >= 1 << 20:
        return f"{width >> 20}m"
    if width >= 1 << 16 and width & (width - 1) == 0:
        return f"{width // 1000}k"  # 65,536 is 65k, as nobody says 64k of it
    return f"{width >> 10}k" if width % 1024 == 0 else str(width)


def _usefulness(entry: Entry) -> tuple[object, ...]:
    """What can steer first, then by model and layer, in which what others can look up comes first."""
    site = SITES.index(entry.site) if entry.site in SITES else len(SITES)
    return (
        not entry.steerable,
        entry.model.casefold(),
        site != SITES.index("resid_post"),
        -1 if entry.layer is None else entry.layer,
        "__trainer_" in entry.sae_id,  # one of a sweep over settings, or a checkpoint of one
        not entry.sae_id.endswith("canonical"),
        entry.neuronpedia_id is None,
        site,
        entry.width or 0,
        entry.l0 or 0.0,
        entry.release,
        entry.sae_id,
    )


def _words_of(entry: Entry) -> set[str]:
    words = {*_split(entry.release), *_split(entry.model), *_split(entry.sae_id), *_split(entry.site or "")}
    if entry.width is not None:
        words |= {width_name(entry.width), str(entry.width)}
    if entry.architecture is not None:
        words.add(entry.architecture)
    if words & {"it", "instruct"}:
        words |= {"it", "instruct"}
    return words


def _split(text: str) -> list[str]:
    return [word.strip(".") for word in _WORD.findall(text.casefold()) if word.strip(".")]
