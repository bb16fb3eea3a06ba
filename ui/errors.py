"""Where do a user's mistakes become a message on the screen?"""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from steering.errors import SteeringError
from ui.text import plain


@contextmanager
def boundary(title: str | None = None) -> Iterator[None]:
    """Show a `SteeringError` raised inside as a message, and go on after the block. A bug passes through.

    Args:
        title: stands above the message; the message already says what to do.
    """
    try:
        yield
    except SteeringError as error:
        show_error(str(error), title=title)


def show_error(message: str, *, title: str | None = None) -> None:
    """Show a message that may quote a user's own text; none of it is read as Markdown."""
    st.error(plain(message), icon=":material/error:", title=plain(title) if title else None)
