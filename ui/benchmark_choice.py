"""Which rows of a result count: split, seeds, factor, methods, and what is compared with what?"""

import streamlit as st

from steering.benchmark.board import Choice, FactorRule
from steering.benchmark.planned import splits_of
from steering.benchmark.report import REFERENCE
from ui.benchmark_source import Source, concepts_of, source_id
from ui.benchmark_style import titled

RULES: dict[FactorRule, str] = {"chosen": "Chosen", "oracle": "Oracle", "dose": "Equal dose"}
RULE_HELP = (
    "Chosen: the factor that was best on the selection prompts, as the protocol says. Oracle: the best one on the test "
    "prompts themselves, a bound that no honest choice reaches on average. Equal dose: every method where its KL to "
    "the untouched model is that of one method, concept by concept."
)
SPLITS = {"test": "Test", "development": "Development"}

_VIEW, _NEXT_VIEW = "benchmark_view", "steerscope.benchmark_next_view"


def view_choice(views: dict[str, str]) -> str:
    """Which part of a result is looked at; the first one after a run was started.

    Args:
        views: name → label.
    """
    if wanted := st.session_state.pop(_NEXT_VIEW, None):
        st.session_state[_VIEW] = wanted
    view: str = st.segmented_control(
        "View", list(views), format_func=views.__getitem__, default=next(iter(views)), required=True, key=_VIEW,
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    return view


def view_next(view: str) -> None:
    """Have the next rerun of the page show this view."""
    st.session_state[_NEXT_VIEW] = view


def choice_controls(source: Source, *, comparing: bool = True) -> Choice:
    """Split, seeds, methods and, where methods are compared, factor and reference."""
    settings, id = source.settings, source_id(source)
    present = {splits_of(settings)[concept] for concept in concepts_of(source)}
    splits = [split for split in SPLITS if split in present]
    rules: list[FactorRule] = list(RULES) if settings.test_factors == "all" else ["chosen"]
    methods = list(settings.methods)
    split, rule, seeds, reference, dose_of = splits[0], rules[0], list(settings.seeds), None, None
    with st.container(horizontal=True, vertical_alignment="bottom", key="benchmark_choices"):
        if len(splits) > 1:
            split = st.segmented_control(
                "Concepts", splits, format_func=SPLITS.__getitem__, default=splits[0], required=True,
                key=f"benchmark_split_{id}", persist_state="session",
                help="Choices about methods were made on development concepts alone.",
            )  # fmt: skip
        if comparing:
            rule = st.segmented_control(
                "Factor", rules, format_func=RULES.__getitem__, default=rules[0], required=True,
                key=f"benchmark_factor_{id}", persist_state="session", help=RULE_HELP,
            )  # fmt: skip
        if len(seeds) > 1:
            seeds = st.pills(
                "Seeds", seeds, selection_mode="multi", default=seeds,
                key=f"benchmark_seeds_{id}", persist_state="session",
            )  # fmt: skip
        if comparing:
            reference = st.selectbox(
                "Compared with", methods, index=methods.index(REFERENCE) if REFERENCE in methods else 0,
                format_func=titled, width=165, key=f"benchmark_reference_{id}", persist_state="session",
                help="Win rate and difference of every other method are taken against this one, concept by concept.",
            )  # fmt: skip
        givers = [name for name in methods if name != "none"]
        if rule == "dose" and givers:
            dose_of = st.selectbox(
                "Dose of", givers, index=givers.index("lora") if "lora" in givers else 0,
                format_func=titled, width=165, key=f"benchmark_dose_{id}", persist_state="session",
                help="Its KL at its chosen factor is the dose that all others get.",
            )  # fmt: skip
        with st.popover("Methods", icon=":material/checklist:"):
            chosen = st.multiselect(
                "Methods", methods, default=methods, format_func=titled,
                key=f"benchmark_methods_{id}", persist_state="session",
            )  # fmt: skip
    # What others are compared with is always there.
    kept = tuple(name for name in methods if name in chosen or name == reference)
    return Choice(split, tuple(seeds), kept, rule, reference, dose_of)
