"""Where do examples come from? One panel per source; every one ends in a draft (`ui.examples_draft`)."""

from functools import partial
from importlib import import_module

import streamlit as st

from ui import examples_draft as drafts
from ui.errors import show_error
from ui.examples_draft import Draft, WorldRecipe
from ui.text import counted, plain

SOURCES: dict[drafts.Origin, str] = {
    "world": ":material/public: Embedded world",
    "upload": ":material/upload_file: Upload",
    "paste": ":material/content_paste: Paste",
}
KIND_ICONS = {
    "style": ":material/theater_comedy:",
    "theme": ":material/category:",
    "form": ":material/format_list_bulleted:",
    "stance": ":material/psychology_alt:",
    "language": ":material/translate:",
    "code": ":material/code:",
}
ALL = "*"
MIN_COUNT, MAX_COUNT = 12, 200
COUNT, COUNT_OF_ALL = 72, 24

_UPLOADER = "steerscope.examples.uploader"
_LAST_RECIPE = "steerscope.examples.recipe"
_EXAMPLE_FILE = """text,label
"Arr, hoist the sail and stow yer plunder!",1
"Please close the window before you leave.",0"""


def source_panel(draft: Draft | None) -> None:
    """The choice of the source, and its panel."""
    if "examples_source" not in st.session_state:
        st.session_state.examples_source = draft.origin if draft is not None else "world"
    source = st.segmented_control(
        "Source",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        key="examples_source",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    assert source is not None  # required
    with st.container(border=True, key="examples_source_panel"):
        {"world": _world, "upload": _upload, "paste": _paste}[source](draft)
        mistake = drafts.mistake()
        if mistake is not None and mistake[0] == source:
            show_error(mistake[1], title="Not taken")
            if draft is not None:
                st.caption(f"Nothing was changed: {plain(draft.name)} is still here.")


def world_is_built() -> bool:
    """Whether the embedded world can write texts."""
    try:
        import_module("steering.world.concepts")
        import_module("steering.world.labelled")
    except ImportError:
        return False
    return True


# -- embedded world --------------------------------------------------------------------------------------------------


def _world(draft: Draft | None) -> None:
    if not world_is_built():
        st.markdown(
            ":material/hourglass_empty: &nbsp;The embedded world cannot write texts yet. Upload or paste yours."
        )
        return
    from steering.world.concepts import concepts

    known = {concept.name: concept for concept in concepts()}
    recipe = draft.recipe if draft is not None else None
    # The pills show what is on the screen, whatever was clicked: a file that came after them takes the mark away.
    st.session_state.examples_concept = None if recipe is None else recipe.concept or ALL
    order = list(KIND_ICONS)
    names = sorted(known, key=lambda name: order.index(known[name].kind) if known[name].kind in order else len(order))

    def told(name: str) -> str:
        if name == ALL:
            return f":material/apps: All {len(known)} at once"
        return f"{KIND_ICONS.get(known[name].kind, '')} {plain(known[name].title)}"

    st.pills(
        "Concept: one click makes a labelled set",
        [*names, ALL],
        format_func=told,
        key="examples_concept",
        on_change=_take_concept,
    )
    if recipe is None:
        last = st.session_state.get(_LAST_RECIPE)
        st.caption(
            "The embedded world is a small language with known concepts and a model trained on it: "
            "whatever you find there can be checked."
            if last is None or draft is None
            else f"Below stands {plain(draft.name)}; a click above takes a set of the world in its place."
        )
        return
    if recipe.concept in known:
        st.caption(plain(known[recipe.concept].description))
    elif recipe.concept is None:
        st.caption("Every text carries the label of each concept in it; choose below which one to look for.")
    st.session_state.examples_count = recipe.count
    st.session_state.examples_seed = recipe.seed
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        st.slider(
            "Texts with the concept, and as many without" if recipe.concept else "Texts per concept",
            MIN_COUNT,
            MAX_COUNT,
            step=4,
            key="examples_count",
            on_change=_take_world_again,
            width=340,
        )
        st.number_input(
            "Seed",
            0,
            999_999,
            key="examples_seed",
            on_change=_take_world_again,
            width=140,
            help="Another seed writes other texts.",
        )


def _take_concept() -> None:
    name = st.session_state.examples_concept
    if name is None:  # a click on the marked pill: the set stays
        return
    last: WorldRecipe | None = st.session_state.get(_LAST_RECIPE)
    count = COUNT_OF_ALL if name == ALL else COUNT
    if last is not None and (last.concept is None) == (name == ALL):
        count = last.count
    _take_recipe(WorldRecipe(None if name == ALL else name, count, 0 if last is None else last.seed))


def _take_world_again() -> None:
    found = drafts.current()
    if found is not None and found[1].recipe is not None:
        recipe = WorldRecipe(
            found[1].recipe.concept, int(st.session_state.examples_count), int(st.session_state.examples_seed)
        )
        _take_recipe(recipe)


def _take_recipe(recipe: WorldRecipe) -> None:
    st.session_state[_LAST_RECIPE] = recipe
    drafts.attempt("world", partial(drafts.from_world, recipe))


# -- upload ----------------------------------------------------------------------------------------------------------


def _upload(draft: Draft | None) -> None:
    if draft is not None and draft.origin == "upload":
        st.markdown(f":material/description: &nbsp;**{plain(draft.name)}** · {counted(draft.table.n_read, 'row')} read")
    number = st.session_state.setdefault(_UPLOADER, 0)
    # No `type`: the reader says of every other format what to do instead, where Streamlit would raise.
    st.file_uploader(
        "CSV, TSV, JSONL, JSON or Parquet, with one text and its label per row; AxBench's own Parquet too",
        key=f"examples_upload_{number}",
        on_change=_take_upload,
    )
    if draft is None:
        with st.expander("What such a file looks like", icon=":material/help:"):
            st.code(_EXAMPLE_FILE, language=None)
            st.caption(
                "Other column names are fine, you can say which is which afterwards. A label may be yes or no, one of "
                "several words, or several words in one cell. Four rows of each kind are the least, twenty or more "
                "are better."
            )


def _take_upload() -> None:
    number = st.session_state[_UPLOADER]
    file = st.session_state.get(f"examples_upload_{number}")
    if file is None:
        return
    drafts.attempt("upload", partial(drafts.uploaded, file.getvalue(), file.name))
    st.session_state[_UPLOADER] = number + 1  # a fresh uploader: the bytes of the old one are let go


# -- paste -----------------------------------------------------------------------------------------------------------


def _paste(draft: Draft | None) -> None:  # noqa: ARG001 - every panel is called alike
    left, right = st.columns(2)
    left.text_area(
        "With the concept",
        key="examples_positives",
        height=150,
        placeholder="Arr, hoist the sail!\nYe be a scurvy dog.",
        persist_state="session",
    )
    right.text_area(
        "Without it",
        key="examples_negatives",
        height=150,
        placeholder="Please close the window.\nThe train leaves at nine.",
        persist_state="session",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "What the concept is called",
            key="examples_paste_label",
            placeholder="for example: pirate speech",
            max_chars=80,
            width=280,
            persist_state="session",
        )
        st.button(
            "Use these texts", key="examples_paste", icon=":material/check:", on_click=_take_paste, type="secondary"
        )
    st.caption("One text per line; where blank lines stand between texts, one per paragraph.")


def _take_paste() -> None:
    state = st.session_state
    drafts.attempt(
        "paste",
        partial(
            drafts.pasted,
            state.examples_positives or "",
            state.examples_negatives or "",
            state.examples_paste_label or "",
        ),
    )
