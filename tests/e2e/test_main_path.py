"""The main job in a real browser on the embedded world: examples, features, steering, comparison with LoRA.

One test walks the whole way, as a user does; nothing is stubbed.
"""

import re
import time

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import picture

JOB = 90_000


def test_from_a_sample_to_the_comparison_in_under_three_minutes(app_url, open_page):
    page = open_page(app_url)
    page.set_default_timeout(JOB)
    began = time.monotonic()
    page.get_by_role("button", name="Pirate speech").click()
    page.wait_for_url("**/Examples")
    page.get_by_role("button", name="Find features").first.click()

    page.wait_for_url("**/Features")
    expect(page.get_by_text("Noise floor of F1c")).to_be_visible(timeout=JOB)
    expect(page.get_by_text("Point at a token to read its activation")).to_be_visible(timeout=JOB)
    picture(page, "features")
    page.get_by_role("button", name="Steer with it").click()
    expect(page.get_by_role("button", name="Take out")).to_be_visible()
    page.get_by_role("button", name="Steer with the chosen features").click()

    page.wait_for_url("**/Steer")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("Mark what changed")).to_be_visible(timeout=JOB)
    expect(page.get_by_role("button", name="Receipt").first).to_be_visible()
    picture(page, "steer")
    page.get_by_role("button", name="Receipt").nth(1).click()
    expect(page.get_by_text(re.compile(r"model\.layers\.\d\.output")).first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Compare with a prompt and LoRA").click()

    page.wait_for_url("**/Compare")
    page.get_by_role("tab", name="LoRA").click()
    page.get_by_role("button", name="Train LoRA").click()
    expect(page.get_by_text("Trained for")).to_be_visible(timeout=JOB)
    page.locator(".st-key-compare button").click()
    expect(page.get_by_text("Mark what differs")).to_be_visible(timeout=JOB)
    for method in ("Baseline", "Prompted", "DiffMean", "SAE", "LoRA"):
        expect(page.get_by_text(method, exact=True).filter(visible=True).first).to_be_visible()
    picture(page, "compare")
    assert time.monotonic() - began < 180


def test_stop_keeps_what_was_written(app_url, open_page):
    page = open_page(app_url)
    page.set_default_timeout(JOB)
    page.get_by_role("button", name="Pirate speech").click()
    page.wait_for_url("**/Examples")
    page.get_by_role("button", name="Find features").first.click()
    page.wait_for_url("**/Features")
    expect(page.get_by_text("Noise floor of F1c")).to_be_visible(timeout=JOB)
    page.get_by_role("link", name="3 · Steer").click()
    page.get_by_role("button", name="Use the best one").click()
    # As many and as long as the screen allows, so that Stop comes before the last token on a busy machine too.
    subjects = ("bread", "copyright", "the flute", "Mars", "asthma", "lentil soup", "bail", "Saturn")
    page.get_by_label("Prompts, one a line").fill("\n".join(f"Explain {one}." for one in subjects))
    page.get_by_label("Tokens", exact=True).fill("240")
    page.get_by_label("Samples per prompt").fill("2")
    page.get_by_label("Samples per prompt").press("Enter")
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("stopped").first).to_be_visible(timeout=JOB)
    expect(page.get_by_role("button", name="Receipt").first).to_be_visible()
