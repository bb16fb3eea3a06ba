import pytest

from steering.studies.library import Library
from tests.drawn_study import drawn_about, drawn_content


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Library:
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)
    return Library(tmp_path / "studies")


@pytest.fixture
def folder(shelf):
    """Folder of a study."""
    return shelf.root / shelf.save(drawn_about(), drawn_content()).id
