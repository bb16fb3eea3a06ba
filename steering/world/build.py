"""How is everything the embedded world ships made from nothing?"""

import logging
from collections.abc import Callable
from pathlib import Path

from steering.world.scale import scale as scale_named

Progress = Callable[[str, float], None]
log = logging.getLogger(__name__)


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
    from transformers import AutoTokenizer

    from steering.world.corpus import train_tokenizer
    from steering.world.language_model import train_language_model

    sizes = scale_named(scale)
    tell = progress or (lambda message, share: log.info("%s (%.1f %%)", message, 100 * share))
    assets, work = out / "assets", out / "work"
    model_folder = assets / "demo" / "model"
    if (model_folder / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(model_folder)
    else:
        tell("tokenizer", 0.0)
        tokenizer = train_tokenizer(
            model_folder, seed=seed, documents=sizes.tokenizer_documents, entries=sizes.vocabulary, context=sizes.context
        )
    if not (model_folder / "model.safetensors").exists():
        train_language_model(
            model_folder, work, tokenizer, scale=sizes, seed=seed, progress=lambda text, share: tell(text, 0.02 + 0.7 * share)
        )
    return assets
