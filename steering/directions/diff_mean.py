"""Where do the tokens of positives lie, seen from those of negatives? DiffMean; the simplest one, and hard to beat.

    direction = mean(positive tokens) - mean(negative tokens), divided by its norm       (AxBench, Marks & Tegmark 2023)
    max_projection = the largest token . direction over all examples                     (AxBench's unit of the factor)

Tokens count once each, so long texts weigh more than short ones, as in AxBench; only eligible tokens count.
"""

from collections.abc import Callable, Sequence

from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.tokens import TokenReader, n_batches
from steering.encoding import EncodedText
from steering.errors import ExamplesError
from steering.hook_points import HookPoint
from steering.models import LanguageModel

NAME = "DiffMean"


def diff_mean(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Find the direction from the mean of the negatives' tokens to that of the positives'.

    The texts are read twice (the largest projection can only be taken once the direction is known) and the forward
    ends at the hook point; memory does not grow with their number.

    Args:
        model: whose stream is read; its lock is held for one batch at a time.
        hook_point: where.
        positives: texts with the concept.
        negatives: texts without it.
        batch_size: texts in one forward.
        on_batch: told the number of batches read and their total after each.
        should_stop: asked before every batch.

    Raises:
        ExamplesError: one side has no eligible token, both sides have the same mean, or no token has a positive
            projection, so that a factor would have no unit.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    progress = Progress(2 * n_batches(batch_size, positives, negatives), on_batch, should_stop)
    reader = TokenReader(model, hook_point, batch_size, progress)
    positive = reader.mean(positives, side="positive", name=NAME)
    difference = positive - reader.mean(negatives, side="negative", name=NAME)
    norm = difference.norm()
    if not norm > 1e-6 * positive.norm():
        raise ExamplesError("Positive and negative examples have the same mean here; DiffMean needs texts that differ.")
    direction = (difference / norm).float()
    largest = reader.largest_projection([positives, negatives], direction, name=NAME)
    return Direction(direction, largest, hook_point, NAME)
