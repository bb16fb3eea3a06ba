"""Under which id does a model lie on the Hub, and is it the model that an SAE was trained on?"""

from steering.hub import split_revision

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
    The organisation counts for nothing: authors leave it out, and copies lie under others.
    """
    if not trained_on or bare(trained_on) == bare(model):
        return None
    return (
        f"This SAE was trained on {trained_on} and reads {model}; features mostly carry over between a base model "
        "and its instruction-tuned version, and not between unrelated models."
    )


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
