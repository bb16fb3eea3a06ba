"""What do factors do to the answers? All factors and prompts stand in a few large batches, as in the benchmark."""

from collections.abc import Callable, Sequence

import numpy as np

from steering.benchmark.unit import batches
from steering.errors import Cancelled
from steering.generation import Completion, Condition, Sampling, generate
from steering.judges.score import Judge
from steering.strength.curves import Sweep
from steering.strength.mix import Mix
from steering.workbench import Loaded

BATCH_ROWS = 64
"""Answers in one batch: large enough to be fast on a processor, small enough for a billion parameters on a GPU."""

Progress = Callable[[int, int, str, str], None]


def sweep_factors(
    loaded: Loaded,
    mix: Mix,
    factors: Sequence[float],
    prompts: Sequence[str],
    *,
    judge: Judge | None = None,
    concept: str | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    samples: int = 1,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Sweep:
    """Answer every prompt untouched and at every factor, and measure success and damage.

    Args:
        loaded: model and SAE.
        mix: what is written.
        factors: common factors, rising.
        prompts: that do not name the concept, and that nothing will be compared on.
        judge: that knows the concept, None where nobody does: then success is not measured.
        concept: what is judged.
        sampling: how answers are drawn.
        seed: the same random numbers for every factor.
        samples: answers per prompt.
        on_progress: told answers.
        should_stop: asked before every token.

    Raises:
        SteeringError: as :func:`steering.generation.generate`.
        Cancelled: ``should_stop`` said so.
    """
    conditions = [Condition("baseline")]
    conditions += [Condition("steered", intervention=mix.at(factor)) for factor in factors]
    found = complete(
        loaded, conditions, prompts, sampling=sampling, seed=seed, samples=samples,
        what="Trying factors", on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    values = {
        name: np.array([[np.mean([read(one) for one in row]) for row in of_condition] for of_condition in found])
        for name, read in {
            "kl": lambda one: one.receipt.kl,
            "surprise": lambda one: np.log(one.receipt.perplexity),
            "distinct_2": lambda one: one.receipt.repetition.distinct_2,
            "looping": lambda one: float(one.receipt.repetition.is_looping),
        }.items()
    }
    if judge is not None and concept is not None:
        scores = [
            [[judge.score(concept, one.prompt, one.text) for one in row] for row in of_condition]
            for of_condition in found
        ]
        for name in ("concept", "instruction", "fluency", "overall"):
            values[name] = np.array(
                [[np.mean([getattr(one, name) for one in row]) for row in of_condition] for of_condition in scores]
            )
    drawn = sampling or Sampling()
    return Sweep(
        mix=mix,
        factors=tuple(factors),
        prompts=tuple(prompts),
        samples=samples,
        concept=concept if judge is not None else None,
        values={name: table[1:] for name, table in values.items()},
        baseline={name: table[0] for name, table in values.items()},
        max_new_tokens=drawn.max_new_tokens,
        temperature=drawn.temperature,
        seed=seed,
    )


def complete(
    loaded: Loaded,
    conditions: Sequence[Condition],
    prompts: Sequence[str],
    *,
    what: str,
    sampling: Sampling | None = None,
    seed: int = 0,
    samples: int = 1,
    measured: bool = True,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[list[list[Completion]]]:
    """Answers by condition, prompt and sample, made in batches of at most `BATCH_ROWS`.

    Args:
        loaded: model and SAE.
        conditions: at least one.
        prompts: at least one.
        what: is said of the progress.
        sampling: how answers are drawn.
        seed: the same random numbers under every condition.
        samples: answers per prompt.
        measured: also KL and perplexity.
        on_progress: told answers.
        should_stop: asked before every token.

    Raises:
        SteeringError: as :func:`steering.generation.generate`.
        Cancelled: ``should_stop`` said so.
    """
    sampling = sampling or Sampling()
    found: list[list[list[Completion]]] = [[] for _ in conditions]
    total, done = len(conditions) * len(prompts) * samples, 0
    for some_conditions, some_prompts in batches(len(conditions), len(prompts), samples, BATCH_ROWS):
        rows, step = len(some_conditions) * len(some_prompts) * samples, 0

        def stop(done: int = done, rows: int = rows) -> bool:
            nonlocal step
            if on_progress is not None:
                on_progress(
                    done + rows * min(step, sampling.max_new_tokens) // sampling.max_new_tokens, total, "answers", what
                )
            step += 1
            return should_stop is not None and should_stop()

        completions = generate(
            loaded.model,
            [conditions[place] for place in some_conditions],
            [prompts[place] for place in some_prompts],
            sae=loaded.sae,
            sampling=sampling,
            seed=seed,
            count=samples,
            measured=measured,
            with_tokens=False,
            should_stop=stop,
        )
        if any(one.receipt.finished == "stopped" for one in completions):
            raise Cancelled
        rest = iter(completions)
        for place in some_conditions:
            found[place] += [[next(rest) for _ in range(samples)] for _ in some_prompts]
        done += rows
    return found
