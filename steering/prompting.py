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
