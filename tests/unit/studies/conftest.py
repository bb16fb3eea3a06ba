import pytest

from steering.studies.library import Library


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Library:
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)
    return Library(tmp_path / "studies")
