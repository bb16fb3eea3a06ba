"""With what are the worked studies made? Every method has a grid of as many factors and the same examples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.gallery_prompts import CHOOSING_SEED, TOGETHER
from steering.directions.direction import Direction
from steering.examples import LabelledExamples
from steering.generation import Completion, Condition, Sampling, generate
from steering.judges.choice import judge_for
from steering.judges.score import Score
from steering.lora import LORA_PRESETS, Adapter, LoraSettings
from steering.prompting import concept_instruction
from steering.ranking.run import RankingRun
from steering.workbench import Loaded, difference_direction, rank_examples, train_adapter
from steering.world.answers import write_answer
from steering.world.chance import Chance
from steering.world.grammar import draw_brief
from ui.controls import FACTOR_LIMIT, Strength, start_factor
from ui.examples_draft import WorldRecipe, from_world
from ui.ranking_view import usual_settings

MODEL = "demo"
PER_CLASS, FEW = 72, 8
"""Examples of each class, and where a study asks what few are good for."""
SAMPLES, TOKENS, SAMPLING_SEED = 3, 64, 7
FACTORS = 10
"""Of every method's grid."""
SHARES = (0.1, 2.0)
"""Ends of the grids of features and DiffMean, as a share of the median residual norm."""
LORA_FACTORS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0)
"""To the end of the screen's slider."""


def grid(unit: float, resid_norm: float) -> tuple[float, ...]:
    """Factors of a feature or direction, evenly in their logarithm, in steps of the slider.

    Args:
        unit: its max_act or largest projection.
        resid_norm: median norm of the residual stream.
    """
    low, high = (share * resid_norm / unit for share in SHARES)
    # The box for a feature ends at the limit: a grid that would go beyond is as long, and closer.
    high = min(high, FACTOR_LIMIT)
    spaced = np.geomspace(min(low, high / 20), high, FACTORS)
    return tuple(float(max(0.05, round(round(one / 0.05) * 0.05, 2))) for one in spaced)


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What all methods of one concept share.

    Attributes:
        loaded: model and SAE.
        concept: what is looked for.
        run: examples and ranking.
        feature_id: the first feature of the ranking.
        direction: DiffMean.
        adapter: LoRA, None where it takes no part.
    """

    loaded: Loaded
    concept: str
    run: RankingRun
    feature_id: int
    direction: Direction
    adapter: Adapter | None

    @property
    def scope(self) -> str:
        """Features and directions are written where they were read."""
        return self.run.rankings[self.concept].settings.positions

    @property
    def instruction(self) -> str:
        """The sentence that asks for the concept."""
        return concept_instruction(MODEL, self.concept)

    def strength(self, factor: float, mode: str = "add", scope: str | None = None) -> Strength:
        """The feature at a factor."""
        max_act = float(self.run.statistics.max_act[self.feature_id])
        return Strength(((self.feature_id, factor, max_act),), mode, scope or self.scope)

    def feature_grid(self) -> tuple[float, ...]:
        """Factors of the feature."""
        return grid(float(self.run.statistics.max_act[self.feature_id]), float(self.run.statistics.resid_norm))

    def direction_grid(self) -> tuple[float, ...]:
        """Factors of DiffMean."""
        return grid(self.direction.max_projection, float(self.run.statistics.resid_norm))

    def usual(self, method: str) -> float:
        """Where the slider of a method starts: a feature or direction as on Steer, LoRA as it was trained."""
        if method == "LoRA":
            return 1.0
        unit = float(self.run.statistics.max_act[self.feature_id]) if method == "SAE" else self.direction.max_projection
        return start_factor(unit, float(self.run.statistics.resid_norm), self.scope)

    def condition(self, method: str, factor: float = 1.0) -> Condition:
        """What a method does at a factor; baseline and prompt have none."""
        if method == "Baseline":
            return Condition("baseline")
        if method == "Prompted":
            return Condition("prompted", instruction=self.instruction)
        if method == "DiffMean":
            return Condition("direction", direction=self.direction, factor=factor, scope=self.scope)  # type: ignore[arg-type]  # as read
        if method == "LoRA":
            return Condition("adapted", adapter=self.adapter, factor=factor)
        return self.steered(self.strength(factor))

    def steered(self, strength: Strength) -> Condition:
        """The feature as it is told."""
        return Condition("steered", intervention=strength.intervention())

    def answer(
        self, conditions: Sequence[Condition], prompts: Sequence[str], *, seed: int, count: int, is_kept: bool
    ) -> tuple[list[Completion], list[Score]]:
        """Completions and their scores, conditions outermost; unmeasured where they are not kept."""
        found = generate(
            self.loaded.model, conditions, prompts, sae=self.loaded.sae, sampling=Sampling(TOKENS, 1.0, 1.0),
            seed=seed, count=count, measured=is_kept, with_tokens=is_kept,
        )  # fmt: skip
        judge = judge_for(MODEL, self.concept)
        assert judge is not None
        scores = [judge.score(self.concept, one.prompt, one.text) for one in found]
        # Five likelier tokens for every token are two thirds of a study, and no story is about them.
        return [replace(one, top_tokens=()) for one in found], scores

    def chosen_by(self, conditions: Sequence[Condition], prompts: Sequence[str]) -> list[dict[str, float]]:
        """Mean ratings of each condition on prompts to choose by."""
        _, scores = self.answer(conditions, prompts, seed=CHOOSING_SEED, count=1, is_kept=False)
        parts = [scores[place * len(prompts) : (place + 1) * len(prompts)] for place in range(len(conditions))]
        return [
            {name: round(float(np.mean([getattr(one, name) for one in part])), 4) for name in RATINGS} for part in parts
        ]


RATINGS = ("overall", "concept", "instruction", "fluency")


def lora_settings(per_class: int) -> LoraSettings:
    """With few examples no fewer updates than with `PER_CLASS`: what LoRA lacks are to be examples, not steps."""
    usual = LORA_PRESETS["small"]
    return replace(usual, epochs=usual.epochs * PER_CLASS // per_class)


def bench_of(loaded: Loaded, concept: str, *, per_class: int = PER_CLASS, with_lora: bool = True) -> Bench | None:
    """Rank, find the direction, train; None where no feature is left in the ranking."""
    examples = as_it_occurs(concept) if concept == TOGETHER else drawn(concept, per_class)
    run = rank_examples(loaded, examples, usual_settings(MODEL))
    ranking = run.rankings.get(concept)
    if ranking is None or not ranking.features:
        return None
    positions = ranking.settings.positions
    adapter = None
    if with_lora:
        adapter = train_adapter(loaded.model, examples, concept, run.split.train, lora_settings(per_class))
    return Bench(
        loaded,
        concept,
        run,
        ranking.features[0].feature_id,
        difference_direction(loaded, examples, concept, run.split, positions=positions),
        adapter,
    )


def drawn(concept: str, per_class: int) -> LabelledExamples:
    """The sample set that the start page offers: the concept in answers about anything."""
    examples = from_world(WorldRecipe(concept, per_class)).examples
    assert examples is not None
    return examples


def as_it_occurs(concept: str) -> LabelledExamples:
    """Answers that nobody asked for the concept, as the corpus has them: with what it goes together with."""
    rng = Chance(f"gallery {concept}")
    found: dict[bool, list[tuple[str, str, str]]] = {True: [], False: []}
    while min(map(len, found.values())) < PER_CLASS:
        brief = draw_brief(rng)
        rows = found[concept in brief.plan]
        if brief.named or brief.forbidden or len(rows) == PER_CLASS:
            continue
        request = brief.request
        text = " ".join(sentence.text for sentence in write_answer(request, brief.plan, rng))
        rows.append((brief.instruction, text, f"{request.topic}: {request.subject}"))
    prompts, texts, groups = zip(*found[True], *found[False], strict=True)
    labels = np.arange(2 * PER_CLASS)[:, None] < PER_CLASS
    return LabelledExamples(f"{concept.capitalize()} as it occurs", texts, prompts, labels, (concept,), groups)


def best(factors: Sequence[float], told: Sequence[dict[str, float]]) -> int:
    """Place of the best overall; of equals the smallest factor."""
    return max(range(len(factors)), key=lambda place: (told[place]["overall"], -factors[place]))


def is_flat(told: Sequence[dict[str, float]]) -> bool:
    """Whether a grid decides nothing: the smallest of equal factors would write next to nothing, and say as little."""
    return len(told) > 1 and len({row["overall"] for row in told}) == 1


def nearest(factors: Sequence[float], wanted: float) -> int:
    """Place of the factor that is nearest to one."""
    return min(range(len(factors)), key=lambda place: abs(factors[place] - wanted))
