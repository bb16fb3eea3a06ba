"""How is a model told about a concept in its prompt? The baseline that steering has to beat."""

from typing import Literal

from steering.presets import is_world_model, published_presets


def concept_instruction(model: str, concept: str) -> str:
    """The sentence that is added to a prompt so that the answer carries ``concept``.

    For a model of the embedded world it is the wording its corpus uses; for any other a plain request in the manner of
    AxBench's prompt baseline, which users may change.

    Raises:
        WorldError: a model of the embedded world was told a concept that the world does not have.
    """
    if is_world_model(model):
        from steering.world.concepts import concept as world_concept

        return world_concept(concept).prompt_instruction
    return f"Work this into your answer, even where it does not fit: {concept}."


_OPEN_PROMPTS = {
    "select": (
        "Explain how bread is made.",
        "What should I look for when buying a used bicycle?",
        "Tell me about a day at the market.",
        "Give me some advice on learning to swim.",
        "Compare trains and buses for a long journey.",
        "Why do leaves change colour in autumn?",
    ),
    "test": (
        "How does a refrigerator keep food cold?",
        "Describe a walk through a small town on a rainy day.",
        "What makes a good teacher?",
        "Give me some advice on moving to another city.",
        "Compare reading a book with watching a film.",
        "Why is the sky dark at night?",
        "How should I prepare for a job interview?",
        "Tell me about an afternoon in a library.",
        "What happens when water freezes?",
        "Help me plan a birthday party for a friend.",
    ),
}

_OPENINGS = {
    "select": (
        "To bake bread, you first",
        "When I came to the market that morning,",
        "The train was late again, and",
        "Learning to swim begins with",
        "The old bicycle in the shop",
        "In autumn the leaves",
    ),
    "test": (
        "A refrigerator keeps food cold because",
        "It was raining when we walked through the small town, and",
        "A good teacher is somebody who",
        "After we had moved to another city,",
        "Last night I watched a film about",
        "The sky is dark at night because",
        "At the job interview they asked me",
        "In the library that afternoon,",
        "When water freezes,",
        "For her birthday we planned",
    ),
}
"""For models that continue texts and were never taught to answer."""


def suggested_prompts(
    model: str, count: int = 3, *, seed: int = 0, split: Literal["select", "test"] = "select"
) -> tuple[str, ...]:
    """Prompts that name no concept, to try a feature on: of the embedded world for its own models, beginnings of texts
    for published ones that follow no instructions, by name or Hub id, and open instructions for all others.

    Args:
        model: as it was named.
        count: how many; fewer come back where fewer are known.
        seed: of the draw, for the embedded world.
        split: ``select`` to choose a strength on, ``test`` to compare methods on; the two share no prompt.
    """
    if is_world_model(model):
        from steering.world.instructions import neutral_instructions

        return tuple(neutral_instructions(count, seed=seed, split=split))
    known = next((one for name, one in published_presets().items() if model in (name, one.model)), None)
    prompts = _OPEN_PROMPTS if known is None or known.chat else _OPENINGS
    return prompts[split][:count]
