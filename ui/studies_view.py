"""How are the studies of this server shown, and what can be done with them there?"""

from datetime import datetime
from io import BytesIO

import pandas as pd
import streamlit as st

from steering.studies.differences import Difference, MethodScores, differences, scores
from steering.studies.library import library
from steering.studies.packing import file_name
from steering.studies.study import MAX_NOTE, MAX_TITLE, Study
from steering.studies.trash import KEPT_DAYS
from ui import study_session
from ui.errors import boundary
from ui.frame import STEPS, empty_state
from ui.study_panel import PARAMETER, link
from ui.text import counted, plain

_DELETED = "steerscope.studies.deleted"
_TOLD = "steerscope.studies.told"
_LISTED = "steerscope.studies.listed"
_SCREENS = {"steer": "Steer", "converse": "Conversation", "compare": "Compare"}


def search() -> list[Study]:
    """The search box, and what it finds."""
    query = st.text_input(
        "Search", key="studies_query", icon=":material/search:", max_chars=200,
        placeholder="Words of title, note, model or concept; a feature's number",
    )  # fmt: skip
    told: str | None = st.session_state.pop(_TOLD, None)
    if told:
        st.toast(plain(told), icon=":material/bookmark_added:")
    return library().find(query)


def import_panel() -> None:
    """Take a study from a zip."""
    with st.popover("Import", icon=":material/upload:", width="stretch", key="studies_import"):
        number = st.session_state.setdefault("studies_upload_number", 0)
        given = st.file_uploader("A study's zip", type=["zip"], key=f"studies_upload_{number}")
        if given is not None and st.button("Take it over", key="studies_take", type="primary"):
            with boundary("This file was not taken"):
                study, is_new = library().take(BytesIO(given.getvalue()))
                st.session_state["studies_upload_number"] = number + 1  # a new, empty box
                st.session_state[_TOLD] = (
                    f"Taken: {study.about.title}" if is_new else f"It is here already: {study.about.title}"
                )
                st.rerun()


def table(found: list[Study]) -> list[Study]:
    """The studies as a table; one or two of them can be chosen."""
    key = _table_key(found)
    if not found:
        if st.session_state.get("studies_query"):
            st.info("No study holds all of these words.", icon=":material/info:")
        else:
            empty_state("Nothing is saved yet. Press “Save study” on Steer or Compare.", STEPS[2].page, "Go to Steer")
        return []
    rows = [
        {
            "Title": study.about.title,
            "Concept": study.about.label,
            "Features": ", ".join(map(str, study.about.features)),
            "Screen": _SCREENS[study.about.screen],
            "Model": study.about.model,
            "Changed": datetime.fromisoformat(study.changed),
            "Note": study.about.note,
        }
        for study in found
    ]
    column = st.column_config
    event = st.dataframe(
        pd.DataFrame(rows), key=key, hide_index=True, width="stretch", on_select="rerun", selection_mode="multi-row",
        column_config={
            "Title": column.TextColumn(pinned=True, width="medium"),
            "Changed": column.DatetimeColumn(format="distance"),
        },
    )  # fmt: skip
    chosen_rows = [row for row in event["selection"]["rows"] if row < len(found)]
    if not chosen_rows:
        st.caption(f"{counted(len(found), 'study', 'studies')}. Tick one to open it, two to compare them.")
    elif len(chosen_rows) > 2:
        st.caption("Tick at most two.")
    return [found[row] for row in chosen_rows]


def _table_key(found: list[Study]) -> str:
    """A key that is another whenever other studies are listed: ticks are row numbers and must not move on."""
    number, listed = st.session_state.get(_LISTED, (0, ()))
    now = tuple(study.id for study in found)
    if now != listed:
        number += 1
    st.session_state[_LISTED] = (number, now)
    return f"studies_table_{number}"


def study_actions(study: Study) -> None:
    """Everything that can be done with one study."""
    with st.container(border=True, key="study_actions"):
        st.markdown(f"**{plain(study.about.title)}**")
        if study.about.note:
            st.markdown(plain(study.about.note))
        st.caption(
            f"{plain(study.about.model)} · {plain(study.about.sae)} · {plain(study.about.examples_title)} · "
            f"{_size(study)} · saved {study.created[:16].replace('T', ' ')} UTC"
        )
        with st.container(horizontal=True):
            if st.button("Open", key="study_open", type="primary", icon=":material/open_in_full:"):
                with boundary("This study cannot be opened"):
                    study_session.restore(study.id)
                    st.switch_page(study_session.PAGES[study.about.screen], query_params={PARAMETER: study.id})
            with st.popover("Copy link", icon=":material/link:", key="study_link"):
                st.code(link(study.id, study.about.screen), language=None, wrap_lines=True)
            with st.popover("Rename", icon=":material/edit:", key="study_rename"):
                title = st.text_input(
                    "Title", study.about.title, key=f"study_title_{study.id}_{study.changed}", max_chars=MAX_TITLE
                )
                note = st.text_area(
                    "Note", study.about.note, key=f"study_note_{study.id}_{study.changed}", max_chars=MAX_NOTE
                )
                if st.button("Keep", key="study_keep", type="primary"):
                    with boundary("Nothing was changed"):
                        library().change(study.id, title=title, note=note)
                        st.rerun()
            if st.button("Duplicate", key="study_duplicate", icon=":material/content_copy:"):
                with boundary("The study was not copied"):
                    copy = library().duplicate(study.id)
                    st.session_state[_TOLD] = f"Saved: {copy.about.title}"
                    st.rerun()
            st.download_button(
                "Export", data=lambda: _zipped(study), file_name=file_name(study), mime="application/zip",
                key="study_export", icon=":material/download:", on_click="ignore",
            )  # fmt: skip
            if st.button("Delete", key="study_delete", icon=":material/delete:"):
                with boundary("The study was not deleted"):
                    library().delete(study.id)
                    st.session_state[_DELETED] = (study.id, study.about.title)
                    st.rerun()


def undo_panel() -> None:
    """One line after a deletion, with the way back."""
    deleted: tuple[str, str] | None = st.session_state.get(_DELETED)
    if deleted is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="studies_undo_line"):
        st.markdown(f":material/delete: &nbsp;Deleted: {plain(deleted[1])}", width="content")
        if st.button("Undo", key="studies_undo", icon=":material/undo:"):
            with boundary("It could not be restored"):
                library().restore(deleted[0])
                del st.session_state[_DELETED]
                st.rerun()


def trash_panel() -> None:
    """What was deleted, to be restored or taken away for good."""
    gone = library().trash()
    if not gone:
        return
    with st.expander(f"Trash: {counted(len(gone), 'study', 'studies')}", icon=":material/delete:", key="studies_trash"):
        for one in gone[:50]:
            with st.container(horizontal=True, vertical_alignment="center"):
                at = datetime.fromtimestamp(one.at).astimezone()
                st.markdown(f"{plain(one.study.about.title)} &nbsp;:gray[{at:%Y-%m-%d %H:%M}]", width="stretch")
                if st.button("Restore", key=f"studies_restore_{one.study.id}_{one.at}", icon=":material/undo:"):
                    with boundary("It could not be restored"):
                        library().restore(one.study.id)
                        st.session_state.pop(_DELETED, None)
                        st.rerun()
        st.caption(f"Each is taken away for good {KEPT_DAYS} days after it was deleted.")
        if st.button("Empty the trash now", key="studies_empty", icon=":material/delete_forever:"):
            library().empty_trash()
            st.session_state.pop(_DELETED, None)
            st.rerun()


def comparison(first: Study, second: Study) -> None:
    """Two studies side by side: what differs, and how their methods scored."""
    one, two = library().open(first.id), library().open(second.id)
    found, same = differences(one, two)
    st.subheader("What differs", anchor=False)
    if found:
        st.dataframe(_difference_table(found), key="studies_differences", hide_index=True, width="stretch")
    st.caption(f"{counted(same, 'setting')} {'is' if same == 1 else 'are'} the same.")
    for column, (study, content) in zip(st.columns(2), (one, two), strict=True):
        with column:
            st.markdown(f"**{plain(study.about.title)}**")
            st.dataframe(_score_table(scores(content)), key=f"studies_scores_{study.id}", hide_index=True)


def place_note() -> None:
    """Where the studies lie, and what is wrong there."""
    shelf = library()
    if not shelf.root.is_dir():
        return
    for fault in shelf.broken():
        st.warning(plain(fault), icon=":material/warning:")
    elsewhere = shelf.elsewhere()
    if elsewhere:
        st.warning(
            f"{counted(elsewhere, 'study', 'studies')} of the shared index have no files here: STEERSCOPE_STUDIES must "
            "name a folder that all servers share.",
            icon=":material/warning:",
        )
    st.caption(f"Kept in {plain(str(shelf.root))} of this server (STEERSCOPE_STUDIES names another place).")


def _size(study: Study) -> str:
    return f"{study.size / 1e6:.1f} MB" if study.size >= 1e6 else f"{study.size / 1e3:.0f} kB"


def _zipped(study: Study) -> bytes:
    file = BytesIO()
    library().export(study.id, file)
    return file.getvalue()


def _difference_table(found: list[Difference]) -> pd.DataFrame:
    cells = [(one.name, _cell(one.first), _cell(one.second)) for one in found]
    return pd.DataFrame(cells, columns=["Setting", "First", "Second"])


def _cell(value: object) -> str:
    return "–" if value is None else str(value)


def _score_table(rows: list[MethodScores]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Screen": [_SCREENS.get(row.screen, row.screen) for row in rows],
            "Method": [row.title for row in rows],
            "Overall": [row.overall for row in rows],
            "Concept": [row.concept for row in rows],
            "Fluency": [row.fluency for row in rows],
            "KL": [row.kl for row in rows],
        }
    ).round(2)
