"""How is a direction found by the name of its method? The names of the results' tables."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, get_args

from steering.directions.components import Sign
from steering.directions.diff_mean import diff_mean
from steering.directions.direction import Direction
from steering.directions.lat import lat
from steering.directions.pca import pca
from steering.directions.probe import probe
from steering.directions.progress import OnBatch
from steering.directions.random_direction import random_direction
from steering.directions.reft_r1 import reft_r1
from steering.directions.settings import PROBE_PRESETS, REFT_PRESETS, SSV_PRESETS, Preset
from steering.directions.ssv import ssv
from steering.encoding import EncodedText
from steering.hook_points import HookPoint
from steering.models import LanguageModel
from steering.positions import Positions
from steering.sentence_ends import read_positions

DirectionMethod = Literal["diffmean", "pca", "lat", "probe", "ssv", "reft_r1", "random_direction"]
DIRECTION_METHODS: tuple[DirectionMethod, ...] = get_args(DirectionMethod)


def find_direction(
    method: DirectionMethod,
    model: LanguageModel,
    hook_point: HookPoint,
    positives: Sequence[EncodedText],
    negatives: Sequence[EncodedText],
    *,
    seed: int = 0,
    sign: Sign = "positives",
    preset: Preset = "axbench_2b",
    positions: Positions = "all",
    batch_size: int = 16,
    on_batch: OnBatch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Direction:
    """Find a direction from positives and negatives by one of the methods.

    Args:
        method: which.
        model: whose stream is read; it is left as it was.
        hook_point: where.
        positives: texts with the concept.
        negatives: texts without it; SSV makes no use of them.
        seed: DiffMean and PCA draw nothing.
        sign: of PCA and LAT.
        preset: settings of the methods that learn.
        positions: which eligible tokens are read, and where the methods that learn write.
        batch_size: texts in one forward; no effect on the result beyond rounding.
        on_batch: told batches and updates that are done, and their total.
        should_stop: asked before every forward.

    Raises:
        ExamplesError: texts that give no direction by this method.
        DirectionError: learning failed.
        ModelError: the model has no such hook point.
        Cancelled: ``should_stop`` said so.
    """
    if method not in ("ssv", "reft_r1"):  # those need the whole answer for their loss
        positives, negatives = (
            [read_positions(model, text, positions) for text in side] for side in (positives, negatives)
        )
    find: dict[DirectionMethod, Callable[..., Direction]] = {
        "diffmean": partial(diff_mean, positives=positives, negatives=negatives),
        "pca": partial(pca, positives=positives, negatives=negatives, sign=sign),
        "lat": partial(lat, positives=positives, negatives=negatives, sign=sign, seed=seed),
        "probe": partial(probe, positives=positives, negatives=negatives, settings=PROBE_PRESETS[preset], seed=seed),
        "ssv": partial(ssv, positives=positives, settings=SSV_PRESETS[preset], seed=seed, positions=positions),
        "reft_r1": partial(
            reft_r1,
            positives=positives,
            negatives=negatives,
            settings=REFT_PRESETS[preset],
            seed=seed,
            positions=positions,
        ),
        "random_direction": partial(random_direction, texts=[*positives, *negatives], seed=seed),
    }
    return find[method](model, hook_point, batch_size=batch_size, on_batch=on_batch, should_stop=should_stop)
