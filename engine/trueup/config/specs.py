"""Builds the parts of a project from its documents, before names are checked."""

from collections.abc import Mapping

from msgspec import Struct

from trueup.config.days import parse_day
from trueup.config.mapping import parse_mapping
from trueup.config.project import ProjectOptions, parse_project
from trueup.config.project_files import ProjectFiles, valid_nodes
from trueup.config.rules import parse_decisions, parse_notes, parse_rules
from trueup.config.schema import Schemas
from trueup.model.decision import Decision
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.note import Note
from trueup.model.project import Rule

DAY_SETTINGS = frozenset({"changes_from"})
"""Settings that are days, even if they are written in quotes."""


class Specs(Struct, frozen=True):
    """The specs of a project's documents, before names are checked."""

    options: ProjectOptions | None
    settings: Mapping[str, object] | None
    mappings: Mapping[str, MappingSpec]
    rules: tuple[Rule, ...]
    decisions: tuple[Decision, ...]
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]
    """Mappings of the same name."""


def build_specs(files: ProjectFiles, schemas: Schemas, env: Mapping[str, str]) -> Specs:
    """Returns what the documents state; `env` is the environment."""
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
    return Specs(
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
    is_lost = files.settings is None and files.project is None
    if is_lost or () in files.removed_settings:
        return None

    data = files.settings.data if files.settings else {}
    days = {name: parse_day(value) for name, value in data.items() if name in DAY_SETTINGS}
    known = schemas.properties("project", "$defs", "settings")
    return {**dict.fromkeys(sorted(known)), **data, **days}
