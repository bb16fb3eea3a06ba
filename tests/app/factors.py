"""Slider and box of a factor on a page under test, whichever turn their keys have come to; see ``ui.factor_input``."""

from typing import Any

from streamlit.testing.v1 import AppTest


def factor_box(app: AppTest, name: str) -> Any:
    """The box for the factor called ``name``."""
    return _only(app.number_input, f"{name}_box_")


def factor_slider(app: AppTest, name: str) -> Any:
    """The slider beside it."""
    return _only(app.slider, f"{name}_slider_")


def _only(found: Any, start: str) -> Any:
    [one] = [one for one in found if str(one.key).startswith(start)]
    return one
