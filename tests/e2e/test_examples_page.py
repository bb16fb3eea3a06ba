"""Screen 1 in a real browser: a file becomes a table, the table can be edited, and the way leads on."""

import re

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from tests.e2e.conftest import ROOT, picture, settled

THINGS = ("parrot", "captain", "sailor", "anchor", "harbour", "rum")
DAYS = ("Monday", "Tuesday", "Friday", "Sunday")
CSV = "\n".join(
    ["text,label"]
    + [f'"Arr, ye see the {thing} come on {day}!",1' for thing in THINGS for day in DAYS]
    + [f'"The report about the {thing} is due on {day}.",0' for thing in THINGS for day in DAYS]
).encode()


def give(page, name, data):
    page.locator('input[type="file"]').set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})


def source(page, name):
    page.get_by_role("radio", name=name).click()


@pytest.fixture
def examples(app_url, open_page):
    def open_(**options):
        page = open_page(f"{app_url}/Examples", **options)
        expect(page.get_by_role("heading", name="Examples", level=1)).to_be_visible(timeout=30_000)  # a cold server
        return page

    return open_


def test_from_an_uploaded_file_to_the_features(examples):
    page = examples()
    source(page, "Upload")
    give(page, "ships.csv", CSV)
    expect(page.get_by_role("heading", name="ships.csv")).to_be_visible()
    expect(page.get_by_text("48 examples", exact=False).first).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    expect(page.locator(".st-key-examples_balance")).to_contain_text("24")
    settled_table(page)
    picture(page, "examples-upload-light-1280")
    give(page, "latin.csv", "text,label\ncafé,1\n".encode("latin-1"))
    expect(page.get_by_role("alert").filter(has_text="latin.csv is not UTF-8")).to_be_visible()
    expect(page.get_by_role("heading", name="ships.csv")).to_be_visible()
    if not (ROOT / "pages" / "2_Features.py").exists():
        pytest.skip("the way on is checked once pages/2_Features.py is there")
    page.get_by_role("button", name="Find features").click()
    expect(page).to_have_url(re.compile("/Features"))
    page.get_by_role("link", name="1 · Examples").click()
    expect(page.get_by_role("heading", name="ships.csv")).to_be_visible()


def settled_table(page):
    expect(page.get_by_test_id("data-grid-canvas").first).to_be_attached()
    page.wait_for_timeout(500)  # the canvas and the chart draw after the script


def edit_first_text(page, text):
    """Change the first row's text as one does: go to the cell by keyboard, type, confirm."""
    grid = page.get_by_test_id("data-grid-canvas").first
    grid.scroll_into_view_if_needed()
    editor = page.locator("#portal textarea")
    for _ in range(5):  # a canvas has no state to wait for: a click may come before it takes the focus
        box = grid.bounding_box()
        page.mouse.click(box["x"] + 260, box["y"] + 52)  # first row, text column; a scroller lies over the canvas
        page.wait_for_timeout(300)
        page.keyboard.press("Enter")
        page.wait_for_timeout(700)
        if editor.count():
            break
    expect(editor).to_be_visible()
    editor.fill(text)
    page.keyboard.press("Enter")


def test_an_edit_waits_for_apply_and_survives_another_page(examples):
    page = examples()
    source(page, "Upload")
    give(page, "ships.csv", CSV)
    expect(page.get_by_role("heading", name="ships.csv")).to_be_visible()
    settled_table(page)
    edit_first_text(page, "Something else entirely")
    apply = page.get_by_role("button", name="Apply edits")
    expect(apply).to_be_visible()
    expect(page.get_by_role("button", name="Find features")).to_be_disabled()
    page.get_by_role("link", name="Start").click()
    expect(page.get_by_role("heading", name="Find it. Steer it. Check it.")).to_be_visible()
    page.get_by_role("link", name="1 · Examples").click()
    expect(apply).to_be_visible()  # the edit is still there, and still not applied
    expect(page.get_by_role("heading", name="ships.csv", exact=True)).to_be_visible()
    apply.click()
    expect(page.get_by_role("heading", name="ships.csv · edited")).to_be_visible()
    expect(page.get_by_role("button", name="Find features")).to_be_enabled()
    settled_table(page)
    cell = page.get_by_test_id("data-grid-canvas").first.locator("td").filter(has_text="Something else entirely")
    expect(cell).to_be_attached()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_one_click_on_a_concept_shows_a_usable_set(examples, width, dark):
    page = examples(width=width, dark=dark)
    settled(page)
    page.locator(".st-key-examples_concept").get_by_text(re.compile("pirate", re.IGNORECASE)).click()
    expect(page.get_by_test_id("stMain").get_by_text("144 examples", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Find features")).to_be_enabled()
    settled_table(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"examples-world-{'dark' if dark else 'light'}-{width}")
