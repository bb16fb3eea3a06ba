"""Under which id does a model lie on the Hub, and is it the model that an SAE was trained on?"""

import json
from pathlib import Path

from steering.hub import split_revision
from steering.paths import existing_path, is_path

# Short names of TransformerLens and of sae-lens' list, in lower case. A name with "/" is a Hub id already.
_HUB_IDS = {
    "gpt2-small": "openai-community/gpt2",
    "gpt2": "openai-community/gpt2",
    "pythia-70m-deduped": "EleutherAI/pythia-70m-deduped",
    "pythia-160m-deduped": "EleutherAI/pythia-160m-deduped",
    "gemma-2b": "google/gemma-2b",
    "gemma-2b-it": "google/gemma-2b-it",
    "gemma-2-2b": "google/gemma-2-2b",
    "gemma-2-2b-it": "google/gemma-2-2b-it",
    "gemma-2-9b": "google/gemma-2-9b",
    "gemma-2-9b-it": "google/gemma-2-9b-it",
    "gemma-2-27b": "google/gemma-2-27b",
    "gemma-2-27b-it": "google/gemma-2-27b-it",
    "mistral-7b": "mistralai/Mistral-7B-v0.1",
    "qwen3-0.6b": "Qwen/Qwen3-0.6B",
    "qwen3-1.7b": "Qwen/Qwen3-1.7B",
    "qwen3-4b": "Qwen/Qwen3-4B",
    "qwen3-8b": "Qwen/Qwen3-8B",
    "qwen3-14b": "Qwen/Qwen3-14B",
}


def hub_id(name: str) -> str | None:
    """The Hub id of a model that is called ``name``; None for a short name that is not known."""
    name = name.strip().rstrip("/")
    return name if "/" in name else _HUB_IDS.get(name.casefold())


def another_model(trained_on: str | None, model: str) -> str | None:
    """A sentence if an SAE trained on ``trained_on`` is to read ``model``, another one; else None.

    Reading an instruction-tuned model with its base model's SAE is common and mostly works, so this is never an error.
    The organisation counts for nothing: authors leave it out, and copies lie under others. Of a folder, its name and
    what its config.json says count; where neither names a published model, nobody can tell, and that is said.
    """
    folder = existing_path(model)
    if folder is None or not folder.is_dir():
        names = [split_revision(model)[0]]
        published: str | None = names[0]
    else:
        names = [folder.resolve().name, *_stated_name(folder)]
        published = next((id for name in reversed(names) if not is_path(name) and (id := hub_id(name))), None)
    if not trained_on or bare(trained_on) in {bare(name) for name in names}:
        return None
    if published is None:
        return (
            f"This SAE was trained on {trained_on}; whether the folder {names[0]} holds that model cannot be checked, "
            "because neither its name nor its config.json says which model it is."
        )
    return (
        f"This SAE was trained on {trained_on} and reads {published}; features mostly carry over between a base model "
        "and its instruction-tuned version, and not between unrelated models."
    )


def _stated_name(folder: Path) -> list[str]:
    """What older versions of transformers wrote into a config.json: the id or folder that the model came from."""
    try:
        stated = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_name_or_path")
    except (OSError, ValueError, AttributeError):
        return []
    return [stated] if isinstance(stated, str) and stated else []


def family(name: str) -> str:
    """A model's bare name without what tells a base model from its instruction-tuned version."""
    plain = bare(name)
    for ending in ("-instruct", "-it", "-base", "-pt"):
        plain = plain.removesuffix(ending)
    return plain


def bare(name: str) -> str:
    """A model's name without organisation and revision, in lower case; short names stand for their Hub ids."""
    name, _ = split_revision(name)
    return (hub_id(name) or name).rstrip("/").rsplit("/", 1)[-1].casefold()
