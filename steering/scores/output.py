"""Does adding the feature make the model say the feature's own words?"""

import numpy as np
from jaxtyping import Float, Int

from steering.errors import SteeringError
from steering.scores.confidence import log_partition

FACTOR = 10.0
"""Arad's s: the feature is added at s times the largest activation of *any* feature on the prompt's last token."""

N_LENS_TOKENS = 20
"""How many logit-lens tokens stand for a feature."""


def output_score(
    logits: Float[np.ndarray, "block vocab"], lens_tokens: Int[np.ndarray, "block n_lens"]
) -> Float[np.ndarray, " block"]:
    """S_out = (1 − r(t*) / V) · p(t*)  (Arad et al., arXiv 2505.20063, section on output scores).

    p is the next-token distribution after the feature was added to the last position of a neutral prompt
    (h' = h + s · a_max · W_dec[f], s = 10), t* the best-ranked of the feature's 20 logit-lens tokens, r its 0-based
    rank among all V tokens. The paper subtracts the same quantity of the clean run; its code does not, nor do we: on a
    neutral prompt it is negligible.

    Args:
        logits: next-token logits with each feature added, one row per feature.
        lens_tokens: token ids that each feature promotes most.

    Returns:
        One score per feature in [0, 1]: near 1, the feature's own words are all the model can say.

    Raises:
        SteeringError: a token id lies outside the vocabulary, or a logit is NaN or +inf.
    """
    vocab = logits.shape[1]
    if lens_tokens.size and not (lens_tokens.min() >= 0 and lens_tokens.max() < vocab):
        raise SteeringError(f"A logit-lens token id lies outside the {vocab} tokens of the logits; both must come "
                            "from one model.")  # fmt: skip
    best = np.take_along_axis(logits, lens_tokens, axis=1).max(axis=1)
    rank = (logits > best[:, None]).sum(axis=1)
    probability = np.exp(best.astype(np.float64) - log_partition(logits))
    return (1 - rank / vocab) * probability
