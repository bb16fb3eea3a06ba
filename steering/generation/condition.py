"""Under what condition is a completion made? One condition is one pane, whatever the number of prompts."""

from dataclasses import dataclass, replace

from steering.conversation import Conversation, Turn
from steering.directions.direction import Direction
from steering.errors import InterventionError
from steering.finetuning.fine_tune import FineTune
from steering.generation.completion import Kind, ToldIn
from steering.interventions import Intervention, Scope
from steering.lora import Adapter


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What is done to the model or the prompt.

    Attributes:
        kind: decides which of the other fields must be set.
        instruction: ``prompted``: the sentence that the model is told.
        told_in: ``prompted``: whether it stands behind the user's last turn or in the system prompt.
        intervention: ``steered``: features, mode and scope.
        direction: ``direction``: the direction that is added.
        factor: ``direction``: in units of the direction's largest projection; ``adapted``: multiplies the adapter's
            scaling, or the way from the model's weights to the fine-tune's; 1 as trained.
        scope: ``direction``: which positions are written.
        adapter: ``adapted``: a trained LoRA adapter, or all weights fine-tuned.
    """

    kind: Kind
    instruction: str | None = None
    told_in: ToldIn = "prompt"
    intervention: Intervention | None = None
    direction: Direction | None = None
    factor: float = 1.0
    scope: Scope = "all"
    adapter: Adapter | FineTune | None = None

    def __post_init__(self) -> None:
        needed = {
            "prompted": self.instruction,
            "steered": self.intervention,
            "direction": self.direction,
            "adapted": self.adapter,
        }
        for kind, value in needed.items():
            if (kind == self.kind) != (value is not None):
                what = {"prompted": "an instruction", "steered": "an intervention", "direction": "a direction"}
                raise InterventionError(
                    f"A {self.kind} completion was asked for {'with' if value is not None else 'without'} "
                    f"{what.get(kind, 'an adapter')}; {kind} is the kind that has one."
                )
        if self.told_in != "prompt" and self.kind != "prompted":
            raise InterventionError(
                f"A {self.kind} completion is told nothing in its system prompt; prompted ones are."
            )

    def told(self, conversation: Conversation) -> Conversation:
        """The conversation as the model gets it."""
        if self.instruction is None:
            return conversation
        sentence = self.instruction.strip()
        if self.told_in == "system":
            before = f"{conversation.system.rstrip()}\n" if conversation.system else ""
            return replace(conversation, system=f"{before}{sentence}")
        *earlier, last = conversation.turns
        return replace(conversation, turns=(*earlier, Turn(last.role, f"{last.text.rstrip()} {sentence}")))
