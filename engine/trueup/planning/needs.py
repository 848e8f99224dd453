"""Determines what a project reads: the columns and fields that its YAML names."""

from collections.abc import Container, Iterable, Mapping

from trueup.expressions import inspect
from trueup.expressions.compiled import mapping_values, rule_values, spec_values
from trueup.model.coerce import fingerprint
from trueup.model.mapping import (
    FieldPath,
    FieldSpec,
    Find,
    LedgerSpec,
    MappingSpec,
    Value,
    WriteBackSpec,
)
from trueup.model.project import Project, Rule
from trueup.model.rule_scopes import scope


def columns(project: Project) -> dict[str, set[str]]:
    """Returns, by table, the columns that mappings, rules and joins name, with keys and titles."""
    needed: dict[str, set[str]] = {}
    for mapping in project.mappings.values():
        rules = [rule for rule in project.rules if rule.for_ == mapping.name]
        for table, names in _mapping_columns(mapping, rules).items():
            needed.setdefault(table, set()).update(names)
    for table, names in needed.items():
        spec = project.catalogue.tables[table]
        names.update({spec.key, spec.title})
        names.intersection_update(spec.columns)
    return needed


def _mapping_columns(mapping: MappingSpec, rules: Iterable[Rule]) -> dict[str, set[str]]:
    source = mapping.source
    tables = {name: join.table for name, join in source.joins.items()}
    needed: dict[str, set[str]] = {
        source.table: set(source.order),
        **{table: set() for table in tables.values()},
    }
    for join in source.joins.values():
        needed[join.table].update(join.on)
        for path in join.on.values():  # `customer`, or `contract.customer` through another join
            *through, column = path.split(".")
            needed[tables[through[0]] if through else source.table].add(column)
        if join.where:
            _add(join.where, {"row": join.table, "source": source.table}, tables, needed)
    values = [*mapping_values(mapping), *(value for rule in rules for value in rule_values(rule))]
    for table, names in value_columns(mapping, values).items():
        needed[table].update(names)
    if mapping.write_back:
        needed[source.table].update(mapping.write_back.set)
    return needed


def value_columns(mapping: MappingSpec, values: Iterable[Value]) -> dict[str, set[str]]:
    """Returns, by table, the columns that these values name, also of joined tables."""
    tables = {name: join.table for name, join in mapping.source.joins.items()}
    needed: dict[str, set[str]] = {
        mapping.source.table: set(),
        **{one: set() for one in tables.values()},
    }
    for value in values:
        _add(value, {"source": mapping.source.table}, tables, needed)
    return needed


def _add(
    value: Value, roots: Mapping[str, str], joins: Mapping[str, str], needed: dict[str, set[str]]
) -> None:
    if not value.is_code:
        return
    used = inspect(str(value.raw))
    joined = {path[1] for path in used.paths if path[0] == "related" and len(path) > 1}
    for path in used.paths:
        if path[0] in roots and len(path) > 1:
            needed[roots[path[0]]].add(path[1])
        elif path[0] == "related" and len(path) > 2 and path[1] in joins:  # noqa: PLR2004 -- related.join.column
            needed[joins[path[1]]].add(path[2])
    for name in joined & joins.keys():
        needed[joins[name]].update(used.attributes)


def entity_fields(project: Project, mapping: MappingSpec) -> list[str]:
    """The fields of the mapping's entity that planning uses, in the order of their names."""
    names = (
        set(mapping.fields)
        | set(mapping.identity)
        | set(mapping.target.where)
        | set(mapping.deactivate)
    )
    names.update(name for match_key in mapping.match for name in match_key.fields)
    names.update(mapping.similar)
    names.update(mapping.search)
    names.update(_record_paths(project, mapping))
    names.update(_ledger_fields(project, mapping))
    entity = project.catalogue.entities[mapping.target.entity]
    names.add(entity.active)
    if entity.parent:
        names.add(entity.parent.key)
    names.discard("id")
    return sorted(name for name in names if entity.field(name))


def _record_paths(project: Project, mapping: MappingSpec) -> set[str]:
    """Fields in rules or write-backs: `before.x`, `after.x`, `refs.<mapping>.x`, `record.x`."""
    names: set[str] = set()
    for rule in project.rules:
        offered = scope(rule.on)
        if offered.record or offered.refs:
            for path in used_paths(rule_values(rule)):
                if path[0] == "refs" and path[1:2] == (mapping.name,) and len(path) > 2:  # noqa: PLR2004
                    names.add(path[2])
                elif path[0] in ("before", "after") and rule.for_ == mapping.name and len(path) > 1:
                    names.add(".".join(path[1:]))
    if mapping.write_back:
        names |= record_fields(mapping.write_back)
    return names


def record_fields(spec: WriteBackSpec) -> set[str]:
    """Fields of its record that a write-back uses."""
    paths = used_paths([*spec.set.values(), *([spec.when] if spec.when else [])])
    return {path[1] for path in paths if path[0] == "record" and len(path) > 1}


def used_paths(values: Iterable[Value]) -> Iterable[tuple[str, ...]]:
    """Yields the paths of names that expressions use, such as `source`, `customer`, `name`."""
    for value in values:
        if value.is_code:
            yield from inspect(str(value.raw)).paths


def _ledger_fields(project: Project, mapping: MappingSpec) -> set[str]:
    """Returns the fields that give the price and the billing periods of services."""
    names: set[str] = set()
    for other in project.mappings.values():
        for path in _ledger_paths(other.ledger) if other.ledger else ():
            owner, field = path
            if owner == mapping.name or (not owner and other.name == mapping.name):
                names.add(field)
    return names


def _ledger_paths(ledger: LedgerSpec) -> Iterable[FieldPath]:
    if ledger.price:
        yield from (*ledger.price.values, ledger.price.per)
    if ledger.periods:
        yield from (ledger.periods.start, ledger.periods.end)


def volatile(project: Project) -> dict[str, set[str]]:
    """Returns, by table, columns that runs write to existing rows, which show no edit of a user."""
    found: dict[str, set[str]] = {}
    for mapping in project.mappings.values():
        if mapping.write_back and not mapping.append:
            found.setdefault(mapping.source.table, set()).update(mapping.write_back.set)
    return found


def made_of(project: Project, mapping: MappingSpec) -> list[str]:
    """Returns the columns of its own row that a mapping's fields and its `where` use.

    Without the columns that runs write.
    """
    table = mapping.source.table
    written = [
        one.write_back.set
        for one in project.mappings.values()
        if one.write_back and one.source.table == table
    ]
    values = [value for spec in mapping.fields.values() for value in spec_values(spec)]
    paths = used_paths([*values, *([mapping.source.where] if mapping.source.where else [])])
    names = {path[1] for path in paths if path[0] == "source" and len(path) > 1} - {
        name for one in written for name in one
    }
    return sorted(names & project.catalogue.tables[table].columns.keys())


def is_made_of(spec: FieldSpec, columns: Container[str]) -> bool:
    """Returns whether a field depends on nothing but these columns of its row, and on settings."""
    if not isinstance(spec.value, Value):
        return False  # a record, which may be another one while the row is the same
    return all(
        path[0] == "settings" or (path[0] == "source" and len(path) > 1 and path[1] in columns)
        for path in used_paths([spec.value])
    )


GONE = ""
"""The fingerprint of a row that does not exist."""

UNREADABLE = "?"
"""The fingerprint of a row that exists, or may exist, and cannot be read."""


def row_print(row: Mapping[str, object], without: Iterable[str] = ()) -> str:
    """Returns the fingerprint of a row by which apply detects that it was changed."""
    skipped = set(without)
    return fingerprint({name: value for name, value in row.items() if name not in skipped})


def what_became(seen: str, now: str) -> str:
    """Returns what happened to a row between two fingerprints that differ."""
    if now == UNREADABLE:
        return "may be there and cannot be read" if seen == GONE else "can no longer be read"
    if seen == GONE:
        return "is back"
    return "is gone" if now == GONE else "has changed"


def finds(project: Project) -> dict[str, set[str]]:
    """Returns entities of reference data with the fields of their look-ups, and the active flag."""
    needed: dict[str, set[str]] = {}
    for mapping in project.mappings.values():
        for spec in (*mapping.fields.values(), *mapping.identity.values()):
            if isinstance(spec.value, Find):
                needed.setdefault(spec.value.entity, set()).update(spec.value.where)
    for entity, names in needed.items():
        known = project.catalogue.entities[entity]
        names.update({known.active} & known.fields.keys())
    return needed


def operations(project: Project) -> dict[str, frozenset[str]]:
    """Returns, by entity, the operations that the project needs: query, create, update."""
    needed: dict[str, set[str]] = {}
    for mapping in project.mappings.values():
        known = project.catalogue.entities[mapping.target.entity].operations
        wanted = {"create"} if mapping.append else {"query", "create", "update"}
        if mapping.create.raw == "never":
            wanted.discard("create")
        needed.setdefault(mapping.target.entity, set()).update(wanted & known)
        for entity in _read_only(mapping):
            needed.setdefault(entity, set()).add("query")
    for entity in finds(project):
        needed.setdefault(entity, set()).add("query")
    return {entity: frozenset(names) for entity, names in needed.items()}


def _read_only(mapping: MappingSpec) -> Iterable[str]:
    if mapping.ledger:
        yield mapping.ledger.units.entity
    if mapping.append:
        yield mapping.append.proof.entity
