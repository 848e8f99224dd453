"""Extends the catalogues of a project with metadata of its two systems."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from trueup import wiring
from trueup.config.catalogue_edits import Addition, CatalogueChange, extend
from trueup.config.catalogues import ENTITIES, TABLES, known_entries
from trueup.errors import SourceError, TargetError, TargetUnavailable
from trueup.model.catalogue import Table
from trueup.model.project import Project
from trueup.model.suggestions import by_case, closest
from trueup.operations.listener import SILENT, Listener
from trueup.operations.project_folder import shipped_schemas
from trueup.ports.target import CachePolicy, DescribedEntity
from trueup.source.dataverse.described import column_facts, table_facts
from trueup.source.dataverse.metadata import TableDefinition

SCHEMAS = "schemas"


class Pulled(Struct, frozen=True):
    """The metadata that was added to the catalogue of entities."""

    file: Path
    entities: Sequence[str]  # that were read
    changes: Sequence[CatalogueChange]
    absent: Sequence[str]  # `Companies.sicCode`: fields of the catalogue that the tenant lacks
    unread: Mapping[str, str]  # entities that could not be read, with the reason


def pull(project: Project, names: Sequence[str] = (), listener: Listener = SILENT) -> Pulled:
    """Refreshes schemas/autotask.yaml of the project from the tenant's metadata.

    Without names: all entities of the catalogue. The case of a name is ignored. The project needs
    no mappings and rules (`load_connections`). Raises ConfigError if the file cannot be extended,
    TargetError if the tenant cannot be reached.
    """
    root, shipped = Path(project.root), shipped_schemas()
    read: dict[str, DescribedEntity] = {}
    unread: dict[str, str] = {}
    with wiring.connections(project, metadata=CachePolicy.RENEWED) as opened:
        opened.target().threshold()  # the first request with the credentials: it may be refused
        known_names = by_case(project.catalogue.entities)
        for name in dict.fromkeys(known_names.get(one.casefold(), one) for one in names) or (
            project.catalogue.entities
        ):
            listener.step(f"reading {name}")
            try:
                described = opened.target_connector.describe_entity(name)
                read[described.name] = described
            except TargetUnavailable:
                raise
            except TargetError as refusal:
                unread[name] = str(refusal)
    known = known_entries(shipped, root / SCHEMAS, ENTITIES, "entities")
    file = root / SCHEMAS / ENTITIES
    changes = extend(file, "entities", "fields", known, [_addition(one) for one in read.values()])
    absent = [
        f"{one.name}.{field}"
        for one in read.values()
        for field in known.get(one.name, {}).get("fields", {})
        if field not in one.fields
    ]
    return Pulled(file, [*read], changes, absent, unread)


def _addition(described: DescribedEntity) -> Addition:
    head = {
        "operations": [*described.operations],
        "userDefinedFields": "yes" if described.has_udfs else "no",
    }
    return Addition(described.name, head, described.fields)


class Added(Struct, frozen=True):
    """The tables and columns that were added to the catalogue of tables."""

    file: Path
    changes: Sequence[CatalogueChange]


def add_tables(project: Project, names: Sequence[str]) -> Added:
    """Adds tables and columns of the Dataverse environment to schemas/work365.yaml.

    A name is a table, by its name in mappings or its logical name, or one of its columns:
    `cr1_site`, `account.cr1_region`. Raises SourceError for what the environment does not have,
    EngineError if the source is no Dataverse, ConfigError if the file cannot be extended.
    """
    root, shipped = Path(project.root), shipped_schemas()
    wanted: dict[str, list[str]] = {}
    whole: set[str] = set()
    for name in names:
        table, _, column = name.partition(".")
        wanted.setdefault(table, []).extend([column] if column else [])
        whole |= set() if column else {table}

    additions = []
    with wiring.connections(project) as opened:
        tables = opened.sources.tables()
        for given, columns in wanted.items():
            name = _table_name(given, tables)
            known = tables.get(name)
            definition = opened.sources.describe_table(known.logical if known else given)
            _require_columns(definition, columns)
            logical = {one.logical for one in known.columns.values()} if known else set()
            only = () if given in whole else [*columns, *([] if known else [definition.key])]
            found = dict(column_facts(definition, tables, logical, only))
            head = table_facts(definition)
            if head.get("title") not in found:
                head.pop("title", None)
            additions.append(Addition(name, head, found))
    raw = known_entries(shipped, root / SCHEMAS, TABLES, "tables")
    file = root / SCHEMAS / TABLES
    return Added(file, extend(file, "tables", "columns", raw, additions))


def _table_name(given: str, tables: Mapping[str, Table]) -> str:
    """The name of a table in mappings, from that name or its logical one."""
    if given in tables:
        return given
    return next((name for name, table in tables.items() if table.logical == given), given)


def _require_columns(definition: TableDefinition, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in definition.attributes:
            near = closest(column, definition.attributes)
            hint = f"did you mean {near!r}?" if near else "give its logical name"
            raise SourceError(f"table {definition.logical} has no column {column!r}: {hint}")
