"""Which result is shown: one that ships, or a run of one's own?"""

import pandas as pd
import streamlit as st

from steering.benchmark.runs import Run, runs
from steering.benchmark.stored import StoredResult, stored_results
from steering.errors import SteeringError
from steering.evidence.table import COLUMNS
from steering.presets import is_world_model
from ui.errors import boundary
from ui.text import counted, plain

Source = StoredResult | Run
_KEY, _NEXT = "benchmark_source", "steerscope.benchmark_next"


def source_id(source: Source) -> str:
    """Name of a result among all of them."""
    return f"{'stored' if isinstance(source, StoredResult) else 'run'}:{source.name}"


def show_next(id: str) -> None:
    """Show the result with this id as soon as it is there, unless another is chosen first.

    A widget's value cannot be set once it is drawn, and a run that was just started has no folder yet.
    """
    st.session_state[_NEXT] = id


def sources() -> list[Source]:
    """Every result that can be shown, those that ship first. What cannot be read is said and left out."""
    found: list[Source] = []
    with boundary("The stored results cannot be shown"):
        found += stored_results()
    own, faults = runs()
    for fault in faults:
        st.warning(plain(fault), icon=":material/folder_off:")
    return found + own


def source_choice(found: list[Source]) -> Source | None:
    """A choice among results; None where there are none."""
    if not found:
        return None
    names = {source_id(one): one for one in found}
    if st.session_state.get(_NEXT) in names:
        st.session_state[_KEY] = st.session_state.pop(_NEXT)
    elif st.session_state.get(_KEY) not in names:
        st.session_state.pop(_KEY, None)
    id = st.selectbox(
        "Result", list(names), format_func=lambda id: label(names[id]), key=_KEY, persist_state="session",
        on_change=lambda: st.session_state.pop(_NEXT, None),
        help="Stored results come with Steerscope and open at once. Runs are those of this server's runs folder.",
    )  # fmt: skip
    return names[id]


def label(source: Source) -> str:
    """One line about a result."""
    if isinstance(source, StoredResult):
        return f"Stored · {source.title}"
    done = "" if source.n_left == 0 else f", {len(source.finished)} of {source.settings.n_units} units done"
    return f"Run {source.made} · {source.title}{done}"


def table_of(source: Source, columns: tuple[str, ...] = tuple(COLUMNS)) -> pd.DataFrame:
    """The rows of a result, read once for each state of its files.

    Raises:
        SteeringError: they cannot be read.
    """
    state = source.made if isinstance(source, StoredResult) else f"{source.made} {len(source.finished)}"
    return _read(str(source.path), state, columns, _source=source)


@st.cache_data(max_entries=6, show_spinner="Reading the results")
def _read(path: str, state: str, columns: tuple[str, ...], *, _source: Source) -> pd.DataFrame:  # noqa: ARG001 - the key
    return _source.read(columns)


def concepts_of(source: Source) -> tuple[str, ...]:
    """Concepts that can be compared: all, or those that are whole in a run that is not finished."""
    return source.settings.concepts if isinstance(source, StoredResult) else source.whole_concepts


def is_of_world(source: Source) -> bool:
    """Whether the embedded world's own judge rated it."""
    return is_world_model(source.settings.model) and source.settings.judge == "world"


def unfinished_note(source: Source) -> None:
    """Say what a run lacks, so that nobody takes a part of it for the whole."""
    if isinstance(source, Run) and source.n_left:
        whole = len(source.whole_concepts)
        st.info(
            f"Not finished: {counted(source.n_left, 'unit')} of {source.settings.n_units:,} to go. Only concepts on "
            f"which every method is done are compared, {whole} of {len(source.settings.concepts)} so far.",
            icon=":material/hourglass_top:",
        )


def needs_rows(source: Source) -> None:
    """Make sure that there is something to compare.

    Raises:
        SteeringError: no concept is whole yet.
    """
    if not concepts_of(source):
        raise SteeringError("No concept is done with every method yet; wait for the run to get that far, or resume it.")
