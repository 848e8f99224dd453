"""The shipped catalogue of Work 365 tables, and a folder for exported files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from trueup.config.catalogues import load_tables
from trueup.model.catalogue import Table
from trueup.source.files.source import FileSource

from tests.support.paths import SCHEMAS

CATALOGUE = SCHEMAS / "work365.yaml"


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
    """Writes a file of that name into the folder; text as UTF-8."""

    def written(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def source(folder: Path, tables: Mapping[str, Table]) -> FileSource:
    return FileSource(folder, tables, "work365")
