"""Texts that name no file are no trouble, whatever they are."""

import pytest

from steering.errors import ModelError, SaeError
from steering.models import load_model
from steering.outlook import look_ahead
from steering.paths import existing_path, is_path
from steering.saes.loading import load_sae

HOSTILE = ["a" * 300, "~nobody9/x", "a\0b", "half \ud800", "/" + "a" * 300, "./a\0b"]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    monkeypatch.setattr("steering.hub.is_reachable", lambda: False)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_name_nothing(text):
    assert existing_path(text) is None
    if is_path(text):
        with pytest.raises(ModelError, match="There is no folder"):
            look_ahead(text, text)
    else:
        assert look_ahead(text, text).files == "missing"
    with pytest.raises(SaeError):
        load_sae(text)
    with pytest.raises(ModelError):
        load_model(text)


def test_a_file_and_a_home_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "here").mkdir()
    assert existing_path("~/here") == tmp_path / "here"
    assert existing_path(str(tmp_path / "there")) is None
