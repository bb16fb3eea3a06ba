"""How are the worked studies offered, and what does an opened one say about itself?"""

import streamlit as st

from steering.gallery.shelf import gallery
from steering.studies.study import Screen
from ui.errors import boundary
from ui.state import chosen
from ui.text import plain

_OTHER_WEIGHTS = "Made with other weights than those here under the same name: new answers will differ from these."


def cards(note: str | None = None) -> None:
    """One small card for each worked study: what it asks, what came out, and the way in; nothing without any.

    Args:
        note: stands under the heading.
    """
    with boundary("The worked studies cannot be shown"):
        stories = gallery().stories()
        if not stories:
            return
        st.space("small")
        st.markdown("##### Worked studies")
        if note is not None:
            st.caption(note)
        with st.grid(min_column_width=230, gap="small", key="examples_grid"):
            for story, study in stories:
                with st.container(border=True, height="stretch", gap="small", key=f"example_card_{story.id}"):
                    st.markdown(f"{story.icon} &nbsp;**{plain(study.about.title)}**")
                    st.caption(story.question)
                    if st.button("Open", key=f"example_{story.id}", type="tertiary", icon=":material/arrow_forward:"):
                        _open(story.id)


def _open(id: str) -> None:
    # Reading a study needs tables; the start page is drawn before they are imported.
    from ui import study_session
    from ui.study_panel import PARAMETER

    study = study_session.restore(id)
    st.switch_page(study_session.PAGES[study.about.screen], query_params={PARAMETER: id})


def story_note(screen: Screen) -> None:
    """The story of the worked study whose answers this screen shows; nothing over any other answers."""
    id = chosen.completions_id if screen == "steer" else chosen.comparison_id
    if id is None or not id.startswith("study."):
        return
    study_id = id.split(".")[1]
    if not gallery().has(study_id):
        return
    with boundary("The story of this study cannot be shown"):
        about = gallery().get(study_id).about
        with st.expander(plain(about.title), icon=":material/menu_book:", expanded=True, key=f"story_{screen}"):
            if gallery().is_of_other_weights(study_id):
                st.warning(_OTHER_WEIGHTS, icon=":material/history:")
            for paragraph in about.note.split("\n\n"):
                st.markdown(plain(paragraph))
            st.caption("A worked study, stored with its answers. Change what you like: nothing of it is overwritten.")
