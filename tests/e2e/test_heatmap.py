"""The two components in a real browser: inert to hostile text, readable, mouse and keyboard, light and dark."""

import re

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import picture, settled


def heat(page):
    return page.locator(".st-key-heat")


def token(page, text):
    return heat(page).locator(".t", has_text=text).first


@pytest.fixture
def page(components_url, open_page):
    page = open_page(components_url)
    settled(page)
    return page


def test_hostile_text_is_text(page):
    rows = heat(page).locator(".row")
    expect(rows).to_have_count(3)
    row = rows.nth(1)
    expect(row).to_contain_text("<img src=x onerror=\"window.__hit='img'\">")
    expect(row).to_contain_text("<script>window.__hit='script'</script>")
    expect(row).to_contain_text("<b>hostile</b> row")
    expect(row).to_contain_text("[link](javascript:alert(1)) $x^2$ **bold** &amp;")
    for tag in ("img", "script", "b", "a", "iframe", "style"):
        assert row.locator(tag).count() == 0
    assert page.evaluate("window.__hit") is None
    assert page.locator(".st-key-steered b").count() == 0
    expect(page.locator(".st-key-steered .text")).to_contain_text("<b>wet</b>")


def test_what_cannot_be_seen_is_spelled_out(page):
    row = heat(page).locator(".row").nth(1)
    expect(row.locator(".esc").nth(0)).to_have_text("U+202E")
    expect(row.locator(".esc").nth(1)).to_have_text("U+200B")
    expect(row.locator(".g", has_text="⇥")).to_have_count(1)
    expect(row.locator(".g", has_text="↵")).to_have_count(1)
    assert row.locator("br").count() == 1
    assert "\u202e" not in row.inner_text()
    # A token that begins with a space shows a dot, and still copies as a space.
    word = token(page, "clouds")
    assert word.evaluate("node => getComputedStyle(node, '::before').content") == '"·"'
    assert word.evaluate("node => node.textContent") == " clouds"


def test_tint_grows_with_activation_and_stays_readable(page):
    def alpha(text):
        colour = token(page, text).evaluate("node => getComputedStyle(node).backgroundColor")
        numbers = [float(n) for n in re.findall(r"[\d.]+", colour)]
        return numbers[3] if len(numbers) == 4 else 1.0

    assert alpha("Bergen") < alpha("clouds") < alpha("rain") < alpha("storm") <= 0.6
    assert alpha(" three") == 0
    expect(heat(page).locator(".row").nth(0).locator(".peak")).to_have_text(" storm")


def test_hover_reads_the_value_out(page):
    readout = heat(page).locator(".readout")
    expect(readout).to_contain_text("Point at a token")
    token(page, "clouds").hover()
    expect(readout).to_contain_text("·clouds")
    expect(readout).to_contain_text("2.70")
    expect(readout).to_contain_text("66 % of the largest · example 1, token 15")
    expect(heat(page).locator(".tip")).to_have_text("2.70")
    expect(heat(page).locator(".tip")).to_be_visible()
    picture(page, "heatmap-hover")
    page.mouse.move(5, 5)
    expect(readout).to_contain_text("Point at a token")
    expect(heat(page).locator(".tip")).to_be_hidden()


def test_a_click_selects_and_a_second_click_lets_go(page):
    token(page, "storm").click()
    expect(page.get_by_text("selected: TokenSelection(row=0, token=17)")).to_be_visible()
    expect(token(page, "storm")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Rerun").click()
    settled(page)
    expect(page.get_by_text("selected: TokenSelection(row=0, token=17)")).to_be_visible()
    expect(token(page, "storm")).to_have_attribute("aria-pressed", "true")
    token(page, "rain").click()
    expect(page.get_by_text("selected: TokenSelection(row=0, token=1)")).to_be_visible()
    expect(token(page, "storm")).to_have_attribute("aria-pressed", "false")
    token(page, "rain").click()
    expect(page.get_by_text("selected: None")).to_be_visible()


def test_neither_a_rerun_nor_a_theme_switch_rebuilds_the_rows(page):
    token(page, "storm").click()
    expect(page.get_by_text("selected: TokenSelection(row=0, token=17)")).to_be_visible()
    token(page, "storm").evaluate("node => { node.marked = true; }")
    page.get_by_role("button", name="Rerun").click()
    settled(page)
    assert token(page, "storm").evaluate("node => node.marked") is True
    page.emulate_media(color_scheme="dark")
    expect(heat(page).locator(".bar")).to_have_css("background-color", "rgb(15, 18, 22)")
    assert token(page, "storm").evaluate("node => node.marked") is True
    expect(token(page, "storm")).to_have_attribute("aria-pressed", "true")


def test_the_keyboard_is_enough(page):
    stop = heat(page).locator('.t[tabindex="0"]')
    expect(stop).to_have_count(1)
    expect(stop).to_have_text(" storm")
    stop.focus()
    readout = heat(page).locator(".readout")
    expect(readout).to_contain_text("4.10")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("·another")
    page.keyboard.press("Home")
    expect(readout).to_contain_text("example 1, token 1")
    page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("example 2, token 8")
    page.keyboard.press("Enter")
    expect(page.get_by_text("selected: TokenSelection(row=1, token=7)")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("selected: None")).to_be_visible()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("example 3, token 1")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("example 2, token 13")


def test_a_windowed_heatmap_says_the_place_in_the_whole_text(page):
    page.get_by_text("Other colour").click()
    settled(page)
    second = page.locator(".st-key-heat2")
    expect(second.locator(".t")).to_have_count(5)
    expect(second.locator(".cut")).to_have_count(1)
    second.locator(".t", has_text="storm").hover()
    expect(second.locator(".readout")).to_contain_text("token 18")


def test_a_completion_shows_the_likeliest_tokens(page):
    view = page.locator(".st-key-steered")
    expect(view.locator(".changed")).to_have_text([" stormy", " and", " <b>wet</b>", ".↵", "Bring", " a", " coat"])
    view.locator(".t", has_text="stormy").hover()
    pop = view.locator(".pop")
    expect(pop).to_be_visible()
    expect(pop.locator("tr")).to_have_count(5)
    expect(pop.locator("tr.chosen")).to_contain_text("▸·stormy")
    expect(pop.locator("tr.chosen")).to_contain_text("41.0 %")
    expect(pop).to_contain_text("<i>x</i>")
    expect(pop).to_contain_text("<0.1 %")
    assert pop.locator("i").count() == 0
    picture(page, "completion-hover")
    box, size = pop.bounding_box(), page.viewport_size
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] + box["height"] <= size["height"]
    view.locator(".t").first.hover()
    expect(pop).to_contain_text("Taken: The, not among these")
    page.mouse.move(5, 5)
    expect(pop).to_be_hidden()
    view.locator('.t[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    expect(pop).to_contain_text("Taken: ·weather, not among these")
    page.keyboard.press("Escape")
    expect(pop).to_be_hidden()


def test_a_stream_grows_in_place(page):
    view = page.locator(".st-key-stream")
    expect(view).to_contain_text("Waiting for the first token…")
    page.get_by_role("button", name="Stream").click()
    expect(view.locator(".t")).not_to_have_count(0)
    view.locator(".t").first.evaluate("node => { node.marked = true; }")
    expect(view.locator(".caret")).to_be_visible()
    expect(view.locator(".t")).to_have_count(8)
    expect(view.locator(".caret")).to_be_hidden()
    assert view.locator(".t").first.evaluate("node => node.marked") is True
    expect(view.locator(".text")).to_have_text(" word0 word1 word2 word3 word4 word5 word6 word7")


def test_a_job_is_followed_and_cancelled(page):
    page.get_by_role("button", name="Start job").click()
    panel = page.locator(".st-key-panel_panel")
    expect(panel).to_contain_text("Ranking features")
    expect(panel).to_contain_text(re.compile(r"of 12,800 tokens · [\d,]+ tokens/s · \d+ s left"))
    expect(panel.get_by_role("progressbar")).to_be_visible()
    panel.scroll_into_view_if_needed()
    picture(page, "job-panel")
    panel.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("job is cancelled")).to_be_visible()
    expect(page.get_by_text("Ranking features was stopped after")).to_be_visible()
    expect(panel).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_follows_the_theme(components_url, open_page, width, dark):
    page = open_page(components_url, width=width, dark=dark)
    settled(page)
    background, text = (
        heat(page)
        .locator(".bar")
        .evaluate("node => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]")
    )
    assert (background, text) == (
        ("rgb(15, 18, 22)", "rgb(232, 234, 238)") if dark else ("rgb(255, 255, 255)", "rgb(27, 34, 48)")
    )
    assert heat(page).locator(".hm").evaluate("node => node.scrollWidth <= node.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"components-{'dark' if dark else 'light'}-{width}")
