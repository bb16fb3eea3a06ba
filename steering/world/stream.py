"""Which residual vectors are an SAE trained on, and how are they kept until all SAEs of a layer have seen them?"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import torch
from torch import Tensor

from steering.hook_points import HookPoint
from steering.hooks import record
from steering.models import LanguageModel
from steering.world.corpus import token_batches
from steering.world.language_model import Progress, padded
from steering.world.scale import Scale


def stream_batches(model: LanguageModel, *, layer: int, scale: Scale, seed: int) -> Iterator[Tensor]:
    """Endless residual vectors ``[tokens d_model]`` of text tokens, without template tokens, BOS, EOS and padding.

    The model computes in its own dtype and stops after block ``layer``.
    """
    special = torch.tensor(model.tokenizer.all_special_ids)
    pad = int(model.tokenizer.pad_token_id)
    batches = token_batches(
        model.tokenizer, seed=seed, tokens=8 * scale.sae_batch, context=scale.context, pool=scale.sae_batch
    )
    for rows in batches:
        ids = padded(rows, pad).to(model.device)
        with torch.no_grad(), record(model, HookPoint(layer, "resid_post"), stop=True) as seen:
            model.model(input_ids=ids)
        assert seen.resid is not None
        yield seen.resid[~torch.isin(ids, special.to(ids.device))].float().clone()


def harvest(path: Path, model: LanguageModel, *, layer: int, scale: Scale, seed: int, progress: Progress) -> Tensor:
    """As many vectors as one SAE is trained on, written once and read from the file by every SAE of the layer.

    Args:
        path: file to write; one that is whole is read as it is.
        model: the language model as shipped.
        layer: block after which the stream is read.
        scale: ``sae_steps`` · ``sae_batch`` vectors are kept.
        seed: of the documents.
        progress: told what is done and the share of this stage that is finished.

    Returns:
        bfloat16 ``[tokens d_model]``, memory-mapped, in the order of the documents.
    """
    wanted = scale.sae_steps * scale.sae_batch
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        batches = stream_batches(model, layer=layer, scale=scale, seed=seed)
        written = 0
        with part.open("wb") as file:
            while written < wanted:
                resid = next(batches)[: wanted - written].to("cpu", torch.bfloat16)
                file.write(resid.view(torch.int16).numpy().tobytes())
                written += len(resid)
                progress(f"stream after block {layer}: {written:,} tokens", written / wanted)
        part.replace(path)
    size = wanted * model.d_model
    return torch.from_file(str(path), shared=False, size=size, dtype=torch.bfloat16).view(wanted, model.d_model)


def shuffled(stream: Tensor, *, batch: int, seed: int, device: str) -> Iterator[Tensor]:
    """Endless float32 batches of ``stream`` in random order; every vector comes once before any comes again."""
    order = torch.randperm(len(stream), generator=torch.Generator().manual_seed(seed))
    batches = len(stream) // batch
    for number in count():
        start = number % batches * batch
        yield stream[order[start : start + batch]].to(device, torch.float32)
