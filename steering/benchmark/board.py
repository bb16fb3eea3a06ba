"""How do the methods stand under one choice of split, seeds and factor? The numbers are ``steering.evidence``'s."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from steering.benchmark.parts import Failure
from steering.benchmark.planned import planned_of
from steering.benchmark.settings import BenchmarkSettings
from steering.errors import SteeringError
from steering.evidence.aggregation import concept_means, values_of
from steering.evidence.bootstrap import N_RESAMPLES
from steering.evidence.curves import equal_dose
from steering.evidence.intent_to_treat import Dropped
from steering.evidence.leaderboard import leaderboard
from steering.evidence.planned_runs import score_planned, with_ratings
from steering.evidence.protocol import mark_selected, oracle_factors
from steering.evidence.table import RATINGS, UNSTEERED
from steering.methods.registry import method

FactorRule = Literal["chosen", "oracle", "dose"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows count, and at which factor.

    Attributes:
        split: ``development`` or ``test``.
        seeds: of the run.
        methods: to compare.
        factor: ``chosen`` on the selection prompts, as the protocol says; ``oracle`` on the test prompts themselves, a
            bound; ``dose`` wherever a method's KL equals that of ``dose_of`` at its chosen factor, concept by concept.
        reference: method that the others are compared with; None for none.
        dose_of: method that gives the dose.
    """

    split: str
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    factor: FactorRule = "chosen"
    reference: str | None = None
    dose_of: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """Methods, best first.

    Attributes:
        table: as ``evidence.planned_runs.PlannedScores.leaderboard`` returns it.
        means: a row per method and concept that it has a result of.
        filled: ``overall`` of every method on every concept, those without a result included: what the intervals are
            taken over.
        n_concepts: that every method was compared on.
        n_left_out: concepts on which not every method reaches the dose.
        dropped_as: what a run without a result scores: ``unsteered`` or ``zero``.
    """

    table: pd.DataFrame
    means: pd.DataFrame
    filled: pd.DataFrame
    n_concepts: int
    n_left_out: int = 0
    dropped_as: Dropped = "unsteered"


def rows_of(
    table: pd.DataFrame,
    choice: Choice,
    *,
    concepts: Collection[str] | None = None,
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The rows that a choice is about.

    Args:
        table: results.
        choice: split and seeds, and methods unless told.
        concepts: those that count; all unless told.
        methods: those that count.

    Raises:
        SteeringError: there are none.
    """
    wanted = list(choice.methods if methods is None else methods)
    kept = (table["split"] == choice.split) & table["seed"].isin(choice.seeds) & table["method"].isin(wanted)
    if concepts is not None:
        kept &= table["concept"].isin(list(concepts))
    found = table[kept]
    if found.empty:
        raise SteeringError(
            f"There is no result of the split {choice.split} for these seeds and methods; choose others, or finish the "
            "run."
        )
    named = [name for name in found.columns if isinstance(found[name].dtype, pd.CategoricalDtype)]
    return found.assign(**{name: found[name].cat.remove_unused_categories() for name in named})


def standing(
    table: pd.DataFrame,
    choice: Choice,
    *,
    concepts: Collection[str] | None = None,
    planned: pd.DataFrame | None = None,
    n_resamples: int = N_RESAMPLES,
) -> Board:
    """The leaderboard of a choice.

    Args:
        table: results with the columns of ``steering.evidence.table``.
        choice: what is compared and how.
        concepts: those that count; all unless told.
        planned: every run that was planned, as ``planned.planned_runs`` tells from the settings; those of the choice
            and of ``concepts`` count. Unless told, every method, concept and seed that the table has.
        n_resamples: of the bootstrap.

    Raises:
        SteeringError: no row is left, the reference is not among the methods, a row was not planned, or no concept is
            reached at equal dose.
    """
    if choice.reference is not None and choice.reference not in choice.methods:
        raise SteeringError(f"The reference {choice.reference} is not among the methods; choose it, or another one.")
    if choice.factor == "dose":
        return _at_equal_dose(table, choice, concepts, planned, n_resamples)
    rows = rows_of(table, choice, concepts=concepts)
    if choice.factor == "oracle":
        rows = mark_selected(rows, oracle_factors(rows))
    plan = _chosen(planned_of(rows) if planned is None else planned, choice, concepts)
    scores = score_planned(rows, plan)
    board = scores.leaderboard(reference=choice.reference, n_resamples=n_resamples)
    return Board(board, scores.means, scores.filled, plan["concept"].nunique(), 0, scores.dropped_as)


def failed_shares(
    settings: BenchmarkSettings, failures: Sequence[Failure], choice: Choice, concepts: Collection[str]
) -> dict[str, float]:
    """Method → share of its units of these concepts and seeds that have no result."""
    planned = len(concepts) * len(choice.seeds)
    lost = [one for one in failures if one.concept in concepts and one.seed in choice.seeds]
    return {
        name: sum(one.method == name for one in lost) / planned if planned else 0.0
        for name in settings.methods
        if name in choice.methods
    }


def _chosen(plan: pd.DataFrame, choice: Choice, concepts: Collection[str] | None) -> pd.DataFrame:
    """The planned runs that a choice is about."""
    kept = (plan["split"] == choice.split) & plan["seed"].isin(choice.seeds) & plan["method"].isin(choice.methods)
    if concepts is not None:
        kept &= plan["concept"].isin(list(concepts))
    return plan[kept]


def _at_equal_dose(
    table: pd.DataFrame,
    choice: Choice,
    concepts: Collection[str] | None,
    planned: pd.DataFrame | None,
    n_resamples: int,
) -> Board:
    if choice.dose_of is None:
        raise SteeringError("Equal doses need a method whose dose the others get; name one.")
    dosed = [name for name in choice.methods if method(name).dose != "none"]
    if not dosed:
        raise SteeringError("None of these methods has a strength, so none can be brought to a dose; choose others.")
    giver = rows_of(table, choice, concepts=concepts, methods=[choice.dose_of])
    given = values_of(concept_means(giver), str(giver["model"].iloc[0]), choice.dose_of, column="kl")
    doses = {str(concept): float(kl) for concept, kl in given.items()}
    rows = rows_of(table, choice, concepts=concepts, methods=list(dict.fromkeys([*dosed, UNSTEERED])))
    means = equal_dose(rows, doses, methods=dosed)
    for name in RATINGS:
        means[name] = equal_dose(rows, doses, methods=dosed, column=name)[name]
    reference = choice.reference if choice.reference in dosed else None
    board = with_ratings(leaderboard(means, reference=reference, n_resamples=n_resamples), means)
    board["n_dropped"] = 0
    n_concepts, n_left_out = means["concept"].nunique(), int(means["n_left_out"].max())
    if planned is not None:  # concepts on which everything failed are in no row
        n_left_out = _chosen(planned, choice, concepts)["concept"].nunique() - n_concepts
    return Board(board, means, means, n_concepts, n_left_out)
