"""Every page test begins in a fresh process state: no jobs, no models, no warm-up, no cached data."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from steering import runtime

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("STEERSCOPE_WARM_UP", "0")
    monkeypatch.setenv("STEERSCOPE_STUDIES", str(tmp_path / "studies"))
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)
    monkeypatch.chdir(ROOT)
    runtime.reset()
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    runtime.reset()


@pytest.fixture
def open_app() -> Callable[..., AppTest]:
    """Open app.py, then go to a page by its file ("pages/2_Features.py") if one is named."""

    def open_(page: str | None = None, **state: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=20)
        for name, value in state.items():
            app.session_state[f"steerscope.{name}"] = value
        app.run()
        if page is not None:
            app.switch_page(page).run()
        return app

    return open_


@pytest.fixture
def open_alone() -> Callable[..., AppTest]:
    """Open one page file as if nothing else existed, as a cold deep link does."""

    def open_(page: str, **state: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / page), default_timeout=20)
        for name, value in state.items():
            app.session_state[f"steerscope.{name}"] = value
        return app.run()

    return open_


def table_key(app: AppTest) -> str:
    """The key of the table of studies, which changes with what is listed."""
    return f"studies_table_{app.session_state['steerscope.studies.listed'][0]}"
