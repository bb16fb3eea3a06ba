"""How is everything the embedded world ships made from nothing?"""

import json
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from steering.world.scale import Scale
from steering.world.scale import scale as scale_named
from steering.world.shipped import MANIFEST, files_of, sha256

Progress = Callable[[str, float], None]
log = logging.getLogger(__name__)
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "sae-lens")
LM_SHARE = 0.7


def build(out: Path, *, seed: int = 0, scale: str = "full", progress: Progress | None = None) -> Path:
    """Make tokenizer, language model, SAE and manifest; a second call resumes where the first stopped.

    Args:
        out: folder to fill; ``out/work`` holds checkpoints and can be deleted afterwards.
        seed: of everything that is random.
        scale: ``full`` for what ships, ``mini`` for a trial of under a minute.
        progress: told what is being done and the share that is finished, 0 to 1.

    Returns:
        The folder of the assets, ``out/assets``.

    Raises:
        WorldError: when there is no such scale.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerBase

    from steering.world.corpus import train_tokenizer
    from steering.world.language_model import train_language_model

    sizes = scale_named(scale)
    tell = progress or (lambda message, share: log.info("%s (%.1f %%)", message, 100 * share))
    assets, work = out / "assets", out / "work"
    model_folder = assets / "demo" / "model"
    began = time.monotonic()
    if (model_folder / "tokenizer.json").exists():
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model_folder)
    else:
        tell("tokenizer", 0.0)
        tokenizer = train_tokenizer(
            model_folder,
            seed=seed,
            documents=sizes.tokenizer_documents,
            entries=sizes.vocabulary,
            context=sizes.context,
        )
    if not (model_folder / "model.safetensors").exists():
        train_language_model(
            model_folder,
            work,
            tokenizer,
            scale=sizes,
            seed=seed,
            progress=lambda text, share: tell(text, LM_SHARE * share),
        )
    tell("SAE", LM_SHARE)
    card = _build_sae(assets, sizes, seed, lambda text, share: tell(text, LM_SHARE + (0.98 - LM_SHARE) * share))
    tell("manifest", 0.99)
    _write_manifest(assets, sizes, seed, card, round(time.monotonic() - began))
    tell("done", 1.0)
    return assets


def sae_name(sizes: Scale) -> str:
    """Name of the SAE of a build, such as ``layer2-1k-l0-16``."""
    width = f"{sizes.d_sae // 1024}k" if sizes.d_sae >= 1024 else str(sizes.d_sae)
    return f"layer{sizes.sae_layer}-{width}-l0-{sizes.k}"


def _build_sae(assets: Path, sizes: Scale, seed: int, tell: Progress) -> dict[str, Any]:
    import torch

    from steering.models import load_model
    from steering.world.reference_set import build_reference
    from steering.world.sae_training import load_sae, sae_figures, train_sae

    name = sae_name(sizes)
    folder = assets / "demo" / "saes" / name
    card_path = folder / "model_card.json"
    if card_path.exists():
        found: dict[str, Any] = json.loads(card_path.read_text())
        return found
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_model(str(assets / "demo" / "model"), device=device, dtype="float32")
    if not (folder / "cfg.json").exists():
        train_sae(folder, model, name=name, scale=sizes, seed=seed, progress=tell)
    tell(f"SAE {name}: reference activations and figures", 1.0)
    build_reference(folder, model, scale=sizes, seed=seed)
    card = {
        "name": name,
        "architecture": "BatchTopK, saved as JumpReLU",
        **sae_figures(load_sae(folder, device), model, scale=sizes, seed=seed),
    }
    (folder.parent / "default").write_text(name + "\n")
    card_path.write_text(json.dumps(card, indent=1) + "\n")
    return card


def _write_manifest(assets: Path, sizes: Scale, seed: int, card: dict[str, Any], seconds: int) -> None:
    path = assets / MANIFEST
    made = {
        "seed": seed,
        "scale": asdict(sizes),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "figures": {
            "language_model_training_tokens": sizes.lm_steps * sizes.lm_batch_tokens,
            "heldout_ce_nats": card["ce_nats"],
            "sae": card,
            "last_run_seconds": seconds,
        },
        "sha256": {file.relative_to(assets).as_posix(): sha256(file) for file in files_of(assets)},
    }
    path.write_text(json.dumps(made, indent=1) + "\n")
