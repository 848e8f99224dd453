"""Reads all YAML files of a project folder and checks each against its schema.

`read_files` returns `ProjectFiles`: the documents, valid as far as they go, and what is wrong with
the files. `loader.py` builds the project from these.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from trueup.config.checked_document import CheckedDocument
from trueup.config.documents import Document, Steps, parse, read
from trueup.config.error_limit import ErrorLimit
from trueup.config.file_names import DECISIONS, FLEET, MAPPINGS, NOTES, PROJECT, RULES
from trueup.config.node import Node
from trueup.config.overlay import overlaid
from trueup.config.schema import Schemas
from trueup.local_files import is_absent, read_regular
from trueup.model.finding import Finding, Place, Severity
from trueup.model.overlay import Overlay

CODE = "project"
"""The code of findings about files as a whole."""

_MAPPING_NAME = re.compile(rb"^mapping:[ \t]*['\"]?([a-z0-9_]+)", re.MULTILINE)
_SECRET_KEYS = ("source", "target", "state", "notify")
_MISSING_FOLDER_REMEDIES = {
    MAPPINGS: "`trueup init` creates one",
    RULES: "restore it, or create an empty one if nothing should be checked",
}


class ProjectFiles(Struct):
    """All documents of a project, and what is wrong with its files."""

    project: Node | None = None
    """trueup.yaml, if it is valid."""

    settings: Node | None = None
    """The settings, also if the rest of trueup.yaml is not valid."""

    shared_settings: Node | None = None
    """The settings of trueup.yaml without those that a tenant has of its own."""

    removed_settings: frozenset[Steps] = frozenset()
    """The steps to settings that the schema check removed; none lead to all settings."""

    mappings: list[CheckedDocument] = []
    rules: list[CheckedDocument] = []
    decisions: CheckedDocument | None = None
    notes: CheckedDocument | None = None
    findings: list[Finding] = []

    mapping_names: set[str] = set()
    """The names of the mappings, also of those that cannot be read."""

    has_unknown_names: bool = False
    """There are mappings whose names are not known."""

    is_complete: bool = True
    """Every file and every part of it could be read."""


class GivenFiles(Struct, frozen=True):
    """Contents that replace files of the folder."""

    decisions: bytes | None = None
    """For the content of the file with the decisions."""

    project: bytes | None = None
    """For the content of trueup.yaml."""

    overlay: Overlay | None = None
    """What is laid over trueup.yaml, and the folder with decisions and notes."""

    shared: ProjectFiles | None = None
    """For the mappings and rules, as `read_shared` returned them."""


NOTHING_GIVEN = GivenFiles()

_Parsed = tuple[list[Document], list[Finding]]
"""The documents of a file, and what is wrong with it."""


def read_files(root: Path, schemas: Schemas, given: GivenFiles = NOTHING_GIVEN) -> ProjectFiles:
    """Reads and checks every file of the folder. An error in one file does not stop the reading."""
    files = ProjectFiles()
    _read_project(root, schemas, files, given)
    if not (root / PROJECT).exists() and not (root / MAPPINGS).exists():
        return files  # this is no project: one finding says so, and more would only distract

    _add_shared(given.shared or read_shared(root, schemas), files)
    _warn_of_empty_folders(files)

    own = given.overlay.folder if given.overlay else root
    files.decisions = _read_entries(own, DECISIONS, "decisions", schemas, files, given.decisions)
    files.notes = _read_entries(own, NOTES, "notes", schemas, files)
    return files


def read_project_file(root: Path, schemas: Schemas) -> ProjectFiles:
    """Reads and checks trueup.yaml, and nothing else."""
    files = ProjectFiles()
    _read_project(root, schemas, files, NOTHING_GIVEN)
    return files


def read_shared(root: Path, schemas: Schemas) -> ProjectFiles:
    """Reads and checks the mappings and rules of the folder, and nothing else."""
    files = ProjectFiles()
    for file in _yaml_files(root, MAPPINGS, files):
        if file not in {DECISIONS, NOTES}:
            files.mappings += _read_checked(root, file, "mapping", schemas, files)
    for file in _yaml_files(root, RULES, files):
        files.rules += _read_checked(root, file, "rules", schemas, files)
    return files


def _add_shared(shared: ProjectFiles, files: ProjectFiles) -> None:
    files.mappings += shared.mappings
    files.rules += shared.rules
    files.findings += shared.findings
    files.mapping_names |= shared.mapping_names
    files.has_unknown_names = files.has_unknown_names or shared.has_unknown_names
    files.is_complete = files.is_complete and shared.is_complete


def _read_entries(
    root: Path,
    file: str,
    kind: str,
    schemas: Schemas,
    files: ProjectFiles,
    content: bytes | None = None,
) -> CheckedDocument | None:
    """Reads a file with a list of entries; None if there is no such file, or nothing in it."""
    if content is None and is_absent(root / file):
        return None
    given = None if content is None else parse(content, file)
    documents = _read_checked(root, file, kind, schemas, files, given)
    files.findings += [_extra_document(extra.document) for extra in documents[1:]]
    return documents[0] if documents else None


def _warn_of_empty_folders(files: ProjectFiles) -> None:
    """Warns of a folder without a rule or a mapping. It is not an error: it may be intended."""
    if not files.is_complete:
        return

    consequences = {}
    if not files.mappings:
        consequences[MAPPINGS] = "nothing is compared"
    if not any(checked.data["rules"] for checked in files.rules if checked.data):
        consequences[RULES] = "nothing is checked before it is written"
    for folder, consequence in consequences.items():
        text = f"0 {folder}: {consequence}"
        files.findings.append(_finding(text, Place(f"{folder}/"), "", Severity.WARNING))


def valid_nodes(documents: list[CheckedDocument]) -> list[tuple[CheckedDocument, Node]]:
    """Returns the documents of which something is left, each with its node."""
    return [
        (checked, Node(checked.document, checked.data))
        for checked in documents
        if checked.data is not None
    ]


def _finding(text: str, place: Place, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(CODE, severity, text, remedy, place)


def _extra_document(document: Document) -> Finding:
    text = "a second document in a file that must have only one"
    return _finding(text, document.place(), "move it into the first, without ---")


def _read_project(root: Path, schemas: Schemas, files: ProjectFiles, given: GivenFiles) -> None:
    if not root.exists():
        remedy = "correct its name, or create a project with `trueup init DIR`"
        files.findings.append(_finding("there is no such folder", Place(str(root)), remedy))
        files.is_complete = False
        return
    if not (root / PROJECT).exists():
        text = f"there is no {PROJECT} in this folder"
        remedy = "name another folder with `--project DIR`, or create a project with `trueup init`"
        if (root / FLEET).exists():
            remedy = (
                f"it has {FLEET}: name one of its tenants with `--tenant NAME` or, for a command "
                "without that option, the folder of a project with `--project DIR`"
            )
        files.findings.append(_finding(text, Place(PROJECT), remedy))
        files.is_complete = False
        return

    content, overlay = given.project, given.overlay
    parsed, findings = read(root / PROJECT, PROJECT) if content is None else parse(content, PROJECT)
    if overlay:
        files.shared_settings = Node(parsed[0], parsed[0].data).get("settings") if parsed else None
        parsed = [overlaid(document, overlay.overrides) for document in parsed]
    documents = _read_checked(root, PROJECT, "project", schemas, files, (parsed, findings))
    files.findings += [_extra_document(extra.document) for extra in documents[1:]]
    if documents:
        removed = (steps for steps in documents[0].removed if steps[:1] == ("settings",))
        files.removed_settings = frozenset(steps[1:] for steps in removed)
    if documents and documents[0].data is not None:
        files.project = Node(documents[0].document, documents[0].data)
        files.settings = files.project.get("settings")
    elif documents and isinstance(documents[0].document.data, Mapping):
        # The document as a whole is not valid, but mappings and rules need the settings.
        settings = Node(documents[0].document, documents[0].document.data).get("settings")
        files.settings = settings if settings and isinstance(settings.data, Mapping) else None


def _yaml_files(root: Path, folder: str, files: ProjectFiles) -> list[str]:
    """Returns the YAML files of a folder, sorted by name. Reports files with another ending."""
    try:
        names = sorted(path.name for path in (root / folder).iterdir())
    except FileNotFoundError:
        remedy = _MISSING_FOLDER_REMEDIES[folder]
        return _unreadable_folder(folder, files, "there is no such folder", remedy)
    except OSError as error:
        return _unreadable_folder(folder, files, f"cannot be read: {error.strerror}", "")

    yaml_names = [
        name
        for name in names
        if name.casefold().endswith((".yaml", ".yml")) and not name.startswith(".")
    ]
    listed = [f"{folder}/{name}" for name in yaml_names if name.endswith(".yaml")]
    ignored = [f"{folder}/{name}" for name in yaml_names if not name.endswith(".yaml")]

    # If nothing else is read, a wrong ending would make everything in the folder count for nothing.
    is_empty = not any(file not in {DECISIONS, NOTES} for file in listed)
    if is_empty and ignored:
        _mark_unknown(folder, files)
    severity = Severity.ERROR if is_empty else Severity.WARNING
    files.findings += [
        _finding("is not read", Place(name), f"name it {Path(name).stem}.yaml", severity)
        for name in ignored
    ]
    return listed


def _unreadable_folder(folder: str, files: ProjectFiles, text: str, remedy: str) -> list[str]:
    files.findings.append(_finding(text, Place(f"{folder}/"), remedy))
    _mark_unknown(folder, files)
    return []


def _mark_unknown(folder: str, files: ProjectFiles) -> None:
    """Records that the folder's content is not known, so that no name is reported as missing."""
    files.has_unknown_names = files.has_unknown_names or folder == MAPPINGS
    files.is_complete = False


def _read_checked(
    root: Path,
    file: str,
    kind: str,
    schemas: Schemas,
    files: ProjectFiles,
    given: _Parsed | None = None,
) -> list[CheckedDocument]:
    """Reads the documents of a file, checks each against its schema, and adds the findings.

    `given` is taken for what is in the file.
    """
    documents, findings = given or read(root / file, file)
    files.findings += findings
    if findings:
        files.is_complete = False
        if kind == "mapping":
            _add_names_of_broken_file(root / file, files)

    secret_keys = _SECRET_KEYS if kind == "project" else ()
    filled = [document for document in documents if document.data is not None]
    checked: list[CheckedDocument] = []
    limit = ErrorLimit()
    for document in filled:
        result = schemas.check(document, kind, secret_keys=secret_keys)
        files.findings += limit.take(result.findings, document.place())
        files.is_complete = files.is_complete and not result.findings
        if kind == "mapping":
            _add_name(result, files)
        checked.append(result)
        if limit.files:  # the documents after it are not checked
            files.has_unknown_names = True
            break

    if not filled and not findings:
        is_project = kind == "project"
        remedy = "`trueup init` creates a complete one" if is_project else ""
        severity = Severity.ERROR if is_project else Severity.WARNING
        files.findings.append(_finding("this file is empty", Place(file), remedy, severity))
    return checked


def _add_name(checked: CheckedDocument, files: ProjectFiles) -> None:
    data = checked.document.data
    name = data.get("mapping") if isinstance(data, Mapping) else None
    if isinstance(name, str) and ("mapping",) not in checked.removed:
        files.mapping_names.add(name)
    else:
        files.has_unknown_names = True


def _add_names_of_broken_file(path: Path, files: ProjectFiles) -> None:
    """Adds the names of mappings in a file that is not valid YAML.

    References to these mappings are not errors of their own.
    """
    try:
        names = _MAPPING_NAME.findall(read_regular(path))
    except OSError:
        names = []
    files.mapping_names |= {name.decode() for name in names}
    files.has_unknown_names = files.has_unknown_names or not names
