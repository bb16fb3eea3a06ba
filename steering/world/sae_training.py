"""How are the world's SAEs trained, and what are they worth?

Training is sae-lens's own (BatchTopK, saved as JumpReLU). Three things it leaves to the caller are done here: the
decoder bias starts at the mean of the stream, the threshold is set on held-out tokens so that l0 is what was declared,
and decoder rows are folded to unit norm.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steering.hook_points import HookPoint
from steering.hooks import edit, record
from steering.models import LanguageModel
from steering.world.corpus import token_batches
from steering.world.language_model import Progress, loss_of, padded
from steering.world.scale import Scale

if TYPE_CHECKING:
    from sae_lens import SAE, BatchTopKTrainingSAE

TRAIN_SEED, HELDOUT_SEED = 1_000, 2_000
SETTLE_BATCHES = 8
RATE, RATE_END = 2e-3, 1e-4


def stream_batches(model: LanguageModel, *, scale: Scale, seed: int) -> Iterator[Tensor]:
    """Endless residual vectors ``[tokens d_model]`` of text tokens, without template tokens, BOS, EOS and padding."""
    special = torch.tensor(model.tokenizer.all_special_ids)
    pad = int(model.tokenizer.pad_token_id)
    batches = token_batches(
        model.tokenizer, seed=seed, tokens=8 * scale.sae_batch, context=scale.context, pool=4 * scale.sae_batch
    )
    for rows in batches:
        ids = padded(rows, pad).to(model.device)
        with torch.no_grad(), record(model, HookPoint(scale.sae_layer, "resid_post"), stop=True) as seen:
            model.model(input_ids=ids)
        assert seen.resid is not None
        yield seen.resid[~torch.isin(ids, special.to(ids.device))].float().clone()


def train_sae(folder: Path, model: LanguageModel, *, name: str, scale: Scale, seed: int, progress: Progress) -> "SAE":
    """Train one SAE on the stream after block ``scale.sae_layer`` and save it in sae-lens's format.

    Args:
        folder: where cfg.json and sae_weights.safetensors go.
        model: the language model as shipped.
        name: of the SAE, for the messages.
        scale: sizes.
        seed: of weights and documents.
        progress: told what is done and the share of this stage that is finished.
    """
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, SAETrainer
    from sae_lens.config import SAETrainerConfig
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.training.mixing_buffer import mixing_buffer

    torch.manual_seed(seed + TRAIN_SEED)
    layer, d_in, device = scale.sae_layer, model.d_model, str(model.device)
    harvest = stream_batches(model, scale=scale, seed=seed + TRAIN_SEED)
    first = torch.cat([next(harvest) for _ in range(2)])
    mean, norm = first.mean(0), first.norm(dim=-1).mean()

    def watched() -> Iterator[Tensor]:
        for step, batch in enumerate(mixing_buffer(32 * scale.sae_batch, scale.sae_batch, harvest)):
            if step % 20 == 0:
                progress(f"SAE {name}: step {step}", min(step / scale.sae_steps, 1.0))
            yield batch

    sae = BatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(
            d_in=d_in,
            d_sae=scale.d_sae,
            k=scale.k,
            topk_threshold_lr=0.02,
            normalize_activations="expected_average_only_in",
            rescale_acts_by_decoder_norm=True,
            device=device,
            metadata=SAEMetadata(
                model_name="steerscope/demo",
                model_class_name="AutoModelForCausalLM",
                hook_name=f"blocks.{layer}.hook_resid_post",
                hf_hook_name=f"model.layers.{layer}",
                prepend_bos=True,
                context_size=scale.context,
                exclude_special_tokens=True,
                l0=float(scale.k),
            ),
        )
    )
    with torch.no_grad():
        sae.b_dec.copy_(mean * d_in**0.5 / norm)
    SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=scale.sae_steps * scale.sae_batch,
            train_batch_size_samples=scale.sae_batch,
            lr=RATE,
            lr_end=RATE_END,
            lr_warm_up_steps=min(100, scale.sae_steps // 4),
            lr_decay_steps=scale.sae_steps // 3,
            dead_feature_window=300,
            n_batches_for_norm_estimate=10,
            device=device,
        ),
        sae=sae,
        data_provider=watched(),
    ).fit()
    settle_threshold(sae, model, scale=scale, seed=seed)
    sae.fold_W_dec_norm()
    folder.mkdir(parents=True, exist_ok=True)
    sae.save_inference_model(folder)
    settings = json.loads((folder / "cfg.json").read_text()) | {"device": "cpu"}
    (folder / "cfg.json").write_text(json.dumps(settings, indent=1) + "\n")
    return load_sae(folder, device)


def load_sae(folder: Path, device: str = "cpu") -> "SAE":
    """An SAE from disk, ready for inference."""
    from sae_lens import SAE

    return SAE.load_from_disk(str(folder), device=device).eval().requires_grad_(False)


@torch.no_grad()
def settle_threshold(sae: "BatchTopKTrainingSAE", model: LanguageModel, *, scale: Scale, seed: int) -> None:
    """Set the threshold so that on held-out tokens ``scale.k`` features are active on average."""
    harvest = stream_batches(model, scale=scale, seed=seed + HELDOUT_SEED)
    resid = torch.cat([next(harvest) for _ in range(SETTLE_BATCHES)])
    values = []
    for part in resid.split(2_048):
        pre = sae.process_sae_in(part) @ sae.W_enc + sae.b_enc
        if sae.cfg.rescale_acts_by_decoder_norm:
            pre = pre * sae.W_dec.norm(dim=-1)
        values.append(pre.relu().flatten())
    positive = torch.cat(values)
    wanted = round(scale.k * len(resid))
    sae.topk_threshold = torch.topk(positive, wanted + 1).values[-1].double().clamp(min=1e-6)


@torch.no_grad()
def sae_figures(sae: "SAE", model: LanguageModel, *, scale: Scale, seed: int) -> dict[str, float | int | str]:
    """What a model card says of an SAE, measured on documents that neither it nor the threshold has seen.

    ``fvu`` is the squared error over the variance. ``ce_recovered`` is (CE with the stream set to its mean − CE with
    the reconstruction) / (CE with the mean − CE untouched). A feature is dead when it is active on none of the tokens.
    """
    special = torch.tensor(model.tokenizer.all_special_ids)
    pad = int(model.tokenizer.pad_token_id)
    point = HookPoint(scale.sae_layer, "resid_post")
    batches = token_batches(
        model.tokenizer,
        seed=seed + HELDOUT_SEED + 1,
        tokens=4 * scale.sae_batch,
        context=scale.context,
        pool=max(scale.report_documents, 4 * scale.sae_batch // 8),
    )
    active = torch.zeros(scale.d_sae)
    error, tokens, losses, documents = 0.0, 0, torch.zeros(3), 0
    moments = torch.zeros(2, model.d_model)
    mean: Tensor | None = None
    maxima = torch.zeros(scale.d_sae)
    count = 0
    while documents < scale.report_documents:
        ids = padded(next(batches), pad).to(model.device)
        keep = ~torch.isin(ids, special.to(ids.device))
        with record(model, point) as seen:
            losses[0] += loss_of(model.model, ids, pad).item()
        assert seen.resid is not None
        resid = seen.resid
        acts = sae.encode(resid.float())
        rebuilt = torch.where(keep[..., None], sae.decode(acts).to(resid.dtype), resid)
        kept, kept_acts = resid[keep].float(), acts[keep]
        mean = kept.mean(0) if mean is None else mean
        flat = torch.where(keep[..., None], mean.to(resid.dtype), resid)
        for place, changed in ((1, rebuilt), (2, flat)):
            with edit(model, point, lambda _stream, changed=changed: changed):  # type: ignore[misc]
                losses[place] += loss_of(model.model, ids, pad).item()
        error += (kept - rebuilt[keep].float()).square().sum().item()
        moments += torch.stack([kept.sum(0), kept.square().sum(0)])
        active += (kept_acts > 0).float().sum(0)
        maxima = torch.maximum(maxima, kept_acts.max(0).values)
        tokens += int(keep.sum())
        documents += len(ids)
        count += 1
    variance = (moments[1] - moments[0].square() / tokens).sum().item()
    clean, spliced, blank = (losses / count).tolist()
    return {
        "hook_name": str(point),
        "d_sae": scale.d_sae,
        "l0_declared": scale.k,
        "l0": round(active.sum().item() / tokens, 3),
        "fvu": round(error / variance, 4),
        "ce_nats": round(clean, 4),
        "ce_nats_with_sae": round(spliced, 4),
        "ce_nats_with_mean": round(blank, 4),
        "ce_recovered": round((blank - spliced) / (blank - clean), 4),
        "dead_share": round((active == 0).float().mean().item(), 4),
        "heldout_tokens": tokens,
        "training_tokens": scale.sae_steps * scale.sae_batch,
    }
