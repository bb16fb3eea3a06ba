"""Screen 1: labelled examples. Take them, look at them, mend them, and go on to the features."""

import streamlit as st

from ui import examples_draft as drafts
from ui import examples_sources, examples_view
from ui.frame import open_page

open_page("Examples", lead="Texts with your concept and texts without it: what the features are looked for with.")

found = drafts.current()
examples_sources.source_panel(found[1] if found else None)

if found is None:
    examples_view.empty()
else:
    id, draft = found
    examples_view.heading(id, draft)
    examples_view.columns_panel(draft)
    texts, sizes = st.columns([5, 3], gap="medium")
    with texts:
        examples_view.table(id, draft)
        examples_view.findings(draft)
    with sizes:
        examples_view.balance(draft)
