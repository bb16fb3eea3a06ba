"""How is what a screen shows saved as a study, given away as a link, and opened from one?"""

from pathlib import PurePath
from urllib.parse import urlsplit

import streamlit as st

from steering.gallery.shelf import shelf_of
from steering.studies.study import MAX_NOTE, MAX_TITLE, Screen
from ui import study_session
from ui.errors import boundary
from ui.state import chosen, is_news
from ui.text import plain

PARAMETER = "study"
_SAVED = "steerscope.study.saved"


def open_linked() -> None:
    """Open the study that the page's address names, once; for the beginning of a page. A link that leads nowhere is one
    sentence, and the page goes on as it was.
    """
    id = st.query_params.get(PARAMETER)
    if id is not None and is_news(study_session.NEWS, id):
        # Told again, and tried again, for as long as the address leads nowhere.
        with boundary("This study cannot be opened"):
            st.session_state[f"steerscope.news.{study_session.NEWS}"] = None
            study_session.restore(id)
            st.rerun()  # the controls take their values from a new run
    with boundary("The adapter of this study cannot be read"):
        study_session.read_adapter()


def study_panel(screen: Screen) -> None:
    """Save, with title and note; then the link. Draws nothing while the screen has no answers."""
    if study_session.generated(screen) is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=f"study_{screen}"):
        with st.popover("Save study", icon=":material/bookmark_add:", key=f"study_save_{screen}"):
            features = ", ".join(map(str, chosen.features))
            title = st.text_input(
                "Title", f"{chosen.label}, feature{'s' if len(chosen.features) > 1 else ''} {features}",
                key=f"study_title_{screen}_{chosen.ranking_id}_{features}", max_chars=MAX_TITLE,
            )  # fmt: skip
            note = st.text_area(
                "Note", key=f"study_note_{screen}", max_chars=MAX_NOTE, placeholder="What is to be seen here?"
            )
            if st.button("Save", key=f"study_keep_{screen}", type="primary", icon=":material/save:"):
                with boundary("The study was not saved"):
                    study = study_session.save(screen, title, note)
                    st.session_state[_SAVED] = st.session_state.get(_SAVED, {}) | {
                        study_session.answers_id(screen): study.id
                    }
                    st.toast(f"Saved: {plain(study.about.title)}", icon=":material/bookmark_added:")
        id = _study_of(screen)
        if id is not None:
            with st.popover("Copy link", icon=":material/link:", key=f"study_link_{screen}"):
                st.code(link(id, screen), language=None, wrap_lines=True)
                st.caption("Opens this screen with these answers, on this server, without a model being loaded.")
    moved = study_session.moved(id) if id is not None else None
    if moved is not None:
        st.caption(f":material/memory: {plain(moved)}")


def link(id: str, screen: Screen) -> str:
    """The address that opens a study on its screen."""
    page = PurePath(study_session.PAGES[screen]).stem.partition("_")[2]  # as st.navigation calls it
    return address(page, PARAMETER, id)


def address(page: str, parameter: str, id: str) -> str:
    """The address of a page of this server that is told an id."""
    here = urlsplit(st.context.url or "")
    base = f"{here.scheme}://{here.netloc}" if here.netloc else ""
    folder = here.path.rstrip("/").rpartition("/")[0] if here.netloc else ""
    return f"{base}{folder}/{page}?{parameter}={id}"


def _study_of(screen: Screen) -> str | None:
    """The study that holds the answers on the screen: saved here, or opened from there; None if there is none."""
    answers = study_session.answers_id(screen) or ""
    saved: dict[str, str] = st.session_state.get(_SAVED, {})
    opened = answers.removeprefix("study.").partition(".")[0] if answers.startswith("study.") else None
    id = saved.get(answers) or opened
    return id if id is not None and shelf_of(id).has(id) else None
