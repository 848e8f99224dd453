"""Checks the names in settings and mappings against a tenant: labels, reference data, fields."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trueup.errors import TargetRejected
from trueup.expressions import EVALUATION_ERRORS, evaluate, inspect
from trueup.expressions.compiled import slot_raw
from trueup.model.catalogue import UDF
from trueup.model.coerce import CoercionError, coerce
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import FieldSpec, Find, MappingSpec, PriceSpec, Value
from trueup.model.project import Project
from trueup.model.suggestions import closest
from trueup.planning.reading import Records
from trueup.ports.target import Condition, Target


def check_tenant(project: Project, target: Target) -> list[Finding]:
    """Returns a finding for each name that the tenant does not have.

    Values of fields are checked if they depend on settings alone. Raises TargetError.
    """
    names = {"settings": project.settings, "plan": {}, "source": None, "related": {}}
    reader = Records(project, target, names)
    checker = _SettingChecker(project, target, reader, names)
    return [
        *unknown_fields(project, target),
        *unknown_periods(project, target),
        *(
            finding
            for mapping in project.mappings.values()
            for spec in (*mapping.fields.values(), *mapping.identity.values())
            for finding in checker.check(mapping, spec)
        ),
    ]


class _SettingChecker:
    """Evaluates fields that depend on settings alone."""

    def __init__(
        self, project: Project, target: Target, reader: Records, names: Mapping[str, Any]
    ) -> None:
        self._systems, self._target = project.catalogue.systems, target
        self._reader, self._names = reader, names

    def check(self, mapping: MappingSpec, spec: FieldSpec) -> Iterator[Finding]:
        """A finding where the tenant does not have the value."""
        if not _is_from_settings(spec):
            return
        try:
            self._evaluate(mapping, spec)
        except (CoercionError, *EVALUATION_ERRORS) as fault:
            settings = ", ".join(_settings(spec)) or f"{mapping.target.entity}.{spec.name}"
            remedy = f"correct the setting in trueup.yaml, or add it in {self._systems.target}"
            yield Finding(
                "setting-unknown",
                Severity.ERROR,
                f"{settings}: {fault}",
                remedy,
                spec.place,
                mapping.name,
            )

    def _evaluate(self, mapping: MappingSpec, spec: FieldSpec) -> None:
        if isinstance(spec.value, Find):
            raws = slot_raw(spec)
            values = raws if isinstance(raws, tuple) else (raws,)
            self._reader.find(spec.value, tuple(evaluate(raw, self._names) for raw in values))
        elif isinstance(spec.value, Value):
            field = self._target.entity(mapping.target.entity).field(spec.name)
            if field:
                coerce(evaluate(spec.value.raw, self._names), field)


def unknown_fields(project: Project, target: Target) -> list[Finding]:
    """User-defined fields that mappings name and the tenant does not have. Raises TargetError."""
    found: list[Finding] = []
    for mapping in project.mappings.values():
        named = dict(_user_defined(mapping))
        if named and "query" in project.catalogue.entities[mapping.target.entity].operations:
            found += _unknown(project, mapping, named, target)
    return found


def _user_defined(mapping: MappingSpec) -> Iterator[tuple[str, Place]]:
    """User-defined fields that the mapping names, each with a place."""
    named = {
        name: spec.place for match_key in mapping.match for name, spec in match_key.fields.items()
    }
    named |= {name: value.place for name, value in mapping.deactivate.items()}
    named |= {name: value.place for name, value in mapping.target.where.items()}
    named |= {
        name: spec.place
        for group in (mapping.identity, mapping.fields)
        for name, spec in group.items()
    }
    return ((name, place) for name, place in named.items() if name.startswith(UDF))


def _unknown(
    project: Project, mapping: MappingSpec, named: Mapping[str, Place], target: Target
) -> Iterator[Finding]:
    entity = mapping.target.entity
    try:
        # Asks for the fields, and for no record.
        target.read(entity, [Condition("id", "in", [])], sorted(named))
    except TargetRejected as refusal:
        if refusal.status:  # refused for another reason: the read that needs it reports it
            return
        known = [name for name in target.entity(entity).fields if name.startswith(UDF)]
        for name, place in named.items():
            if name not in known:
                field = name.removeprefix(UDF)
                text = f"this tenant's {entity} have no user-defined field {field!r}"
                remedy = _suggestion(name, known, project.catalogue.systems.target)
                yield Finding("unknown-name", Severity.ERROR, text, remedy, place, mapping.name)


def _suggestion(name: str, known: Iterable[str], target: str) -> str:
    near = closest(name, known)
    return f"did you mean {near!r}?" if near else f"correct the name, or add the field in {target}"


def unknown_periods(project: Project, target: Target) -> list[Finding]:
    """Labels in `months` that the tenant's picklist lacks: an error if probably misspelt."""
    found = []
    for mapping, price, labels in _priced(project, target):
        rest = [label for label in labels if label not in price.months]
        for label in price.months:
            if labels and label not in labels:
                near = closest(label, rest)
                text = f"price: {label!r} is not in this tenant's picklist of {price.per}"
                severity = Severity.ERROR if near else Severity.WARNING
                remedy = (
                    f"did you mean {near!r}?" if near else "remove it from `months`, or correct it"
                )
                found.append(
                    Finding("unknown-name", severity, text, remedy, price.place, mapping.name)
                )
    return found


def unnamed_periods(project: Project, target: Target) -> list[Finding]:
    """Returns labels of the tenant's picklist that `months` lacks: their prices are unknown."""
    found = []
    for mapping, price, labels in _priced(project, target):
        if rest := [label for label in labels if label not in price.months]:
            text = (
                f"prices are unknown; {price.per} may be {', '.join(rest)}, "
                "which `months` does not name"
            )
            remedy = "add to `months` how many months each is, if it is a period that is billed"
            found.append(
                Finding("price-unknown", Severity.WARNING, text, remedy, price.place, mapping.name)
            )
    return found


def _priced(project: Project, target: Target) -> Iterator[tuple[MappingSpec, PriceSpec, list[str]]]:
    """Mappings with prices, and the labels that their periods have in the tenant."""
    for mapping in project.mappings.values():
        if mapping.ledger and mapping.ledger.price:
            price = mapping.ledger.price
            owner, name = price.per
            field = target.entity(project.mappings[owner or mapping.name].target.entity).field(name)
            yield mapping, price, [pick.label for pick in (field.picklist if field else None) or ()]


def _settings(spec: FieldSpec) -> list[str]:
    """Returns the settings that a field uses, as a mapping writes them."""
    values = spec.value.where.values() if isinstance(spec.value, Find) else (spec.value,)
    codes = [str(value.raw) for value in values if isinstance(value, Value) and value.is_code]
    return sorted(
        {".".join(path) for code in codes for path in inspect(code).paths if path[0] == "settings"}
    )


def _is_from_settings(spec: FieldSpec) -> bool:
    """Returns whether it is the same for every row."""
    values = spec.value.where.values() if isinstance(spec.value, Find) else (spec.value,)
    return all(isinstance(value, Value) and _roots(value) <= {"settings"} for value in values)


def _roots(value: Value) -> frozenset[str]:
    return inspect(str(value.raw)).roots if value.is_code else frozenset()
