"""How is everything the embedded world ships made from nothing?"""

import json
import logging
import platform
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.errors import WorldError
from steering.replacing import replacing
from steering.world.making import (
    MODEL,
    SAE,
    TOKENIZER,
    check_build,
    fingerprint,
    moved_in,
    record_of,
    sae_making,
    stream_making,
    tokenizer_making,
    write_record,
)
from steering.world.scale import ModelSize, SaeSize, Scale
from steering.world.scale import scale as scale_named
from steering.world.shipped import MANIFEST, files_of, sha256

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from steering.models import LanguageModel

Progress = Callable[[str, float], None]
log = logging.getLogger(__name__)
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "sae-lens")
TOKENIZER_FILES = (TOKENIZER, record_of(Path(TOKENIZER)).name, "tokenizer_config.json", "chat_template.jinja")
MODEL_TOKENS, STREAM_TOKENS, SAE_TOKENS = 15_000, 50_000, 40_000
"""Tokens per second of two cores in each stage (an SAE of 1,024 features), which only the shown progress relies on."""


@dataclass
class _Stages:
    """Shares of single stages as shares of the whole."""

    tell: Progress
    total: float
    done: float = 0.0

    def next(self, cost: float) -> Progress:
        """What the next stage, which takes ``cost`` of the total, reports to."""
        start = self.done
        self.done += cost
        return lambda message, share: self.tell(message, 0.99 * (start + cost * min(share, 1.0)) / self.total)


def build(
    out: Path, *, seed: int = 0, scale: str = "full", progress: Progress | None = None, only: str | None = None
) -> Path:
    """Make tokenizer, language models, SAEs and manifest; a second call resumes where the first stopped.

    Args:
        out: folder to fill; ``out/work`` holds checkpoints and can be deleted afterwards.
        seed: of everything that is random.
        scale: ``full`` for what ships, ``mini`` for a trial of under a minute.
        progress: told what is being done and the share that is finished, 0 to 1.
        only: name of the one model to build with its SAEs; all without it.

    Returns:
        The folder of the assets, ``out/assets``.

    Raises:
        WorldError: when there is no such scale or model, when ``out`` holds something that was made otherwise, or when
            a training diverged.
    """
    sizes = scale_named(scale)
    chosen = [size for size in sizes.models if only in (None, size.name)]
    if not chosen:
        raise WorldError(f"There is no model {only!r}; choose one of {', '.join(one.name for one in sizes.models)}.")
    tell = progress or (lambda message, share: log.info("%s (%.1f %%)", message, 100 * share))
    assets, work = out / "assets", out / "work"
    check_build(assets, sizes, seed)
    began = time.monotonic()
    tell("tokenizer", 0.0)
    tokenizer = _tokenizer(assets, work / "tokenizer", sizes, seed)
    stages = _Stages(tell, sum(_costs(sizes, size) for size in chosen))
    for size in chosen:
        _build_model(assets, work / size.name, tokenizer, size, sizes, seed, stages)
    tell("manifest", 0.99)
    _write_manifest(assets, sizes, seed, round(time.monotonic() - began))
    tell("done", 1.0)
    return assets


def _tokenizer(assets: Path, work: Path, sizes: Scale, seed: int) -> "PreTrainedTokenizerBase":
    """The tokenizer that all models share: learned once, a copy beside every model."""
    from transformers import AutoTokenizer

    from steering.world.corpus import train_tokenizer

    first, *others = (assets / size.name / "model" for size in sizes.models)
    if not (first / TOKENIZER).exists():
        train_tokenizer(
            work,
            seed=seed,
            documents=sizes.tokenizer_documents,
            entries=sizes.vocabulary,
            context=sizes.context,
        )
        first.mkdir(parents=True, exist_ok=True)
        write_record(first / TOKENIZER, tokenizer_making(sizes, seed))
        moved_in(work, first, last=TOKENIZER)
    for folder in others:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (first / name for name in TOKENIZER_FILES):
            if path.exists():  # the record of an old tokenizer does not
                with replacing(folder / path.name) as part:
                    shutil.copyfile(path, part)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(first)
    return tokenizer


def _costs(sizes: Scale, size: ModelSize) -> float:
    layers = {sae.layer for sae in size.saes}
    return _model_cost(sizes, size) + len(layers) * _stream_cost(sizes) + sum(_sae_cost(sizes, s) for s in size.saes)


def _model_cost(sizes: Scale, size: ModelSize) -> float:
    return size.steps * sizes.batch_tokens / MODEL_TOKENS


def _stream_cost(sizes: Scale) -> float:
    return sizes.sae_steps * sizes.sae_batch / STREAM_TOKENS


def _sae_cost(sizes: Scale, sae: SaeSize) -> float:
    return sizes.sae_steps * sizes.sae_batch * max(sae.d_sae / 1_024, 1.0) / SAE_TOKENS


def _build_model(
    assets: Path,
    work: Path,
    tokenizer: "PreTrainedTokenizerBase",
    size: ModelSize,
    sizes: Scale,
    seed: int,
    stages: _Stages,
) -> None:
    import torch

    from steering.models import load_model
    from steering.world.language_model import train_language_model

    folder = assets / size.name / "model"
    tell = stages.next(_model_cost(sizes, size))
    if not (folder / MODEL).exists():
        train_language_model(folder, work, tokenizer, size=size, scale=sizes, seed=seed, progress=tell)
    saes = assets / size.name / "saes"
    saes.mkdir(exist_ok=True)
    with replacing(saes / "default") as part:
        part.write_text(size.saes[0].name + "\n")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_model(str(folder), device=device, dtype="float32")
    for layer in dict.fromkeys(sae.layer for sae in size.saes):
        _build_layer(
            saes,
            work,
            folder / MODEL,
            model,
            [sae for sae in size.saes if sae.layer == layer],
            size,
            sizes,
            seed,
            stages,
        )


def _build_layer(
    saes: Path,
    work: Path,
    weights: Path,
    model: "LanguageModel",
    layer: Iterable[SaeSize],
    model_size: ModelSize,
    sizes: Scale,
    seed: int,
    stages: _Stages,
) -> None:
    """All SAEs of one layer: they are trained on the same stream, which is deleted once the last has seen it."""
    from steering.world.reference_set import build_reference
    from steering.world.sae_figures import model_card
    from steering.world.sae_training import TRAIN_SEED, load_sae, train_sae
    from steering.world.stream import harvest

    layer = tuple(layer)
    stream_name = fingerprint(stream_making(layer[0].layer, sizes, seed, weights))
    path = work / f"stream{layer[0].layer}-{stream_name}.bfloat16"
    tell = stages.next(_stream_cost(sizes))
    untrained = [size for size in layer if not (saes / size.name / SAE).exists()]
    stream = None
    if untrained:
        stream = harvest(path, model, layer=layer[0].layer, scale=sizes, seed=seed + TRAIN_SEED, progress=tell)
    for size in layer:
        folder = saes / size.name
        tell = stages.next(_sae_cost(sizes, size))
        if size in untrained:
            assert stream is not None
            part = work / size.name
            train_sae(part, model, stream, size=size, model_size=model_size, scale=sizes, seed=seed, progress=tell)
            write_record(part / SAE, sae_making(size, sizes, seed, weights))
            shutil.rmtree(folder, ignore_errors=True)  # without weights, or it would not be trained
            part.replace(folder)
        if not (folder / "model_card.json").exists():
            tell(f"{model_size.name} {size.name}: reference activations and figures", 1.0)
            build_reference(folder, model, scale=sizes, seed=seed)
            card = model_card(load_sae(folder, str(model.device)), model, size=size, scale=sizes, seed=seed)
            with replacing(folder / "model_card.json") as part:
                part.write_text(json.dumps(card, indent=1) + "\n")
    del stream
    for stale in work.glob(f"stream{layer[0].layer}*.bfloat16"):  # of another model or scale, too
        stale.unlink()


def _write_manifest(assets: Path, sizes: Scale, seed: int, seconds: int) -> None:
    built = [size for size in sizes.models if (assets / size.name / "model" / MODEL).exists()]
    made = {
        "seed": seed,
        "scale": asdict(sizes),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "figures": {
            "models": {size.name: _figures(assets / size.name, size, sizes) for size in built},
            "last_run_seconds": seconds,
        },
        "sha256": {file.relative_to(assets).as_posix(): sha256(file) for file in files_of(assets)},
    }
    with replacing(assets / MANIFEST) as part:
        part.write_text(json.dumps(made, indent=1) + "\n")


def _figures(folder: Path, size: ModelSize, sizes: Scale) -> dict[str, Any]:
    """What is known of one model and its SAEs, as far as they are built."""
    paths = {sae.name: folder / "saes" / sae.name / "model_card.json" for sae in size.saes}
    cards = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    return {
        "architecture": size.architecture,
        "training_tokens": size.steps * sizes.batch_tokens,
        "heldout_ce_nats": next(iter(cards.values()))["ce_nats"] if cards else None,
        "saes": cards,
    }
