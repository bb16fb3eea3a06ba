"""What does more of a dose bring and break: curves and front, over all concepts or for one of them?"""

from dataclasses import replace
from typing import Literal

import pandas as pd
import streamlit as st

from steering.benchmark.board import Choice, rows_of
from steering.benchmark.planned import splits_of
from steering.evidence.aggregation import concept_means
from steering.evidence.curves import Half, damage_front, dose_means, dose_response, on_front
from steering.evidence.table import HIGHEST_RATING
from steering.exports.spreadsheet import inert
from steering.methods.registry import method
from ui import charts
from ui.benchmark_board import board_of
from ui.benchmark_chart import curves_figure, front_figure
from ui.benchmark_source import Source, concepts_of, source_id, table_of
from ui.benchmark_style import titled, usual
from ui.errors import boundary
from ui.text import plain

ALL = ""
MEASURES = {
    "overall": "Overall, 0 to 2",
    "concept_score": "Concept, 0 to 2",
    "instruction_score": "Instruction, 0 to 2",
    "fluency_score": "Fluency, 0 to 2",
}
DAMAGES: dict[Literal["fluency", "kl"], str] = {"fluency": "Fluency lost (2 − fluency)", "kl": "KL, nats per token"}
X_NAMES = {"stream": "Share of the stream's norm", "scaling": "× trained LoRA scaling"}


def curves_view(source: Source, choice: Choice) -> None:
    """A concept and methods to choose, four pictures, and a table of every concept."""
    splits, id = splits_of(source.settings), source_id(source)
    concepts = [concept for concept in concepts_of(source) if splits[concept] == choice.split]
    left, middle, right = st.columns([2, 4, 2], vertical_alignment="bottom")
    concept = left.selectbox(
        "Concept", [ALL, *concepts], format_func=lambda name: name or f"All {len(concepts)}: mean with intervals",
        key=f"benchmark_concept_{id}_{choice.split}", persist_state="session",
    )  # fmt: skip
    methods = middle.multiselect(
        "Methods in the pictures", choice.methods, default=usual(choice.methods, most=5), format_func=titled,
        max_selections=8, key=f"benchmark_curve_methods_{id}", persist_state="session",
    )  # fmt: skip
    measure = right.selectbox(
        "Score", list(MEASURES), format_func=lambda name: MEASURES[name].split(",")[0],
        key="benchmark_measure", persist_state="session",
    )  # fmt: skip
    half: Half = "test" if source.settings.test_factors == "all" else "select"
    if half == "select":
        st.caption(
            "This run completed the test prompts at the chosen factor alone: curves are of the selection prompts."
        )
    if methods:
        with boundary("The curves cannot be drawn"):
            _pictures(source, replace(choice, methods=tuple(methods)), concept, measure, half)
    else:
        st.info("Choose a method.", icon=":material/info:")
    with boundary("The table cannot be made"):
        _concept_table(source, choice, concept)


def _pictures(source: Source, choice: Choice, concept: str, measure: str, half: Half) -> None:
    table = table_of(source)
    rows = rows_of(table, choice, concepts=[concept] if concept else concepts_of(source))
    dosed = rows[rows["method"].map(lambda name: method(str(name)).dose != "none").astype(bool)]
    flat_rows = rows[~rows["method"].map(lambda name: method(str(name)).dose != "none").astype(bool)]
    named = concept or "the mean over concepts"
    kinds = [kind for kind in X_NAMES if any(method(str(name)).dose == kind for name in dosed["method"].unique())]
    if not kinds:
        st.info("These methods have no strength; choose one that has, such as DiffMean.", icon=":material/info:")
        return
    for column, y_name in ((measure, MEASURES[measure]), ("kl", "KL, nats per token")):
        level = dose_means(flat_rows, half=half) if len(flat_rows) else pd.DataFrame(columns=["method", column])
        flat = {
            str(name): float(value) for name, value in level.groupby("method", observed=True)[column].mean().items()
        }
        for place, (slot, kind) in enumerate(zip(st.columns([3, 2][: len(kinds)]), kinds, strict=True)):
            of_kind = dosed[dosed["method"].map(lambda name, kind=kind: method(str(name)).dose == kind).astype(bool)]
            with slot:
                charts.show(
                    curves_figure(
                        curve_of(of_kind, concept, column, half), flat=flat, x_name=X_NAMES[kind], y_name=y_name
                    ),
                    key=f"benchmark_curve_{column}_{kind}",
                    alt=f"{y_name} against {X_NAMES[kind].lower()} for {named}.",
                )
            del place
    damage = st.segmented_control(
        "Damage", list(DAMAGES), format_func=DAMAGES.__getitem__, default="fluency", required=True,
        key="benchmark_damage", persist_state="session",
    )  # fmt: skip
    points = front_of(rows, concept, damage, half)
    charts.show(
        front_figure(points, damage_name=DAMAGES[damage]),
        key="benchmark_front",
        alt=f"Concept against {DAMAGES[damage].lower()} for {named}; {int(points['on_front'].sum())} points are on the "
        "front.",
    )
    st.caption(
        "Large points are on the front: no other of these points has as much of the concept for less damage. "
        "Up and to the left is better."
    )


def curve_of(rows: pd.DataFrame, concept: str, column: str, half: Half) -> pd.DataFrame:
    """``method, factor, value`` and, over several concepts, ``low, high``.

    Raises:
        SteeringError: a grid is not whole in this half, or KL is missing.
    """
    if concept:
        return dose_means(rows, half=half).rename(columns={column: "value"})[["method", "factor", "value"]]
    return dose_response(rows, column=column, half=half)


def front_of(rows: pd.DataFrame, concept: str, damage: Literal["fluency", "kl"], half: Half) -> pd.DataFrame:
    """``method, factor, concept_score, damage, on_front``.

    Raises:
        SteeringError: as ``curve_of``.
    """
    if not concept:
        return damage_front(rows, damage=damage, half=half)
    points = dose_means(rows, half=half)
    points["damage"] = HIGHEST_RATING - points["fluency_score"] if damage == "fluency" else points["kl"]
    points["on_front"] = on_front(points["concept_score"].to_numpy(float), points["damage"].to_numpy(float))
    return points


def _concept_table(source: Source, choice: Choice, concept: str) -> None:
    if concept:
        rows = rows_of(table_of(source), replace(choice, factor="chosen"), concepts=[concept])
        found = of_concept(rows)
        st.markdown(f"**{plain(concept)}** at the chosen factors")
        number = st.column_config.NumberColumn
        st.dataframe(
            found.assign(method=found["method"].map(titled)), hide_index=True, key="benchmark_of_concept",
            column_config={
                "method": st.column_config.TextColumn("Method", pinned=True),
                "overall": number("Overall", format="%.2f"),
                "concept_score": number("Concept", format="%.2f"),
                "instruction_score": number("Instruction", format="%.2f"),
                "fluency_score": number("Fluency", format="%.2f"),
                "kl": number("KL", format="%.2f"),
                "factor": st.column_config.TextColumn("Factor", help="Chosen for each seed"),
                "slider": st.column_config.TextColumn("On the slider", help="The same strength in the app's unit"),
            },
        )  # fmt: skip
        return
    board = board_of(source, choice)
    wide = board.filled.pivot(index="concept", columns="method", values="overall")
    wide = wide[[name for name in board.table["method"] if name in wide.columns]]
    st.markdown("**Overall of every concept**, methods best first")
    st.dataframe(
        wide.rename(columns=titled).reset_index(),
        key="benchmark_by_concept",
        hide_index=True,
        column_config={
            "concept": st.column_config.TextColumn("Concept", pinned=True, width=120),
            **{titled(name): st.column_config.NumberColumn(format="%.2f", width=110) for name in wide.columns},
        },
    )
    st.download_button(
        "Table as CSV", lambda: wide.rename(index=inert).to_csv().encode(), file_name=f"{source.name}-concepts.csv",
        mime="text/csv", key="benchmark_concepts_csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def of_concept(rows: pd.DataFrame) -> pd.DataFrame:
    """Every method on one concept at its chosen factors, best first.

    Returns:
        ``method``, the scores and ``kl``, and the chosen factors of the seeds as texts.
    """
    means = concept_means(rows).sort_values("overall", ascending=False, kind="stable")
    picked = rows[rows["selected"]].drop_duplicates(["method", "seed"]).sort_values("seed")
    told = {"factor": picked["factor"]} | ({"slider": picked["slider"]} if "slider" in picked else {})
    for name, values in told.items():
        texts = values.map("{:.3g}".format).groupby(picked["method"].astype(str)).agg(" · ".join)
        means[name] = means["method"].astype(str).map(texts)
    columns = ["method", "overall", "concept_score", "instruction_score", "fluency_score", "kl", *told]
    return means[columns].reset_index(drop=True)
