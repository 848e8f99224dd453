"""A project folder in; its YAML documents, held against their schemas, out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.config.documents import Document, read
from engine.config.node import Node
from engine.config.schema import Checked, Schemas
from engine.model.finding import Finding, Place, Severity

PROJECT = "trueup.yaml"
MAPPINGS = "mappings"
RULES = "rules"
DECISIONS = f"{MAPPINGS}/decisions.yaml"
_SAYS_NAME = re.compile(rb"^mapping:[ \t]*['\"]?([a-z0-9_]+)", re.MULTILINE)
_SECRET_PARTS = ("source", "target", "state")


@dataclass(slots=True)
class Files:
    """All documents of a project that fit their schemas, as far as they do, and what is wrong with the rest."""

    project: Node | None = None
    settings: Node | None = None  # also where the rest of trueup.yaml cannot be used
    mappings: list[Checked] = field(default_factory=list)
    rules: list[Checked] = field(default_factory=list)
    decisions: Checked | None = None
    findings: list[Finding] = field(default_factory=list)
    named: set[str] = field(default_factory=set)  # mappings, also those that cannot be read
    unnamed: bool = False  # there are mappings whose names cannot be told
    whole: bool = True  # nothing was left out


def read_files(root: Path, schemas: Schemas) -> Files:
    """Reads and checks every file, and stops at none."""
    files = Files()
    _project(root, schemas, files)
    if not (root / PROJECT).exists() and not (root / MAPPINGS).exists():
        return files  # no project at all: one thing to say, not three
    for file in _listed(root, MAPPINGS, files):
        if file != DECISIONS:
            files.mappings += _checked(root, file, "mapping", schemas, files)
    for file in _listed(root, RULES, files):
        files.rules += _checked(root, file, "rules", schemas, files)
    if (root / DECISIONS).exists():
        found = _checked(root, DECISIONS, "decisions", schemas, files)
        files.decisions = found[0] if found else None
        files.findings += [_only_one(other.document) for other in found[1:]]
    return files


def nodes(checked: list[Checked]) -> list[tuple[Checked, Node]]:
    """Those of which something is left."""
    return [(one, Node(one.document, one.data)) for one in checked if one.data is not None]


def _finding(text: str, place: Place, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("project", severity, text, remedy, place)


def _only_one(document: Document) -> Finding:
    text = "a second document in a file that has one"
    return _finding(text, document.place(), "put it into the first, without ---")


def _project(root: Path, schemas: Schemas, files: Files) -> None:
    if not (root / PROJECT).exists():
        text = f"there is no {PROJECT} in this folder"
        remedy = "name the project's folder with --project DIR, or make one with `trueup init`"
        files.findings.append(_finding(text, Place(PROJECT), remedy))
        files.whole = False
        return
    found = _checked(root, PROJECT, "project", schemas, files)
    files.findings += [_only_one(other.document) for other in found[1:]]
    if found and found[0].data is not None:
        files.project = Node(found[0].document, found[0].data)
        files.settings = files.project.get("settings")
    elif found and isinstance(found[0].document.data, Mapping):
        raw = Node(found[0].document, found[0].document.data).get("settings")
        files.settings = raw if raw and isinstance(raw.data, Mapping) else None


def _listed(root: Path, folder: str, files: Files) -> list[str]:
    """The YAML files of a folder, by name."""
    try:
        names = sorted(path.name for path in (root / folder).iterdir())
    except FileNotFoundError:
        if folder == MAPPINGS:
            files.findings.append(_finding("there is no such folder", Place(f"{folder}/"), "`trueup init` makes one"))
        return []
    except OSError as error:
        files.findings.append(_finding(f"cannot be read: {error.strerror}", Place(f"{folder}/"), ""))
        return []
    for name in names:
        if name.endswith(".yml"):
            text, remedy = "is not read", f"name it {name.removesuffix('.yml')}.yaml"
            files.findings.append(_finding(text, Place(f"{folder}/{name}"), remedy, Severity.WARNING))
    return [f"{folder}/{name}" for name in names if name.endswith(".yaml") and not name.startswith(".")]


def _checked(root: Path, file: str, kind: str, schemas: Schemas, files: Files) -> list[Checked]:
    """The documents of a file, each against its schema."""
    documents, findings = read(root / file, file)
    files.findings += findings
    if findings:
        files.whole = False
        if kind == "mapping":
            _names_in(root / file, files)
    quiet = _SECRET_PARTS if kind == "project" else ()
    said = [document for document in documents if document.data is not None]
    checked = [schemas.check(document, kind, quiet=quiet) for document in said]
    for one in checked:
        files.findings += one.findings
        files.whole = files.whole and not one.findings
        if kind == "mapping":
            _name_of(one, files)
    if not said and not findings:
        remedy = "`trueup init` shows what a project says" if kind == "project" else ""
        severity = Severity.ERROR if kind == "project" else Severity.WARNING
        files.findings.append(_finding("nothing is in this file", Place(file), remedy, severity))
    return checked


def _name_of(checked: Checked, files: Files) -> None:
    data = checked.document.data
    name = data.get("mapping") if isinstance(data, Mapping) else None
    if isinstance(name, str) and ("mapping",) not in checked.holes:
        files.named.add(name)
    else:
        files.unnamed = True


def _names_in(path: Path, files: Files) -> None:
    """Names of mappings in a file that is broken: references to them are no mistake of their own."""
    try:
        found = _SAYS_NAME.findall(path.read_bytes())
    except OSError:
        found = []
    files.named |= {name.decode() for name in found}
    files.unnamed = files.unnamed or not found
