"""How sure is a mean over prompts, when every prompt was answered several times?"""

import numpy as np
from jaxtyping import Float

from steering.errors import SteeringError


def mean_interval(
    values: Float[np.ndarray, "n_prompts n_samples"], *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap of the mean, prompts drawn with replacement and their samples kept together.

    Answers to one prompt resemble each other; drawing single answers would make the interval too narrow. With one
    prompt there is nothing to draw from, and the interval is the mean itself: show it only from a few prompts on.

    Raises:
        SteeringError: no value, or a value that is not a finite number.
    """
    if values.size == 0 or not np.isfinite(values).all():
        raise SteeringError(f"A mean over {values.shape} values that are not all finite numbers has no interval.")
    per_prompt = values.mean(axis=1)
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(per_prompt), size=(n_resamples, len(per_prompt)))
    low, high = np.quantile(per_prompt[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
