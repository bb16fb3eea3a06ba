"""How sure is a mean over prompts, when every prompt was answered several times?"""

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from steering.errors import SteeringError

FEWEST_PROMPTS = 3


def mean_interval(
    values: Float[np.ndarray, "n_prompts n_samples"], *, level: float = 0.95
) -> tuple[float, float] | None:
    """Student's interval of the mean over prompts: ``mean ± t(n - 1) * sd / sqrt(n)``, one value per prompt.

    Answers to one prompt resemble each other, so their mean counts once; counting single answers would make the
    interval too narrow. A bootstrap of five prompts covers 83 % where it says 95 %; this one keeps its word for values
    that are roughly normal. For a difference between two methods pass the differences, prompt by prompt. The interval
    knows nothing of a scale's ends: whoever shows it may cut it there.

    Returns:
        None where there is nothing to judge by: fewer than three prompts, or prompts that do not differ at all.

    Raises:
        SteeringError: no value, or a value that is not a finite number.
    """
    if values.size == 0 or not np.isfinite(values).all():
        raise SteeringError(f"A mean over {values.shape} values that are not all finite numbers has no interval.")
    per_prompt = values.mean(axis=1)
    if len(per_prompt) < FEWEST_PROMPTS or np.ptp(per_prompt) == 0:
        return None
    half = float(stdtrit(len(per_prompt) - 1, (1 + level) / 2) * per_prompt.std(ddof=1) / np.sqrt(len(per_prompt)))
    mean = float(per_prompt.mean())
    return mean - half, mean + half
