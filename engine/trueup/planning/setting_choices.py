"""Lists a tenant's choices for each setting: labels of picklists, names of reference data.

Mappings define which field a setting is written to, or by which field a record is found; so nothing
here knows a setting by name.
"""

from trueup.expressions import inspect
from trueup.model.coerce import coerce
from trueup.model.mapping import Find, Value
from trueup.model.project import Project
from trueup.ports.target import Condition, Target

Choices = dict[tuple[str, ...], list[str]]
"""Steps to a setting, without `settings`: what it may be."""

MOST = 1_000
"""Names of records that are offered; with more of them, any text may be written."""


def setting_choices(project: Project, target: Target) -> Choices:
    """Returns the choices of each setting that has some. Reads only. Raises TargetError."""
    found: Choices = {}
    for mapping in project.mappings.values():
        for spec in (*mapping.fields.values(), *mapping.identity.values()):
            if isinstance(spec.value, Find):
                for name, value in spec.value.where.items():
                    if (steps := _setting(value)) and steps not in found:
                        found[steps] = _labels(target, spec.value.entity, name) or _names(
                            target, spec.value, name
                        )
            elif (steps := _setting(spec.value)) and steps not in found:
                found[steps] = _labels(target, mapping.target.entity, spec.name)
    return {steps: choices for steps, choices in found.items() if choices}


def _setting(value: object) -> tuple[str, ...]:
    """Returns the steps to the setting that a value uses; of several, the first one."""
    if not (isinstance(value, Value) and value.is_code):
        return ()
    text = str(value.raw)
    paths = [path for path in inspect(text).paths if path[0] == "settings" and len(path) > 1]
    if not paths:
        return ()
    return min(paths, key=lambda path: (text.find(".".join(path)), -len(path)))[1:]


def _labels(target: Target, entity: str, name: str) -> list[str]:
    """The active labels of a field's picklist; none if it has no picklist."""
    field = target.entity(entity).field(name)
    return [pick.label for pick in (field.picklist if field else None) or () if pick.active]


def _names(target: Target, spec: Find, name: str) -> list[str]:
    """Returns a field's values of the active records of reference data, up to a limit of reads."""
    entity = target.entity(spec.entity)
    conditions = [Condition(entity.active, "eq", value=True)] if entity.active else []
    for other, value in spec.where.items():
        field = entity.field(other)
        if other != name and field and isinstance(value, Value) and not value.is_code:
            conditions.append(Condition(other, "eq", coerce(value.raw, field)))
    records = target.read(spec.entity, conditions, [name])
    names = {str(record[name]) for record in records if record.get(name)}
    return sorted(names, key=str.casefold) if len(names) <= MOST else []
