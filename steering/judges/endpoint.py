"""Where is the judge's endpoint, and which key may be sent there?

The key comes from an argument or the environment and lives in memory only: it is in no representation, no message, no
file, and it does not travel to another process.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from steering.errors import JudgeError

OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "STEERSCOPE_JUDGE_API_KEY"
"""Sent to whatever endpoint is named."""
OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"
"""Sent to OpenAI, and to the endpoint that OPENAI_BASE_URL names, and nowhere else."""
OPENAI_URL_VARIABLE = "OPENAI_BASE_URL"
NO_KEY = "none"
"""What servers that want no key are sent, because the client insists on one."""


class Endpoint:
    """An address and the key for it.

    Args:
        base_url: without user, password, query and fragment.
        api_key: None where the endpoint wants none.
    """

    __slots__ = ("_key", "base_url")

    def __init__(self, base_url: str, api_key: str | None) -> None:
        self.base_url = base_url
        self._key = api_key

    def __repr__(self) -> str:
        return f"Endpoint({self.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise JudgeError("A judge's key does not leave its process; make the judge anew where it is needed.")

    @property
    def host(self) -> str:
        """For the screen."""
        return urlsplit(self.base_url).netloc

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself, by a connection that nobody reads."""
        here, there = urlsplit(self.base_url), urlsplit(OPENAI_URL)
        return (here.scheme, here.hostname) == (there.scheme, there.hostname)

    def reveal(self) -> str:
        """The key, for the client only."""
        return self._key or NO_KEY

    def scrub(self, text: str) -> str:
        """``text`` without the key, should someone else have put it there."""
        return text if self._key is None else text.replace(self._key, "[key]")


def clean_url(base_url: str) -> str:
    """An endpoint's address in the one form that is shown and stored.

    Raises:
        JudgeError: not http(s), or with a user, password, query or fragment, in which secrets hide.
    """
    address = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        _ = parts.port  # checked by Python only when it is read
    except ValueError:
        raise JudgeError("The judge's base URL is not an address; give one such as http://localhost:8000/v1.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise JudgeError("The judge's base URL must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise JudgeError(
            f"The judge's base URL for {parts.hostname} must have no user, password, “?” or “#” in it; give the key by "
            f"{KEY_VARIABLE}."
        )
    return address


def find_endpoint(
    base_url: str | None = None, api_key: str | None = None, environment: Mapping[str, str] | None = None
) -> Endpoint:
    """The endpoint to use: arguments first, then the environment, then OpenAI.

    Raises:
        JudgeError: unusable address, no key for OpenAI, a key that no request can carry, or one that would travel to
            another machine unencrypted.
    """
    environment = os.environ if environment is None else environment
    set_url = environment.get(OPENAI_URL_VARIABLE, "").strip()
    known = clean_url(set_url) if set_url else OPENAI_URL
    address = clean_url(base_url) if base_url else known
    endpoint = Endpoint(address, None)
    key = (api_key or environment.get(KEY_VARIABLE, "")).strip()
    if not key and (endpoint.is_openai or address == known):
        key = environment.get(OPENAI_KEY_VARIABLE, "").strip()
    if not key and endpoint.is_openai:
        raise JudgeError(f"OpenAI wants a key and none was given; set {OPENAI_KEY_VARIABLE} or {KEY_VARIABLE}.")
    if any(not 33 <= ord(sign) <= 126 for sign in key):
        raise JudgeError(
            "The judge's key has blanks or signs that a request cannot carry; copy it again, without quotes."
        )
    parts = urlsplit(address)
    if key and parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise JudgeError(
            f"A key would travel to {parts.hostname} for everyone on the way to read; "
            "give an https:// address, or no key."
        )
    return Endpoint(address, key or None)


def _is_here(host: str) -> bool:
    """Whether ``host`` is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
