"""Where on a slider's track lie the factors that were measured to be safe?"""

from pathlib import Path

import streamlit as st

from ui.palette import FEATURE_COLOURS

_HERE = Path(__file__).parent / "components"
_COMPONENT = st.components.v2.component(
    "steerscope_safe_band",
    html='<div class="sb" role="img"></div>',
    css=(_HERE / "band.css").read_text(encoding="utf-8"),
    js=(_HERE / "band.js").read_text(encoding="utf-8"),
)
SAFE = FEATURE_COLOURS[2]


def safe_band_track(low: float, high: float | None, *, limit: float, proposed: float | None, key: str) -> None:
    """Draw the band as wide as the slider above it.

    Args:
        low: lower end of the safe band.
        high: upper end, None where nothing is safe.
        limit: where the slider ends; it begins at 0.
        proposed: the factor that is proposed, None without one.
        key: widget key.
    """
    words = "No factor was measured to be safe" if high is None else f"Measured safe: {low:.2f} to {high:.2f}"
    if proposed is not None:
        words += f" · proposed {proposed:.2f}"
    _COMPONENT(
        key=key,
        data={
            "low": low, "high": low if high is None else high, "limit": limit, "proposed": proposed,
            "colour": SAFE, "words": words,
        },
        width="stretch",
    )  # fmt: skip
