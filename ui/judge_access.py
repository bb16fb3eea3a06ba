"""Which language model may the app ask as judge, and with which key?

The endpoint and the key are the operator's: from the environment, else from Streamlit's secrets. A visitor names the
model alone, because a key that is sent to whatever address a visitor types is a key that is given away.
"""

import os

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from steering.errors import JudgeError
from steering.judges.access import JudgeAccess
from steering.judges.choice import parse_judge
from steering.judges.endpoint import (
    KEY_VARIABLE,
    NO_KEY,
    OPENAI_KEY_VARIABLE,
    OPENAI_URL_VARIABLE,
    Endpoint,
    find_endpoint,
)

NAMES = (KEY_VARIABLE, OPENAI_KEY_VARIABLE, OPENAI_URL_VARIABLE)


def judge_endpoint() -> Endpoint | None:
    """The endpoint that the operator has set up; None where there is none."""
    found = _environment()
    if not found:
        return None
    try:
        return find_endpoint(environment=found)
    except JudgeError:  # such as an address without the key that it needs
        return None


def judge_spec(model: str, endpoint: Endpoint) -> str:
    """A judge as the settings of a run name it, with its address unless it is OpenAI's."""
    return f"openai:{model.strip()}" + ("" if endpoint.is_openai else f"@{endpoint.base_url}")


def judge_access(spec: str) -> JudgeAccess | None:
    """What a run with this judge is given; None where it needs no key.

    Args:
        spec: as in ``BenchmarkSettings.judge``.

    Raises:
        JudgeError: it needs a key and there is none, or one that cannot be sent.
    """
    if not spec.startswith("openai:"):
        return None
    key = find_endpoint(parse_judge(spec).base_url, environment=_environment()).reveal()
    return JudgeAccess(api_key=None if key == NO_KEY else key)


def _environment() -> dict[str, str]:
    """What the environment has of ``NAMES``, and what Streamlit's secrets have besides."""
    found = {}
    for name in NAMES:
        value = os.environ.get(name, "").strip() or _secret(name)
        if value:
            found[name] = value
    return found


def _secret(name: str) -> str:
    try:
        value = st.secrets.get(name, "")
    except StreamlitSecretNotFoundError:  # there is no file of secrets, or it cannot be read
        return ""
    return value.strip() if isinstance(value, str) else ""
