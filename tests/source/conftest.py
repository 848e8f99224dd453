"""The shipped catalogue of Work 365 tables, and a folder to put files in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine.config.catalogues import load_tables
from engine.model.catalogue import Table
from engine.source.files import FileSource

CATALOGUE = Path(__file__).parents[2] / "schemas" / "work365.yaml"


@pytest.fixture(scope="session")
def tables() -> Mapping[str, Table]:
    return load_tables(CATALOGUE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "work365"
    where.mkdir()
    return where


@pytest.fixture
def put(folder: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file of that name; text as UTF-8."""

    def written(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def source(folder: Path, tables: Mapping[str, Table]) -> FileSource:
    return FileSource(folder, tables, "work365")
