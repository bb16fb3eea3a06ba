"""What does a push of the same size in no particular direction do? The control of every other method."""

from collections.abc import Callable, Sequence

from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.tokens import TokenReader, n_batches
from steering.directions.unit_norm import random_unit
from steering.encoding import EncodedText
from steering.hook_points import HookPoint
from steering.models import LanguageModel

NAME = "Random direction"


def random_direction(
    model: LanguageModel,
    hook_point: HookPoint,
    texts: Sequence[EncodedText],
    *,
    seed: int = 0,
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Draw a direction evenly from all, with the largest projection of the texts' tokens as the unit of its factor.

    Tokens share a large mean, so all of them may project to the same side: where none projects onto the direction, its
    opposite is taken, which is as random.

    Args:
        model: whose stream is read; its lock is held for one batch at a time.
        hook_point: where.
        texts: give it what the other methods are given, positives and negatives.
        seed: of the direction.
        batch_size: texts in one forward.
        on_batch: told the number of batches read and their total after each.
        should_stop: asked before every batch.

    Raises:
        ExamplesError: there is no eligible token.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    reader = TokenReader(model, hook_point, batch_size, Progress(n_batches(batch_size, texts), on_batch, should_stop))
    direction = random_unit(model.d_model, seed=seed)
    smallest, largest = reader.range_of_projections([texts], direction, name=NAME)
    if largest <= 0:
        direction, largest = -direction, -smallest
    return Direction(direction, largest, hook_point, NAME)


def random_like(direction: Direction, *, seed: int = 0) -> Direction:
    """A random direction whose edit has the norm of ``direction``'s at every factor: it shares hook point and unit."""
    drawn = random_unit(len(direction.direction), seed=seed)
    return Direction(drawn, direction.max_projection, direction.hook_point, f"{NAME} as large as {direction.name}")
