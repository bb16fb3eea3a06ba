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
    texts, checks = st.columns([5, 3], gap="medium")
    with texts:
        examples_view.table(id, draft)
    with checks:
        label = examples_view.label_on_screen(draft)
        if label is not None:
            examples_view.balance(draft, label)
        examples_view.findings(draft)
