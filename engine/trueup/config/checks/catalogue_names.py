"""Findings for names that a catalogue lacks: what there is, and how to add what is missing."""

from trueup.model.catalogue import Catalogue, Entity, Table
from trueup.model.finding import Finding, Place, Severity
from trueup.model.suggestions import listed


def unknown_entity(name: str, catalogue: Catalogue, place: Place) -> Finding:
    """Returns the finding for an entity that the catalogue does not have."""
    shown = name if name.isalnum() else "ENTITY"
    add = f"`trueup catalogue pull {shown}` adds an entity of the tenant"
    return _finding(f"there is no entity {name!r}", listed(name, catalogue.entities, add), place)


def unknown_field(name: str, entity: Entity, place: Place) -> Finding:
    """Returns the finding for a field that the entity does not have."""
    add = f"`trueup catalogue pull {entity.name}` adds those of the tenant"
    return _finding(f"{entity.name} has no field {name!r}", listed(name, entity.fields, add), place)


def unknown_table(name: str, catalogue: Catalogue, place: Place) -> Finding:
    """Returns the finding for a table that the catalogue does not have."""
    add = (
        "`trueup discover --add TABLE` adds one of the tenant; others go into schemas/work365.yaml"
    )
    return _finding(f"there is no table {name!r}", listed(name, catalogue.tables, add), place)


def unknown_column(name: str, table: Table, place: Place) -> Finding:
    """Returns the finding for a column that the table does not have."""
    add = (
        f"`trueup discover --add {table.name}.COLUMN` adds one of the tenant; "
        "others go into schemas/work365.yaml"
    )
    text = f"table {table.name} has no column {name!r}"
    return _finding(text, listed(name, table.columns, add), place)


def _finding(text: str, remedy: str, place: Place) -> Finding:
    return Finding("unknown-name", Severity.ERROR, text, remedy, place)
