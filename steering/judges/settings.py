"""How is a language model run when it judges?"""

import math
from dataclasses import dataclass

from steering.errors import JudgeError

AXBENCH_TEMPERATURE = 0.7
"""Of AxBench's evaluation code; its paper says 1.0."""
MORE_TOKENS = 4
"""By which the limit of a reply grows when one that was cut off is asked for again."""


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """Everything that can be set, with what suits rating.

    Attributes:
        temperature: 0 takes the likeliest words, for the least noise; `AXBENCH_TEMPERATURE` for comparability. None
            leaves it to the endpoint, for models that refuse to be told.
        max_tokens: of a reply, the reason included; models that think aloud need thousands. A reply that is cut off
            is asked for once more, shorter and with `MORE_TOKENS` times as many. None leaves it to the endpoint; a
            local judge needs a number.
        concurrency: requests under way at once.
        timeout: seconds that an endpoint may stay silent.
        deadline: seconds that the body of one answer may take in all, however often the endpoint gives a sign of life.
        retries: further attempts after a time-out, a lost connection, or status 408, 409, 429 or 5xx.
        batch_size: questions that a local judge answers at once.

    Raises:
        JudgeError: a number out of range.
    """

    temperature: float | None = 0.0
    max_tokens: int | None = 512
    concurrency: int = 8
    timeout: float = 60.0
    deadline: float = 300.0
    retries: int = 5
    batch_size: int = 8

    def __post_init__(self) -> None:
        if self.temperature is not None and not (math.isfinite(self.temperature) and 0 <= self.temperature <= 2):
            raise JudgeError(f"The judge's temperature is {self.temperature}; choose a number from 0 to 2.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise JudgeError(f"The judge's replies are limited to {self.max_tokens} tokens; allow at least 1.")
        if not 1 <= self.concurrency <= 256:
            raise JudgeError(f"{self.concurrency} requests at once were asked for; choose 1 to 256.")
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise JudgeError(f"The judge's time-out is {self.timeout} seconds; choose a number above 0.")
        if not (math.isfinite(self.deadline) and self.deadline > 0):
            raise JudgeError(f"The judge's deadline is {self.deadline} seconds; choose a number above 0.")
        if not 0 <= self.retries <= 20:
            raise JudgeError(f"{self.retries} retries were asked for; choose 0 to 20.")
        if self.batch_size < 1:
            raise JudgeError(f"The judge's batch size is {self.batch_size}; choose 1 or more.")
