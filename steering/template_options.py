"""What are chat templates told besides the turns, here and in the scripts that leave here?"""

from typing import Any

TEMPLATE_OPTIONS: dict[str, Any] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""What templates may ask for: Qwen 3 leaves its thoughts out, so that an answer is the answer, and Llama 3 gets the day
that its own template falls back to, so that a seed gives tomorrow what it gave today. Other templates ignore them."""


def options_source() -> str:
    """The options as they stand in a call, for scripts that render templates without Steerscope."""
    return ", ".join(f"{name}={value!r}" for name, value in TEMPLATE_OPTIONS.items())
