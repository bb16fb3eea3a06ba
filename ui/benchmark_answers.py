"""What did each method write for the same prompt, and why was it rated so?"""

from typing import Any

import pandas as pd
import streamlit as st

from steering.benchmark.board import Choice
from steering.benchmark.planned import splits_of
from steering.benchmark.stored import StoredResult
from steering.evidence.table import COLUMNS
from steering.judges.score import Score
from ui.benchmark_source import Source, concepts_of, is_of_world, source_id, table_of
from ui.benchmark_style import titled, usual
from ui.text import plain

MOST = 4
"""Panes that can be read beside each other."""


def answers_view(source: Source, choice: Choice) -> None:
    """Concept, prompt and methods to choose; a pane for each method."""
    if "text" not in source.columns:
        st.info(
            "Only the numbers of this stored result were kept; texts would make the download large. Start a run "
            "of your own, however small, and its answers can be read here.",
            icon=":material/info:",
        )
        return
    if isinstance(source, StoredResult) and source.texts == "chosen":
        st.caption(
            f"Texts are kept for the test prompts at the chosen factor, seed {source.settings.seeds[0]}. A run of your "
            "own keeps all of them."
        )
    splits, id = splits_of(source.settings), source_id(source)
    rows = table_of(source, (*COLUMNS, "sample", "slider", "is_looping", "n_generated", "prompt", "text", "reasons"))
    rows = rows[rows["text"].notna() & rows["method"].isin(choice.methods) & rows["seed"].isin(choice.seeds)]
    concepts = [
        name for name in concepts_of(source) if splits[name] == choice.split and (rows["concept"] == name).any()
    ]
    if not concepts:
        st.info("No text was kept for these seeds and concepts; choose others above.", icon=":material/info:")
        return
    left, middle, right = st.columns([2, 4, 2], vertical_alignment="bottom")
    concept = left.selectbox(
        "Concept", concepts, key=f"benchmark_read_concept_{id}_{choice.split}", persist_state="session"
    )
    rows = rows[rows["concept"] == concept]
    prompts = rows[["half", "prompt_id", "prompt"]].drop_duplicates(["half", "prompt_id"])
    # Test prompts first: they are what the result is made of.
    prompts = prompts.assign(late=prompts["half"] == "select").sort_values(["late", "prompt_id"])
    rest: Any = prompts.itertuples(index=False)
    names = {int(row.prompt_id): _prompt_label(row) for row in rest}
    prompt = middle.selectbox(
        "Prompt", list(names), format_func=names.__getitem__, key=f"benchmark_read_prompt_{id}_{concept}",
        persist_state="session",
    )  # fmt: skip
    rows = rows[rows["prompt_id"] == prompt]
    seed = right.selectbox(
        "Seed", sorted(rows["seed"].unique()), key=f"benchmark_read_seed_{id}", persist_state="session"
    )
    rows = rows[rows["seed"] == seed]
    there = tuple(name for name in choice.methods if (rows["method"] == name).any())
    methods = st.multiselect(
        "Methods side by side", there, default=usual(there, most=MOST), format_func=titled, max_selections=MOST,
        key=f"benchmark_read_methods_{id}", persist_state="session",
    )  # fmt: skip
    shown = [name for name in methods if name in there]
    if not shown:
        st.info("Choose a method.", icon=":material/info:")
        return
    st.markdown(f"**{plain(str(rows['prompt'].iloc[0]))}**")
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        with column.container(border=True, height="stretch"):
            _pane(source, concept, name, rows[rows["method"] == name])


def _prompt_label(row: Any) -> str:
    return f"{row.prompt}{' (selection)' if row.half == 'select' else ''}"


def _pane(source: Source, concept: str, name: str, rows: pd.DataFrame) -> None:
    """One method's answers to the prompt, at a factor of the reader's choice."""
    st.markdown(f"**{plain(titled(name))}**")
    factors = sorted(rows["factor"].unique())
    chosen = rows.loc[rows["selected"], "factor"]
    factor = float(chosen.iloc[0]) if len(chosen) else float(factors[0])
    if len(factors) > 1:
        factor = st.select_slider(
            "Factor", factors, value=factor, key=f"benchmark_read_factor_{source_id(source)}_{concept}_{name}",
            format_func=lambda value: f"{value:.3g}{', chosen' if len(chosen) and value == chosen.iloc[0] else ''}",
        )  # fmt: skip
    row: Any
    for row in rows[rows["factor"] == factor].sort_values("sample").itertuples(index=False):
        text = str(row.text)
        st.markdown(plain(text).replace("\n", "  \n") if text.strip() else "*(nothing)*")
        # Nothing asked the untouched model to carry the concept: its score is no failure.
        colour = "gray" if name == "none" else "green" if row.overall >= 1.5 else "orange" if row.overall > 0 else "red"
        st.markdown(
            f":{colour}[**{row.overall:.2f}**] &nbsp; concept {row.concept_score} · instruction "
            f"{row.instruction_score} · fluency {row.fluency_score}"
        )
        loop = " · ends in a loop" if row.is_looping else ""
        strength = f"factor {row.factor:.3g} (slider {row.slider:.3g}) · " if row.factor else ""
        kl = "–" if pd.isna(row.kl) else f"{row.kl:.2f}"
        st.caption(f"{strength}KL {kl} · {row.n_generated} tokens{loop}")
        _reasons(source, concept, row)


def _reasons(source: Source, concept: str, row: Any) -> None:
    """Why the judge rated it so: as it was said then, or by asking a judge that always says the same."""
    stored = Score(int(row.concept_score), int(row.instruction_score), int(row.fluency_score))
    reasons = tuple(str(row.reasons).splitlines()) if isinstance(row.reasons, str) else ()
    if not reasons and is_of_world(source):
        found = judged(concept, str(row.prompt), str(row.text))
        reasons = found.reasons
        if (found.concept, found.instruction, found.fluency) != (stored.concept, stored.instruction, stored.fluency):
            st.warning(
                f"Today's judge says concept {found.concept}, instruction {found.instruction}, fluency "
                f"{found.fluency}; it is another one than that of this result.",
                icon=":material/history:",
            )
    if reasons:
        with st.expander("Why: the judge's reasons", expanded=True, type="compact"):
            for reason in reasons:
                st.markdown(f"{_icon(reason)} {plain(reason)}")
    elif not is_of_world(source):
        st.caption("The judge gave no reasons.")


@st.cache_data(max_entries=512, show_spinner="Asking the judge")
def judged(concept: str, prompt: str, text: str) -> Score:
    """What the embedded world's judge says of a text, and why."""
    from steering.world.judge import WorldJudge

    return WorldJudge().score(concept, prompt, text)


def _icon(reason: str) -> str:
    if reason.startswith("Carries "):
        return ":green[:material/check:]"
    if reason.startswith("Not fluent"):
        return ":orange[:material/text_rotation_none:]"
    return ":gray[:material/remove:]"
