"""Worked studies are one click away on the start page and on Studies; opening one loads no model."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.gallery import shelf
from steering.studies.library import library
from tests.app.conftest import ROOT
from tests.app.factors import factor_box
from tests.drawn_gallery import DRAWN, draw_gallery, drawn_generated

COMPARED, STEERED = DRAWN


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    folder = tmp_path / "gallery"
    folder.mkdir()
    draw_gallery(folder)
    monkeypatch.setattr(shelf, "FOLDER", folder)
    shelf.gallery.cache_clear()
    yield folder
    shelf.gallery.cache_clear()


def linked(id: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages/3_Steer.py"), default_timeout=20)
    app.query_params["study"] = id
    return app.run()


def is_about_other_weights(app: AppTest) -> bool:
    return any("other weights" in warning.value for warning in app.warning)


def test_a_card_opens_its_screen_with_the_stored_answers(open_app, drawn):
    app = open_app()
    keys = [button.key for button in app.button if str(button.key).startswith("example_")]
    assert keys == [f"example_{story.id}" for story in DRAWN]
    app.button(key=f"example_{COMPARED.id}").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == []
    assert [warning.value for warning in app.warning] == [], "no control has two values, and the weights are these"
    table = next(frame.value for frame in app.dataframe if "Overall" in frame.value.columns)
    assert table["Method"].tolist() == ["Baseline", "Prompted", "DiffMean", "SAE"]
    assert not any("Made with other settings" in caption.value for caption in app.caption)
    assert any("what it showed" in box.label for box in app.expander), "the story stands over the answers"
    assert any("It showed this" in text.value for text in app.markdown)
    assert runtime.shelf().loaded("model") == []
    assert runtime.jobs().active() == []
    assert library().find() == [], "a worked study is not put among one's own"


def test_a_link_opens_one_with_its_factor_and_scope(drawn):
    app = linked(STEERED.id)
    assert not app.exception
    assert factor_box(app, "strength_demo_demo_5").value == 0.45
    assert any(f"/Steer?study={STEERED.id}" in code.value for code in app.code)
    assert not is_about_other_weights(app)


def test_one_of_other_weights_says_so(drawn):
    told = json.loads((drawn / shelf.MANIFEST).read_text())
    told[STEERED.id]["weights"]["model"] = "0" * 64
    (drawn / shelf.MANIFEST).write_text(json.dumps(told))
    app = linked(STEERED.id)
    assert not app.exception
    assert is_about_other_weights(app)


def test_what_one_makes_of_an_example_is_a_study_of_ones_own(open_app, drawn):
    app = open_app("pages/7_Studies.py")
    app.button(key=f"example_{STEERED.id}").click().run()
    app.switch_page(
        "pages/3_Steer.py"
    ).run()  # AppTest goes on from the page that it was told, not from where it was led
    title = next(box for box in app.text_input if str(box.key).startswith("study_title_steer"))
    title.set_value("My sea")
    app.button(key="study_keep_steer").click().run()
    assert not app.exception
    (mine,) = library().find()
    assert mine.about.title == "My sea"
    assert mine.id != STEERED.id
    assert library().open(mine.id)[1].of("steer").completions == drawn_generated(STEERED).completions


def test_a_shelf_with_nothing_on_it_is_not_mentioned(open_app, tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "FOLDER", tmp_path / "nothing")
    shelf.gallery.cache_clear()
    app = open_app()
    shelf.gallery.cache_clear()
    assert not app.exception
    assert not any("Worked studies" in text.value for text in app.markdown)
