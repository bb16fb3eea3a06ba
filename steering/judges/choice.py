"""Which judge can say whether a text carries this concept?"""

from steering.judges.score import Judge
from steering.presets import is_world_model


def judge_for(model: str, concept: str | None) -> Judge | None:
    """The judge that knows ``concept``, None where nobody does.

    The embedded world's judge knows the truth about its own concepts and about the text of its own models only.
    """
    if concept is None or not is_world_model(model):
        return None
    from steering.world.judge import WorldJudge

    judge = WorldJudge()
    return judge if judge.knows(concept) else None
