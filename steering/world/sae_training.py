"""How are the world's SAEs trained and saved?

Training is sae-lens's own (BatchTopK, saved as JumpReLU). Four things it leaves to the caller are done here: the
decoder bias starts at the mean of the stream, decoder rows are folded to unit norm, weights are stored in half
precision, and the threshold is set on held-out tokens so that l0 of what was stored is what was declared.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from steering.errors import WorldError
from steering.models import LanguageModel
from steering.world.language_model import Progress
from steering.world.scale import Architecture, ModelSize, SaeSize, Scale
from steering.world.stream import shuffled, stream_batches

if TYPE_CHECKING:
    from sae_lens import SAE, BatchTopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig

TRAIN_SEED, HELDOUT_SEED = 1_000, 2_000
SETTLE_BATCHES = 16
NORM_BATCHES = 10
RATE, RATE_END = 2e-3, 1e-4
WEIGHTS = "sae_weights.safetensors"
BLOCKS: dict[Architecture, str] = {"llama": "model.layers", "gpt2": "transformer.h"}


def train_sae(
    folder: Path,
    model: LanguageModel,
    stream: Tensor,
    *,
    size: SaeSize,
    model_size: ModelSize,
    scale: Scale,
    seed: int,
    progress: Progress,
) -> None:
    """Train one SAE and save it in sae-lens's format.

    Args:
        folder: where cfg.json and sae_weights.safetensors go, emptied before.
        model: the language model as shipped.
        stream: what `harvest` made of the SAE's layer.
        size: of the SAE.
        model_size: the model's entry in the scale.
        scale: sizes of the build.
        seed: of weights, order and held-out documents.
        progress: told what is done and the share of this stage that is finished.

    Raises:
        WorldError: when the training diverged.
    """
    from sae_lens import BatchTopKTrainingSAE, SAETrainer

    from steering.world.batch_topk import hasten

    torch.manual_seed(seed + TRAIN_SEED)
    device = str(model.device)
    batches = shuffled(stream, batch=scale.sae_batch, seed=seed + TRAIN_SEED, device=device)
    some = torch.cat([next(batches) for _ in range(min(16, scale.sae_steps))])

    def watched() -> Iterator[Tensor]:
        for step, batch in enumerate(batches, start=-NORM_BATCHES):
            if step >= 0 and step % 20 == 0:
                progress(f"{model_size.name} {size.name}: step {step}", min(step / scale.sae_steps, 1.0))
            yield batch

    sae = BatchTopKTrainingSAE(_sae_config(size, model_size, scale, device))
    hasten(sae)
    with torch.no_grad():
        sae.b_dec.copy_(some.mean(0) * model.d_model**0.5 / some.norm(dim=-1).mean())
    SAETrainer(cfg=_trainer_config(scale, device), sae=sae, data_provider=watched()).fit()
    sae.fold_W_dec_norm()
    shutil.rmtree(folder, ignore_errors=True)
    sae.save_inference_model(folder)
    settings = json.loads((folder / "cfg.json").read_text()) | {"device": "cpu"}
    (folder / "cfg.json").write_text(json.dumps(settings, indent=1) + "\n")
    _store(folder, None)
    _store(folder, settled_threshold(load_sae(folder, device), model, size=size, scale=scale, seed=seed))


def _sae_config(size: SaeSize, model_size: ModelSize, scale: Scale, device: str) -> "BatchTopKTrainingSAEConfig":
    from sae_lens import BatchTopKTrainingSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    return BatchTopKTrainingSAEConfig(
        d_in=model_size.d_model,
        d_sae=size.d_sae,
        k=size.k,
        normalize_activations="expected_average_only_in",
        rescale_acts_by_decoder_norm=True,
        device=device,
        metadata=SAEMetadata(
            model_name=f"steerscope/{model_size.name}",
            model_class_name="AutoModelForCausalLM",
            hook_name=f"blocks.{size.layer}.hook_resid_post",
            hf_hook_name=f"{BLOCKS[model_size.architecture]}.{size.layer}",
            prepend_bos=True,
            context_size=scale.context,
            exclude_special_tokens=True,
            l0=float(size.k),
        ),
    )


def _trainer_config(scale: Scale, device: str) -> "SAETrainerConfig":
    from sae_lens.config import SAETrainerConfig

    return SAETrainerConfig(
        total_training_samples=scale.sae_steps * scale.sae_batch,
        train_batch_size_samples=scale.sae_batch,
        lr=RATE,
        lr_end=RATE_END,
        lr_warm_up_steps=min(100, scale.sae_steps // 4),
        lr_decay_steps=scale.sae_steps // 3,
        dead_feature_window=300,
        n_batches_for_norm_estimate=NORM_BATCHES,
        device=device,
        autocast=_has_bfloat16(device),
    )


def _has_bfloat16(device: str) -> bool:
    """Whether the device multiplies bfloat16 matrices faster than float32."""
    if not device.startswith("cpu"):
        return True
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))


def _store(folder: Path, threshold: Tensor | None) -> None:
    """Write matrices in float16, which sae-lens reads as float32, and if given one threshold for all features."""
    tensors = load_file(folder / WEIGHTS)
    if threshold is not None:
        tensors["threshold"] = torch.full_like(tensors["threshold"], float(threshold))
    for name in ("W_enc", "W_dec"):
        tensors[name] = tensors[name].half()
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise WorldError(f"The training of {folder.name} diverged; build it again with another seed.")
    part = folder / f"{WEIGHTS}.part"
    save_file(tensors, part)
    part.replace(folder / WEIGHTS)


def load_sae(folder: Path, device: str = "cpu") -> "SAE":
    """An SAE from disk, ready for inference."""
    from sae_lens import SAE

    return SAE.load_from_disk(str(folder), device=device).eval().requires_grad_(False)


@torch.no_grad()
def settled_threshold(sae: "SAE", model: LanguageModel, *, size: SaeSize, scale: Scale, seed: int) -> Tensor:
    """The threshold with which ``size.k`` features are active on average on held-out tokens."""
    batches = stream_batches(model, layer=size.layer, scale=scale, seed=seed + HELDOUT_SEED)
    resid = torch.cat([next(batches) for _ in range(SETTLE_BATCHES)])
    floor: Tensor | None = None
    values = []
    for part in resid.split(2_048):
        pre = (sae.process_sae_in(part) @ sae.W_enc + sae.b_enc).relu().flatten()
        if floor is None:  # far below the threshold: what lies lower need not be kept
            floor = torch.topk(pre, min(2 * size.k * len(part), len(pre))).values[-1]
        values.append(pre[pre > floor])
    above = torch.cat(values)
    return torch.topk(above, min(size.k * len(resid) + 1, len(above))).values[-1].clamp(min=1e-6)
