"""What did the model write, and what else was likely at each token? A completion that can be looked into.

Raw model output never goes through Markdown: that would load remote images and bend the tokens. The Components-v2
component writes ``textContent``, grows in place while tokens stream in, and shows the likeliest tokens on hover.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import streamlit as st

from ui.palette import POSITIVE, checked

_HERE = Path(__file__).parent / "components"
_COMPONENT = st.components.v2.component(
    "steerscope_completion",
    html='<div class="cv" role="group"></div>',
    css=(_HERE / "tokens.css").read_text(encoding="utf-8"),
    js="".join((_HERE / name).read_text(encoding="utf-8") for name in ("text.js", "tokens.js")),
)


class CompletionToken(TypedDict):
    """One generated token.

    Attributes:
        text: as decoded.
        top: the likeliest tokens at this place with their probabilities, likeliest first; may be left out.
        changed: whether it differs from the completion it is compared with.
    """

    text: str
    top: NotRequired[Sequence[Sequence[Any]]]
    changed: NotRequired[bool]


def completion_view(
    tokens: Sequence[CompletionToken],
    *,
    key: str,
    colour: str = POSITIVE,
    streaming: bool = False,
    placeholder: str = "",
    label: str = "Completion",
) -> None:
    """Draw one completion.

    Args:
        tokens: what was generated so far.
        key: widget key; keep it while a completion streams, and the text grows in place.
        colour: of the changed tokens and the probability bars, ``#rrggbb``.
        streaming: whether more is coming; shows a caret.
        placeholder: stands there while there is no token.
        label: name of the whole for screen readers.
    """
    _COMPONENT(
        key=key,
        data=completion_data(tokens, colour=colour, streaming=streaming, placeholder=placeholder, label=label),
        width="stretch",
    )


def completion_data(
    tokens: Sequence[CompletionToken],
    *,
    colour: str = POSITIVE,
    streaming: bool = False,
    placeholder: str = "",
    label: str = "",
) -> dict[str, Any]:
    """What the browser gets; see `completion_view` for the arguments.

    Raises:
        SteeringError: ``colour`` is not written ``#rrggbb``.
    """
    return {
        "tokens": [
            {
                "text": str(token["text"]),
                "top": [[str(name), round(float(p), 5)] for name, p in token.get("top", ()) if math.isfinite(p)],
                "changed": bool(token.get("changed", False)),
            }
            for token in tokens
        ],
        "colour": checked(colour),
        "streaming": streaming,
        "placeholder": placeholder,
        "label": label,
    }


def mark_changes(base: Sequence[str], other: Sequence[str]) -> list[bool]:
    """For each token of ``other``, whether it is not part of the longest run of tokens it shares with ``base``."""
    from difflib import SequenceMatcher

    changed = [True] * len(other)
    for block in SequenceMatcher(None, list(base), list(other), autojunk=False).get_matching_blocks():
        changed[block.b : block.b + block.size] = [False] * block.size
    return changed
