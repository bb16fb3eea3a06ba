"""Which direction both detects the concept and, written at the strength it detects, makes the model speak of it?
ReFT-r1, rank-1 representation finetuning (Wu et al. 2025).

    latents z_t = relu(h_t . w) of the content tokens of a text, |w| = 1
    edit        = h_t + mean(the 8 largest latents) * w
    loss        = LM loss on positives and negatives + ramp * 5e-3 * mean(the other latents)

The mean of the other latents is over all content tokens of a text, as in AxBench's code, then over texts. The largest
latents are taken over prompt and answer together: while it is learned, w sees the answer that is to be predicted.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.settings import ReftSettings
from steering.directions.tokens import TokenReader, n_batches
from steering.directions.training import Objective, learn, with_answer
from steering.directions.unit_norm import random_unit
from steering.encoding import EncodedText
from steering.hook_points import HookPoint
from steering.models import LanguageModel
from steering.positions import Positions
from steering.sentence_ends import read_positions

NAME = "ReFT-r1"


def reft_r1(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    settings: ReftSettings | None = None,
    seed: int = 0,
    positions: Positions = "all",
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Learn a unit direction by the language-model loss under its own edit, and by sparsity.

    Args:
        model: frozen; its lock is held throughout.
        hook_point: where latents are read and the edit is written.
        positives: texts with the concept.
        negatives: texts without it; an edit that the concept's latents do not call for costs loss on them.
        settings: AxBench's for Gemma-2-2B unless given.
        seed: of the first weights and the order of the texts.
        positions: where latents are read and the edit is written while it is learned.
        batch_size: texts in one forward; no effect on the result beyond rounding.
        on_batch: told the number of updates made and batches read, and their total, after each.
        should_stop: asked before every forward.

    Raises:
        ExamplesError: one side has no token to predict, or no token has a positive projection.
        DirectionError: the loss is not a number.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    settings = settings or ReftSettings()
    texts = with_answer(positives, side="positive", name=NAME) + with_answer(negatives, side="negative", name=NAME)
    total = settings.n_updates(len(texts)) + n_batches(batch_size, positives, negatives)
    progress = Progress(total, on_batch, should_stop)
    with torch.inference_mode(False):
        weight = random_unit(model.d_model, seed=seed).to(model.device).requires_grad_()

        def write(stream: Tensor, written: Tensor) -> tuple[Tensor, Tensor]:
            strength, others = strength_and_others(torch.relu(stream @ weight), written, settings.top)
            return strength[:, None, None] * weight, others.sum()

        losses = learn(
            model, hook_point, texts, weight,
            Objective(write, penalty=settings.sparsity, unit_norm=True, clip=settings.clip),
            settings=settings, seed=seed, batch_size=batch_size, progress=progress, name=NAME, positions=positions,
        )  # fmt: skip
    direction = weight.detach().cpu()
    reader = TokenReader(model, hook_point, batch_size, progress)
    read = [[read_positions(model, text, positions) for text in side] for side in (positives, negatives)]
    largest = reader.largest_projection(read, direction, name=NAME)
    return Direction(direction, largest, hook_point, NAME, losses)


def strength_and_others(
    latents: Float[Tensor, "batch pos"], written: Bool[Tensor, "batch pos"], top: int
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Mean of the ``top`` largest latents of every text (of all, where it has fewer), and the sum of the others over
    the number of its tokens.

    Args:
        latents: at least 0.
        written: which positions are content; the others do not count.
        top: at least 1.
    """
    content = latents * written
    n_tokens = written.sum(dim=-1)
    largest = content.topk(min(top, content.shape[-1]), dim=-1).values.sum(dim=-1)
    return largest / n_tokens.clamp(1, top), (content.sum(dim=-1) - largest) / n_tokens.clamp(min=1)
