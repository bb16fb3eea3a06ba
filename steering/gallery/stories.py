"""Which worked studies ship with the project, and which question does each of them answer?

Concepts, titles, numbers and texts are not here: they are in the studies, and were written from what came out.
"""

from dataclasses import dataclass

from steering.studies.study import Screen


@dataclass(frozen=True, slots=True)
class Story:
    """One worked study.

    Attributes:
        id: of the study, readable; 16 letters of the alphabet that ids have.
        question: what it was made to answer, whatever the answer came out to be.
        look: what to look at first on the screen.
        screen: where it opens.
        icon: a Material icon, ``:material/...:``.
    """

    id: str
    question: str
    look: str
    screen: Screen
    icon: str


STORIES = (
    Story(
        "wherefeatureswin",
        "What are a few examples good for?",
        "The table first: the column “vs SAE” has every method's difference to the feature, with its interval. Then "
        "set the SAE's answer beside LoRA's and mark what differs.",
        "compare",
        ":material/trophy:",
    ),
    Story(
        "wherelorawins222",
        "Where is LoRA ahead?",
        "SAE and LoRA in the table, then the ranking on the Features screen: a feature that tells a concept apart need "
        "not write it.",
        "compare",
        ":material/model_training:",
    ),
    Story(
        "whereaskingwins2",
        "When is asking enough?",
        "The row “Prompted” and the sentence that was added to each prompt (tab “Prompt”). The KL column says how far "
        "each method moved the model.",
        "compare",
        ":material/chat:",
    ),
    Story(
        "winewithcooking2",
        "What if two concepts go together?",
        "The prompts: the first half is about cooking, the second is not. On the Features screen, ask of every feature "
        "whether it fires on wine or on kitchens; on the Examples screen, why.",
        "compare",
        ":material/link:",
    ),
    Story(
        "toostrongadose22",
        "What does too strong a dose do?",
        "The steered answers, word by word. Then put the factor back to what was best, and “Where” to sentence ends; "
        "press Generate and read again.",
        "steer",
        ":material/warning:",
    ),
    Story(
        "silencedconcept2",
        "Can a feature take a concept away?",
        "Every prompt asks for the concept. Mark what changed, and count the sentences that still carry it (“Why”).",
        "steer",
        ":material/volume_off:",
    ),
)
