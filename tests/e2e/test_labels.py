"""The Labels view in a real browser: from a click on a row to the feature's tokens, on wide and narrow screens."""

import re
import time

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import picture, settled

JOB = 120_000


def open_labels(page) -> None:
    page.set_default_timeout(JOB)
    settled(page)
    page.get_by_role("radio", name="Labels").click()
    expect(page.get_by_text("the first feature of every label")).to_be_visible(timeout=JOB)
    settled(page)


def wait_until_warm(page) -> None:
    """Reload until the model is there: a job that comes earlier shares a slow machine with the warm-up's imports."""
    settled(page)
    deadline = time.monotonic() + 150
    while not page.locator(".st-key-model_state").get_by_text("Ready").count():
        assert time.monotonic() < deadline, "the model did not get ready"
        page.wait_for_timeout(4000)
        page.reload()
        settled(page)


def click_first_row(page) -> None:
    """The mark of the first row, left in the canvas."""
    canvas = page.locator('[data-testid="stDataFrame"]').first
    canvas.scroll_into_view_if_needed()
    canvas.click(position={"x": 18, "y": 36 + 17})


def test_a_row_leads_to_its_feature_and_to_steering(app_url, open_page):
    page = open_page(f"{app_url}/Features")
    page.set_default_timeout(JOB)
    wait_until_warm(page)
    open_labels(page)
    picture(page, "labels-light-1280")
    search = page.get_by_placeholder("label or feature id")
    search.fill("weather")
    search.press("Enter")
    expect(page.get_by_text(re.compile(r"Shown: \d+ rows"))).to_be_visible()
    settled(page)
    click_first_row(page)
    expect(page.get_by_text(re.compile(r"Labels of feature \d+"))).to_be_visible()
    settled(page)
    picture(page, "labels-row-light-1280")
    page.get_by_role("button", name="Take the world's examples of weather").click()
    expect(page.get_by_text("Point at a token to read its activation")).to_be_visible(timeout=JOB)
    page.get_by_role("button", name="Steer with it").click()
    expect(page.get_by_role("button", name="Take out")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Take out").scroll_into_view_if_needed()
    picture(page, "labels-feature-light-1280")
    page.get_by_role("button", name="Steer with the chosen features").click()
    page.wait_for_url("**/Steer")
    expect(page.get_by_role("button", name="Generate")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False), (390, True)])
def test_the_view_fits_the_screen(app_url, open_page, width, dark):
    page = open_page(f"{app_url}/Features", width=width, height=900, dark=dark)
    open_labels(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    name = f"{'dark' if dark else 'light'}-{width}"
    picture(page, f"labels-{name}")
    click_first_row(page)
    expect(page.get_by_text(re.compile(r"Labels of feature \d+"))).to_be_visible()
    settled(page)
    page.get_by_text(re.compile(r"Labels of feature \d+")).scroll_into_view_if_needed()
    picture(page, f"labels-row-{name}")
    page.get_by_role("radio", name="Open a file").click()
    expect(page.get_by_role("button", name="Open", exact=True)).to_be_visible()
    settled(page)
    picture(page, f"labels-file-{name}")
