"""What settings and mappings name, looked up in a live tenant: labels, reference data, user-defined fields, periods."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import TargetRejected
from engine.expressions import EVALUATION_ERRORS, evaluate, inspect
from engine.expressions.compiled import slot_raw
from engine.model.catalogue import UDF
from engine.model.finding import Finding, Place, Severity
from engine.model.fit import Misfit, fit
from engine.model.near import closest
from engine.model.project import FieldSpec, Find, MappingSpec, PriceSpec, Project, Value
from engine.planning.reading import Records
from engine.ports import Condition, Target


def checkup(project: Project, target: Target) -> list[Finding]:
    """A finding for each name, and for each value that depends on settings alone, that this tenant does not know."""
    names = {"settings": project.settings, "plan": {}, "source": None, "related": {}}
    reader = Records(project, target, names)
    unknown = [*unknown_fields(project, target), *unknown_periods(project, target)]
    return unknown + [
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
        said = ", ".join(_settings(spec)) or f"{mapping.target.entity}.{spec.name}"
        text = f"{said}: {fault}"
        remedy = "correct the setting in trueup.yaml, or add it in Autotask"
        yield Finding("setting-unknown", Severity.ERROR, text, remedy, spec.place, mapping.name)


def unknown_fields(project: Project, target: Target) -> list[Finding]:
    """User-defined fields that mappings name and this tenant does not have. Raises TargetError."""
    found: list[Finding] = []
    for mapping in project.mappings.values():
        named = dict(_user_defined(mapping))
        if named and "query" in project.catalogue.entities[mapping.target.entity].operations:
            found += _unknown(mapping, named, target)
    return found


def _user_defined(mapping: MappingSpec) -> Iterator[tuple[str, Place]]:
    """Those that it names, each with a place."""
    named = {name: spec.place for group in mapping.match for name, spec in group.items()}
    named |= {name: value.place for name, value in mapping.deactivate.items()}
    named |= {name: value.place for name, value in mapping.target.where.items()}
    named |= {name: spec.place for group in (mapping.identity, mapping.fields) for name, spec in group.items()}
    return ((name, place) for name, place in named.items() if name.startswith(UDF))


def _unknown(mapping: MappingSpec, named: Mapping[str, Place], target: Target) -> Iterator[Finding]:
    entity = mapping.target.entity
    try:
        target.read(entity, [Condition("id", "in", [])], sorted(named))  # asks for the fields, and for no record
    except TargetRejected as refusal:
        if refusal.status:  # Autotask's own refusal, of something else: whoever reads is told of it
            return
        known = [name for name in target.entity(entity).fields if name.startswith(UDF)]
        for name, place in named.items():
            if name not in known:
                text = f"this tenant's {entity} have no user-defined field {name.removeprefix(UDF)!r}"
                yield Finding("unknown-name", Severity.ERROR, text, _meant(name, known), place, mapping.name)


def _meant(name: str, known: Iterable[str]) -> str:
    near = closest(name, known)
    return f"did you mean {near!r}?" if near else "correct the name, or add the field in Autotask"


def unknown_periods(project: Project, target: Target) -> list[Finding]:
    """Labels of `months` that the tenant's picklist does not have: an error where they are likely misspelt."""
    found = []
    for mapping, price, labels in _priced(project, target):
        rest = [label for label in labels if label not in price.months]
        for label in price.months:
            if labels and label not in labels:
                near = closest(label, rest)
                text = f"price: {label!r} is not in this tenant's picklist of {price.per}"
                severity = Severity.ERROR if near else Severity.WARNING
                remedy = f"did you mean {near!r}?" if near else "take it out of `months`, or correct it"
                found.append(Finding("unknown-name", severity, text, remedy, price.place, mapping.name))
    return found


def unnamed_periods(project: Project, target: Target) -> list[Finding]:
    """Labels of the tenant's picklist for which `months` says nothing: what has them has no known price."""
    found = []
    for mapping, price, labels in _priced(project, target):
        if rest := [label for label in labels if label not in price.months]:
            text = f"prices are unknown; {price.per} may be {', '.join(rest)}, which `months` does not name"
            remedy = "say in `months` how many months each is, if it is a period that is billed"
            found.append(Finding("price-unknown", Severity.WARNING, text, remedy, price.place, mapping.name))
    return found


def _priced(project: Project, target: Target) -> Iterator[tuple[MappingSpec, PriceSpec, list[str]]]:
    """Mappings with prices, and the labels that their periods have in this tenant."""
    for mapping in project.mappings.values():
        if mapping.ledger and mapping.ledger.price:
            price = mapping.ledger.price
            owner, _, name = price.per.rpartition(".")
            field = target.entity(project.mappings[owner or mapping.name].target.entity).field(name)
            yield mapping, price, [pick.label for pick in (field.picklist if field else None) or ()]


def _settings(spec: FieldSpec) -> list[str]:
    """The settings that it names, as a mapping writes them."""
    values = spec.value.where.values() if isinstance(spec.value, Find) else (spec.value,)
    codes = [str(value.raw) for value in values if isinstance(value, Value) and value.is_code]
    return sorted({".".join(path) for code in codes for path in inspect(code).paths if path[0] == "settings"})


def _from_settings(spec: FieldSpec) -> bool:
    """Is it the same for every row?"""
    values = spec.value.where.values() if isinstance(spec.value, Find) else (spec.value,)
    return all(isinstance(value, Value) and _roots(value) <= {"settings"} for value in values)


def _roots(value: Value) -> frozenset[str]:
    return inspect(str(value.raw)).roots if value.is_code else frozenset()
