"""A visitor who is faster than the warm-up: the first click comes while heavy libraries are still being imported."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import ROOT, serve


@pytest.mark.parametrize("delay", [0, 1500])
def test_a_click_during_the_warm_up_leaves_no_blank_page(browser, open_page, tmp_path, delay):
    with serve(ROOT / "app.py", tmp_path / "server.log") as url:
        page = open_page(url)
        page.set_default_timeout(90_000)
        broken = []
        page.on("console", lambda message: broken.append(message.text) if "delta path" in message.text else None)
        page.get_by_role("button", name="Pirate speech").wait_for()
        page.wait_for_timeout(delay)
        page.get_by_role("button", name="Pirate speech").click()
        page.wait_for_url("**/Examples")
        page.get_by_role("button", name="Find features").first.click()
        page.wait_for_url("**/Features")
        expect(page.get_by_text("Noise floor of F1c")).to_be_visible(timeout=90_000)
        page.wait_for_timeout(2500)
        expect(page.get_by_role("heading", name="Features")).to_be_visible()
        expect(page.get_by_test_id("stSidebar").get_by_text("Ready")).to_be_visible()
        assert broken == []
