"""Blind votes by link, without a browser: nothing names a method, every choice is kept, the owner sees results."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from steering.studies.content import Content
from steering.studies.library import library
from steering.votes import box
from tests.app.conftest import ROOT, table_key
from tests.drawn_study import drawn_about, drawn_run
from tests.drawn_votes import drawn_vote, drawn_vote_answers

TITLES = ("Zebra <b>one</b>", "Okapi", "Tapir")
HOSTILE = "**bold** <img src=x onerror=alert(1)> [a](javascript:b) $x$"


def saved(titles=TITLES, prompts=("Explain bread.", "Explain tea.")) -> str:
    answers = drawn_vote_answers(titles, prompts)
    return library().save(drawn_about("Zebra against Okapi"), Content(drawn_run(), (answers,))).id


@pytest.fixture
def visit():
    def visit_(id: str | None, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages/8_Vote.py"), default_timeout=20)
        for name, value in ({"vote": id} if id is not None else {} | parameters).items():
            app.query_params[name] = value
        for name, value in parameters.items():
            app.query_params[name] = value
        return app.run()

    return visit_


def begin(app: AppTest, name: str = "") -> AppTest:
    app.text_input(key="vote_name").set_value(name)
    return app.button(key="vote_begin").click().run()


def sent(app: AppTest) -> str:
    """Everything that went to the browser."""
    parts = [f"{getattr(node, 'proto', '')} {getattr(node, 'key', '')}" for node in app._tree]
    assert len(parts) > 5
    return "\n".join(parts) + json.dumps(dict(app.query_params))


def rater_of(app: AppTest) -> str:
    found = app.query_params["rater"]
    return found[0] if isinstance(found, list) else found


def test_a_rater_votes_to_the_end_and_no_method_is_named(visit):
    id = saved()
    app = visit(id)
    assert not app.exception
    seen = sent(app)
    begin(app, "Ana")
    for place in range(6):
        assert not app.exception
        seen += sent(app)
        assert app.button(key=f"vote_back_{place}").disabled == (place == 0)
        app.text_area(key=f"vote_why_{place}").set_value(HOSTILE)
        app.button(key=f"vote_{('left', 'tie', 'right')[place % 3]}_{place}").click().run()
    seen += sent(app)
    assert app.title[0].value == "Thank you"
    assert "Telling a0." in seen, "the answers were sent, so the search looks at the right thing"
    for word in ("Zebra", "Okapi", "Tapir", "clean win"):
        assert word not in seen
    assert not app.get("plotly_chart"), "results are not for raters unless the owner says so"
    votes = box.votes_of(library().root / id, rater_of(app))
    assert len(votes) == 6
    assert {vote.name for vote in votes.values()} == {"Ana"}
    assert {vote.reason for vote in votes.values()} == {HOSTILE}
    assert sorted(vote.choice for vote in votes.values()) == ["left"] * 2 + ["right"] * 2 + ["tie"] * 2
    assert all(library().open(id)), "the study is as sound as before"


def test_back_changes_a_vote_and_a_reload_goes_on(visit):
    id = saved()
    app = begin(visit(id))
    rater = rater_of(app)
    app.button(key="vote_left_0").click().run()
    app.button(key="vote_back_1").click().run()
    first = next(iter(box.votes_of(library().root / id, rater).values()))
    assert first.choice == "left"
    app.button(key="vote_right_0").click().run()
    changed = box.votes_of(library().root / id, rater)
    assert [vote.choice for vote in changed.values()] == ["right"]
    shown = [node.proto.json for node in app._tree if "Telling" in str(getattr(node, "proto", ""))]
    again = visit(id, rater=rater)
    assert any("1 choice" in info.value for info in again.info)
    again.button(key="vote_go_on").click().run()
    assert rater_of(again) == rater
    assert [node.proto.json for node in again._tree if "Telling" in str(getattr(node, "proto", ""))] == shown
    other = visit(id, rater=rater)
    other.button(key="vote_other").click().run()
    begin(other)
    assert rater_of(other) != rater


def test_results_are_shown_to_raters_only_when_allowed_and_finished(visit):
    id = saved(("Zebra", "Okapi"), ("Explain bread.",))
    box.keep_settings(library().root / id, box.VoteSettings("Which is saltier?", tells_raters=True))
    app = visit(id)
    begin(app)
    assert any("Which is saltier" in text.value for text in app.markdown)
    assert "Zebra" not in sent(app)
    app.button(key="vote_tie_0").click().run()
    assert not app.exception
    assert app.get("plotly_chart")


@pytest.mark.parametrize("id", ["a" * 16, "../../etc/passwd", "", "<b>x</b>"])
def test_a_link_to_nothing_is_one_sentence(visit, id):
    app = visit(id)
    assert not app.exception
    assert len(app.error) == 1
    assert not app.button


def test_edge_cases(visit):
    assert any("opens by a link" in text.value for text in visit(None).markdown)
    assert "Two methods" in visit(saved(("Zebra",))).error[0].value
    id = saved()
    app = begin(visit(id, rater="../../../etc"))
    assert box.check_rater(rater_of(app))
    library().delete(id)
    app.button(key="vote_left_0").click().run()
    assert not app.exception
    assert any("not on this server" in error.value for error in app.error)
    id = saved(prompts=tuple(f"Explain {i}." for i in range(30)))
    app = visit(id)
    assert any("at random from 90 pairs" in caption.value for caption in app.caption)


def test_the_owner_asks_and_sees(open_alone, visit):
    id = saved()
    app = open_alone("pages/7_Studies.py")
    app.session_state[table_key(app)] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    assert any(f"Vote?vote={id}" in code.value for code in app.code)
    assert any("Nobody has voted yet" in caption.value for caption in app.caption)
    app.toggle(key=f"vote_tells_{id}").set_value(True)
    app.button(key="vote_keep").click().run()
    folder = library().root / id
    assert box.vote_settings(folder).tells_raters
    box.cast(folder, "b" * 16, drawn_vote(0, 0, 1, reason=HOSTILE, name="<script>"))
    box.cast(folder, "c" * 16, drawn_vote(0, 1, 0))
    app.run()
    assert not app.exception
    assert any("2 votes by 2 raters" in text.value for text in app.subheader)
    pairs, reasons = (frame.value for frame in app.dataframe[-2:])
    assert list(pairs.iloc[0])[:2] == ["Zebra <b>one</b>", "Okapi"]
    assert list(reasons["Why"]) == [HOSTILE]
    assert not any(HOSTILE in text.value for text in [*app.markdown, *app.caption])
