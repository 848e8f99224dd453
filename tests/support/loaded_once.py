"""Files of the same bytes are read once per process: reading takes longer than most tests do.

Catalogue files and sound projects are remembered by what is in their files. Whatever is changed in
a file of a project is read and checked anew, and so is all that has errors.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from trueup.config import catalogues, loader
from trueup.config.file_names import PROJECT
from trueup.local_files import read_regular
from trueup.model.finding import Finding
from trueup.model.project import Project
from trueup.operations import project as operation

Checked = tuple[Project | None, list[Finding]]

PARTS = ("mappings", "rules", "schemas")


@contextmanager
def catalogues_read_once() -> Iterator[None]:
    """Parses catalogue files of the same bytes once."""
    read, known = catalogues._read, {}

    def once(path: Path) -> object:
        try:
            content = read_regular(path)
        except OSError:
            return read(path)
        if content not in known:
            known[content] = read(path)
        return known[content]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "_read", once)
        yield


@contextmanager
def projects_checked_once() -> Iterator[None]:
    """Checks projects of the same bytes once, wherever they are; `config.loader` stays as it is."""
    known: dict[object, tuple[Project, list[Finding]]] = {}

    def check(root: Path, *, shipped: Path, decisions: bytes | None = None) -> Checked:
        try:
            key = _content(root, shipped), decisions
        except OSError:
            return loader.check(root, shipped=shipped, decisions=decisions)
        if key not in known:
            project, findings = loader.check(root, shipped=shipped, decisions=decisions)
            if project is None:
                return project, findings
            known[key] = project, findings
        project, findings = known[key]
        return replace(project, root=str(root)), [*findings]

    def load(root: Path, *, shipped: Path) -> Project:
        project, _ = check(root, shipped=shipped)
        return project or loader.load(root, shipped=shipped)

    once = SimpleNamespace(check=check, load=load, load_connections=loader.load_connections)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operation, "loader", once)
        yield


def _content(root: Path, shipped: Path) -> tuple[object, ...]:
    """Everything that decides what becomes of a project. Raises OSError if it cannot be read."""
    project = read_regular(root / PROJECT)
    folders = [folder for folder in (shipped, *(root / part for part in PARTS)) if folder.exists()]
    files = [
        (folder.name, path.name, read_regular(path))
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix in (".yaml", ".yml", ".json")
    ]
    named = [(name, value) for name, value in os.environ.items() if name.encode() in project]
    return project, *files, *sorted(named)
