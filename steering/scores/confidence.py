"""Does adding the feature make the model surer of its next token, or less sure?"""

import numpy as np
from jaxtyping import Float

from steering.errors import SteeringError


def token_confidence(logits: Float[np.ndarray, "block vocab"], *, k: int = 1) -> Float[np.ndarray, " block"]:
    """C_k(p) = −(1/k) · Σ log p over the k most likely tokens  (Wang et al., arXiv 2510.03659).

    Small means sure: 0 when all mass is on one token (k = 1), log(vocab) when nothing is preferred.

    Args:
        logits: next-token logits, one row per feature.
        k: how many of the most likely tokens count.

    Returns:
        Nats, never below 0.

    Raises:
        SteeringError: ``k`` is not between 1 and the vocabulary size, or a logit is NaN or +inf.
    """
    vocab = logits.shape[1]
    if not 1 <= k <= vocab:
        raise SteeringError(f"k is {k}; it counts tokens and lies between 1 and the vocabulary size, {vocab}.")
    top = logits if k == vocab else np.partition(logits, vocab - k, axis=1)[:, vocab - k :]
    return log_partition(logits) - top.mean(axis=1, dtype=np.float64)


def delta_confidence(
    steered: Float[np.ndarray, "block vocab"], baseline: Float[np.ndarray, " vocab"], *, k: int = 1
) -> Float[np.ndarray, " block"]:
    """ΔC_k(f) = C_k(p_steered) − C_k(p_baseline)  (Wang et al., arXiv 2510.03659).

    Says that a feature moves the next token, not where to. Below zero the feature makes the model surer.

    Args:
        steered: next-token logits with each feature added.
        baseline: next-token logits without any.
        k: how many of the most likely tokens count.

    Returns:
        Nats, one per feature.

    Raises:
        SteeringError: as ``token_confidence``.
    """
    return token_confidence(steered, k=k) - token_confidence(baseline[None, :], k=k)


def log_partition(logits: Float[np.ndarray, "block vocab"]) -> Float[np.ndarray, " block"]:
    """Log Σ exp(logits) of every row, in float64.

    Raises:
        SteeringError: a logit is NaN or +inf, or a row has no finite logit (−inf alone is a token ruled out).
    """
    largest = logits.max(axis=1, keepdims=True)
    if not np.isfinite(largest).all():
        raise SteeringError(
            "A next-token logit is NaN or infinite; the steered activations overflowed. Use a smaller factor, or "
            "float32 instead of float16."
        )
    total = np.exp(logits - largest).sum(axis=1, dtype=np.float64)
    return np.log(total) + largest[:, 0].astype(np.float64)
