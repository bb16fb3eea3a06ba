"""What do the features do on the labelled examples? One pass over the texts, stopped at the hook layer.

The tokens of a batch are encoded for one block of features after the other and reduced at once to three numbers for
each example and feature that fires in it: ``[tokens d_sae]`` never exists, whatever the size of the dictionary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from steering.encoding import EncodedText, TokenBatch, encode_example, pad_left, token_texts
from steering.errors import ExamplesError
from steering.hook_points import HookPoint
from steering.hooks import record
from steering.models import LanguageModel
from steering.positions import Positions
from steering.saes import SparseAutoencoder
from steering.sentence_ends import read_positions
from steering.statistics import FeatureStatistics
from steering.tally import Tally

TOKENS_PER_BATCH = 4096

Progress = Callable[[int, int], None]
"""Called with tokens done and tokens in all; may raise ``Cancelled``."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenActivations:
    """One text token by token, for the heatmap.

    Attributes:
        tokens: what each token adds to the text.
        eligible: whether the token counts in the statistics.
        values: ``[pos k]`` activation of the chosen features, 0 on tokens that do not count.
    """

    tokens: tuple[str, ...]
    eligible: tuple[bool, ...]
    values: Float[np.ndarray, "pos k"]


def encode_examples(
    model: LanguageModel, texts: Sequence[str], prompts: Sequence[str | None], positions: Positions = "all"
) -> list[EncodedText]:
    """Encode every example; see :func:`steering.encoding.encode_example` and :mod:`steering.sentence_ends`."""
    return [
        read_positions(model, encode_example(model, text, prompt), positions)
        for text, prompt in zip(texts, prompts, strict=True)
    ]


def read_resid(model: LanguageModel, hook_point: HookPoint, batch: TokenBatch) -> Float[Tensor, "batch pos d_model"]:
    """The stream at ``hook_point`` for a batch; the forward ends there."""
    with model.running() as network, record(model, hook_point, stop=True) as recording:
        network(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        )
    if recording.resid is None:
        raise RuntimeError(f"{hook_point} was not reached by the forward pass")
    return recording.resid


def batches_by_length(texts: Sequence[EncodedText], tokens_per_batch: int = TOKENS_PER_BATCH) -> list[list[int]]:
    """Indices of texts in batches of similar length, so that little is padded; longest first, so that a batch that
    does not fit into memory fails at once.
    """
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    batches: list[list[int]] = []
    for row in order:
        if batches and (len(batches[-1]) + 1) * len(texts[batches[-1][0]]) <= tokens_per_batch:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def collect_statistics(
    model: LanguageModel,
    sae: SparseAutoencoder,
    texts: Sequence[str],
    prompts: Sequence[str | None],
    *,
    progress: Progress | None = None,
    tokens_per_batch: int = TOKENS_PER_BATCH,
    positions: Positions = "all",
) -> FeatureStatistics:
    """Fire frequency, maximum and mean of every feature on every example.

    Args:
        model: read up to the SAE's hook point.
        sae: encodes in float32 whatever the model's dtype.
        texts: what is read.
        prompts: the instruction each text answers, or None.
        progress: told tokens done and in all after every batch.
        tokens_per_batch: padded tokens in one forward.
        positions: which eligible tokens count; max_act is over all of them in any case.

    Raises:
        ExamplesError: a text without any eligible token.
    """
    whole = encode_examples(model, texts, prompts)
    encoded = [read_positions(model, text, positions) for text in whole]
    for row, text in enumerate(encoded):
        if not any(text.eligible):
            raise ExamplesError(f"Row {row + 1} has no token that counts; remove it or write some text into it.")
    n_tokens = np.array([sum(text.eligible) for text in encoded], dtype=np.int64)
    total = int(n_tokens.sum())
    tally = Tally(sae, n_tokens)
    norms: list[np.ndarray] = []
    done = 0
    for rows in batches_by_length(encoded, tokens_per_batch):
        batch = pad_left([whole[row] for row in rows], pad_id=_pad_id(model), device=model.device)
        counted = pad_left([encoded[row] for row in rows], pad_id=_pad_id(model), device=model.device).eligible
        resid = read_resid(model, sae.hook_point, batch)
        norms.append(_thin(resid[counted].float().norm(dim=-1).cpu().numpy()))
        example_of_token = torch.tensor(rows, device=resid.device)[batch.eligible.nonzero()[:, 0]]
        tally.add(resid[batch.eligible], example_of_token, counted[batch.eligible])
        done += int(n_tokens[rows].sum())
        if progress is not None:
            progress(done, total)
    frequency, maximum, mean = tally.matrices()
    return FeatureStatistics(
        frequency=frequency,
        maximum=maximum,
        mean=mean,
        n_tokens=n_tokens,
        max_act=tally.max_act,
        density=tally.density,
        resid_norm=float(np.median(np.concatenate(norms))),
        n_truncated=sum(text.truncated for text in encoded),
        n_without_text=sum(text.n_last == 0 for text in encoded),
    )


def token_activations(
    model: LanguageModel,
    sae: SparseAutoencoder,
    texts: Sequence[str],
    prompts: Sequence[str | None],
    feature_ids: Sequence[int],
    *,
    progress: Progress | None = None,
) -> list[TokenActivations]:
    """Activations of a few features on every token of a few texts, BOS and template tokens left out of the values.

    ``progress`` counts the tokens that `collect_statistics` counts: eligible ones.
    """
    encoded = encode_examples(model, texts, prompts)
    total = sum(sum(text.eligible) for text in encoded)
    found: dict[int, TokenActivations] = {}
    done = 0
    for rows in batches_by_length(encoded):
        batch = pad_left([encoded[row] for row in rows], pad_id=_pad_id(model), device=model.device)
        resid = read_resid(model, sae.hook_point, batch)
        acts = (sae.encode_columns(resid.float(), list(feature_ids)) * batch.eligible[..., None]).cpu().numpy()
        for place, row in enumerate(rows):
            text = encoded[row]
            found[row] = TokenActivations(
                tuple(token_texts(model, text.input_ids)), text.eligible, acts[place, acts.shape[1] - len(text) :]
            )
            done += sum(text.eligible)
        if progress is not None:
            progress(done, total)
    return [found[row] for row in range(len(encoded))]


def _pad_id(model: LanguageModel) -> int:
    pad_id = model.tokenizer.pad_token_id
    return int(pad_id) if pad_id is not None else 0


def _thin(values: np.ndarray, keep: int = 512) -> np.ndarray:
    # The median of the norms needs no more than an even sample of each batch.
    return values if len(values) <= keep else values[np.linspace(0, len(values) - 1, keep).astype(int)]
