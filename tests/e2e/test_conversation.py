"""A conversation with the baseline and the steered model in a real browser, turn by turn."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import picture

JOB = 90_000


def test_two_turns_and_over_again(app_url, open_page):
    page = open_page(app_url)
    page.set_default_timeout(JOB)
    page.get_by_role("button", name="Pirate speech").click()
    page.wait_for_url("**/Examples")
    page.get_by_role("button", name="Find features").first.click()
    page.wait_for_url("**/Features")
    expect(page.get_by_text("Noise floor of F1c")).to_be_visible(timeout=JOB)
    page.get_by_role("link", name="3 · Steer").click()
    page.get_by_role("button", name="Use the best one").click()
    page.get_by_text("Conversation", exact=True).click()
    page.get_by_placeholder("Say something to both").fill("Explain how bread is baked.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Receipt")).to_have_count(2, timeout=JOB)
    page.get_by_placeholder("Go on with both").fill("Tell me more about it.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Receipt")).to_have_count(4, timeout=JOB)
    expect(page.get_by_text("Explain how bread is baked.", exact=True)).to_be_visible()
    expect(page.get_by_text("<eos>")).to_have_count(0)
    picture(page, "conversation")
    page.get_by_role("button", name="Receipt").nth(3).click()
    expect(page.get_by_role("row", name="turns before 2")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("begin with one of these")).to_be_visible()
    expect(page.get_by_role("button", name="Receipt")).to_have_count(0)
