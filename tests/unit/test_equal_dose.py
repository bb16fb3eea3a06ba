"""When does Compare start by itself: only when the doses that it was pressed for have been matched."""

from types import SimpleNamespace

import pytest

from ui import equal_dose
from ui.equal_dose import cleared


@pytest.fixture
def screen(monkeypatch) -> SimpleNamespace:
    """A session whose plans are named by one word; ``matched`` holds those whose doses are there."""
    found = SimpleNamespace(state={"equal_dose": True}, matched=set(), started=[])
    monkeypatch.setattr(equal_dose, "st", SimpleNamespace(session_state=found.state, rerun=lambda: None))
    monkeypatch.setattr(equal_dose, "_request", lambda plan: plan)
    monkeypatch.setattr(equal_dose, "_matched", lambda plan: plan if plan in found.matched else None)
    monkeypatch.setattr(equal_dose.strength_work, "dose_id", lambda request: request)
    monkeypatch.setattr(equal_dose.strength_work, "start_dose", lambda request, *_: found.started.append(request))
    return found


def test_it_waits_for_the_doses_that_it_was_pressed_for(screen):
    assert not cleared(True, None, "pirate", "plan")
    assert screen.started == ["plan"]
    assert not cleared(False, None, "pirate", "plan"), "the search goes on"
    screen.matched.add("plan")
    assert cleared(False, None, "pirate", "plan")
    assert not cleared(False, None, "pirate", "plan"), "once"
    assert cleared(True, None, "pirate", "plan")


def test_another_plan_or_the_switch_ends_the_wait(screen):
    cleared(True, None, "pirate", "plan")
    assert not cleared(False, None, "pirate", "another plan")
    screen.matched |= {"plan", "another plan"}
    assert not cleared(False, None, "pirate", "another plan"), "matched by its own button later"
    assert not cleared(False, None, "pirate", "plan")
    cleared(True, None, "pirate", "third plan")
    screen.state["equal_dose"] = False
    assert not cleared(False, None, "pirate", "third plan")
    screen.state["equal_dose"] = True
    screen.matched.add("third plan")
    assert not cleared(False, None, "pirate", "third plan")
