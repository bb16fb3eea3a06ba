"""What does the model do when nothing is done, or when it is simply told?"""

from steering.generation.condition import Condition
from steering.methods.task import UNDOSED, Prepared, Task
from steering.prompting import concept_instruction


def none(_task: Task) -> Prepared:
    """The model as it is; a method like the others, so that the table holds what steering starts from."""
    return Prepared("none", lambda _: Condition("baseline"), UNDOSED)


def prompt(task: Task) -> Prepared:
    """The concept is named in the prompt (AxBench's strongest baseline)."""
    instruction = concept_instruction(task.loaded.model.name, task.concept)
    return Prepared(
        "prompt",
        lambda _: Condition("prompted", instruction=instruction),
        UNDOSED,
        details={"instruction": instruction},
    )
