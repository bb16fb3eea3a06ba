import os

import pytest
from sqlalchemy import MetaData, create_engine

from steering.studies.library import Library

DATABASE = os.environ.get("STEERSCOPE_TEST_DATABASE")
"""Address of a database whose tables of studies may be thrown away; without it the index is a file in the folder."""


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Library:
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)
    if DATABASE:
        _empty(DATABASE)
    return Library(tmp_path / "studies", DATABASE)


@pytest.fixture
def shelf_with_file(tmp_path, monkeypatch) -> Library:
    """One whose index is a file in the folder, whatever database is tested."""
    monkeypatch.delenv("STEERSCOPE_DATABASE", raising=False)
    return Library(tmp_path / "studies")


def _empty(database: str) -> None:
    engine, tables = create_engine(database), MetaData()
    tables.reflect(engine)
    MetaData.drop_all(tables, engine, [one for one in tables.sorted_tables if one.name.startswith("steerscope_")])
    engine.dispose()
