"""Two people vote at once, by keyboard; what the server sends them names no method."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from steering.studies.content import Content
from steering.studies.library import Library
from steering.votes import box
from tests.drawn_study import drawn_about, drawn_run
from tests.drawn_votes import drawn_vote_answers
from tests.e2e.conftest import ROOT, picture, serve

PROMPTS = ("Explain how bread is baked.", "What is a tide?", "Write a letter to the mayor.")
WORDS = ("Zebra", "Okapi", "clean win")
SECOND = 1000


def press(page, key: str, text: str) -> None:
    """Press a key and wait for what comes then; a key that came before the page was listening is pressed again."""
    for _ in range(5):
        page.keyboard.press(key)
        try:
            expect(page.get_by_text(text, exact=True)).to_be_visible(timeout=3 * SECOND)
        except AssertionError:
            continue
        return
    expect(page.get_by_text(text, exact=True)).to_be_visible()


def test_two_raters_vote_by_keyboard(open_page, tmp_path, monkeypatch):
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)
    shelf = Library(tmp_path / "studies")
    answers = drawn_vote_answers(("Zebra", "Okapi"), PROMPTS)
    id = shelf.save(drawn_about("Zebra against Okapi"), Content(drawn_run(), (answers,))).id
    folder = shelf.root / id
    box.keep_settings(folder, box.VoteSettings("Which is the better answer?"))
    with serve(ROOT / "app.py", tmp_path / "server.log", STEERSCOPE_WARM_UP="0") as url:
        pages = [open_page(f"{url}/Vote"), open_page(f"{url}/Vote", width=390, height=844, dark=True)]
        frames: list[bytes] = []
        for page in pages:
            page.on(
                "websocket",
                lambda socket: socket.on(
                    "framereceived",
                    lambda data: frames.append(bytes(data) if isinstance(data, bytes) else data.encode()),
                ),
            )
            page.goto(f"{url}/Vote?vote={id}")
        for number, page in enumerate(pages):
            picture(page, f"vote-welcome-{number}")
            page.get_by_role("button", name="Begin").click()
            expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()
            expect(page.get_by_text("Telling")).to_have_count(2)
            picture(page, f"vote-{number}")
        one, other = pages
        press(one, "ArrowLeft", "2 of 3")
        press(other, "ArrowDown", "2 of 3")
        one.get_by_label("Why?").fill("More <b>salt</b>")
        one.get_by_label("Why?").press("ArrowLeft")  # moves the caret, and chooses nothing
        one.keyboard.press("Tab")
        expect(one.get_by_text("2 of 3", exact=True)).to_be_visible()
        press(one, "ArrowRight", "3 of 3")
        press(other, "ArrowLeft", "3 of 3")
        press(one, "ArrowUp", "2 of 3")
        expect(one.get_by_label("Why?")).to_have_value("More <b>salt</b>")
        press(one, "ArrowRight", "3 of 3")
        for page in pages:
            press(page, "ArrowRight", "Thank you")
            assert not any(word in page.content() for word in WORDS)
        picture(one, "vote-thanks")
        assert any(b"Telling a" in frame for frame in frames), "the search looks at the right thing"
        assert not any(word.encode() in frame for frame in frames for word in WORDS)
        votes = box.all_votes(folder)
        assert sorted([vote.choice for vote in of_one.values()] for of_one in votes.values()) == [
            ["left", "right", "right"], ["tie", "left", "right"],
        ]  # fmt: skip
