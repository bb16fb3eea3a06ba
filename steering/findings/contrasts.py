"""How do methods stand to one another on the same concepts, and in which sentence is that said?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steering.benchmark.planned import planned_of
from steering.errors import SteeringError
from steering.evidence.aggregation import paired_values
from steering.evidence.bootstrap import N_RESAMPLES, Interval, bootstrap_difference
from steering.evidence.planned_runs import PlannedScores, score_planned
from steering.evidence.table import RATINGS, RUN, UNSTEERED
from steering.findings.claims import CONTROLS, FILTERS, INTERPRETABLE, Claim
from steering.findings.words import contrast_words, joined, number, phrase, scale_words, signed, size, standing

FLOOR_SHARE = 0.2
"""Share of scores at zero from which on that is said."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a finding rests on.

    Attributes:
        n_concepts: test concepts.
        seeds: of the runs.
        n_prompts: prompts of the test half, for each concept.
        n_completions: of the test half at chosen factors, all methods together.
        dropped: method → runs (a concept under a seed) it could not be had for; they count as unsteered.
    """

    n_concepts: int
    seeds: tuple[int, ...]
    n_prompts: int
    n_completions: int
    dropped: dict[str, int]

    def sentence(self) -> str:
        """For under the verdict."""
        told = (
            f"{scale_words(self.n_concepts, len(self.seeds))}, {self.n_prompts} test prompts for each concept, "
            f"{self.n_completions:,} completions scored at factors that were chosen on other prompts."
        )
        if self.dropped:
            lost = joined([f"{phrase(method)} on {count}" for method, count in self.dropped.items()])
            each = "" if len(self.seeds) == 1 else " (each a concept under one seed)"
            told += f" Could not be had and counted as unsteered: {lost}{each}."
        return told


@dataclass(frozen=True, slots=True)
class Contrast:
    """One method minus another.

    Attributes:
        ours: the method that the sentence is about.
        theirs: what it is compared with.
        difference: of the mean overall scores, paired over concepts.
    """

    ours: str
    theirs: str
    difference: Interval


@dataclass(frozen=True, slots=True)
class MethodScore:
    """One method's mean over concepts.

    Attributes:
        method: its name in tables.
        overall: with limits, dropped concepts counted.
        concept: mean rating where there is a result, like the rest.
        instruction: likewise.
        fluency: likewise.
        kl: nats; not a number where not measured.
    """

    method: str
    overall: Interval
    concept: float
    instruction: float
    fluency: float
    kl: float


@dataclass(frozen=True, slots=True)
class MethodsFinding:
    """What a table says about a claim that sets methods against each other.

    Attributes:
        verdict: one sentence.
        scores: of every method of the claim that was run; the best first.
        contrasts: in the claim's order; without those whose methods were not run.
        scale: what it rests on.
        notes: what else the numbers say that a reader of the verdict must know, a sentence each.
    """

    verdict: str
    scores: tuple[MethodScore, ...]
    contrasts: tuple[Contrast, ...]
    scale: Scale
    notes: tuple[str, ...] = ()


def reported(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that findings rest on: of test concepts, for anything may have been chosen on the others.

    Raises:
        SteeringError: there is none.
    """
    rows = table[table["split"] == "test"]
    if rows.empty:
        raise SteeringError("These results have no test concept, and development concepts are not reported.")
    return rows


def scale_of(rows: pd.DataFrame, n_concepts: int, dropped: dict[str, int]) -> Scale:
    """How much there is in ``rows``."""
    scored = rows[rows["selected"] & (rows["half"] == "test")]
    prompts = scored.groupby(RUN, observed=True)["prompt_id"].nunique()
    return Scale(
        n_concepts,
        tuple(sorted(int(seed) for seed in rows["seed"].unique())),
        int(prompts.median()),
        len(scored),
        dropped,
    )


def compare_methods(
    claim: Claim, table: pd.DataFrame, *, planned: pd.DataFrame | None = None, n_resamples: int = N_RESAMPLES
) -> MethodsFinding:
    """Answer a claim that sets methods against each other.

    A concept and seed that a method could not be had for counts as unsteered, or as zero where ``none`` was not run on
    all.

    Args:
        claim: with its contrasts.
        table: results of its model; other methods may be in it.
        planned: every run that was planned, as ``planned.planned_runs`` tells from the settings; unless told, every
            method, concept and seed that the table has.
        n_resamples: of the bootstrap.

    Raises:
        SteeringError: the table has no test concept, or none of the claim's contrasts.
    """
    rows = reported(table)
    plan = planned_of(rows) if planned is None else planned[planned["split"] == "test"]
    plan = plan[plan["method"].isin(claim.methods)]
    present = set(plan["method"])
    pairs = [pair for pair in claim.contrasts if set(pair) <= present]
    if not pairs:
        wanted = joined(sorted({name for pair in claim.contrasts for name in pair}))
        raise SteeringError(f"These results compare none of the methods that the question needs ({wanted}).")
    rows = rows[rows["method"].isin(claim.methods)]
    scores = score_planned(rows, plan)
    filled = scores.filled
    contrasts = tuple(
        Contrast(
            ours,
            theirs,
            bootstrap_difference(*paired_values(filled, claim.model, ours, theirs), n_resamples=n_resamples),
        )
        for ours, theirs in pairs
    )
    dropped = filled.groupby("method")["n_dropped"].sum()
    scale = scale_of(
        rows,
        plan["concept"].nunique(),
        {str(method): int(count) for method, count in dropped.items() if count and method != UNSTEERED},
    )
    told = {"filters": filters_verdict, "gpt2": methods_verdict}.get(claim.name, methods_verdict)(contrasts)
    where = "On the second architecture" if claim.name == "gpt2" else "On this world"
    verdict = f"{where} {told}: {scale_words(scale.n_concepts, len(scale.seeds))}."
    notes = floor_notes(filled, list(dict.fromkeys(one.ours for one in contrasts)))
    return MethodsFinding(verdict, _scores(scores, n_resamples), contrasts, scale, notes)


def floor_notes(filled: pd.DataFrame, methods: Sequence[str]) -> tuple[str, ...]:
    """Methods that score nothing on many concepts: there, no difference can be seen."""
    found = []
    for method in methods:
        values = filled.loc[filled["method"] == method, "overall"]
        n_zero = int((values == 0).sum())
        if n_zero > FLOOR_SHARE * len(values):
            found.append(f"{phrase(method)} on {n_zero} of {len(values)}")
    if not found:
        return ()
    return (f"Scores of zero: {joined(found)} concepts, where it can only be level with others or below them.",)


def _scores(scores: PlannedScores, n_resamples: int) -> tuple[MethodScore, ...]:
    board = scores.leaderboard(n_resamples=n_resamples)[["method", "score", "low", "high", *RATINGS, "kl"]]
    return tuple(
        MethodScore(str(method), Interval(*map(float, values[:3])), *map(float, values[3:]))
        for method, *values in board.itertuples(index=False)
    )


def methods_verdict(contrasts: Sequence[Contrast]) -> str:
    """Every method that is compared, each with what it is compared with."""
    subjects = list(dict.fromkeys(one.ours for one in contrasts))
    return "; ".join(
        contrast_words(
            phrase(subject), [(phrase(one.theirs), one.difference) for one in contrasts if one.ours == subject]
        )
        for subject in subjects
    )


def filters_verdict(contrasts: Sequence[Contrast]) -> str:
    """Interpretability alone against the controls, then what each filter adds to it."""
    controls = [one for one in contrasts if one.ours == INTERPRETABLE and one.theirs in CONTROLS]
    filters = [one for one in contrasts if one.ours in FILTERS and one.theirs == INTERPRETABLE]
    told = []
    if len(controls) > 1 and all(standing(one.difference) == "above" for one in controls):
        # Each of them excludes zero, so the smallest margin needs no correction for having been looked for.
        closest = min(controls, key=lambda one: one.difference.value)
        told.append(
            f"{phrase(INTERPRETABLE)} scores above all {len(controls)} controls, by {closest.difference.value:.2f} "
            f"over the closest, {phrase(closest.theirs)} (95 % interval {size(closest.difference)})"
        )
    elif controls:
        told.append(contrast_words(phrase(INTERPRETABLE), [(phrase(one.theirs), one.difference) for one in controls]))
    told += [_added(one) for one in filters]
    return "; ".join(told)


_FILTER = {"sae_f1c_output": "the output score", "sae_f1c_confidence": "token confidence"}


def _added(contrast: Contrast) -> str:
    """What a filter changes."""
    name, difference = _FILTER[contrast.ours], contrast.difference
    said = standing(difference)
    if said in ("above", "below"):
        verb = "raises" if said == "above" else "lowers"
        return f"{name} as a filter {verb} that by {abs(difference.value):.2f} ({size(difference)})"
    if said == "equal":
        return f"{name} as a filter changes no concept's score"
    if said == "unknown":
        return f"{name} as a filter changes that by {number(difference.value)}, without an interval"
    return f"{name} as a filter makes no difference that can be told ({number(difference.value)}, {signed(difference)})"


def agreement(here: Sequence[Contrast], there: Sequence[Contrast]) -> str:
    """Whether comparisons point the same way on two models, in a sentence; empty where none is on both."""
    other = {(one.ours, one.theirs): one.difference for one in there}
    pairs = [(one.difference, other[key]) for one in here if (key := (one.ours, one.theirs)) in other]
    if not pairs:
        return ""
    decided = [(mine, theirs) for mine, theirs in pairs if {standing(mine), standing(theirs)} <= {"above", "below"}]
    if not decided:
        return "No comparison is decided on both models."
    same = sum(bool(np.sign(mine.value) == np.sign(theirs.value)) for mine, theirs in decided)
    of_these = "all of them point" if same == len(decided) > 1 else f"{same} of them point{'s' if same == 1 else ''}"
    verb = "is" if len(decided) == 1 else "are"
    return f"{len(decided)} of {len(pairs)} comparisons {verb} decided on both models, and {of_these} the same way."
