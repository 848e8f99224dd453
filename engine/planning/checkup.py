"""What settings name, looked up in a live tenant: picklist labels and reference data that every row will need."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate, inspect
from engine.expressions.compiled import slot_raw
from engine.model.finding import Finding, Severity
from engine.model.fit import Misfit, fit
from engine.model.project import FieldSpec, Find, MappingSpec, Project, Value
from engine.planning.reading import Records
from engine.ports import Target


def checkup(project: Project, target: Target) -> list[Finding]:
    """A finding for each value that depends on settings alone and that this tenant does not know."""
    names = {"settings": project.settings, "plan": {}, "source": None, "related": {}}
    reader = Records(project, target, names)
    return [
        finding
        for mapping in project.mappings.values()
        for spec in (*mapping.fields.values(), *mapping.identity.values())
        for finding in _field(mapping, spec, target, reader, names)
    ]


def _field(
    mapping: MappingSpec, spec: FieldSpec, target: Target, reader: Records, names: Mapping[str, Any]
) -> Iterator[Finding]:
    if not _from_settings(spec):
        return
    try:
        if isinstance(spec.value, Find):
            raws = slot_raw(spec)
            reader.find(
                spec.value, tuple(evaluate(raw, names) for raw in (raws if isinstance(raws, tuple) else (raws,)))
            )
        elif isinstance(spec.value, Value):
            field = target.entity(mapping.target.entity).field(spec.name)
            if field:
                fit(evaluate(spec.value.raw, names), field)
    except (Misfit, *EVALUATION_ERRORS) as fault:
        text = f"{mapping.target.entity}.{spec.name}: {fault}"
        remedy = "correct the setting in trueup.yaml, or add it in Autotask"
        yield Finding("setting-unknown", Severity.ERROR, text, remedy, spec.place, mapping.name)


def _from_settings(spec: FieldSpec) -> bool:
    """Is it the same for every row?"""
    values = spec.value.where.values() if isinstance(spec.value, Find) else (spec.value,)
    return all(isinstance(value, Value) and _roots(value) <= {"settings"} for value in values)


def _roots(value: Value) -> frozenset[str]:
    return inspect(str(value.raw)).roots if value.is_code else frozenset()
