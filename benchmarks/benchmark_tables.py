"""How does a stored result of the benchmark stand in docs/benchmark.md? Markdown that can be made again at will."""

import math
from collections.abc import Sequence

import pandas as pd

from steering.benchmark.board import Board, Choice, standing
from steering.benchmark.judged import replies_sentence
from steering.benchmark.planned import planned_runs, splits_of
from steering.benchmark.report import REFERENCE, report
from steering.benchmark.stored import StoredResult
from steering.benchmark.texts import WHOLE, can_tell_concepts, read_texts, text_means
from steering.errors import SteeringError
from steering.evidence.bootstrap import N_RESAMPLES
from steering.evidence.table import COLUMNS
from steering.findings.markdown import provenance
from steering.methods.registry import method

GIVERS = ("lora", "sae_f1c")
"""Methods whose dose, at their chosen factors, the others are brought to."""


def as_markdown(found: StoredResult, *, n_resamples: int = N_RESAMPLES) -> str:
    """Everything that the document says in numbers about a stored result.

    Args:
        found: the result.
        n_resamples: of the bootstrap.

    Raises:
        SteeringError: it cannot be read, or breaks the protocol.
    """
    table, settings = found.read(COLUMNS), found.settings
    splits = splits_of(settings)
    split = "test" if "test" in splits.values() else "development"
    concepts = [name for name in settings.concepts if splits[name] == split]
    reference = REFERENCE if REFERENCE in settings.methods else None
    choice = Choice(split, settings.seeds, settings.methods, reference=reference)
    parts = [
        f"{found.title}. {len(concepts)} {split} concepts, {settings.n_select} prompts to choose the factor on and "
        f"{settings.n_test} to score on, judged by `{settings.judge}`.",
        _leaderboard(found, table, choice, n_resamples),
        *(_equal_dose(found, table, choice, concepts, giver, n_resamples) for giver in _givers(found)),
        _texts(found, choice, concepts, n_resamples),
        _shared_features(found, split, splits),
        _edges(table[table["split"] == split]),
        replies_sentence(found.manifest.replies),
        provenance([found]),
    ]
    return "\n\n".join(part for part in parts if part)


def _leaderboard(found: StoredResult, table: pd.DataFrame, choice: Choice, n_resamples: int) -> str:
    """Scores with intervals, wins and differences against the reference, ratings, oracle."""
    board = report(table, planned=planned_runs(found.settings), reference=choice.reference, n_resamples=n_resamples)
    rows = board[board["split"] == choice.split]
    against = choice.reference or "nothing"
    head = (
        "method", "overall, 0 to 2 (95 % interval over concepts)", f"wins against `{against}`",
        f"difference from `{against}`", "concept", "instruction", "fluency", "KL, nats", "oracle", "dropped",
    )  # fmt: skip
    told = [
        (
            f"`{row['method']}`", _estimate(row, "", 3), _share(row.get("win_rate")), _estimate(row, "difference"),
            _plain(row["concept_score"]), _plain(row["instruction_score"]), _plain(row["fluency_score"]),
            _plain(row["kl"]), _plain(row["oracle"]), int(row["n_dropped"]),
        )
        for row in rows.to_dict(orient="records")
    ]  # fmt: skip
    return _table(head, told)


def _givers(found: StoredResult) -> list[str]:
    if found.settings.test_factors != "all":
        return []
    return [name for name in GIVERS if name in found.settings.methods]


def _equal_dose(
    found: StoredResult, table: pd.DataFrame, choice: Choice, concepts: Sequence[str], giver: str, n_resamples: int
) -> str:
    """Every method with a strength where its KL is the giver's at its chosen factor, concept by concept."""
    dosed = Choice(choice.split, choice.seeds, choice.methods, "dose", choice.reference, giver)
    try:
        board: Board = standing(
            table, dosed, concepts=concepts, planned=planned_runs(found.settings), n_resamples=n_resamples
        )
    except SteeringError as error:
        return f"At the dose of `{giver}` nothing can be compared: {error}"
    compared = choice.reference is not None and "win_rate" in board.table
    head = ("method", "overall at this dose (95 % interval)", "concept", "instruction", "fluency", "KL, nats")
    if compared:
        head = (*head[:2], f"wins against `{choice.reference}`", f"difference from `{choice.reference}`", *head[2:])
    told = []
    for row in board.table.to_dict(orient="records"):
        cells: tuple[object, ...] = (f"`{row['method']}`", _estimate(row, "", 2))
        if compared:
            cells += (_share(row["win_rate"]), _estimate(row, "difference"))
        told.append((*cells, *(_plain(row[name]) for name in ("concept_score", "instruction_score", "fluency_score")),
                     _plain(row["kl"])))  # fmt: skip
    n_undosed = sum(method(name).dose == "none" for name in choice.methods)
    left_out = f"; {board.n_left_out} left out on which not every method reaches it" if board.n_left_out else ""
    return (
        f"**At the dose of `{giver}`**: each method where its KL to the untouched model is that of `{giver}` at its "
        f"chosen factor, concept by concept. {board.n_concepts} concepts{left_out}; the {n_undosed} methods without a "
        f"strength are not compared.\n\n{_table(head, told)}"
    )


def _texts(found: StoredResult, choice: Choice, concepts: Sequence[str], n_resamples: int) -> str:
    """Repetition, and what else the texts carry."""
    whole = found.text_table()
    if whole is None:  # stored by an earlier version: from the texts that it kept
        columns = [name for name in WHOLE if name in found.columns]
        whole = read_texts(found.read(columns), told_apart=can_tell_concepts(found.settings))
    means = text_means(
        whole, concepts=concepts, seeds=choice.seeds, methods=choice.methods, n_resamples=n_resamples
    ).sort_values("on_target", ascending=False, kind="stable")
    head = ("method", "distinct-2", "loops", "on target (95 % interval)", "tied", "off target", "nothing")
    told = [
        (
            f"`{row['method']}`", _plain(row["distinct_2"]), _share(row["looping"]),
            _share(row["on_target"])
            + ("" if math.isnan(row["low"]) else f" ({row['low'] * 100:.0f} to {row['high'] * 100:.0f})"),
            *(_share(row[name]) for name in ("tied", "off_target", "nothing")),
        )
        for row in means.to_dict(orient="records")
    ]  # fmt: skip
    return (
        "**The texts themselves**, at the chosen factor: distinct pairs of words as a share of all, how many texts end "
        "in a loop, and whether a text carries the intended concept more than any other that is neither its parent nor "
        f"its child.\n\n{_table(head, told)}"
    )


def _shared_features(found: StoredResult, split: str, splits: dict[str, str]) -> str:
    """How many different features each method chose, and which one it chose for several concepts."""
    first = found.settings.seeds[0]
    chosen: dict[str, dict[int, list[str]]] = {}
    for one in found.details():
        if method(one["method"]).is_control:
            continue
        if one["seed"] == first and splits[one["concept"]] == split and len(one.get("feature_ids", ())) == 1:
            chosen.setdefault(one["method"], {}).setdefault(one["feature_ids"][0], []).append(one["concept"])
    lines = []
    for name, features in sorted(chosen.items()):
        several = {feature: names for feature, names in features.items() if len(names) > 1}
        told = "; ".join(f"{feature}: {', '.join(sorted(names))}" for feature, names in sorted(several.items()))
        n_concepts = sum(map(len, features.values()))
        lines.append(f"* `{name}`: {len(features)} features for {n_concepts} concepts. Shared: {told or 'none'}.")
    return "\n".join([f"**Features chosen**, seed {first}:", "", *lines]) if lines else ""


def _edges(table: pd.DataFrame) -> str:
    """For how many concepts and seeds the chosen factor is the largest of its grid: more might have been better."""
    found = []
    for name, rows in table.groupby("method", sort=True, observed=True):
        if rows["factor"].nunique() > 1:
            largest = rows.groupby(["concept", "seed"], observed=True)["factor"].transform("max")
            at_edge = rows[rows["selected"] & (rows["factor"] == largest)]
            n_edge = at_edge.groupby(["concept", "seed"], observed=True).ngroups
            found.append(f"`{name}` {n_edge} of {rows.groupby(['concept', 'seed'], observed=True).ngroups}")
    return f"**Largest factor of the grid chosen** (concepts × seeds): {', '.join(found)}." if found else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _plain(value: float | None, digits: int = 2) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def _share(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value * 100:.0f} %"


def _estimate(row: dict[str, float], name: str, digits: int = 2) -> str:
    """A value of a leaderboard with its limits; of the score unless named."""
    prefix = f"{name}_" if name else ""
    value, low, high = (row.get(one, math.nan) for one in (name or "score", f"{prefix}low", f"{prefix}high"))
    limits = "" if math.isnan(low) else f" ({_plain(low, digits)} to {_plain(high, digits)})"
    return f"{_plain(value, digits)}{limits}"
