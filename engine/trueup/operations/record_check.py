"""Checks a record id that a user gives, in the target."""

from trueup import wiring
from trueup.errors import EngineError
from trueup.expressions import EVALUATION_ERRORS
from trueup.model.coerce import CoercionError, same
from trueup.model.mapping import MappingSpec
from trueup.model.project import Project
from trueup.planning.records.inactive import off_values
from trueup.ports.target import Condition, Record, Target
from trueup.stages.diff import display_text_in


def check_record(
    opened: wiring.Connections,
    project: Project,
    mapping: MappingSpec,
    record: int,
    *,
    repeats: bool = False,
) -> str:
    """Returns a note about a record of the mapping; "" if there is none.

    It notes that the record is inactive, or that the target could not be reached: after a single
    attempt, as the user can repeat the command, or, with `repeats`, after the usual ones. Raises
    EngineError for a record that the target does not have.
    """
    entity, system = mapping.target.entity, project.catalogue.systems.target
    try:
        target = opened.target()
        if not repeats:
            target.stop()
        fields = sorted({target.entity(entity).active, *mapping.deactivate} - {""})
        known = [name for name in fields if target.entity(entity).field(name)]
        found = target.read(entity, [Condition("id", "in", [record])], known)
    except EngineError as fault:
        return f"{entity} {record} was not looked up in {system}: {cause_of(fault)}"

    if not found:
        raise EngineError(
            f"{system} has no {entity} {record} that the API user may see; nothing was written: "
            "check the id"
        )
    return _inactive(project, mapping, target, found[0])


def cause_of(fault: EngineError) -> str:
    """Returns the text of an error for the end of a note: on one line, without a full stop."""
    return " ".join(str(fault).split()).rstrip(".")


def _inactive(project: Project, mapping: MappingSpec, target: Target, record: Record) -> str:
    """Returns the note about an inactive record; "" for an active one."""
    entity = target.entity(mapping.target.entity)
    names = {"settings": project.settings, "plan": {"as_of": project.as_of}}
    try:
        off = off_values(mapping, entity, names)
    except (CoercionError, *EVALUATION_ERRORS):
        off = {}  # the next plan reports the expression, with its place
    is_held = bool(off) and all(same(record[name], value) for name, value in off.items())
    if not is_held and entity.is_active(record):
        return ""
    shown = [*off] if is_held else [entity.active]
    values = ", ".join(
        f"{name}: {display_text_in(field, record[name])}"
        for name in shown
        if (field := entity.field(name))
    )
    text = f"{entity.name} {record['id']} is inactive ({values})"
    return f"{text}: the next plan holds the row, and names the ways out" if is_held else text
