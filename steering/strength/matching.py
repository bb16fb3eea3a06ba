"""How are methods brought to one dose, on prompts that nothing is compared on?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from steering.generation import Condition, Sampling
from steering.strength.dose import Dose, find_dose
from steering.strength.sweep import Progress, complete
from steering.workbench import Loaded


def mean_doses(
    loaded: Loaded,
    conditions: Sequence[Condition],
    prompts: Sequence[str],
    *,
    what: str,
    sampling: Sampling | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[float]:
    """Mean KL of each condition to the baseline over the prompts, nats per token."""
    found = complete(
        loaded, conditions, prompts, what=what, sampling=sampling, seed=seed, on_progress=on_progress,
        should_stop=should_stop,
    )  # fmt: skip
    return [float(np.mean([one.receipt.kl for row in rows for one in row])) for rows in found]


def match_doses(
    loaded: Loaded,
    methods: Mapping[str, tuple[Callable[[float], Condition], Sequence[float]]],
    target: float,
    prompts: Sequence[str],
    *,
    sampling: Sampling | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Dose]:
    """Find every method's factor for one dose.

    Args:
        loaded: model and SAE.
        methods: name to factor → condition, and the factors to begin with.
        target: nats per token.
        prompts: to measure on.
        sampling: how answers are drawn.
        seed: the same random numbers for every factor of every method.
        on_progress: told answers of the factors that are measured just now.
        should_stop: asked before every token.

    Raises:
        SteeringError: as :func:`steering.strength.dose.find_dose` and :func:`steering.generation.generate`.
        Cancelled: ``should_stop`` said so.
    """
    found = {}
    for name, (at, factors) in methods.items():

        def measure(some: Sequence[float], name: str = name, at: Callable[[float], Condition] = at) -> list[float]:
            return mean_doses(
                loaded, [at(factor) for factor in some], prompts, what=f"Measuring {name}", sampling=sampling,
                seed=seed, on_progress=on_progress, should_stop=should_stop,
            )  # fmt: skip

        found[name] = find_dose(measure, target, factors)
    return found
