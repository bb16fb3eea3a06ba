"""Along which axis do the tokens of positives vary most? PCA, of which there is no reason that it be the concept's.

direction = first principal component of the positive tokens, centred                              (AxBench)
sign      = so that positives project higher than negatives on average       (ours; AxBench leaves it to chance)
"""

from collections.abc import Callable, Sequence

from steering.directions.components import Moments, Sign, turned
from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.tokens import TokenReader, n_batches, no_tokens
from steering.encoding import EncodedText
from steering.hook_points import HookPoint
from steering.models import LanguageModel

NAME = "PCA"


def pca(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    sign: Sign = "positives",
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Find the first principal component of the positives' tokens.

    The texts are read twice; ``d_model`` squared numbers are held, however many the tokens.

    Args:
        model: whose stream is read; its lock is held for one batch at a time.
        hook_point: where.
        positives: texts with the concept.
        negatives: texts without it; they decide the sign, and count for the unit of the factor.
        sign: which end of the component is taken.
        batch_size: texts in one forward.
        on_batch: told the number of batches read and their total after each.
        should_stop: asked before every batch.

    Raises:
        ExamplesError: one side has no eligible token, the positives' tokens do not differ, or no token has a positive
            projection.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    progress = Progress(2 * n_batches(batch_size, positives, negatives), on_batch, should_stop)
    reader = TokenReader(model, hook_point, batch_size, progress)
    moments = Moments(model.d_model)
    for resid in reader.read(positives):
        moments.add(resid)
    if not moments.n:
        raise no_tokens(NAME, "positive")
    negative = reader.mean(negatives, side="negative", name=NAME)
    direction = turned(moments.first_component(NAME), moments.mean, negative, sign=sign)
    largest = reader.largest_projection([positives, negatives], direction, name=NAME)
    return Direction(direction, largest, hook_point, NAME)
