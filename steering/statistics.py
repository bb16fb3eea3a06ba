"""What does one pass over the labelled examples leave behind for every feature?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int
from scipy.sparse import csc_array


@dataclass(frozen=True, slots=True, eq=False)
class FeatureStatistics:
    """Sparse per-example statistics of every feature; only features that fire in an example are stored.

    Attributes:
        frequency: ``[n_examples d_sae]`` share of an example's eligible tokens on which the feature is above zero
            (JH, section on labels; "fire frequency").
        maximum: ``[n_examples d_sae]`` largest activation on the example's eligible tokens, the feature's own units.
        mean: ``[n_examples d_sae]`` mean activation over all eligible tokens of the example, zeros included.
        n_tokens: ``[n_examples]`` eligible tokens per example.
        max_act: ``[d_sae]`` largest activation over all eligible tokens of all examples.
        density: ``[d_sae]`` share of all eligible tokens on which the feature fires.
        resid_norm: median Euclidean norm of the residual at the hook point over eligible tokens.
        n_truncated: examples that were cut at the model's limit.
        n_without_text: of these, examples whose prompt alone filled it, so that nothing of the text was read.
    """

    frequency: csc_array
    maximum: csc_array
    mean: csc_array
    n_tokens: Int[np.ndarray, " n_examples"]
    max_act: Float32[np.ndarray, " d_sae"]
    density: Float32[np.ndarray, " d_sae"]
    resid_norm: float
    n_truncated: int = 0
    n_without_text: int = 0

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return int(self.frequency.shape[0])

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return int(self.frequency.shape[1])


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """What writing with a feature does to the next token, measured on a neutral prompt.

    Attributes:
        output_score: Arad's S_out in [0, 1] (arXiv 2505.20063): rank-weighted probability of the feature's own
            logit-lens tokens after adding the feature.
        delta_confidence: Wang's change of top-k token confidence in nats (arXiv 2510.03659).
        top_tokens: the feature's logit-lens tokens, most promoted first.
    """

    output_score: float
    delta_confidence: float
    top_tokens: tuple[str, ...]
