"""Which claims are tested, and what decides each?"""

from dataclasses import dataclass
from typing import Literal, get_args

from steering.errors import SteeringError
from steering.evidence.table import UNSTEERED

ClaimName = Literal["methods", "filters", "l0", "gpt2"]

SUPERVISED = "sae_f1c_output"
"""The whole pipeline: calibrated F1, then the output score. Named before results were seen, not the best of several."""
INTERPRETABLE = "sae_f1c"
"""Interpretability alone."""
BASELINES = ("lora", "diffmean", "prompt")
FILTERS = ("sae_f1c_output", "sae_f1c_confidence")
CONTROLS = ("random_feature", "other_concept", "random_direction", "none")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as a question.

    Attributes:
        name: what is typed after ``--claim``.
        question: the heading.
        claimed: what the paper says, in a sentence.
        model: preset that it is tested on.
        methods: that take part; the pairs of ``contrasts`` are among them.
        contrasts: methods of which the second is taken from the first, concept by concept; empty where the comparison
            is between SAEs.
        caveats: what an answer does not say, a sentence each.
    """

    name: ClaimName
    question: str
    claimed: str
    model: str
    methods: tuple[str, ...]
    contrasts: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]


_HOME = (
    "Prompt and LoRA are at home on this world: its corpus teaches what “mention the sea” means, and LoRA is trained "
    "on text that the judge's own grammar wrote. A gap to them is likely to be larger here than on a model in use."
)
_TINY = (
    "The models are tiny: four blocks, one kind of text. A larger model has more layers to choose from, more "
    "features for each concept, and a judge that can be wrong. The same benchmark runs on yours: python -m steering "
    "benchmark --model MODEL --examples FILE --prompts FILE --judge JUDGE."
)
_APART = "Each interval is for its own comparison; over all of them together more than one in twenty may miss."
_CONCEPTS = (
    "Concepts are resampled, so an interval speaks of other concepts like these, on this model. What another "
    "training of the model or the SAE would change is not in it."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "methods",
        "Does a supervised SAE feature steer as well as LoRA?",
        "The paper claims that SAE steering comes close to the reference LoRA of AxBench once features are selected "
        "and labelled with supervision. It does not claim to beat a prompt.",
        "demo",
        (UNSTEERED, "prompt", SUPERVISED, "diffmean", "lora"),
        tuple((SUPERVISED, other) for other in BASELINES),
        (_HOME, _TINY, _CONCEPTS, _APART),
    ),
    Claim(
        "filters",
        "Is interpretability alone enough to find features that steer?",
        "The paper claims that the part of its pipeline which only asks how well a feature reads the concept already "
        "finds features that are surprisingly causal; causal filters (Arad et al., Wang et al.) then add to it.",
        "demo",
        (UNSTEERED, INTERPRETABLE, *FILTERS, "random_feature", "random_direction", "other_concept"),
        (
            *((INTERPRETABLE, control) for control in CONTROLS),
            *((method, INTERPRETABLE) for method in FILTERS),
        ),
        (
            "A filter chooses only among features that read the concept at least 0.7 times as well as the best one; "
            "where the best one passes, filter and no filter are the same feature.",
            "The controls have as many strengths to choose from as the features have: each gets its best one.",
            _TINY,
            _CONCEPTS,
            _APART,
        ),
    ),
    Claim(
        "l0",
        "Does a sparser SAE steer better?",
        "The paper claims that a low l0 may not be needed for steering with interpretable features. It disputes Wang "
        "et al., who report that the rank correlation of interpretability with steering falls as l0 grows.",
        "demo",
        (UNSTEERED, INTERPRETABLE),
        (),
        (
            "Strengths are chosen anew for every SAE and concept, and every SAE was trained on the same tokens.",
            "Wang et al. correlate over 15 SAEs at each l0; here the pairs are concepts: calibrated F1 of the chosen "
            "feature on its 72 + 72 examples against its steering score. With one SAE for each layer and l0, what "
            "another training of an SAE would change is in no interval.",
            "At l0 128 as many features may be active at once as the stream has dimensions.",
            _TINY,
            _CONCEPTS,
        ),
    ),
    Claim(
        "gpt2",
        "Does all this hold on a second architecture?",
        "Beyond the paper, which has one model family: the same comparisons on a GPT-2-style model (LayerNorm, "
        "learned positions) trained from scratch on the same text.",
        "demo-gpt2",
        (UNSTEERED, "prompt", INTERPRETABLE, SUPERVISED, "diffmean", "lora", "random_feature", "random_direction"),
        (
            *((SUPERVISED, other) for other in BASELINES),
            *((INTERPRETABLE, control) for control in ("random_feature", "random_direction", "none")),
        ),
        (
            "Layer, l0 and positions were chosen on the first model's development concepts and carried over; on this "
            "model nothing was chosen but the strength. Another place might do better here.",
            "Same text, same concepts, same judge: what is common to both models may still be this world's doing.",
            "Scores of the two models are not set against each other, only the differences within each.",
            _HOME,
            _CONCEPTS,
            _APART,
        ),
    ),
)


def claim(name: str) -> Claim:
    """The claim called ``name``.

    Raises:
        SteeringError: there is none.
    """
    for one in CLAIMS:
        if one.name == name:
            return one
    raise SteeringError(f"There is no claim {name!r}; the claims are {', '.join(get_args(ClaimName))}.")
