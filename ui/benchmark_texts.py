"""What are the texts themselves like: do they repeat themselves, do they carry most what was meant?"""

import pandas as pd
import streamlit as st

from steering.benchmark.board import Choice
from steering.benchmark.runs import Run
from steering.benchmark.texts import NUMBERS, TEXTS, can_tell_concepts, read_texts, text_means
from ui.benchmark_source import Source, source_id, source_state, table_of
from ui.benchmark_style import titled
from ui.text import counted


def texts_section(source: Source, choice: Choice, concepts: list[str]) -> None:
    """A table of every method's texts at the chosen factor; which concepts they carry only once somebody asked.

    Args:
        source: whose texts.
        choice: methods and seeds that count.
        concepts: that count.
    """
    st.markdown("**The texts themselves**, test prompts at the chosen factor")
    whole = source.text_table()
    asked = f"benchmark_texts_asked_{source_id(source)}"
    if whole is None:
        told_apart = can_tell_concepts(source.settings) and bool(st.session_state.get(asked))
        whole = _read(source_id(source), source_state(source), told_apart, _source=source)
    means = text_means(whole, concepts=concepts, seeds=choice.seeds, methods=choice.methods)
    if means.empty:
        return
    knows = bool(means["on_target"].notna().any())
    number = st.column_config.NumberColumn
    st.dataframe(
        display_table(means),
        key="benchmark_texts",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height="content",
        alt="Repetition and off-target shares of every method's texts.",
        column_config={
            "Method": st.column_config.TextColumn(pinned=True, width=176),
            "Distinct-2": number(
                format="%.2f", help="Pairs of words that differ, as a share of all pairs of a text; 1 is no repetition"
            ),
            "Loops": number(format="%.0f %%", help="Texts whose end says one piece over and over"),
            "On target": number(
                format="%.0f %%", help="Texts that carry the intended concept more than any other that is neither its "
                "parent nor its child"
            ),
            "95 % interval": st.column_config.TextColumn(help="Of “On target”, over concepts"),
            "Tied": number(format="%.0f %%", help="Another concept is carried as much as the intended one"),
            "Off target": number(format="%.0f %%", help="Another concept is carried more"),
            "Nothing": number(format="%.0f %%", help="No concept at all"),
        },
    )  # fmt: skip
    n_texts = int(means["n_texts"].sum())
    if knows:
        st.caption(f"{counted(n_texts, 'text')} were read. Shares are means over texts, seeds, then concepts.")
    elif not can_tell_concepts(source.settings):
        st.caption(
            "Which other concepts the texts carry is known only where a judge knows them all, which is the embedded "
            "world's."
        )
    elif n_texts:
        st.button(
            f"Look for other concepts in {counted(n_texts, 'text')}", key="benchmark_texts_read",
            icon=":material/manage_search:", help="About half a minute for ten thousand texts, once",
            on_click=lambda: st.session_state.update({asked: True}),
        )  # fmt: skip


def display_table(means: pd.DataFrame) -> pd.DataFrame:
    """The means as they are shown; shares of concepts only where they are known."""
    shown = pd.DataFrame(
        {
            "Method": means["method"].map(titled),
            "Distinct-2": means["distinct_2"],
            "Loops": means["looping"] * 100,
        }
    )
    if means["on_target"].notna().any():
        shown["On target"] = means["on_target"] * 100
        shown["95 % interval"] = [
            "–" if pd.isna(low) else f"{low:.0%} – {high:.0%}".replace("%", " %")
            for low, high in zip(means["low"], means["high"], strict=True)
        ]
        for name, column in (("Tied", "tied"), ("Off target", "off_target"), ("Nothing", "nothing")):
            shown[name] = means[column] * 100
    return shown


@st.cache_data(max_entries=16, show_spinner="Reading the texts")
def _read(id: str, state: str, told_apart: bool, *, _source: Source) -> pd.DataFrame:  # noqa: ARG001 - the key
    if told_apart and isinstance(_source, Run):
        return _source.read_texts()
    return read_texts(
        table_of(_source, tuple(name for name in (*NUMBERS, *TEXTS) if name in _source.columns)), told_apart=told_apart
    )
