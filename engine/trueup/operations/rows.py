"""Finds a row that a user gives by its key, the start of the key, or its name."""

from collections.abc import Mapping, Sequence

from trueup import wiring
from trueup.errors import EngineError
from trueup.model.project import Project
from trueup.model.suggestions import closest
from trueup.planning.needs import columns
from trueup.planning.selection.arguments import no_mapping
from trueup.planning.selection.row_names import LEAST, matching_keys
from trueup.ports.source import Source
from trueup.ports.state import StateSnapshot

MOST = 5
"""Rows that are named where several fit."""


def require_mapping(project: Project, mapping: str) -> None:
    """Raises EngineError for an unknown mapping, with the nearest one."""
    if mapping not in project.mappings:
        raise no_mapping(mapping, project.mappings)


def known_rows(project: Project, mapping: str) -> dict[str, str]:
    """Returns keys with names of the mapping's rows: of its table, and those only in the state.

    Raises SourceError or StateError if one of them cannot be read.
    """
    with wiring.connections(project) as opened:
        return rows_of(project, mapping, opened.source(), opened.state().load())


def rows_of(
    project: Project, mapping: str, source: Source, snapshot: StateSnapshot
) -> dict[str, str]:
    """As `known_rows`, with an open source and a loaded state."""
    table = project.catalogue.tables[project.mappings[mapping].source.table]
    read = source.read(table.name, columns(project)[table.name])
    names = dict.fromkeys(snapshot.keys_of(mapping), "")
    names |= {
        key: str(read.parts.get(key, {}).get(table.title) or "") for key in read.left_out() if key
    }
    return names | {str(row[table.key]): str(row.get(table.title) or "") for row in read.rows}


def resolve_key(
    text: str, names: Mapping[str, str], mapping: str, labels: Mapping[str, str] | None = None
) -> str:
    """Returns the whole key of the one row that fits.

    `names`: keys with the names of their rows, "" for a row without a name. `labels`: keys with the
    names in a plan, as far as they are known. Raises EngineError if no row fits, or several.
    """
    labels = {key: label for key, label in (labels or {}).items() if key in names}
    found = matching_keys(text, names)
    if len(found) != 1:
        found = matching_keys(text, labels) or found
    if len(found) > 1:
        raise EngineError(
            f"{text!r} may be any of {len(found):,} rows of {mapping}: "
            f"{_shown(found, {**names, **labels})}; give the key"
        )
    if found:
        return found[0]
    _refuse_short_key(text, names, mapping)
    near = closest(text, [*names.values(), *labels.values()])
    hint = f"; did you mean {near!r}?" if near else ", or the start of it, as the plan shows it"
    raise EngineError(f"there is no row {text!r} of {mapping}: give its key{hint}")


def _refuse_short_key(text: str, names: Mapping[str, str], mapping: str) -> None:
    """Raises EngineError for a start of a key that is too short to identify a row."""
    start = text.strip().casefold()
    found = [key for key in names if start and key.casefold().startswith(start)]
    if len(found) > 1:
        raise EngineError(
            f"{len(found):,} keys of {mapping} start with {text!r}: {_shown(found, names)}: "
            "give more of it"
        )
    if found:
        raise EngineError(
            f"one key of {mapping} starts with {text!r}, {_shown(found, names)}: "
            f"give at least {LEAST} characters of it"
        )


def _shown(found: Sequence[str], names: Mapping[str, str]) -> str:
    shown = ", ".join(key_and_name(key, names[key]) for key in sorted(found)[:MOST])
    return shown + (f" and {len(found) - MOST:,} more" if len(found) > MOST else "")


def key_and_name(key: str, name: str) -> str:
    """Returns the key of a row, with its name in brackets."""
    return f"{key} ({name})" if name and name != key else key
