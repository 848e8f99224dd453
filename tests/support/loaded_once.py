"""Reads files of equal bytes once per process, because reading takes longer than most tests.

Catalogue files and valid projects are cached by the content of their files. A changed file of a
project is read and checked again, and so is every file with errors. The unchanged files of such a
project are not parsed and checked against their schemas again.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.config import catalogues, documents, loader
from trueup.config.checked_document import CheckedDocument
from trueup.config.documents import Document
from trueup.config.file_names import PROJECT
from trueup.config.schema import Schemas
from trueup.local_files import read_regular
from trueup.model.finding import Finding
from trueup.model.overlay import Overlay
from trueup.model.project import Project
from trueup.operations import project as operation

Checked = tuple[Project | None, list[Finding]]

SMALL_FILE = 64 * 1024  # bytes

PARTS = ("mappings", "rules", "schemas")


@contextmanager
def catalogues_read_once() -> Iterator[None]:
    """Parses catalogue files of the same bytes once, and builds the entries of each once."""
    read, known = catalogues._read, {}
    build, built = catalogues._build, {}

    def once(path: Path) -> object:
        try:
            content = read_regular(path)
        except OSError:
            return read(path)
        if content not in known:
            known[content] = read(path)
        return known[content]

    def build_once(path: Path, data: object, *how: Any) -> dict[str, object]:
        """Data of a file is the same object each time; what a project changed in it is not."""
        if not any(data is one for one in known.values()):
            return build(path, data, *how)
        if id(data) not in built:
            built[id(data)] = build(path, data, *how)
        return {**built[id(data)]}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "_read", once)
        patch.setattr(catalogues, "_build", build_once)
        yield


@contextmanager
def files_parsed_once() -> Iterator[None]:
    """Parses a YAML file of the same name and bytes once, and checks it against its schema once.

    What differs from call to call is not shared: lists are copied, and a document with errors is
    checked anew.
    """
    parse, check = documents.parse, Schemas.check
    parsed: dict[tuple[bytes, str], tuple[list[Document], list[Finding]]] = {}
    checked: dict[tuple[int, str, str], tuple[Document, CheckedDocument]] = {}

    def parse_once(raw: bytes, file: str) -> tuple[list[Document], list[Finding]]:
        if len(raw) > SMALL_FILE:
            return parse(raw, file)
        if (raw, file) not in parsed:
            parsed[raw, file] = parse(raw, file)
        found, findings = parsed[raw, file]
        return [*found], [*findings]

    def check_once(
        schemas: Schemas, document: Document, kind: str, *, secret_keys: Iterable[str] = ()
    ) -> CheckedDocument:
        key = id(document), kind, str(schemas._folder)
        if key not in checked:
            result = check(schemas, document, kind, secret_keys=secret_keys)
            if result.findings:
                return result
            checked[key] = document, result  # with the document, so that no other gets its id
        return checked[key][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "parse", parse_once)
        patch.setattr(Schemas, "check", check_once)
        yield


@contextmanager
def projects_checked_once() -> Iterator[None]:
    """Checks projects of the same bytes once, wherever they are; `config.loader` stays as it is."""
    known: dict[object, tuple[Project, list[Finding]]] = {}

    def check(
        root: Path,
        *,
        shipped: Path,
        decisions: bytes | None = None,
        project: bytes | None = None,
        overlay: Overlay | None = None,
    ) -> Checked:
        given: Any = {"shipped": shipped, "decisions": decisions, "project": project}
        if overlay:
            return loader.check(root, **given, overlay=overlay)
        try:
            key = _content(root, shipped), decisions, project
        except OSError:
            return loader.check(root, **given)
        if key not in known:
            checked, findings = loader.check(root, **given)
            if checked is None:
                return checked, findings
            known[key] = checked, findings
        checked, findings = known[key]
        return replace(checked, root=str(root)), [*findings]

    def load(root: Path, *, shipped: Path, overlay: Overlay | None = None) -> Project:
        project, _ = check(root, shipped=shipped, overlay=overlay)
        return project or loader.load(root, shipped=shipped, overlay=overlay)

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
