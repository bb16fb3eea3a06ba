"""A real server and a real browser. Without a Chromium the tests skip and say so, except in CI, where that fails."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("STEERSCOPE_PICTURES")  # a folder: tests leave screenshots there
_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _chromium() -> str | None:
    named = os.environ.get("STEERSCOPE_CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, so that ``-m "not e2e"`` leaves it out, and one process has the browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if os.environ.get("CI"):
                item.add_marker(pytest.mark.flaky(reruns=1))  # two busy cores starve a browser; pytest names reruns


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests; each test gets a context of its own."""
    path = _chromium()
    if path is None:
        reason = "no Chromium found: install one (Debian: apt-get install chromium) or set STEERSCOPE_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(_SWITCHES))
        yield launched
        launched.close()


@contextmanager
def serve(script: Path, log: Path, *, base: str = "", **environment: str) -> Iterator[str]:
    """Run ``streamlit run`` on a free port until the block ends and give its address; ``base`` is a path before all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    command += ["--server.headless=true", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    command += [f"--server.baseUrlPath={base}"]
    home = f"http://127.0.0.1:{port}" + (f"/{base}" if base else "")
    studies = str(log.parent / "studies")
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "STEERSCOPE_STUDIES": studies, **environment}
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    with urllib.request.urlopen(f"{home}/_stcore/health", timeout=2):
                        break
                except (urllib.error.URLError, OSError):
                    if server.poll() is not None or time.monotonic() > deadline:
                        pytest.fail(f"The server did not start:\n{log.read_text()[-3000:]}")
                    time.sleep(0.1)
            yield home
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)


@pytest.fixture(scope="session")
def components_url(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page that shows the shared components with known data; no model is loaded."""
    log = tmp_path_factory.mktemp("components") / "server.log"
    with serve(ROOT / "tests" / "e2e" / "fixture_app" / "app.py", log, STEERSCOPE_WARM_UP="0") as url:
        yield url


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Hub's cache of the app's server; empty until a test fills it."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="session")
def app_url(browser: Any, tmp_path_factory: pytest.TempPathFactory, hub_cache: Path) -> Iterator[str]:
    """Address of the whole app, warm-up included; its Hub is ``hub_cache``, without a network."""
    log = tmp_path_factory.mktemp("app") / "server.log"
    with serve(ROOT / "app.py", log, HF_HUB_OFFLINE="1", HF_HUB_CACHE=str(hub_cache)) as url:
        yield url


def settled(page: Any) -> None:
    """Wait until the page is connected, its script has run and no skeleton is left.

    With a panel that polls this never comes: wait for its text instead.
    """
    page.wait_for_selector('[data-testid="stApp"][data-test-connection-state="CONNECTED"]')
    page.wait_for_timeout(210)  # widgets debounce their first message
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_function("document.querySelectorAll('[data-testid=\"stSkeleton\"]').length === 0")


def picture(page: Any, name: str) -> None:
    """Leave a screenshot in STEERSCOPE_PICTURES, if it is set."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a fresh session; at the end no script error, no exception box, no request to elsewhere."""
    contexts, pages, errors, outside = [], [], [], []

    def open_(url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        home = urlsplit(url).netloc
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                outside.append(request.url)
                if urlsplit(request.url).scheme in ("http", "https", "ws", "wss")
                and urlsplit(request.url).netloc != home
                else None
            ),
        )
        contexts.append(context)
        pages.append(page)
        page.goto(url)
        return page

    yield open_
    boxes = [page.locator('[data-testid="stException"]').count() for page in pages if not page.is_closed()]
    for context in contexts:
        context.close()
    assert errors == []
    assert outside == [], "the app needs nothing from any other host"
    assert not any(boxes), "an exception is shown"
