"""What does a feature or a direction score on each text?

Texts are read as everywhere in this package: the answer as the assistant's turn behind its instruction, content tokens
of both turns eligible. AxBench drops the template's first tokens only and keeps those between the turns
(``get_prefix_length`` in axbench/utils/model_utils.py), in bfloat16; its scores differ from these by that.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from steering.activations import Progress, batches_by_length, encode_examples, read_resid, token_activations
from steering.detection.pooling import Pooling, pool_tokens
from steering.encoding import pad_left
from steering.errors import InterventionError, SaeError, SteeringError
from steering.hook_points import HookPoint
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder
from steering.statistics import FeatureStatistics


@runtime_checkable
class DirectionLike(Protocol):
    """What is needed of a direction: DiffMean's, a probe's, or any other."""

    @property
    def direction(self) -> Float[Tensor, " d_model"]:
        """Unit norm."""
        ...

    @property
    def hook_point(self) -> HookPoint:
        """Where it is read."""
        ...


def scores_from_statistics(
    statistics: FeatureStatistics, feature_id: int, pooling: Pooling = "max"
) -> Float[np.ndarray, " n_examples"]:
    """A feature's score of every example, from statistics that were collected before; no model is run.

    Args:
        statistics: of the texts, in their order.
        feature_id: which feature.
        pooling: ``max`` or ``mean`` over eligible tokens.

    Raises:
        InterventionError: there is no such feature.
        SteeringError: the pooling is unknown.
    """
    if not 0 <= feature_id < statistics.d_sae:
        raise InterventionError(
            f"There is no feature {feature_id}; the statistics hold features 0 to {statistics.d_sae - 1}."
        )
    if pooling not in ("max", "mean"):
        raise SteeringError(f"The pooling is {pooling!r}; a text's score is the 'max' or the 'mean' of its tokens'.")
    matrix = statistics.maximum if pooling == "max" else statistics.mean
    return matrix[:, [feature_id]].toarray()[:, 0].astype(np.float64)


def feature_scores(
    model: LanguageModel,
    sae: SparseAutoencoder,
    texts: Sequence[str],
    prompts: Sequence[str | None],
    feature_ids: Sequence[int],
    *,
    pooling: Pooling = "max",
    decimals: int | None = None,
    progress: Progress | None = None,
) -> Float[np.ndarray, "n_texts n_features"]:
    """Scores of a few features on texts, read for the purpose; ``scores_from_statistics`` is cheaper for many.

    Args:
        model: read up to the SAE's hook point.
        sae: whose features.
        texts: what is read.
        prompts: the instruction each text answers, or None.
        feature_ids: which features, one column each.
        pooling: of a text's eligible tokens.
        decimals: round token scores first, see ``pool_tokens``.
        progress: told tokens done and in all.

    Raises:
        InterventionError: a feature id that the SAE does not have.
        SteeringError: a text without any eligible token.
    """
    read = token_activations(model, sae, texts, prompts, feature_ids, progress=progress)
    pooled = [
        pool_tokens(one.values.astype(np.float64), np.array(one.eligible, dtype=bool), pooling, decimals=decimals)
        for one in read
    ]
    return np.array(pooled).reshape(len(texts), len(feature_ids))


def direction_scores(
    model: LanguageModel,
    direction: DirectionLike,
    texts: Sequence[str],
    prompts: Sequence[str | None],
    *,
    pooling: Pooling = "max",
    decimals: int | None = None,
    progress: Progress | None = None,
) -> Float[np.ndarray, " n_texts"]:
    """Projections of a text's tokens onto a direction, pooled; in residual units, and possibly negative.

    Args:
        model: read up to the direction's hook point.
        direction: unit norm.
        texts: what is read.
        prompts: the instruction each text answers, or None.
        pooling: of a text's eligible tokens.
        decimals: round token scores first, see ``pool_tokens``.
        progress: told tokens done and in all.

    Raises:
        SaeError: the direction has another width than the model.
        SteeringError: a text without any eligible token.
    """
    vector = direction.direction.float()
    if vector.shape != (model.d_model,):
        raise SaeError(
            f"The direction has {vector.shape[0]} numbers and the model's residual stream {model.d_model}; use the "
            "model it was found on."
        )
    encoded = encode_examples(model, texts, prompts)
    total = sum(len(text) for text in encoded)
    pad_id = model.tokenizer.pad_token_id
    scores = np.zeros(len(texts))
    done = 0
    for rows in batches_by_length(encoded):
        batch = pad_left([encoded[row] for row in rows], pad_id=int(pad_id or 0), device=model.device)
        with torch.no_grad():
            projected = read_resid(model, direction.hook_point, batch).float() @ vector.to(model.device)
        tokens, eligible = projected.cpu().double().numpy(), batch.eligible.cpu().numpy()
        for place, row in enumerate(rows):
            scores[row] = float(pool_tokens(tokens[place], eligible[place], pooling, decimals=decimals))
            done += len(encoded[row])
        if progress is not None:
            progress(done, total)
    return scores
