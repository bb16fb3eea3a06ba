"""How is each method named and drawn, so that nineteen of them can be told apart?

The colour is that of the method's family; within a family dash and marker differ, and controls are hollow. Colour never
stands alone.
"""

from dataclasses import dataclass

from steering.methods.registry import METHODS, method
from ui.palette import FEATURE_COLOURS, NEGATIVE

_BLUE, _ORANGE, _GREEN, _PURPLE = FEATURE_COLOURS
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon")
USUAL = ("none", "prompt", "sae_f1c", "lora", "diffmean", "sae_f1c_output")
"""Methods that most questions are about, what must not be missing first; shown before anything was chosen."""


@dataclass(frozen=True, slots=True)
class Style:
    """One method on the screen.

    Attributes:
        title: with "control" where it is one.
        colour: of its family, ``#rrggbb``.
        dash: of its lines.
        symbol: of its markers.
    """

    title: str
    colour: str
    dash: str
    symbol: str


def style(name: str) -> Style:
    """How a method is drawn."""
    family = _family(name)
    place = [one.name for one in METHODS if _family(one.name) == family].index(name)
    symbol = _SYMBOLS[place % len(_SYMBOLS)]
    if method(name).is_control:
        symbol += "-open"
    return Style(titled(name), _COLOURS[family], _DASHES[place % len(_DASHES)], symbol)


def titled(name: str) -> str:
    """A method's title, short enough for a column; a control says that it is one."""
    found = method(name)
    title = _SHORT.get(name, found.title)
    return f"{title} (control)" if found.is_control else title


def usual(names: tuple[str, ...], *, most: int = 6) -> list[str]:
    """What to show of ``names`` at first."""
    return ([name for name in USUAL if name in names] or list(names))[:most]


_SHORT = {
    "sae_label": "SAE, label search",
    "sae_auroc": "SAE, AUROC",
    "sae_f1c": "SAE, calibrated F1",
    "sae_f1c_output": "SAE, F1 + output score",
    "sae_f1c_confidence": "SAE, F1 + confidence",
    "sae_topk": "SAE, top features",
    "ssv": "Supervised vector",
    "sft": "Fine-tuning",
    "random_feature": "Random feature",
    "other_concept": "Other concept",
}
_COLOURS = {"sae": _BLUE, "prompt": _ORANGE, "direction": _GREEN, "weights": _PURPLE, "control": NEGATIVE}


def _family(name: str) -> str:
    found = method(name)
    if found.is_control:
        return "control"
    if found.needs_sae:
        return "sae"
    return {"prompted": "prompt", "directions": "direction", "adapters": "weights"}[found.home]
