"""A project folder in; its YAML documents, held against their schemas, out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.config.documents import Document, read
from engine.config.node import Node
from engine.config.schema import Checked, Schemas
from engine.model.finding import Finding, Place, Severity

CODE = "project"
"""The code of findings about files as a whole."""

PROJECT = "trueup.yaml"
MAPPINGS = "mappings"
RULES = "rules"
DECISIONS = f"{MAPPINGS}/decisions.yaml"
_SAYS_NAME = re.compile(rb"^mapping:[ \t]*['\"]?([a-z0-9_]+)", re.MULTILINE)
_SECRET_PARTS = ("source", "target", "state")
_INSTEAD = {
    MAPPINGS: "`trueup init` makes one",
    RULES: "bring it back; make an empty one if nothing shall be checked",
}


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
    _not_a_one(files)
    if (root / DECISIONS).exists():
        found = _checked(root, DECISIONS, "decisions", schemas, files)
        files.decisions = found[0] if found else None
        files.findings += [_only_one(other.document) for other in found[1:]]
    return files


def _not_a_one(files: Files) -> None:
    """A folder without a rule or a mapping may be meant so."""
    rules = any(one.data["rules"] for one in files.rules if one.data)
    empty = {MAPPINGS: "nothing is compared"} if not files.mappings else {}
    empty |= {RULES: "nothing is checked before it is written"} if not rules else {}
    for folder, so in empty.items() if files.whole else ():
        files.findings.append(_finding(f"0 {folder}: {so}", Place(f"{folder}/"), "", Severity.WARNING))


def nodes(checked: list[Checked]) -> list[tuple[Checked, Node]]:
    """Those of which something is left."""
    return [(one, Node(one.document, one.data)) for one in checked if one.data is not None]


def _finding(text: str, place: Place, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(CODE, severity, text, remedy, place)


def _only_one(document: Document) -> Finding:
    text = "a second document in a file that has one"
    return _finding(text, document.place(), "put it into the first, without ---")


def _project(root: Path, schemas: Schemas, files: Files) -> None:
    if not root.exists():
        remedy = "correct --project, or make a project with `trueup init DIR`"
        files.findings.append(_finding("there is no such folder", Place(str(root)), remedy))
        files.whole = False
        return
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
        return _nothing(folder, files, "there is no such folder", _INSTEAD[folder])
    except OSError as error:
        return _nothing(folder, files, f"cannot be read: {error.strerror}", "")
    yaml = [name for name in names if name.casefold().endswith((".yaml", ".yml")) and not name.startswith(".")]
    listed = [f"{folder}/{name}" for name in yaml if name.endswith(".yaml")]
    left = [f"{folder}/{name}" for name in yaml if not name.endswith(".yaml")]
    none = not any(file != DECISIONS for file in listed)
    if none and left:  # all that was written would count for nothing
        _unknown(folder, files)
    severity = Severity.ERROR if none else Severity.WARNING
    files.findings += [
        _finding("is not read", Place(name), f"name it {Path(name).stem}.yaml", severity) for name in left
    ]
    return listed


def _nothing(folder: str, files: Files, text: str, remedy: str) -> list[str]:
    """No folder."""
    files.findings.append(_finding(text, Place(f"{folder}/"), remedy))
    _unknown(folder, files)
    return []


def _unknown(folder: str, files: Files) -> None:
    """Nothing is known of what the folder holds, or should: what is missing for that is no fault of its own."""
    files.unnamed = files.unnamed or folder == MAPPINGS
    files.whole = False


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
