"""What stands around every page: the menu, the way through the four steps, and the state of the model.

Every page calls `open_page` first and works when it is opened alone: by a deep link, by ``st.switch_page``, by AppTest
(ADR 0001).
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException

from steering import runtime
from steering.presets import model_key
from ui import start
from ui.errors import show_error
from ui.model_choice import model_choice, model_dialog, shown_sae
from ui.pair_before import back_button, device_now, refusal
from ui.state import chosen
from ui.text import memory, plain

LOGO = Path(__file__).parent / "assets" / "logo.svg"
MARK = Path(__file__).parent / "assets" / "mark.svg"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way.

    Attributes:
        page: path for ``st.page_link``, from the folder of app.py.
        title: in the menu and at the top of the page.
        icon: Material icon.
        todo: what the menu says until the step is done.
    """

    page: str
    title: str
    icon: str
    todo: str

    @property
    def done(self) -> str | None:
        """What was chosen in this step, None before."""
        return {
            "Examples": chosen.examples_title,
            "Features": chosen.features_title or chosen.ranking_title,
            "Steer": chosen.steer_title,
            "Compare": chosen.comparison_title,
        }[self.title]


HOME = "app.py"
_MENU = "steerscope.menu"
STEPS = (
    Step("pages/1_Examples.py", "Examples", ":material/lists:", "Bring labelled texts"),
    Step("pages/2_Features.py", "Features", ":material/manage_search:", "Find what carries the concept"),
    Step("pages/3_Steer.py", "Steer", ":material/tune:", "Boost or suppress it"),
    Step("pages/4_Compare.py", "Compare", ":material/view_column:", "Against a prompt and LoRA"),
)

EVIDENCE = (
    ("pages/5_Benchmark.py", "Benchmark", ":material/leaderboard:", "Every method on every concept"),
    ("pages/6_Findings.py", "Findings", ":material/fact_check:", "The paper's claims, tested"),
    ("pages/7_Studies.py", "Studies", ":material/bookmarks:", "What was saved: open, share, compare"),
)
"""Screens that stand beside the way: page, title, icon, what is there."""


def open_page(title: str, *, lead: str | None = None, heading: bool = True) -> None:
    """Begin a page: configuration, menu, model state, heading. The first Streamlit call of every page.

    Args:
        title: of the page and of the browser tab.
        lead: one sentence under the heading.
        heading: whether to write the heading; the landing page writes its own.
    """
    st.set_page_config(
        page_title=title if title == "Steerscope" else f"{title} · Steerscope",
        page_icon=str(MARK),  # a Material icon here would be fetched from Google
        layout="wide",
        initial_sidebar_state="auto",
    )
    start.register_warm_models()
    runtime.warm_up()
    st.logo(LOGO, size="large", icon_image=MARK)
    st.session_state[_MENU] = st.sidebar.empty()
    update_menu()
    with st.sidebar:
        _model_state()
    model_dialog()
    if heading:
        st.title(title, anchor=False)
        if lead:
            st.markdown(lead)


def open_bare_page(title: str) -> None:
    """Begin a page for people who were sent a link: no menu, no model, nothing that leads elsewhere.

    Args:
        title: of the browser tab.
    """
    st.set_page_config(page_title=title, page_icon=str(MARK), layout="wide", initial_sidebar_state="collapsed")


def page_link(page: str, label: str, *, icon: str | None = None, help: str | None = None) -> None:
    """Link to a page; where that page does not exist (this page runs alone), the label stands without a link."""
    try:
        st.page_link(page, label=label, icon=icon, help=help, width="stretch")
    except (StreamlitAPIException, KeyError):
        st.markdown(f"{icon or ''} {label}")


def next_step(page: str, label: str, *, ready: bool, why_not: str, key: str) -> None:
    """The way on at the end of a page: one primary button, disabled with the reason while it leads nowhere."""
    if st.button(
        label,
        key=key,
        type="primary",
        icon=":material/arrow_forward:",
        icon_position="right",
        disabled=not ready,
        help=None if ready else why_not,
    ):
        st.switch_page(page)


def empty_state(message: str, page: str, label: str, *, icon: str = ":material/info:") -> None:
    """What a page shows before its time: what is missing, and the link to where it is made."""
    with st.container(border=True):
        st.markdown(f"{icon} &nbsp;{message}")
        page_link(page, label, icon=":material/arrow_forward:")


def renew_note(button: str) -> None:
    """One quiet line over a result that the controls beside it no longer describe."""
    st.caption(f":orange[:material/history:] Made with other settings: press “{button}” to renew.")


def update_menu() -> None:
    """Draw the menu again; for the end of a run that has chosen something after `open_page` drew it."""
    with st.session_state[_MENU].container():
        _menu()


def _menu() -> None:
    with st.container(gap="small"):
        page_link(HOME, "Start", icon=":material/home:")
        for number, step in enumerate(STEPS, start=1):
            with st.container(gap=None):
                page_link(step.page, f"{number} · {step.title}", icon=step.icon)
                done = step.done
                mark = ":green[:material/check_circle:]" if done else ":gray[:material/radio_button_unchecked:]"
                st.caption(f"&ensp;{mark} {plain(done) if done else step.todo}")
        for page, title, icon, what in EVIDENCE:
            with st.container(gap=None):
                page_link(page, title, icon=icon)
                st.caption(f"&ensp;{what}")


def _model_state() -> None:
    """Which model, and whether it is loaded, as of this run of the page.

    Without a timer on purpose: a fragment that ticks in the sidebar while one goes from page to page can draw into a
    page that is not there yet, and that page stays blank (tests/e2e/test_cold_start.py).
    """
    st.divider()
    warmth = runtime.warmth()
    with st.container(gap=None, key="model_state"):
        st.markdown(f":material/memory: &nbsp;**{plain(chosen.model)}**")
        st.caption(f"SAE {plain(shown_sae())}")
        if refusal() is not None:
            st.caption(":red[:material/error:] Could not be loaded")
            back_button(key="model_state", width="stretch")
        elif warmth.error:
            show_error(warmth.error, title=warmth.phase)
        elif (size := _n_bytes()) is not None:
            st.caption(f":green[:material/check_circle:] Ready, {memory(size)} in memory")
        elif warmth.started and not warmth.ready:
            st.caption(":orange[:material/hourglass_top:] Warming up in the background")
        else:
            st.caption(":gray[:material/radio_button_unchecked:] Loads at first use")
    model_choice()


def _n_bytes() -> int | None:
    """Memory of the session's model, measured; None where it is not loaded."""
    key = model_key(chosen.model, device_now(), chosen.dtype)
    size: int | None = runtime.shelf().ask("model", key, lambda model: model.n_bytes)
    return size
