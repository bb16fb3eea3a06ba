"""How do directions that need no SAE become methods? Read and written where the SAE sits, as far as its features."""

from collections.abc import Mapping
from typing import Any

from steering.activations import encode_examples
from steering.directions.direction import Direction
from steering.directions.methods import DirectionMethod, find_direction
from steering.directions.settings import Preset
from steering.errors import ExamplesError
from steering.generation.condition import Condition
from steering.methods.task import STREAM_SHARES, Prepared, Task

LARGE = 5_000_000_000
"""Parameters from which on AxBench's settings for Gemma-2-9B are taken."""


def diffmean(task: Task) -> Prepared:
    """Mean of positive tokens minus mean of negative tokens."""
    return _direction("diffmean", task)


def pca(task: Task) -> Prepared:
    """First principal component of the positive tokens, its sign the concept's."""
    return _direction("pca", task)


def lat(task: Task) -> Prepared:
    """First principal component of differences between pairs of positive tokens, its sign the concept's."""
    return _direction("lat", task)


def probe(task: Task) -> Prepared:
    """Logistic regression without bias on single tokens."""
    return _direction("probe", task)


def ssv(task: Task) -> Prepared:
    """A vector learned by the language-model loss on the positives."""
    return _direction("ssv", task)


def reft_r1(task: Task) -> Prepared:
    """Rank-1 representation finetuning: a direction that detects and steers at once."""
    return _direction("reft_r1", task)


def random_direction(task: Task) -> Prepared:
    """A direction drawn evenly from all, moved as far as the others."""
    return _direction("random_direction", task, seed=task.drawing_seed)


def _direction(method: DirectionMethod, task: Task, *, seed: int | None = None) -> Prepared:
    positives, negatives = task.sides()
    if not positives or not negatives:
        raise ExamplesError(f"{method} needs positives and negatives of {task.label!r} in the training part.")
    model, examples = task.loaded.model, task.examples
    preset: Preset = "axbench_2b" if model.n_parameters < LARGE else "axbench_9b"
    found = find_direction(
        method,
        model,
        task.loaded.sae.hook_point,
        *(
            encode_examples(model, [examples.texts[row] for row in rows], [examples.prompts[row] for row in rows])
            for rows in (positives, negatives)
        ),
        seed=task.seed if seed is None else seed,
        preset=preset,
        positions=task.positions,
        should_stop=task.should_stop,
    )
    return steering_along(
        method,
        task,
        found,
        {
            "hook_point": str(found.hook_point),
            "max_projection": found.max_projection,
            "last_loss": found.losses[-1] if found.losses else None,
            "preset": preset,
            "scope": task.positions,
        },
    )


def steering_along(method: str, task: Task, found: Direction, details: Mapping[str, Any]) -> Prepared:
    """Steer along a direction, on the grid of shares of the stream's norm that features have.

    Args:
        method: name in tables.
        task: at whose positions it is written.
        found: the direction.
        details: what the manifest should hold.
    """
    unit = task.resid_norm / found.max_projection
    return Prepared(
        method,
        lambda share: Condition("direction", direction=found, factor=share * unit, scope=task.positions),
        STREAM_SHARES,
        unit,
        details,
    )
