"""Which directions in the residual stream can be found without an SAE? DiffMean; the simplest one, and hard to beat.

    direction = mean(positive tokens) - mean(negative tokens), divided by its norm       (AxBench, Marks & Tegmark 2023)
    max_projection = the largest token . direction over all examples                     (AxBench's unit of the factor)

Tokens count once each, so long texts weigh more than short ones, as in AxBench; only eligible tokens count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from steering.activations import read_resid
from steering.encoding import EncodedText, pad_left
from steering.errors import Cancelled, ExamplesError
from steering.hook_points import HookPoint
from steering.models import LanguageModel


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A direction in the residual stream, found by comparing texts.

    Attributes:
        direction: unit norm, float32, on the CPU.
        max_projection: the largest projection of an eligible token of the examples, in residual units; the unit of the
            factor, as max_act is for a feature. Positive.
        hook_point: where it was read and is to be written.
        name: how it was found.
    """

    direction: Float[Tensor, " d_model"]
    max_projection: float
    hook_point: HookPoint
    name: str


def diff_mean(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    batch_size: int = 16,
    on_batch: Callable[[int, int], None] | None = None,
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
    n_batches = sum(2 * -(-len(texts) // batch_size) for texts in (positives, negatives))
    n_read = 0

    def tokens_of(texts: Sequence[EncodedText]) -> Iterator[Float[Tensor, "n d_model"]]:
        nonlocal n_read
        by_length = sorted(texts, key=len)
        for start in range(0, len(by_length), batch_size):
            if should_stop is not None and should_stop():
                raise Cancelled
            yield _eligible_resid(model, hook_point, by_length[start : start + batch_size])
            n_read += 1
            if on_batch is not None:
                on_batch(n_read, n_batches)

    means = []
    for side, texts in (("positive", positives), ("negative", negatives)):
        total = torch.zeros(model.d_model, dtype=torch.float64)
        n_tokens = 0
        for resid in tokens_of(texts):
            total += resid.double().sum(dim=0)
            n_tokens += len(resid)
        if not n_tokens:
            raise ExamplesError(f"DiffMean needs {side} examples with at least one token of content; add some.")
        means.append(total / n_tokens)
    difference = means[0] - means[1]
    norm = difference.norm()
    if not norm > 1e-6 * means[0].norm():
        raise ExamplesError("Positive and negative examples have the same mean here; DiffMean needs texts that differ.")
    direction = (difference / norm).float()
    max_projection = max(
        float((resid @ direction).max()) for texts in (positives, negatives) for resid in tokens_of(texts) if len(resid)
    )
    if max_projection <= 0:
        raise ExamplesError(
            f"No token of the examples projects onto DiffMean's direction by more than {max_projection:.3g}, so a "
            "factor would have no unit; choose another layer."
        )
    return Direction(direction, max_projection, hook_point, "DiffMean")


def _eligible_resid(
    model: LanguageModel, hook_point: HookPoint, texts: Sequence[EncodedText]
) -> Float[Tensor, "n d_model"]:
    """The stream at the eligible tokens of ``texts``, float32, on the CPU."""
    tokens = pad_left(texts, pad_id=int(model.tokenizer.pad_token_id), device=model.device)
    return read_resid(model, hook_point, tokens)[tokens.eligible].float().cpu()
