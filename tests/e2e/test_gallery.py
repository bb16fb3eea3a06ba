"""A worked study opens from the start page of a cold server, with its answers, before any model is loaded."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from steering.gallery.shelf import gallery
from steering.gallery.stories import STORIES
from tests.e2e.conftest import ROOT, picture, serve

COLD = 60_000


def test_worked_studies_open_from_the_start_page(browser, open_page, tmp_path):
    with serve(ROOT / "app.py", tmp_path / "server.log", STEERSCOPE_WARM_UP="0") as url:
        page = open_page(url)
        for story in (STORIES[0], STORIES[4]):
            card = page.locator(f".st-key-example_{story.id} button")
            expect(card).to_be_visible(timeout=COLD)
            picture(page, "gallery")
            card.click()
            page.wait_for_url(f"**/{story.screen.capitalize()}?study={story.id}", timeout=COLD)
            expect(page.get_by_text(gallery().get(story.id).about.title).first).to_be_visible(timeout=COLD)
            expect(page.get_by_role("button", name="Receipt").first).to_be_visible(timeout=COLD)
            expect(page.get_by_text("Loads at first use")).to_be_visible()
            picture(page, f"gallery-{story.screen}")
            page.get_by_role("link", name="Start").click()
