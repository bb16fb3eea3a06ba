"""A comparison is saved and linked, the server restarted; the link opens the same tokens in another browser."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from steering.studies.content import Content
from steering.studies.library import Library
from tests.drawn_study import drawn_about, drawn_answers, drawn_run
from tests.e2e.conftest import ROOT, picture, serve, settled

JOB = 90_000
PROMPT = "Explain how bread is baked."
METHODS = 4


def answers(page) -> list[str]:
    """The texts of all answers on the screen, pane by pane."""
    expect(page.get_by_role("button", name="Receipt")).to_have_count(METHODS, timeout=JOB)
    shown = page.get_by_label(PROMPT, exact=False).filter(visible=True)
    expect(shown).to_have_count(METHODS, timeout=JOB)
    return [shown.nth(i).inner_text() for i in range(shown.count())]


def link_in(page, panel: str) -> str:
    """The address that the popover "Copy link" of a panel offers."""
    page.locator(f".st-key-{panel}").get_by_role("button", name="Copy link").click()
    shown = page.locator('[data-testid="stPopoverBody"] [data-testid="stCode"] code').filter(visible=True)
    expect(shown).to_contain_text("?study=", timeout=JOB)
    return shown.inner_text().strip()


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
        expect(page.get_by_role("button", name="Take out")).to_be_visible(timeout=JOB)
        page.get_by_role("link", name="4 · Compare").click()
        page.wait_for_url("**/Compare")
        question = page.locator(".st-key-compare_prompts_demo textarea")
        question.fill(PROMPT)
        question.press("Control+Enter")
        settled(page)
        tokens = page.locator(".st-key-compare_tokens input")
        tokens.fill("24")
        tokens.press("Enter")
        settled(page)
        page.locator(".st-key-compare button").click()
        told = answers(page)
        assert len(told) >= METHODS
        assert all(told)
        page.get_by_role("button", name="Save study").click()
        page.get_by_label("Title", exact=True).fill("Bread by pirates")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved: Bread by pirates")).to_be_visible(timeout=JOB)
        picture(page, "study-saved")
        page.keyboard.press("Escape")
        address = link_in(page, "study_compare")
        assert address.startswith(f"{url}/Compare?study=")
        picture(page, "study-link")
        page.context.close()

    with serve(ROOT / "app.py", tmp_path / "second.log") as url:
        page = open_page(f"{url}/Compare?{address.partition('?')[2]}")
        assert answers(page) == told
        expect(page.locator(".st-key-compare_prompts_demo textarea")).to_have_value(PROMPT, timeout=JOB)
        expect(page.get_by_text("Made with other settings")).to_have_count(0)
        picture(page, "study-opened")
        page.get_by_role("link", name="Studies").click()
        page.wait_for_url("**/Studies")
        expect(page.get_by_text("Tick one to open it")).to_be_visible(timeout=JOB)


@pytest.fixture
def packed(tmp_path) -> Path:
    """An exported study that no model was needed for."""
    shelf, file = Library(tmp_path / "elsewhere"), BytesIO()
    content = Content(drawn_run(), (drawn_answers("compare", judged=True),))
    study = shelf.save(drawn_about("Bread by pirates"), content)
    shelf.export(study.id, file)
    path = tmp_path / "study.zip"
    path.write_bytes(file.getvalue())
    return path


def test_a_zip_is_taken_deleted_and_brought_back(browser, open_page: Callable, packed, tmp_path):
    with serve(ROOT / "app.py", tmp_path / "server.log", base="lab/steering", STEERSCOPE_WARM_UP="0") as url:
        host = url.replace("127.0.0.1", "localhost")
        page = open_page(f"{host}/Studies")
        page.set_default_timeout(JOB)
        expect(page.get_by_text("Nothing is saved yet")).to_be_visible(timeout=JOB)
        picture(page, "studies-empty")
        page.get_by_role("button", name="Import").click()
        page.locator('input[type="file"]').set_input_files(packed)
        page.get_by_role("button", name="Take it over").click()
        expect(page.get_by_text("Tick one to open it")).to_be_visible(timeout=JOB)
        tick(page, 0)
        address = link_in(page, "study_actions")
        assert address.startswith(f"{host}/Compare?study="), "by the name and the path of the visitor"
        page.keyboard.press("Escape")
        picture(page, "studies-one")
        settled(page)
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("Deleted: Bread by pirates")).to_be_visible(timeout=JOB)
        expect(page.get_by_text("Nothing is saved yet")).to_be_visible(timeout=JOB)
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("Tick one to open it")).to_be_visible(timeout=JOB)
        assert Library(tmp_path / "studies").find()[0].id in address


def tick(page, row: int) -> None:
    """Tick a row of the table; its boxes are drawn on a canvas, 35 px each, below a head of the same height."""
    settled(page)
    box = page.locator('[class*="st-key-studies_table"] canvas').first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 35 * (row + 1) + 17)
    expect(page.locator(".st-key-study_actions")).to_be_visible(timeout=JOB)
