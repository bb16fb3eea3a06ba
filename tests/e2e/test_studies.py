"""A comparison is saved and linked, the server restarted; the link opens the same tokens in another browser."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import ROOT, picture, serve

JOB = 90_000


def answers(page) -> list[str]:
    """The texts of all answers on the screen, pane by pane."""
    expect(page.get_by_role("button", name="Receipt")).to_have_count(4, timeout=JOB)  # one per pane, drawn last
    shown = page.get_by_label("Explain how bread is baked.", exact=False).filter(visible=True)
    return [shown.nth(i).inner_text() for i in range(shown.count())]


def test_a_link_outlives_the_server(browser, open_page, tmp_path):
    with serve(ROOT / "app.py", tmp_path / "first.log") as url:
        page = open_page(url)
        page.set_default_timeout(JOB)
        page.get_by_role("button", name="Pirate speech").click()
        page.wait_for_url("**/Examples")
        page.get_by_role("button", name="Find features").first.click()
        page.wait_for_url("**/Features")
        expect(page.get_by_text("Noise floor of F1c")).to_be_visible(timeout=JOB)
        page.get_by_role("button", name="Steer with it").click()
        expect(page.get_by_role("button", name="Take out")).to_be_visible()
        page.get_by_role("link", name="4 · Compare").click()
        page.get_by_label("Prompts, one a line").fill("Explain how bread is baked.")
        page.get_by_label("Tokens", exact=True).fill("24")
        page.get_by_label("Tokens", exact=True).press("Enter")
        page.locator(".st-key-compare button").click()
        expect(page.get_by_text("Mark what differs")).to_be_visible(timeout=JOB)
        told = answers(page)
        assert len(told) >= 4
        assert all(told)
        page.get_by_role("button", name="Save study").click()
        page.get_by_label("Title", exact=True).fill("Bread by pirates")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Copy link").click()
        address = (
            page.locator(".st-key-study_compare code, [data-testid=stCode]")
            .filter(visible=True)
            .last.inner_text()
            .strip()
        )
        assert address.startswith(f"{url}/Compare?study=")
        page.context.close()

    with serve(ROOT / "app.py", tmp_path / "second.log") as url:
        page = open_page(f"{url}/Compare?{address.partition('?')[2]}")
        expect(page.get_by_text("Mark what differs")).to_be_visible(timeout=JOB)
        assert answers(page) == told
        expect(page.get_by_label("Prompts, one a line")).to_have_value("Explain how bread is baked.")
        expect(page.get_by_text("Made with other settings")).to_have_count(0)
        picture(page, "study-opened")
        page.get_by_role("link", name="Studies").click()
        page.wait_for_url("**/Studies")
        expect(page.get_by_text("Tick one to open it")).to_be_visible()
        picture(page, "studies")
