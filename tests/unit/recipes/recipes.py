"""Recipes for the tests: one with everything in it, and as many different ones as a loop wants."""

import random

from steering.conversation import Conversation, Turn
from steering.lora.settings import LoraSettings
from steering.ranking.settings import RankingSettings
from steering.recipes import (
    AdapterSource,
    Baselines,
    ChosenFeature,
    DiffMeanBaseline,
    ExamplesSource,
    ModelSource,
    PromptedBaseline,
    Recipe,
    SaeSource,
    SamplingSettings,
)

_TALK = Conversation((Turn("user", "Hi"), Turn("assistant", "Hello."), Turn("user", "Go on")))

FULL = Recipe(
    model=ModelSource("demo", revision="main", sha256="a" * 64, dtype="float32"),
    prompts=("Explain how bread is made.", _TALK),
    sae=SaeSource("demo", "blocks.2.hook_resid_post", sha256="b" * 64),
    features=(ChosenFeature(3, 1.0, 2.5), ChosenFeature(4, -0.5, 2.0)),
    mode="clamp",
    scope="sentence_ends",
    shared_budget=False,
    sampling=SamplingSettings(32, 0.7, 0.9, 2),
    seed=5,
    concept="pirate",
    baselines=Baselines(
        PromptedBaseline("Talk like a pirate.", "system"),
        DiffMeanBaseline(0.3),
        AdapterSource("c" * 64, 1.5, LoraSettings(layers=(0, 1), validation_share=0.15, patience=2)),
    ),
    examples=ExamplesSource("d" * 64, "pirate", 40, 40, "Pirate"),
    ranking=RankingSettings(pi0="auto", positions="sentence_ends", top_k=5, use_top_k=True),
    versions={"torch": "2.9"},
)

_WORDS = (
    "bread",
    "Zürich",
    "naïve",
    "日本",
    "a “quote”",
    "tab\there",
    "back\\slash",
    "line\nbreak",
    "🙂",
    "<b>",
    "=1+1",
)


def any_recipe(seed: int) -> Recipe:
    """A valid recipe; the same for the same seed."""
    chance = random.Random(seed)

    def text() -> str:
        return " ".join(chance.choices(_WORDS, k=chance.randint(1, 6)))

    def maybe(made: object) -> object:
        return made if chance.random() < 0.5 else None

    mode = chance.choice(("add", "clamp", "min_clamp", "scale", "ablate"))
    lowest = 0.0 if mode == "min_clamp" else -3.0
    ids = chance.sample(range(1000), chance.randint(0, 5))
    found = maybe(ExamplesSource("1" * 64, text(), chance.randint(0, 99), chance.randint(0, 99), text()))
    ranking = maybe(RankingSettings(pi0=chance.uniform(0.01, 0.9), seed=chance.randint(0, 9)))
    return Recipe(
        model=ModelSource(text(), maybe("v1"), maybe("2" * 64), chance.choice(("float32", "bfloat16", "float16"))),
        prompts=tuple(
            text() if chance.random() < 0.7 else Conversation((Turn("user", text()),), system=text())
            for _ in range(chance.randint(1, 4))
        ),
        sae=SaeSource(text(), f"blocks.{chance.randint(0, 40)}.hook_{chance.choice(('resid_pre', 'mlp_out'))}"),
        features=tuple(ChosenFeature(one, chance.uniform(lowest, 3.0), chance.uniform(0.1, 50.0)) for one in ids),
        mode=mode,
        scope=chance.choice(("all", "prompt", "generated", "sentence_ends")),
        shared_budget=chance.random() < 0.5,
        sampling=SamplingSettings(chance.randint(1, 99), chance.uniform(0, 2), chance.uniform(0.01, 1), 3),
        seed=chance.randint(0, 2**40),
        concept=maybe(text()),
        baselines=Baselines(
            maybe(PromptedBaseline(text())),
            maybe(DiffMeanBaseline(chance.uniform(-2, 2))) if found and ranking else None,
            maybe(AdapterSource("3" * 64, 1.0, maybe(LoraSettings(seed=chance.randint(0, 9))))),
        ),
        examples=found,
        ranking=ranking,
        versions={"torch": "2", "python": "3"} if chance.random() < 0.5 else {},
    )
