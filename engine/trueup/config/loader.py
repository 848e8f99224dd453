"""A project folder in, a checked Project out, or all that is wrong with it.

Every file is read and held against its schema, then names are checked against the catalogues and each
other, then expressions. Nothing stops at the first fault. `trueup validate` shows what `check` gives.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config.catalogues import ENTITIES, TABLES, load_entities, load_tables
from engine.config.checks.graph import check_graph, in_order
from engine.config.checks.ground import Ground
from engine.config.checks.quantities import check_quantities
from engine.config.checks.said import check_decisions, check_guards, check_rules
from engine.config.checks.settings import check_settings, check_unused
from engine.config.checks.source import check_source
from engine.config.checks.target import check_target
from engine.config.checks.writes import check_writes
from engine.config.digest import digest
from engine.config.mapping import mapping_spec
from engine.config.project import Frame, frame, guarded
from engine.config.reading import Files, nodes, read_files
from engine.config.rulebook import day, decisions, named_at, rules
from engine.config.schema import Checked, Schemas
from engine.errors import ConfigError
from engine.model.catalogue import Catalogue
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Decision, MappingSpec, Project, Rule

_SCHEMAS = "schemas"
_DAYS = frozenset({"changes_from"})  # settings that are days, also where they stand in quotes


def load(root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path) -> Project:
    """The project in that folder. `shipped` is the folder with trueup's own schemas and catalogues.

    Raises ConfigError with all errors of all files.
    """
    project, findings = check(root, env=env, shipped=shipped)
    if project is None:
        raise ConfigError([finding for finding in findings if finding.severity is Severity.ERROR])
    return project


def check(root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path) -> tuple[Project | None, list[Finding]]:
    """The project, None if it has errors, and every finding, warnings too, in the order of the files."""
    schemas = Schemas(shipped)
    try:
        catalogue = _catalogue(root, shipped)
        files = read_files(root, schemas)
    except ConfigError as error:  # trueup's own files, or a catalogue: nothing can be said without them
        return None, [finding for finding in error.findings if isinstance(finding, Finding)]
    said = _said(files, schemas, env)
    findings = _sorted([*files.findings, *_names(files, said, catalogue)])
    if said.frame is None or any(finding.severity is Severity.ERROR for finding in findings):
        return None, findings
    return _project(root, files, said, said.frame, catalogue), findings


def _sorted(findings: list[Finding]) -> list[Finding]:
    """Each once, in the order of the files. Where YAML itself is at fault, nothing else is said of that place."""
    broken = {finding.place for finding in findings if finding.code == "yaml"}
    left = {finding for finding in findings if finding.code == "yaml" or finding.place not in broken}
    return sorted(left, key=_order)


def _order(finding: Finding) -> tuple[Place, str, str]:
    return finding.place or Place(""), finding.text, finding.remedy


def _catalogue(root: Path, shipped: Path) -> Catalogue:
    """The project's own catalogues where it has them, else the shipped ones."""
    own = root / _SCHEMAS
    entities, tables = (own / name if (own / name).is_file() else shipped / name for name in (ENTITIES, TABLES))
    return Catalogue(tables=load_tables(tables), entities=load_entities(entities))


@dataclass(frozen=True, slots=True)
class _Said:
    """What the files say, as specs."""

    frame: Frame | None
    settings: Mapping[str, object] | None
    mappings: Mapping[str, MappingSpec]
    rules: tuple[Rule, ...]
    decisions: tuple[Decision, ...]
    twice: tuple[Finding, ...]  # mappings of one name


def _said(files: Files, schemas: Schemas, env: Mapping[str, str]) -> _Said:
    specs: dict[str, MappingSpec] = {}
    twice: list[Finding] = []
    for _, node in nodes(files.mappings):
        spec = mapping_spec(node)
        if spec.name in specs:
            text = f"mapping {spec.name} is there twice; the first is at {specs[spec.name].place}"
            twice.append(Finding("duplicate", Severity.ERROR, text, "give one of them another name", spec.place))
        specs.setdefault(spec.name, spec)
    return _Said(
        frame=frame(files.project, env) if files.project else None,
        settings=_settings(files, schemas),
        mappings=specs,
        rules=tuple(rule for _, node in nodes(files.rules) for rule in rules(node)),
        decisions=tuple(
            decision for _, node in nodes([files.decisions] if files.decisions else []) for decision in decisions(node)
        ),
        twice=tuple(twice),
    )


def _settings(files: Files, schemas: Schemas) -> Mapping[str, object] | None:
    """Settings by name; those of the Work 365 screen that are not set are none. None: nothing is known of them."""
    if files.settings is None and files.project is None:
        return None
    said = files.settings.data if files.settings else {}
    days = {name: day(value) for name, value in said.items() if name in _DAYS}
    known = schemas.properties("project", "$defs", "settings")
    return {**dict.fromkeys(sorted(known)), **said, **days}


def _names(files: Files, said: _Said, catalogue: Catalogue) -> Iterator[Finding]:
    """Everything that can only be said of all files together."""
    documents: dict[str, Checked] = {}
    for one, node in nodes(files.mappings):
        documents.setdefault(node.data["mapping"], one)
    names = None if files.unnamed else frozenset(files.named | said.mappings.keys())
    ground = Ground(catalogue, said.mappings, names, said.settings, documents, files.settings)
    yield from said.twice
    yield from said.frame.findings if said.frame else ()
    for mapping in said.mappings.values():
        yield from check_source(mapping, ground)
        yield from check_target(mapping, ground)
        yield from check_quantities(mapping, ground)
        yield from check_writes(mapping, ground)
    yield from check_graph(said.mappings)
    places = dict(place for _, node in nodes(files.rules) for place in named_at(node))
    yield from check_rules(said.rules, ground, places)
    yield from check_decisions(said.decisions, ground)
    yield from _of_project(files, said, ground)


def _of_project(files: Files, said: _Said, ground: Ground) -> Iterator[Finding]:
    if files.project:
        yield from check_guards(guarded(files.project.get("guards")), ground)
    if files.settings:
        yield from check_settings(files.settings)
        if files.whole:
            yield from check_unused(files.settings, said.mappings.values(), said.rules)


def _project(root: Path, files: Files, said: _Said, frame: Frame, catalogue: Catalogue) -> Project:
    return Project(
        root=str(root),
        name=frame.name,
        source=frame.source,
        target=frame.target,
        state=frame.state,
        zone=frame.zone,
        settings=said.settings or {},
        guards=frame.guards,
        mappings=in_order(said.mappings),
        rules=said.rules,
        decisions=said.decisions,
        catalogue=catalogue,
        digest=_digest(files, catalogue),
        settle_after=frame.settle_after,
        as_of=frame.as_of,
        currency=frame.currency,
        batch=frame.batch,
    )


def _digest(files: Files, catalogue: Catalogue) -> str:
    decided = files.decisions.data["decisions"] if files.decisions else None
    return digest(
        files.project.data if files.project else None,
        [node.data for _, node in nodes(files.mappings)],
        [rule for _, node in nodes(files.rules) for rule in node.data["rules"]],
        decided or [],
        catalogue,
    )
