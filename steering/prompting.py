"""How is a model told about a concept in its prompt? The baseline that steering has to beat."""

from steering.presets import is_world_model


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


_OPEN_PROMPTS = (
    "Explain how bread is made.",
    "What should I look for when buying a used bicycle?",
    "Tell me about a day at the market.",
    "Give me some advice on learning to swim.",
    "Compare trains and buses for a long journey.",
    "Why do leaves change colour in autumn?",
)


def suggested_prompts(model: str, count: int = 3, *, seed: int = 0) -> tuple[str, ...]:
    """Prompts that name no concept, to try a feature on; of the embedded world for its own models."""
    if is_world_model(model):
        from steering.world.instructions import neutral_instructions

        return tuple(neutral_instructions(count, seed=seed, split="select"))
    return _OPEN_PROMPTS[:count]
