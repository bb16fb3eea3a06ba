"""Screen 7: what was saved. Find a study, open it, give it away, compare two, take one back."""

import streamlit as st

from ui import studies_view, vote_results
from ui.errors import boundary
from ui.frame import open_page
from ui.gallery_view import cards

open_page("Studies", lead="What was saved, with every answer and receipt. Opening one loads no model.")

with boundary("The studies cannot be listed"):
    search, take = st.columns([4, 1], vertical_alignment="bottom")
    with take:
        studies_view.import_panel()
    with search:
        found = studies_view.search()
    studies_view.undo_panel()
    picked = studies_view.table(found)
    if len(picked) == 1:
        studies_view.study_actions(picked[0])
        with boundary("This study cannot be voted on"):
            vote_results.vote_panel(picked[0])
    elif len(picked) == 2:
        with boundary("These studies cannot be compared"):
            studies_view.comparison(*picked)
    studies_view.trash_panel()
    studies_view.place_note()

cards("They ship with this version and cannot be changed; save what you make of one under a title of its own.")
