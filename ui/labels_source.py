"""Where does a table of labels come from: with Steerscope, from a file, or from labelling the session's examples?"""

import tempfile
from pathlib import Path

import streamlit as st

from steering import runtime
from steering.errors import SteeringError
from steering.feature_labels import LabelTable, read_labels, write_labels
from ui import work
from ui.errors import boundary, show_error
from ui.frame import STEPS, empty_state
from ui.job_panel import job_panel
from ui.state import chosen, is_news, owner
from ui.text import counted, plain

STORED = "stored"
SOURCES = {
    STORED: ":material/public: Embedded world",
    "file": ":material/upload_file: Open a file",
    "examples": ":material/lists: My examples",
}
_KIND = "labels"
_OPENED, _MADE, _MISTAKE = "steerscope.labels_opened", "steerscope.labels_made", "steerscope.labels_mistake"


def stored_tables() -> list[Path]:
    """The tables that come with Steerscope."""
    from steering.benchmark.stored import results_folder

    return sorted(results_folder().glob("labels*.parquet"))


def labels_choice() -> LabelTable | None:
    """The choice of the source, and its table; None while there is none."""
    stored = stored_tables()
    options = [source for source in SOURCES if source != STORED or stored]
    source = st.segmented_control(
        "Labels from", options, format_func=SOURCES.__getitem__, default=options[0], required=True,
        key="labels_source", persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    if source == STORED:
        with boundary("This table cannot be opened"):
            return _stored(stored)
        return None
    if source == "file":
        return _file()
    return _examples()


def _stored(paths: list[Path]) -> LabelTable:
    path = paths[0]
    if len(paths) > 1:
        path = st.selectbox("Table", paths, format_func=lambda path: path.stem, key="labels_stored")
    id = work.key_of(_KIND, str(path), path.stat().st_mtime_ns)
    found: LabelTable | None = runtime.store.get(_KIND, id)
    if found is None:
        found = LabelTable(*read_labels(path, path.name), path.stem)
        runtime.store.put(_KIND, id, found)
    return found


# -- a file ----------------------------------------------------------------------------------------------------------


def _file() -> LabelTable | None:
    found: LabelTable | None = runtime.store.get(_KIND, st.session_state.get(_OPENED))
    number = st.session_state.setdefault("steerscope.labels_uploader", 0)
    with st.container(border=True, key="labels_file"):
        if found is not None:
            st.markdown(f":material/description: &nbsp;**{plain(found.title)}**")
        # No `type`: the reader says of every other file what it is not, where Streamlit would raise.
        st.file_uploader(
            "The labels.parquet of `python -m steering label`", key=f"labels_upload_{number}", on_change=_take_upload
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                "Or its path on the server", key="labels_path", placeholder="/data/labels.parquet", max_chars=500,
                persist_state="session", on_change=_take_path, width=420,
            )  # fmt: skip
            st.button("Open", key="labels_open", icon=":material/folder_open:", on_click=_take_path)
        if _MISTAKE in st.session_state:
            show_error(st.session_state[_MISTAKE], title="Not opened")
    return found


def _take_upload() -> None:
    number = st.session_state["steerscope.labels_uploader"]
    file = st.session_state.get(f"labels_upload_{number}")
    if file is None:
        return
    _open(file.getvalue(), file.name)
    st.session_state["steerscope.labels_uploader"] = number + 1  # a fresh uploader: the bytes of the old one are let go


def _take_path() -> None:
    path = Path((st.session_state.get("labels_path") or "").strip()).expanduser()
    if path.suffix != ".parquet":
        st.session_state[_MISTAKE] = f"The path is {str(path)!r}; give that of a .parquet file on the server."
        return
    _open(path, path.name)


def _open(source: Path | bytes, name: str) -> None:
    st.session_state.pop(_MISTAKE, None)
    try:
        table = LabelTable(*read_labels(source, name), name)
    except SteeringError as error:
        st.session_state[_MISTAKE] = str(error)
    else:
        st.session_state[_OPENED] = runtime.store.put(_KIND, None, table, owner=owner())


# -- the session's examples ------------------------------------------------------------------------------------------


def _examples() -> LabelTable | None:
    examples = work.examples()
    if examples is None:
        empty_state("Bring examples with several labels first.", STEPS[0].page, "Go to Examples")
        return None
    if len(examples.label_names) < 2:
        st.info(
            f"{plain(examples.name)} has one label, {plain(examples.label_names[0])}: the ranking already shows its "
            "features. A table of labels is for examples with several.",
            icon=":material/info:",
        )
        return None
    several = int((examples.labels.sum(axis=1) > 1).sum())
    with st.container(horizontal=True, vertical_alignment="center", key="labels_run_bar"):
        st.markdown(
            f"**{plain(examples.name)}** · {counted(examples.n, 'example')}, {several:,} with several of "
            f"{len(examples.label_names):,} labels"
        )
        pressed = st.button(
            "Label the features", key="labels_run", icon=":material/label:", type="primary",
            help="Every feature gets the label it reads best, every label its best features: fitted on 70 % of the "
            "examples, the prior chosen on 15 %, judged on the last 15 %.",
        )  # fmt: skip
    job = work.latest(_KIND)
    if pressed:
        with boundary("The labelling could not start"):
            job = work.start_labelling()
            job.wait(0.3)
    job_panel(job, key="labels_job")
    if job is not None and isinstance(job.result, str) and is_news("labels_job", job.id):
        st.session_state[_MADE] = (chosen.examples_id, job.result)
        st.rerun()
    of_examples, id = st.session_state.get(_MADE, (None, None))
    made: LabelTable | None = runtime.store.get(_KIND, id) if of_examples == chosen.examples_id else None
    if made is not None:
        st.download_button(
            "Whole table as labels.parquet", data=lambda: parquet_of(made), file_name="labels.parquet",
            mime="application/vnd.apache.parquet", key="labels_parquet", icon=":material/download:", type="tertiary",
            on_click="ignore", help="What `python -m steering label` writes; it can be opened here again.",
        )  # fmt: skip
    return made


def parquet_of(found: LabelTable) -> bytes:
    """The file of a table, as :func:`steering.feature_labels.write_labels` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.parquet"
        write_labels(path, found.table, found.metadata)
        return path.read_bytes()
