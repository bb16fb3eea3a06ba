"""Which result is shown: one that ships, or a run of one's own?"""

import pandas as pd
import streamlit as st

from steering.benchmark.judging import knows_the_truth
from steering.benchmark.runs import Run, runs
from steering.benchmark.stored import StoredResult, stored_results
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
    return _read(str(source.path), source_state(source), columns, _source=source)


def source_state(source: Source) -> str:
    """Changes with every unit that is finished."""
    return source.made if isinstance(source, StoredResult) else f"{source.made} {len(source.finished)}"


def replies_of(source: Source) -> dict[str, int]:
    """What became of the judge's replies, see ``steering.benchmark.judged``; empty where it reads none.

    Raises:
        SteeringError: a part of a run cannot be read.
    """
    if isinstance(source, StoredResult) or knows_the_truth(source.settings.judge) or source.manifest.replies:
        return source.manifest.replies
    return _replies(str(source.path), source_state(source), len(source.failures), _run=source)


@st.cache_data(max_entries=16, show_spinner=False)
def _replies(path: str, state: str, n_failures: int, *, _run: Run) -> dict[str, int]:  # noqa: ARG001 - the key
    return _run.replies()


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


def has_rows(source: Source) -> bool:
    """Whether there is something to compare; says what is missing where there is not, which is nobody's mistake."""
    if concepts_of(source):
        return True
    st.info(
        "There is nothing to compare yet, because no concept is done with every method. Results appear here as soon as "
        "the run gets that far; one that was stopped goes on with “Resume”.",
        icon=":material/hourglass_top:",
    )
    return False
