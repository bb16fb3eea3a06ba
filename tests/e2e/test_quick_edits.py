"""What was typed last stands, however soon one field follows another."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from steering.gallery.stories import STORIES
from tests.e2e.conftest import settled

JOB = 90_000
ROUNDS = 4


@pytest.mark.parametrize("story", [STORIES[0], STORIES[4]], ids=lambda story: story.screen)
def test_two_fields_in_quick_succession_are_both_kept(app_url, open_page, story):
    page = open_page(f"{app_url}/{story.screen.capitalize()}?study={story.id}")
    expect(page.get_by_role("button", name="Receipt").first).to_be_visible(timeout=JOB)
    expect(page.get_by_text("Ready", exact=False).first).to_be_visible(timeout=JOB)
    page.reload()  # with the model there, the recipe stands beside the controls and follows every edit
    expect(page.get_by_label("Recipe as JSON")).to_have_count(1, timeout=JOB)
    settled(page)
    prompts = page.locator(f".st-key-{story.screen}_prompts_demo textarea")
    tokens = page.locator(f".st-key-{story.screen}_tokens input")
    for number in range(10, 10 + ROUNDS):
        retype(page, prompts, f"Explain tea {number}.")
        retype(page, tokens, str(number))
        page.keyboard.press("Enter")
        settled(page)
        expect(prompts).to_have_value(f"Explain tea {number}.")
        expect(tokens).to_have_value(str(number))
    # The slider follows the box, and must not take back what it said when something else is changed at once.
    factor = page.locator('[class*="st-key-strength_"][class*="_box_"] input')
    slider = page.locator('[class*="st-key-strength_"][class*="_slider_"] input[type="range"]')
    for number in range(10, 10 + ROUNDS):
        told = f"{number * 0.05:.2f}"
        retype(page, factor, told)
        retype(page, tokens, str(number + 20))
        page.keyboard.press("Enter")
        settled(page)
        expect(factor).to_have_value(told)
        expect(tokens).to_have_value(str(number + 20))
        expect(slider).to_have_value(f"{float(told):g}")


def retype(page, field, text: str) -> None:
    """Put another text into a field as a person does, key by key; the next field that is clicked hands it in."""
    field.click()
    page.keyboard.press("Control+A")
    page.keyboard.type(text, delay=30)
