"""Which concept does each worked study show? Decided on prompts that no study shows, by rules written down before.

Rules are taken in the order below, and no concept twice. A rule gives an order of concepts, not one: where a study
does not come out on the prompts that are shown, the next concept of its order is tried, on prompts of its own, three at
most; where none comes out the first is shown as it is. The study's note says which were tried.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.gallery_bench import FACTORS, FEW, LORA_FACTORS, Bench, best, is_flat, nearest
from benchmarks.gallery_prompts import TOGETHER, choosing_prompts

DAMAGE_BORNE = 0.25
"""Fluency, 0 to 2, that a suppression may cost on the prompts it is chosen on."""
TRIES = 3

Row = dict[str, Any]
"""What one concept came to on the prompts to choose by; see `survey`."""


def survey(bench: Bench, *, suppressing: bool = True) -> Row:
    """Every method at every factor on the prompts to choose by, and suppression on the same prompts with a wish."""
    prompts = choosing_prompts()
    grids: dict[str, tuple[float, ...]] = {
        "Baseline": (1.0,), "Prompted": (1.0,), "DiffMean": bench.direction_grid(), "SAE": bench.feature_grid(),
        "LoRA": LORA_FACTORS,
    }  # fmt: skip
    if bench.adapter is None:
        del grids["LoRA"]
    assert {len(grid) for grid in grids.values()} == {1, FACTORS}
    plan = [(method, factor) for method, grid in grids.items() for factor in grid]
    told = bench.chosen_by([bench.condition(*one) for one in plan], prompts)
    methods = {}
    for method, grid in grids.items():
        rows = [row for (name, _), row in zip(plan, told, strict=True) if name == method]
        flat = is_flat(rows)
        place = nearest(grid, bench.usual(method)) if flat else best(grid, rows)
        methods[method] = {"factor": grid[place], "flat": flat, "at_end": len(grid) - 1 == place > 0, **rows[place]}
    row: Row = {"feature": bench.feature_id, "methods": methods}
    return row | {"suppressed": _suppressed(bench, prompts)} if suppressing else row


def _suppressed(bench: Bench, prompts: list[str]) -> Row:
    """The edit that leaves least of the concept where it is asked for, among those that cost little fluency."""
    tried: list[tuple[str, str, float]] = [("ablate", "all", 0.0), ("ablate", "sentence_ends", 0.0)]
    tried += [("add", bench.scope, -factor) for factor in bench.feature_grid()]
    strengths = [bench.strength(factor, mode, scope) for mode, scope, factor in tried]
    conditions = [bench.condition("Baseline")]
    conditions += [bench.steered(one) for one in strengths]
    untouched, *told = bench.chosen_by(conditions, [f"{one} {bench.instruction}" for one in prompts])
    borne = [p for p, row in enumerate(told) if row["fluency"] >= untouched["fluency"] - DAMAGE_BORNE]
    place = min(borne or range(len(told)), key=lambda p: (told[p]["concept"], abs(tried[p][2])))
    mode, scope, factor = tried[place]
    return {"mode": mode, "scope": scope, "factor": factor, "untouched": untouched, "told": told[place]}


@dataclass(frozen=True, slots=True)
class Rule:
    """How a study's concept is chosen.

    Attributes:
        told: in the study's note, after "the concept was taken because, on other prompts,".
        lead: the larger, the earlier.
    """

    told: str
    lead: Callable[[Row], float]


def _overall(row: Row, method: str) -> float:
    return float(row["methods"][method]["overall"])


def _lead(row: Row, method: str, *others: str) -> float:
    return _overall(row, method) - max(_overall(row, one) for one in others)


RULES: dict[str, Rule] = {
    "wherefeatureswin": Rule(
        f"with {FEW} examples of each class, the feature's lead over the better of LoRA and DiffMean is largest on it",
        lambda row: _lead(row, "SAE", "LoRA", "DiffMean"),
    ),
    "wherelorawins222": Rule(
        "LoRA's lead over the better of prompt and feature is largest on it",
        lambda row: _lead(row, "LoRA", "Prompted", "SAE"),
    ),
    "whereaskingwins2": Rule(
        "the prompt's lead over the best of LoRA, DiffMean and feature is largest on it",
        lambda row: _lead(row, "Prompted", "LoRA", "DiffMean", "SAE"),
    ),
    "toostrongadose22": Rule(
        "the feature did best on it",
        lambda row: _overall(row, "SAE"),
    ),
    "silencedconcept2": Rule(
        "suppressing the feature took most of it away",
        lambda row: float(row["suppressed"]["untouched"]["concept"] - row["suppressed"]["told"]["concept"]),
    ),
}


def shared(concept: str, surveyed: dict[str, Row]) -> list[str]:
    """Other concepts whose ranking begins with the same feature, which then stands for more than one of them."""
    return sorted(
        one for one, row in surveyed.items() if one != concept and row["feature"] == surveyed[concept]["feature"]
    )


def order(id: str, surveyed: dict[str, Row], taken: set[str]) -> list[str]:
    """Concepts for a study, the best first; ties by name.

    Args:
        id: of the story.
        surveyed: by concept.
        taken: by the studies before it.
    """
    free = sorted(set(surveyed) - taken - {TOGETHER})
    return sorted(free, key=lambda concept: -round(RULES[id].lead(surveyed[concept]), 6))[:TRIES]
