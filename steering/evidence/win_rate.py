"""On how many concepts does a method beat the reference?"""

import numpy as np
from jaxtyping import Float

from steering.evidence.bootstrap import LEVEL, N_RESAMPLES, Interval, bootstrap_mean
from steering.evidence.protocol import DECIMALS


def wins(
    ours: Float[np.ndarray, " n_concepts"], theirs: Float[np.ndarray, " n_concepts"]
) -> Float[np.ndarray, " n_concepts"]:
    """1 where ours scores higher, 0 where lower, 0.5 for a tie (AxBench, section 4.2). Entry i of both is one
    concept.
    """
    return (np.sign((ours - theirs).round(DECIMALS)) + 1) / 2


def win_rate(
    ours: Float[np.ndarray, " n_concepts"],
    theirs: Float[np.ndarray, " n_concepts"],
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Mean of ``wins`` in [0, 1]; 0.5 is as good as the reference.

    A method that wins everywhere has no spread to resample and so no limits; ``scores.intervals.wilson_interval`` of
    the counts says then how sure that is.

    Raises:
        SteeringError: no concept, or a value that is not a finite number.
    """
    return bootstrap_mean(wins(ours, theirs), level=level, n_resamples=n_resamples, seed=seed)
