"""On which tokens does a feature fire? Examples as readable text, tinted by activation, one token selectable.

One Components-v2 component draws all rows with ``textContent``: 25,600 tokens in about 0.3 s, inert to hostile text.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import streamlit as st

from ui.palette import MAX_TINT, POSITIVE, checked

_HERE = Path(__file__).parent / "components"
_COMPONENT = st.components.v2.component(
    "steerscope_heatmap",
    html='<div class="hm" role="group"></div>',
    css=(_HERE / "heatmap.css").read_text(encoding="utf-8"),
    js="".join((_HERE / name).read_text(encoding="utf-8") for name in ("text.js", "heatmap.js")),
)


class HeatmapRow(TypedDict):
    """One example.

    Attributes:
        tokens: the text in pieces, as decoded; their concatenation is the text.
        values: one activation per token, NaN where a token does not count.
        label: which side of the data the example is on.
        title: a short name ("row 17, held out"); may be empty.
        score: what the rows are sorted by, usually the example's largest activation; None shows nothing.
    """

    tokens: Sequence[str]
    values: Sequence[float]
    label: Literal["positive", "negative"]
    title: NotRequired[str]
    score: NotRequired[float | None]


@dataclass(frozen=True, slots=True)
class TokenSelection:
    """The token a reader chose: its row, and its place in the row's whole text."""

    row: int
    token: int


def heatmap(
    rows: Sequence[HeatmapRow],
    *,
    max_value: float,
    key: str,
    colour: str = POSITIVE,
    window: int | None = None,
    height: int | Literal["content"] = "content",
    score_name: str = "max",
    label: str = "Activation of each token",
    empty: str = "No example to show.",
) -> TokenSelection | None:
    """Draw the rows and return the selected token.

    A token's tint grows from nothing at 0 to full at ``max_value``; pass the same ``max_value`` wherever two heatmaps
    are compared. Hover or focus reads the value out; arrows move, Enter selects, Escape lets go.

    Args:
        rows: the examples, in the order shown.
        max_value: activation of the full tint, in the feature's own units.
        key: widget key; the selection is lost when the rows change.
        colour: the feature's colour, ``#rrggbb``.
        window: show only this many tokens on either side of each row's strongest one; None shows all.
        height: pixels, then the rows scroll inside; or as high as they are.
        score_name: what `HeatmapRow.score` is.
        label: name of the whole for screen readers.
        empty: shown when there are no rows.
    """
    data = heatmap_data(
        rows, max_value=max_value, colour=colour, window=window, score_name=score_name, label=label, empty=empty
    )
    result = _COMPONENT(
        key=key, data=data, default={"selected": None}, on_selected_change=lambda: None, height=height, width="stretch"
    )
    return _selection(result.selected, data)


def heatmap_data(
    rows: Sequence[HeatmapRow],
    *,
    max_value: float,
    colour: str = POSITIVE,
    window: int | None = None,
    score_name: str = "max",
    label: str = "",
    empty: str = "",
) -> dict[str, Any]:
    """What the browser gets; see `heatmap` for the arguments.

    Raises:
        SteeringError: ``colour`` is not written ``#rrggbb``.
        ValueError: a row has not one value per token.
    """
    top = max_value if math.isfinite(max_value) and max_value > 0 else 0.0
    digits = 2 if top < 100 else 0
    data: dict[str, Any] = {
        "rows": [_row(row, top, window, score_name, digits) for row in rows],
        "max_value": top,
        "max_text": f"{top:.{digits}f}",
        "digits": digits,
        "tint": MAX_TINT,
        "colour": checked(colour),
        "label": label,
        "hint": "Point at a token to read its activation; click to select it.",
        "empty": empty,
    }
    # Rows are rebuilt in the browser only when this changes.
    data["sig"] = hashlib.blake2b(json.dumps(data).encode(), digest_size=8).hexdigest()
    return data


def _row(row: HeatmapRow, top: float, window: int | None, score_name: str, digits: int) -> dict[str, Any]:
    tokens = [str(token) for token in row["tokens"]]
    values = [float(value) if math.isfinite(value) else 0.0 for value in row["values"]]
    if len(tokens) != len(values):
        raise ValueError(f"A heatmap row has {len(tokens)} tokens and {len(values)} values.")
    peak = max(range(len(values)), key=values.__getitem__, default=-1)
    if peak >= 0 and values[peak] <= 0:
        peak = -1
    first, last = 0, len(tokens)
    if window is not None:
        first = max(0, max(peak, 0) - window)
        last = min(len(tokens), max(peak, 0) + window + 1)
    score = row.get("score")
    return {
        "tokens": tokens[first:last],
        "values": [round(value, 4) for value in values[first:last]],
        "offset": first,
        "cut_before": first > 0,
        "cut_after": last < len(tokens),
        "peak": peak - first if peak >= 0 else -1,
        "label": "positive" if row["label"] == "positive" else "negative",
        "title": row.get("title", ""),
        "score_text": "" if score is None else f"{score_name} {score:.{digits}f}",
        "score_share": 0.0 if score is None or top == 0 else min(1.0, max(0.0, score / top)),
    }


def _selection(state: Any, data: dict[str, Any]) -> TokenSelection | None:
    """The browser's answer, if it is about these rows and within them."""
    if not isinstance(state, dict) or state.get("sig") != data["sig"]:
        return None
    row, token = state.get("row"), state.get("token")
    if not isinstance(row, int | float) or not isinstance(token, int | float):
        return None
    row, token = int(row), int(token)
    if not 0 <= row < len(data["rows"]) or not 0 <= token < len(data["rows"][row]["tokens"]):
        return None
    return TokenSelection(row, token + data["rows"][row]["offset"])
