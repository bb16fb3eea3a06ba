"""Which vector, added to the stream, makes the model say what the positives say? The supervised steering vector of
AxBench.

    minimise over w   LM loss on the positives under h + w

The only method whose vector has a length of its own. A ``Direction`` holds the vector at norm 1, and its
``max_projection`` is the learned norm: factor 1 writes the vector as it was learned. (AxBench multiplies the vector of
learned length by the largest projection onto it, a unit in which 1 means nothing.)
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.settings import SsvSettings
from steering.directions.training import Objective, learn, with_answer
from steering.encoding import EncodedText
from steering.errors import DirectionError
from steering.hook_points import HookPoint
from steering.models import LanguageModel
from steering.positions import Positions

NAME = "SSV"


def ssv(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    *,
    settings: SsvSettings | None = None,
    seed: int = 0,
    positions: Positions = "all",
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Learn a steering vector by the language-model loss on the positives.

    Args:
        model: frozen; its lock is held throughout.
        hook_point: where the vector is added.
        positives: texts with the concept; the loss counts the tokens of the text, not of its prompt.
        settings: AxBench's unless given.
        seed: of the order of the texts.
        positions: where the edit is written while it is learned.
        batch_size: texts in one forward; no effect on the result beyond rounding.
        on_batch: told the number of updates and their total after each.
        should_stop: asked before every forward.

    Returns:
        The vector at norm 1; its ``max_projection`` is the learned norm, so that factor 1 is as learned.

    Raises:
        ExamplesError: no text has a token to predict.
        DirectionError: the loss is not a number, or the vector has no length.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    settings = settings or SsvSettings()
    texts = with_answer(positives, side="positive", name=NAME)
    progress = Progress(settings.n_updates(len(texts)), on_batch, should_stop)
    with torch.inference_mode(False):
        weight = torch.full((model.d_model,), settings.start, device=model.device, requires_grad=True)

        def write(stream: Tensor, _written: Tensor) -> tuple[Tensor, Tensor]:
            return weight, stream.new_zeros(())

        losses = learn(
            model, hook_point, texts, weight, Objective(write),
            settings=settings, seed=seed, batch_size=batch_size, progress=progress, name=NAME, positions=positions,
        )  # fmt: skip
    learned = weight.detach().cpu()
    norm = float(learned.norm())
    if not norm > 0:
        raise DirectionError("The vector that SSV learned has no length; start from another number than 0.")
    return Direction(learned / norm, norm, hook_point, NAME, losses)
