"""A worked study opens from its zip, is no other's, and knows whose weights made it; no model is needed."""

import json

import pytest

from steering.errors import StudyError
from steering.gallery import shelf
from steering.gallery.shelf import MANIFEST, Gallery, shelf_of
from steering.gallery.stories import STORIES
from steering.studies.library import library
from tests.drawn_gallery import DRAWN, draw_gallery, drawn_generated
from ui.study_session import generated_of

IDS = [story.id for story in DRAWN]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    draw_gallery(folder)
    return folder


def test_those_that_are_here_are_named_in_the_order_of_the_screen(drawn, tmp_path):
    assert [story.id for story, _ in Gallery(drawn).stories()] == IDS
    assert Gallery(tmp_path / "nothing").stories() == []


@pytest.mark.parametrize("story", DRAWN, ids=lambda story: story.screen)
def test_one_opens_with_what_its_screen_shows(drawn, story):
    study, content = Gallery(drawn).open(story.id)
    assert study.about.screen == story.screen
    found, told = generated_of(content.of(story.screen)), drawn_generated(story)
    assert (found.completions, found.scores, found.request) == (told.completions, told.scores, told.request)
    assert not Gallery(drawn).has_adapter(story.id)
    assert Gallery(drawn).adapter(story.id) is None


def test_one_that_was_tampered_with_is_not_opened(drawn, tmp_path):
    data = bytearray((drawn / f"{IDS[0]}.zip").read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / f"{IDS[0]}.zip").write_bytes(data)
    (tmp_path / f"{IDS[1]}.zip").write_bytes((drawn / f"{IDS[0]}.zip").read_bytes())
    found = Gallery(tmp_path)
    with pytest.raises(StudyError):
        found.open(IDS[0])
    with pytest.raises(StudyError, match="says that it is"):
        found.open(IDS[1])
    with pytest.raises(StudyError, match="No worked study"):
        found.get(STORIES[1].id)


def test_whose_weights_made_it(drawn, tmp_path):
    assert not Gallery(drawn).is_of_other_weights(IDS[0])
    told = json.loads((drawn / MANIFEST).read_text())
    told[IDS[0]]["weights"]["model"] = "0" * 64
    told.pop(IDS[1])
    for id in IDS:
        (tmp_path / f"{id}.zip").write_bytes((drawn / f"{id}.zip").read_bytes())
    (tmp_path / MANIFEST).write_text(json.dumps(told))
    assert Gallery(tmp_path).is_of_other_weights(IDS[0])
    with pytest.raises(StudyError, match="does not name"):
        Gallery(tmp_path).is_of_other_weights(IDS[1])


def test_a_world_without_that_model_has_other_weights(drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("STEERSCOPE_WORLD", str(tmp_path))
    assert Gallery(drawn).is_of_other_weights(IDS[0])


def test_other_ids_are_looked_for_in_the_library(drawn, monkeypatch):
    monkeypatch.setenv("STEERSCOPE_GALLERY", str(drawn))
    shelf.gallery.cache_clear()
    try:
        assert shelf_of(IDS[0]) is shelf.gallery()
        assert shelf_of("a" * 16) is library()
        with pytest.raises(StudyError):
            shelf_of("../../etc/passwd")
    finally:
        shelf.gallery.cache_clear()
