"""How do the methods stand: one sentence, a table, a chart?"""

import pandas as pd
import streamlit as st

from steering.benchmark.board import Board, Choice, failed_shares, standing
from steering.benchmark.judged import replies_sentence
from steering.benchmark.planned import planned_runs, splits_of
from steering.evidence.aggregation import paired_values
from steering.evidence.bootstrap import bootstrap_difference
from steering.methods.registry import method
from ui import charts
from ui.benchmark_chart import leaderboard_figure
from ui.benchmark_source import Source, concepts_of, is_of_world, replies_of, source_id, table_of
from ui.benchmark_style import titled
from ui.benchmark_texts import texts_section
from ui.text import counted, plain

HOME_ADVANTAGE = (
    "Home advantage: the corpus teaches “mention X”, so the prompt is at home here, and LoRA and fine-tuning see the "
    "judge's own grammar. Scores are the embedded world's own and do not carry over to other models."
)


def board_view(source: Source, choice: Choice) -> None:
    """Sentence, table and chart, with what must be known to read them."""
    board = board_of(source, choice)
    with st.container(border=True, key="benchmark_sentence"):
        st.markdown(sentence(board, choice))
    if is_of_world(source):
        st.caption(f":material/home: {HOME_ADVANTAGE}")
    splits = splits_of(source.settings)
    compared = [concept for concept in concepts_of(source) if splits[concept] == choice.split]
    failed = failed_shares(source.settings, source.failures, choice, compared)
    shown = display_table(board, choice, failed)
    with st.grid(min_column_width=600, gap="medium", key="benchmark_board_grid"):
        table, chart = st.container(), st.container()
    with table:
        _table(shown, choice)
        st.download_button(
            "Leaderboard as CSV", lambda: board_csv(board, choice, failed), file_name=f"{source.name}-leaderboard.csv",
            mime="text/csv", key="benchmark_board_csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    with chart:
        best = board.table.iloc[0]
        charts.show(
            leaderboard_figure(board.table),
            key="benchmark_board_chart",
            alt=f"Mean overall scores with intervals of {len(board.table)} methods; the best is "
            f"{titled(best['method'])} with {best['score']:.2f}.",
        )
    st.caption(footnote(board, choice))
    if told := replies_sentence(replies_of(source)):
        st.caption(f":material/gavel: {plain(told)}")
    texts_section(source, choice, compared)


def board_of(source: Source, choice: Choice) -> Board:
    """The leaderboard, computed once for each choice.

    Raises:
        SteeringError: see ``steering.benchmark.board.standing``.
    """
    table = table_of(source)
    n_rows = len(table)
    planned = planned_runs(source.settings)
    return _standing(
        source_id(source), f"{source.made} {n_rows}", choice, concepts_of(source), _table=table, _planned=planned
    )


@st.cache_data(max_entries=64, show_spinner="Comparing the methods")
def _standing(
    id: str,  # noqa: ARG001 - the key, as is the next
    state: str,  # noqa: ARG001
    choice: Choice,
    concepts: tuple[str, ...],
    *,
    _table: pd.DataFrame,
    _planned: pd.DataFrame,
) -> Board:
    return standing(_table, choice, concepts=concepts, planned=_planned)


def sentence(board: Board, choice: Choice) -> str:
    """The result in plain words; nobody is said to win without an interval that says so."""
    table = board.table
    kind = "test" if choice.split == "test" else "development"
    where = f"On {counted(board.n_concepts, f'{kind} concept')}"
    if choice.factor == "dose":
        where += f", at the dose of {plain(titled(choice.dose_of or ''))}"
    elif choice.factor == "oracle":
        where += ", had every factor been chosen on the test prompts themselves"
    first = table.iloc[0]
    lead = f"{where}, **{plain(titled(first['method']))}** scores highest: {_score(first)}"
    if len(table) == 1:
        return f"{lead}."
    second = table.iloc[1]
    ours, theirs = paired_values(board.filled, str(first["model"]), str(first["method"]), str(second["method"]))
    gap = bootstrap_difference(ours, theirs)
    name = plain(titled(second["method"]))
    if not gap.is_known:
        told = f"{name} follows with {second['score']:.2f}; so few concepts decide nothing"
    elif gap.low > 0:
        told = f"{gap.value:.2f} ahead of {name} ({gap.low:.2f} to {gap.high:.2f})"
    else:
        told = f"not clearly ahead of {name} ({gap.value:+.2f}, {gap.low:+.2f} to {gap.high:+.2f})"
    best_sae = next((row for _, row in table.iterrows() if _is_sae(row["method"])), None)
    if best_sae is None or _is_sae(first["method"]):
        return f"{lead}, {told}."
    if best_sae["method"] == second["method"]:
        return f"{lead}, {told}, which is the best SAE method: {_score(best_sae)}."
    return f"{lead}, {told}. The best SAE method, {plain(titled(best_sae['method']))}, reaches {_score(best_sae)}."


def _is_sae(name: str) -> bool:
    return method(name).needs_sae and not method(name).is_control


def _score(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return f"{row['score']:.2f} of 2"
    return f"{row['score']:.2f} of 2 ({row['low']:.2f} to {row['high']:.2f})"


def display_table(board: Board, choice: Choice, failed: dict[str, float]) -> pd.DataFrame:
    """The leaderboard as it is shown."""
    table = board.table
    shown = pd.DataFrame(
        {
            "Method": table["method"].map(titled),
            "Overall": table["score"],
            "95 % interval": [limits_text(*of) for of in table[["low", "high"]].itertuples(index=False)],
        }
    )
    if choice.reference is not None and "win_rate" in table:
        shown["Win rate"] = table["win_rate"] * 100
        shown["Difference"] = [
            "reference" if pd.isna(value) else difference_text(value, low, high)
            for value, low, high in table[["difference", "difference_low", "difference_high"]].itertuples(index=False)
        ]
    for name, column in (
        ("Concept", "concept_score"),
        ("Instruction", "instruction_score"),
        ("Fluency", "fluency_score"),
        ("KL", "kl"),
    ):
        shown[name] = table[column]
    if table["n_dropped"].any():
        shown["Survivors"] = table["survivors"]
    shown["Failed"] = table["method"].map(failed).astype(float) * 100
    return shown


def limits_text(low: float, high: float) -> str:
    """An interval; a dash where there is none."""
    return "–" if pd.isna(low) else f"{low:.2f} – {high:.2f}"


def difference_text(value: float, low: float, high: float) -> str:
    """A difference with its interval, where it has one."""
    return f"{value:+.2f}" if pd.isna(low) else f"{value:+.2f} ({low:+.2f} to {high:+.2f})"


def _table(shown: pd.DataFrame, choice: Choice) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    against = titled(choice.reference) if choice.reference else ""
    st.dataframe(
        shown,
        key="benchmark_board",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height="content",
        alt="The leaderboard; the same numbers can be downloaded as CSV.",
        column_config={
            "Method": text(pinned=True, width=176),
            "Overall": st.column_config.ProgressColumn(
                min_value=0.0, max_value=2.0, format="%.2f", width=80,
                help="Harmonic mean of the three ratings, 0 if one is 0; mean over prompts, seeds, then concepts",
            ),
            "95 % interval": text(width=92, help="Over concepts, by bootstrap; – from fewer than three"),
            "Win rate": number(
                format="%.0f %%", width=62, help=f"Concepts on which it beats {against}; a tie counts half"
            ),
            "Difference": text(width=140, help=f"From {against}, paired by concept, with its 95 % interval"),
            "Concept": number(format="%.2f", width=62, help="0 to 2"),
            "Instruction": number(format="%.2f", width=74, help="0 to 2"),
            "Fluency": number(format="%.2f", width=60, help="0 to 2"),
            "KL": number(format="%.2f", width=48, help="To the untouched model, nats per token"),
            "Survivors": number(
                format="%.2f", width=68, help="Overall over those units alone that have a result; refusing raises it"
            ),
            "Failed": number(format="%.0f %%", width=56, help="Share of its units that have no result"),
        },
    )  # fmt: skip


def board_csv(board: Board, choice: Choice, failed: dict[str, float]) -> bytes:
    """All numbers of the leaderboard, with the choice that made them."""
    table = board.table.assign(failed=board.table["method"].map(failed))
    table.insert(0, "split", choice.split)
    table.insert(1, "factor", choice.factor)
    table.insert(2, "seeds", " ".join(map(str, choice.seeds)))
    table.insert(3, "reference", choice.reference or "")
    table.insert(4, "dose_of", choice.dose_of or "")
    return table.to_csv(index=False).encode()


def footnote(board: Board, choice: Choice) -> str:
    """How the numbers are to be read."""
    told = [
        "Intervals are over concepts: they say how sure it is of concepts that were not tried."
        if board.n_concepts >= 3
        else "Fewer than three concepts: there are no intervals, and nothing follows for other concepts."
    ]
    dropped = int(board.table["n_dropped"].sum())
    if dropped:
        how = "as the untouched model does" if board.dropped_as == "unsteered" else "zero"
        told.append(f"Where a method has no result ({counted(dropped, 'unit')}), it scores {how}.")
    if choice.factor == "dose":
        told.append(
            f"{counted(board.n_left_out, 'concept')} left out on which not every method reaches the dose; methods "
            "without a strength are not compared."
        )
        undosed = {name for name in choice.methods if method(name).dose == "none"}
        if choice.reference in undosed:
            told.append(f"{plain(titled(choice.reference))} has no strength, so nothing is compared with it here.")
    return " ".join(told)
