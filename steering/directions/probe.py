"""Which direction tells tokens of positives from those of negatives best? A logistic probe, as in AxBench.

    minimise over unit w   -log sigmoid(+-h . w), mean over the tokens of a batch of texts; + for positives; no bias

AdamW; after every update w is put back to norm 1, and the gradient along w is removed. A probe that separates well need
not steer: AxBench's steers as badly as PCA.
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.settings import ProbeSettings
from steering.directions.tokens import TokenReader, n_batches
from steering.directions.unit_norm import random_unit, remove_parallel_gradient, renormalise
from steering.encoding import EncodedText
from steering.errors import DirectionError
from steering.hook_points import HookPoint
from steering.models import LanguageModel

NAME = "Probe"


def probe(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    settings: ProbeSettings | None = None,
    seed: int = 0,
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Fit a logistic regression without bias on single tokens.

    The texts are read twice, and their tokens are held, up to a bound; AxBench reads the texts anew in every epoch.

    Args:
        model: whose stream is read; its lock is held for one batch at a time.
        hook_point: where.
        positives: texts with the concept.
        negatives: texts without it.
        settings: AxBench's for Gemma-2-2B unless given.
        seed: of the first weights and the order of the texts.
        batch_size: texts in one forward; no effect on the result beyond rounding.
        on_batch: told the number of batches read and updates made, and their total, after each.
        should_stop: asked before every batch and update.

    Raises:
        ExamplesError: one side has no eligible token, or no token has a positive projection.
        DirectionError: the loss is not a number.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    settings = settings or ProbeSettings()
    n_texts = sum(any(text.eligible) for text in (*positives, *negatives))
    total = 2 * n_batches(batch_size, positives, negatives) + settings.n_updates(n_texts)
    progress = Progress(total, on_batch, should_stop)
    reader = TokenReader(model, hook_point, batch_size, progress)
    with torch.inference_mode(False):  # what is read in inference mode cannot be learned from
        positive = reader.sample(positives, seed=seed, side="positive", name=NAME)
        negative = reader.sample(negatives, seed=seed, side="negative", name=NAME)
        direction, losses = fit_probe(
            torch.cat([positive.resid, negative.resid]),
            torch.cat([torch.ones(len(positive.resid)), torch.zeros(len(negative.resid))]),
            torch.cat([positive.text, negative.text + len(positives)]),
            settings=settings,
            seed=seed,
            progress=progress,
        )
    largest = reader.largest_projection([positives, negatives], direction, name=NAME)
    return Direction(direction, largest, hook_point, NAME, losses)


def fit_probe(
    resid: Float[Tensor, "n d_model"],
    labels: Float[Tensor, " n"],
    text: Int[Tensor, " n"],
    *,
    settings: ProbeSettings,
    seed: int,
    progress: Progress,
) -> tuple[Float[Tensor, " d_model"], tuple[float, ...]]:
    """Fit the unit vector, and the loss of every update.

    Args:
        resid: tokens, float32.
        labels: 1 for tokens of positives, 0 for those of negatives.
        text: the number of the text that a token belongs to; a batch is made of whole texts.
        settings: how.
        seed: of the first weights and the order of the texts.
        progress: asked before, and told after, every update.

    Raises:
        DirectionError: the loss is not a number.
        Cancelled: the progress says so.
    """
    tokens_of = [(text == one).nonzero()[:, 0] for one in text.unique()]
    weight = random_unit(resid.shape[1], seed=seed).requires_grad_()
    optimizer = torch.optim.AdamW([weight], lr=settings.learning_rate, weight_decay=settings.weight_decay)
    n_updates = settings.n_updates(len(tokens_of))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / n_updates)
    shuffler = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    with torch.enable_grad():
        for _epoch in range(settings.epochs):
            for batch in torch.randperm(len(tokens_of), generator=shuffler).split(settings.batch_size):
                progress.check()
                chosen = torch.cat([tokens_of[one] for one in batch.tolist()])
                optimizer.zero_grad()
                loss = binary_cross_entropy_with_logits(resid[chosen] @ weight, labels[chosen])
                loss.backward()
                losses.append(loss.item())
                if not math.isfinite(losses[-1]):
                    raise DirectionError(
                        f"The probe's loss became {losses[-1]} at update {len(losses)}; choose another layer."
                    )
                remove_parallel_gradient(weight)
                optimizer.step()
                schedule.step()
                renormalise(weight)
                progress.tick()
    return weight.detach(), tuple(losses)
