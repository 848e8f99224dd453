"""Loads a project folder into a checked `Project`, or reports everything that is wrong with it.

`check` is the whole story, in this order: read every file and check it against its schema
(`project_files.py`), build specs from the documents (`mapping.py`, `rules.py`, `project.py`), then
check names and expressions against the catalogues and each other (`checks/`). Nothing stops at the
first error. `trueup validate` shows what `check` returns; `load` raises it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from trueup.config.catalogues import load_catalogue
from trueup.config.checks.append import check_append
from trueup.config.checks.approval import check_approval
from trueup.config.checks.connections import check_connections
from trueup.config.checks.context import CheckContext
from trueup.config.checks.decisions import check_decisions
from trueup.config.checks.dependencies import check_graph, in_order
from trueup.config.checks.file_format import check_file_format
from trueup.config.checks.guards import check_guards
from trueup.config.checks.ledger import check_ledger
from trueup.config.checks.notes import check_notes
from trueup.config.checks.rules import check_rules
from trueup.config.checks.settings import check_settings, check_unused
from trueup.config.checks.source import check_source
from trueup.config.checks.target import check_target
from trueup.config.checks.writes import check_writes
from trueup.config.desk import check_desk
from trueup.config.digest import digest
from trueup.config.error_limit import ErrorLimit, capped
from trueup.config.file_names import FLEET, PROJECT
from trueup.config.mapping import parse_mapping
from trueup.config.project import ProjectOptions, named_limits, parse_project
from trueup.config.project_files import CODE as PROJECT_CODE
from trueup.config.project_files import (
    DECISIONS,
    NOTES,
    GivenFiles,
    ProjectFiles,
    read_files,
    read_shared,
    valid_nodes,
)
from trueup.config.rules import mapping_places, parse_day, parse_decisions, parse_notes, parse_rules
from trueup.config.schema import CheckedDocument, Schemas
from trueup.errors import ConfigError
from trueup.model.catalogue import Catalogue
from trueup.model.decision import Decision
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.note import Note
from trueup.model.overlay import Overlay
from trueup.model.project import Project, Rule
from trueup.model.suggestions import few_searches

_SCHEMAS = "schemas"
DAY_SETTINGS = frozenset({"changes_from"})
"""Settings that are days, even if they are written in quotes."""


def load(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    overlay: Overlay | None = None,
) -> Project:
    """Returns the project in the folder `root`.

    `shipped` is the folder with the schemas and catalogues that ship with trueup. `overlay` as for
    `check`. Raises `ConfigError` with all errors of all files; warnings are dropped.
    """
    project, findings = check(root, env=env, shipped=shipped, overlay=overlay)
    if project is None:
        raise ConfigError([finding for finding in findings if finding.severity is Severity.ERROR])
    return project


def load_connections(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    overlay: Overlay | None = None,
) -> Project:
    """Returns the project without its mappings, rules and decisions, which may have errors.

    It is for commands that help to write these. `overlay` as for `check`. Raises `ConfigError` for
    errors in trueup.yaml, in what is laid over it, and in the catalogues.
    """
    catalogue = _catalogue(root, shipped)
    files = read_files(root, Schemas(shipped), GivenFiles(overlay=overlay))
    files.mappings, files.rules, files.decisions, files.notes = [], [], None, None
    specs = _build_specs(files, Schemas(shipped), env)
    errors = [
        finding
        for finding in (*files.findings, *(specs.options.findings if specs.options else ()))
        if finding.severity is Severity.ERROR
        and (finding.place is None or finding.place.file in (PROJECT, FLEET, str(root)))
    ]
    if specs.options is None or errors:
        raise ConfigError(errors)
    return replace(_project(root, files, specs, specs.options, catalogue), overlay=overlay)


def check(
    root: Path,
    *,
    env: Mapping[str, str] = os.environ,
    shipped: Path,
    decisions: bytes | None = None,
    project: bytes | None = None,
    overlay: Overlay | None = None,
) -> tuple[Project | None, list[Finding]]:
    """Returns the project, or None if it has errors, and all findings in the order of the files.

    `decisions` is read in place of the file with the decisions, and `project` in place of
    trueup.yaml, to check it before it is written. `overlay` is what a tenant of a fleet has of its
    own: findings about what it lays over trueup.yaml have its places.
    """
    schemas, given = Schemas(shipped), GivenFiles(decisions, project, overlay)
    return _check(
        env,
        schemas,
        lambda: (_catalogue(root, shipped), read_files(root, schemas, given)),
        _Origin(root, overlay),
    )


@dataclass(frozen=True, slots=True)
class SharedFiles:
    """What tenants of one project share: its mappings, rules and catalogues, read once."""

    schemas: Schemas
    catalogue: Catalogue
    files: ProjectFiles


def read_shared_files(root: Path, *, shipped: Path) -> SharedFiles | None:
    """Returns the files of the folder that all its tenants read; None if `check` reports why.

    To read them takes most of the time of a check.
    """
    schemas = Schemas(shipped)
    try:
        return SharedFiles(schemas, _catalogue(root, shipped), read_shared(root, schemas))
    except ConfigError:
        return None


def check_tenant(
    root: Path, overlay: Overlay, shared: SharedFiles, *, env: Mapping[str, str] = os.environ
) -> tuple[Project | None, list[Finding]]:
    """As `check`, for one of several tenants whose project is in the folder `root`.

    `shared` is what `read_shared_files` returned for that folder.
    """
    given = GivenFiles(overlay=overlay, shared=shared.files)
    return _check(
        env,
        shared.schemas,
        lambda: (shared.catalogue, read_files(root, shared.schemas, given)),
        _Origin(root, overlay),
    )


@dataclass(frozen=True, slots=True)
class _Origin:
    """The folders and overlay from which a project is loaded."""

    root: Path
    overlay: Overlay | None


def _check(
    env: Mapping[str, str],
    schemas: Schemas,
    read: Callable[[], tuple[Catalogue, ProjectFiles]],
    origin: _Origin,
) -> tuple[Project | None, list[Finding]]:
    with few_searches():
        return _checked(env, schemas, read, origin)


def _checked(
    env: Mapping[str, str],
    schemas: Schemas,
    read: Callable[[], tuple[Catalogue, ProjectFiles]],
    origin: _Origin,
) -> tuple[Project | None, list[Finding]]:
    try:
        catalogue, files = read()
    except ConfigError as error:  # a schema or a catalogue: nothing can be checked without these
        return None, [finding for finding in error.findings if isinstance(finding, Finding)]

    specs = _build_specs(files, schemas, env)
    findings = _sorted([*files.findings, *_check_specs(files, specs, catalogue)])
    has_errors = any(finding.severity is Severity.ERROR for finding in findings)
    if specs.options is None or has_errors:
        return None, findings
    project = _project(origin.root, files, specs, specs.options, catalogue)
    warnings = tuple(finding for finding in findings if finding.code == PROJECT_CODE)
    return replace(project, warnings=warnings, overlay=origin.overlay), findings


def _sorted(findings: list[Finding]) -> list[Finding]:
    """Returns each finding once, in the order of the files, and not too many errors of a file.

    Where the YAML itself is broken, other findings at the same place are dropped.
    """
    broken = {finding.place for finding in findings if finding.code == "yaml"}
    kept = {
        finding for finding in findings if finding.code == "yaml" or finding.place not in broken
    }
    return sorted(capped(sorted(kept, key=_sort_key)), key=_sort_key)


def _sort_key(finding: Finding) -> tuple[Place, str, str]:
    return finding.place or Place(""), finding.text, finding.remedy


def _catalogue(root: Path, shipped: Path) -> Catalogue:
    """Returns the catalogues that ship with trueup, extended by those of the project."""
    return load_catalogue(shipped, root / _SCHEMAS)


@dataclass(frozen=True, slots=True)
class _Specs:
    """The specs of a project's documents, before names are checked."""

    options: ProjectOptions | None
    settings: Mapping[str, object] | None
    mappings: Mapping[str, MappingSpec]
    rules: tuple[Rule, ...]
    decisions: tuple[Decision, ...]
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]
    """Mappings of the same name."""


def _build_specs(files: ProjectFiles, schemas: Schemas, env: Mapping[str, str]) -> _Specs:
    mappings: dict[str, MappingSpec] = {}
    findings: list[Finding] = []
    for _, node in valid_nodes(files.mappings):
        spec = parse_mapping(node)
        if spec.name in mappings:
            findings.append(_duplicate(spec, mappings[spec.name]))
        mappings.setdefault(spec.name, spec)

    rules = (rule for _, node in valid_nodes(files.rules) for rule in parse_rules(node))
    decision_nodes = valid_nodes([files.decisions] if files.decisions else [])
    decisions = (decision for _, node in decision_nodes for decision in parse_decisions(node))
    note_nodes = valid_nodes([files.notes] if files.notes else [])
    return _Specs(
        options=parse_project(files.project, env) if files.project else None,
        settings=_settings(files, schemas),
        mappings=mappings,
        rules=tuple(rules),
        decisions=tuple(decisions),
        notes=tuple(note for _, node in note_nodes for note in parse_notes(node)),
        findings=tuple(findings),
    )


def _duplicate(spec: MappingSpec, first: MappingSpec) -> Finding:
    text = f"mapping {spec.name} is defined twice; the first is at {first.place}"
    return Finding("duplicate", Severity.ERROR, text, "give one of them another name", spec.place)


def _settings(files: ProjectFiles, schemas: Schemas) -> Mapping[str, object] | None:
    """Returns the settings by name, or None if they are not known.

    Settings of the Work 365 screen that are not set are none.
    """
    if files.settings is None and files.project is None:
        return None

    data = files.settings.data if files.settings else {}
    days = {name: parse_day(value) for name, value in data.items() if name in DAY_SETTINGS}
    known = schemas.properties("project", "$defs", "settings")
    return {**dict.fromkeys(sorted(known)), **data, **days}


def _check_specs(files: ProjectFiles, specs: _Specs, catalogue: Catalogue) -> Iterator[Finding]:
    """Yields everything that is wrong with the project as a whole."""
    context = _check_context(files, specs, catalogue)
    yield from specs.findings
    yield from specs.options.findings if specs.options else ()

    limit = ErrorLimit()
    for mapping in specs.mappings.values():
        checks = (check_source, check_target, check_append, check_ledger, check_writes)
        found = (finding for check in checks for finding in check(mapping, context))
        yield from limit.take(found, mapping.place)
    yield from check_graph(specs.mappings)

    places = dict(pair for _, node in valid_nodes(files.rules) for pair in mapping_places(node))
    yield from check_rules(specs.rules, context, places, limit)
    yield from limit.take(check_decisions(specs.decisions, context), Place(DECISIONS))
    yield from limit.take(check_notes(specs.notes, context), Place(NOTES))
    yield from _check_options(files, specs, context, is_whole=not limit.files)


def _check_context(files: ProjectFiles, specs: _Specs, catalogue: Catalogue) -> CheckContext:
    documents: dict[str, CheckedDocument] = {}
    for checked, node in valid_nodes(files.mappings):
        documents.setdefault(node.data["mapping"], checked)

    names = frozenset(files.mapping_names | specs.mappings.keys())
    return CheckContext(
        catalogue=catalogue,
        mappings=specs.mappings,
        mapping_names=None if files.has_unknown_names else names,
        settings=specs.settings,
        documents=documents,
        settings_node=files.settings,
    )


def _check_options(
    files: ProjectFiles, specs: _Specs, context: CheckContext, *, is_whole: bool
) -> Iterator[Finding]:
    """Yields what is wrong with trueup.yaml. `is_whole`: no other file was cut short."""
    if files.project:
        yield from check_guards(named_limits(files.project.get("guards")), context)
        approval = files.project.get("approval")
        if approval and specs.options and specs.options.approval:
            yield from check_approval(approval, specs.options.approval)
        desk = files.project.get("desk")
        if desk and specs.options:
            yield from check_desk(desk, specs.options.desk)
        yield from check_file_format(files.project["source"], context.catalogue.tables)
        if specs.options:
            yield from check_connections(files.project, specs.options)
    if files.settings:
        yield from check_settings(files.settings)
        if files.is_complete and is_whole:
            yield from check_unused(files.settings, specs.mappings.values(), specs.rules)


def _project(
    root: Path,
    files: ProjectFiles,
    specs: _Specs,
    options: ProjectOptions,
    catalogue: Catalogue,
) -> Project:
    return Project(
        root=str(root),
        name=options.name,
        source=options.source,
        target=options.target,
        state=options.state,
        zone=options.zone,
        settings=specs.settings or {},
        guards=options.guards,
        approval=options.approval,
        desk=options.desk,
        mappings=in_order(specs.mappings),
        rules=specs.rules,
        decisions=specs.decisions,
        notes=specs.notes,
        catalogue=catalogue,
        digest=_digest(files, catalogue),
        settle_after=options.settle_after,
        as_of=options.as_of,
        as_of_place=options.as_of_place,
        currency=options.currency,
        batch=options.batch,
        placeholders=options.placeholders,
        notify=options.notify,
    )


def _digest(files: ProjectFiles, catalogue: Catalogue) -> str:
    decisions = files.decisions.data["decisions"] if files.decisions else None
    return digest(
        files.project.data if files.project else None,
        [node.data for _, node in valid_nodes(files.mappings)],
        [rule for _, node in valid_nodes(files.rules) for rule in node.data["rules"]],
        decisions or [],
        catalogue,
    )
