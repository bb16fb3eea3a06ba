"""The landing page in a real browser, and any page by a cold deep link."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import ROOT, picture, settled

PAGES = [path.stem.split("_", 1)[1] for path in sorted((ROOT / "pages").glob("[0-9]_*.py"))]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_landing_page_fits(app_url, open_page, width, dark):
    page = open_page(app_url, width=width, dark=dark)
    expect(page.get_by_role("heading", name="Find it. Steer it. Check it.")).to_be_visible()
    expect(page.get_by_role("button", name="Bring your own examples")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"landing-{'dark' if dark else 'light'}-{width}")


def test_the_warm_up_shows_and_ends(app_url, open_page):
    page = open_page(app_url)
    state = page.locator(".st-key-model_state")
    expect(state).to_contain_text("demo")
    for _ in range(60):  # the sidebar says how it was when the page was drawn
        if "Ready" in state.inner_text():
            break
        page.wait_for_timeout(1000)
        page.reload()
        expect(state).to_contain_text("demo")
    expect(state).to_contain_text("Ready")
    settled(page)


@pytest.mark.parametrize("name", PAGES)
def test_a_cold_deep_link_opens_the_page_with_its_frame(app_url, open_page, name):
    page = open_page(f"{app_url}/{name}")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_role("link", name="Steer")).to_be_visible()
