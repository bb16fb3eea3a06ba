"""What is an SAE worth, measured on documents that neither it nor its threshold has seen?"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steering.hook_points import HookPoint
from steering.hooks import edit, record
from steering.models import LanguageModel
from steering.world.corpus import token_batches
from steering.world.language_model import loss_of, padded
from steering.world.sae_training import HELDOUT_SEED
from steering.world.scale import SaeSize, Scale

if TYPE_CHECKING:
    from sae_lens import SAE


@torch.no_grad()
def model_card(
    sae: "SAE", model: LanguageModel, *, size: SaeSize, scale: Scale, seed: int
) -> dict[str, float | int | str]:
    """What a model card says of an SAE, measured on what was saved.

    ``fvu`` is the squared error over the variance. ``ce_recovered`` is (CE with the stream set to its mean − CE with
    the reconstruction) / (CE with the mean − CE untouched). A feature is dead when it is active on none of the tokens.
    """
    special = torch.tensor(model.tokenizer.all_special_ids)
    pad = int(model.tokenizer.pad_token_id)
    point = HookPoint(size.layer, "resid_post")
    batches = token_batches(
        model.tokenizer,
        seed=seed + HELDOUT_SEED + 1,
        tokens=4 * scale.sae_batch,
        context=scale.context,
        pool=max(scale.report_documents, 4 * scale.sae_batch // 8),
    )
    active = torch.zeros(size.d_sae, device=model.device)
    error, tokens, losses, documents, count = 0.0, 0, torch.zeros(3), 0, 0
    moments = torch.zeros(2, model.d_model, dtype=torch.float64, device=model.device)
    mean: Tensor | None = None
    while documents < scale.report_documents:
        ids = padded(next(batches), pad).to(model.device)
        keep = ~torch.isin(ids, special.to(ids.device))
        with record(model, point) as seen:
            losses[0] += loss_of(model.model, ids, pad).item()
        assert seen.resid is not None
        resid = seen.resid
        acts = sae.encode(resid.float())
        rebuilt = torch.where(keep[..., None], sae.decode(acts).to(resid.dtype), resid)
        kept = resid[keep].float()
        mean = kept.mean(0) if mean is None else mean
        flat = torch.where(keep[..., None], mean.to(resid.dtype), resid)
        for place, changed in ((1, rebuilt), (2, flat)):
            with edit(model, point, lambda _stream, changed=changed: changed):  # type: ignore[misc]
                losses[place] += loss_of(model.model, ids, pad).item()
        error += (kept - rebuilt[keep].float()).square().sum().item()
        moments += torch.stack([kept.sum(0), kept.square().sum(0)])
        active += (acts[keep] > 0).float().sum(0)
        tokens += int(keep.sum())
        documents += len(ids)
        count += 1
    variance = (moments[1] - moments[0].square() / tokens).sum().item()
    clean, spliced, blank = (losses / count).tolist()
    return {
        "name": size.name,
        "architecture": "BatchTopK, saved as JumpReLU",
        "hook_name": str(point),
        "d_sae": size.d_sae,
        "l0_declared": size.k,
        "l0": round(active.sum().item() / tokens, 3),
        "fvu": round(error / variance, 4),
        "ce_nats": round(clean, 4),
        "ce_nats_with_sae": round(spliced, 4),
        "ce_nats_with_mean": round(blank, 4),
        "ce_recovered": round((blank - spliced) / (blank - clean), 4),
        "dead_share": round((active == 0).float().mean().item(), 4),
        "heldout_tokens": tokens,
        "training_tokens": scale.sae_steps * scale.sae_batch,
        "training_text": "random documents of the grammar; every token was seen once",
    }
