"""Checks all parts of a project against the catalogues and each other.

What is found here follows from the files alone. What depends on the environment is checked in
`loader.py`.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from trueup.config.checked_document import CheckedDocument
from trueup.config.checks.append import check_append
from trueup.config.checks.approval import check_approval
from trueup.config.checks.context import CheckContext
from trueup.config.checks.decisions import check_decisions
from trueup.config.checks.dependencies import check_graph, misspelt
from trueup.config.checks.file_format import check_file_format
from trueup.config.checks.guards import check_guards
from trueup.config.checks.ledger import check_ledger
from trueup.config.checks.notes import check_notes
from trueup.config.checks.rules import check_rules
from trueup.config.checks.same_rows import check_same_rows
from trueup.config.checks.settings import (
    Path,
    check_misspelt,
    check_settings,
    check_unused,
    misspelt_settings,
)
from trueup.config.checks.source import check_source, misspelt_joins
from trueup.config.checks.target import check_target
from trueup.config.checks.writes import check_writes
from trueup.config.error_limit import ErrorLimit
from trueup.config.file_names import DECISIONS, NOTES
from trueup.config.project import named_limits
from trueup.config.project_files import ProjectFiles, valid_nodes
from trueup.config.rules import mapping_places
from trueup.config.specs import Specs
from trueup.model.catalogue import Catalogue
from trueup.model.finding import Finding, Place


def check_specs(files: ProjectFiles, specs: Specs, catalogue: Catalogue) -> Iterator[Finding]:
    """Yields everything that is wrong with the project as a whole, whatever the environment is."""
    context = _check_context(files, specs, catalogue)
    wrong_names = misspelt(specs.mappings, specs.rules, context)
    wrong_joins = misspelt_joins(specs.mappings, specs.rules, context) if files.is_complete else {}
    wrong_settings = _misspelt_settings(files, specs)
    context = replace(
        context,
        meant_mappings=frozenset(wrong_names),
        meant_parts=frozenset(wrong_joins),
        unknown_settings=context.unknown_settings | {*wrong_settings.values()},
    )
    yield from specs.findings
    yield from wrong_names.values()
    yield from wrong_joins.values()
    if files.settings:
        yield from check_misspelt(files.settings, wrong_settings)

    limit = ErrorLimit()
    for mapping in specs.mappings.values():
        checks = (check_source, check_target, check_append, check_ledger, check_writes)
        found = (finding for check in checks for finding in check(mapping, context))
        yield from limit.take(found, mapping.place)
    yield from check_graph(specs.mappings)
    yield from check_same_rows(specs.mappings, specs.rules)

    places = dict(pair for _, node in valid_nodes(files.rules) for pair in mapping_places(node))
    yield from check_rules(specs.rules, context, places, limit)
    yield from limit.take(check_decisions(specs.decisions, context), Place(DECISIONS))
    yield from limit.take(check_notes(specs.notes, context), Place(NOTES))
    yield from _check_options(files, specs, context, wrong_settings, is_whole=not limit.files)


def _misspelt_settings(files: ProjectFiles, specs: Specs) -> dict[Path, Path]:
    if files.settings is None or not files.is_complete:
        return {}  # what cannot be read may use them
    settings = (specs.settings or {}).keys()
    mappings = specs.mappings.values()
    return misspelt_settings(files.settings, files.shared_settings, settings, mappings, specs.rules)


def _check_context(files: ProjectFiles, specs: Specs, catalogue: Catalogue) -> CheckContext:
    documents: dict[str, CheckedDocument] = {}
    for checked, node in valid_nodes(files.mappings):
        documents.setdefault(node.data["mapping"], checked)

    names = frozenset(files.mapping_names | specs.mappings.keys())
    return CheckContext(
        catalogue=catalogue,
        mappings=specs.mappings,
        mapping_names=None if files.has_unknown_names else names,
        settings=specs.settings,
        unknown_settings=frozenset((str(steps[0]),) for steps in files.removed_settings if steps),
        documents=documents,
        settings_node=files.settings,
    )


def _check_options(
    files: ProjectFiles,
    specs: Specs,
    context: CheckContext,
    wrong_settings: Collection[Path],
    *,
    is_whole: bool,
) -> Iterator[Finding]:
    """Yields what is wrong with trueup.yaml. `is_whole`: no other file was cut short."""
    if files.project:
        yield from check_guards(named_limits(files.project.get("guards")), context)
        approval = files.project.get("approval")
        if approval and specs.options and specs.options.approval:
            yield from check_approval(approval, specs.options.approval)
        yield from check_file_format(files.project["source"], context.catalogue.tables)
    if files.settings:
        yield from check_settings(files.settings)
        if files.is_complete and is_whole:
            mappings = specs.mappings.values()
            yield from check_unused(files.settings, wrong_settings, mappings, specs.rules)
