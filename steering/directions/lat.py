"""Along which axis do pairs of positive tokens differ? Linear artificial tomography (Zou et al. 2023), as in AxBench.

1. the tokens of the positives are shuffled and paired, each token in one pair at most
2. every pair gives a difference of unit norm
3. direction = first principal component of the differences, centred
4. sign      = so that positives project higher than negatives on average    (ours; AxBench leaves it to chance)
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from steering.directions.components import Moments, Sign, turned
from steering.directions.direction import Direction
from steering.directions.progress import OnBatch, Progress
from steering.directions.tokens import TokenReader, n_batches
from steering.encoding import EncodedText
from steering.hook_points import HookPoint
from steering.models import LanguageModel

NAME = "LAT"
_CHUNK = 4096


def lat(
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    sign: Sign = "positives",
    seed: int = 0,
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Find the first principal component of differences between positive tokens.

    The texts are read twice; the positives' tokens are held, up to a bound.

    Args:
        model: whose stream is read; its lock is held for one batch at a time.
        hook_point: where.
        positives: texts with the concept.
        negatives: texts without it; they decide the sign, and count for the unit of the factor.
        sign: which end of the component is taken.
        seed: of the shuffle.
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
    resid = reader.sample(positives, seed=seed, side="positive", name=NAME).resid
    negative = reader.mean(negatives, side="negative", name=NAME)
    component = differences(resid, seed=seed).first_component(NAME)
    direction = turned(component, resid.double().mean(dim=0), negative, sign=sign)
    largest = reader.largest_projection([positives, negatives], direction, name=NAME)
    return Direction(direction, largest, hook_point, NAME)


def differences(tokens: Float[Tensor, "n d_model"], *, seed: int) -> Moments:
    """Moments of the unit-normed differences of shuffled pairs; pairs of equal tokens have none and are left out.

    Args:
        tokens: float32; the last of an odd number is left over.
        seed: of the shuffle.
    """
    shuffled = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(seed))
    half = len(tokens) // 2
    moments = Moments(tokens.shape[1])
    for first, second in zip(shuffled[:half].split(_CHUNK), shuffled[half : 2 * half].split(_CHUNK), strict=True):
        difference = tokens[first] - tokens[second]
        norm = difference.norm(dim=-1, keepdim=True)
        differs = norm[:, 0] > 1e-6 * tokens[first].norm(dim=-1)
        moments.add(difference[differs] / norm[differs])
    return moments
