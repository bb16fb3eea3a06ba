"""How do the scores of a text's tokens become one score of the text?

AxBench's code takes the maximum (``Model.predict_latent`` in axbench/models/model.py), as does section 3.2 of its
paper; section 5.1 says mean. It rounds every token's score to three decimals first, which makes ties.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from steering.errors import SteeringError

Pooling = Literal["max", "mean"]

AXBENCH_DECIMALS = 3
"""What AxBench's code rounds token scores to; for comparison with its published numbers."""


def pool_tokens(
    scores: Float[np.ndarray, "pos ..."],
    eligible: Bool[np.ndarray, " pos"],
    pooling: Pooling = "max",
    *,
    decimals: int | None = None,
) -> Float[np.ndarray, "..."]:
    """Maximum or mean over the eligible tokens; tokens that are not eligible count for nothing, whatever they hold.

    Args:
        scores: one number per token (and feature); activations or projections, negative ones included.
        eligible: which tokens are content.
        pooling: ``max``, or ``mean`` over eligible tokens, zeros included.
        decimals: round token scores first; ``AXBENCH_DECIMALS`` for the published behaviour, None to keep them.

    Raises:
        SteeringError: no token is eligible, or the pooling is unknown.
    """
    if pooling not in ("max", "mean"):
        raise SteeringError(f"The pooling is {pooling!r}; a text's score is the 'max' or the 'mean' of its tokens'.")
    if not eligible.any():
        raise SteeringError("A text has no token that counts, so it has no score; leave it out or give it some text.")
    counted = scores[eligible]
    if decimals is not None:
        counted = np.round(counted, decimals)
    return np.asarray(counted.max(axis=0) if pooling == "max" else counted.mean(axis=0))
