"""A published model and SAE in a real browser, from a crafted Hub cache without a network: chosen, ranked, steered."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import picture

JOB = 90_000


def seen(locator):
    expect(locator).to_be_visible(timeout=JOB)


def test_a_preset_from_the_cache_is_chosen_ranked_and_steered(app_url, hub_cache, open_page, tmp_path):
    from tests.integration.hub_on_disk import fill_with_gpt2_small

    fill_with_gpt2_small(hub_cache)
    examples = tmp_path / "sea.csv"
    rows = [f"The sea was rough near the {n} rocks,sea" for n in "abcdefghij"]
    rows += [f"A hill stood in the {n} sun,hill" for n in "abcdefghij"]
    examples.write_text("text,label\n" + "\n".join(rows) + "\n")
    page = open_page(app_url)
    page.set_default_timeout(JOB)
    page.get_by_role("button", name="Change model").click()
    dialog = page.get_by_role("dialog")
    model = dialog.get_by_label("Model").first
    model.click()
    model.fill("GPT-2 small")
    page.keyboard.press("Enter")
    seen(dialog.get_by_text("openai-community/gpt2"))
    seen(dialog.get_by_text("float32 on"))
    seen(dialog.get_by_text("on this machine", exact=True))
    seen(dialog.get_by_text("GiB are free"))
    picture(page, "real-model-dialog")
    dialog.get_by_role("button", name="Use it").click()
    seen(page.get_by_text("SAE layer8-pre-24k"))

    page.get_by_role("link", name="1 · Examples").click()
    page.get_by_text("Upload", exact=True).first.click()
    page.locator("input[type=file]").set_input_files(str(examples))
    seen(page.get_by_text("20 rows read"))
    page.get_by_role("button", name="Find features").first.click()
    page.wait_for_url("**/Features")
    seen(page.get_by_text("Read at transformer.h.8.input"))
    seen(page.get_by_text("Point at a token to read its activation"))
    seen(page.get_by_role("link", name="On Neuronpedia"))
    picture(page, "real-model-features")
    page.get_by_role("button", name="Steer with it").click()
    page.get_by_role("button", name="Steer with the chosen features").click()

    page.wait_for_url("**/Steer")
    expect(page.get_by_label("Prompts, one a line")).to_contain_text("To bake bread, you first", timeout=JOB)
    page.get_by_label("Prompts, one a line").fill("The sea")
    page.get_by_label("Tokens", exact=True).fill("8")
    page.get_by_label("Tokens", exact=True).press("Enter")
    page.get_by_role("button", name="Generate").click()
    seen(page.get_by_text("Mark what changed"))
    page.get_by_role("button", name="Receipt").nth(1).click()
    seen(page.get_by_role("row", name=f"model revision {'0' * 40}"))
    seen(page.get_by_role("row", name="mean over d_model is taken out"))
    picture(page, "real-model-receipt")
