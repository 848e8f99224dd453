"""Small things that stages work on, with as little as a test has to say."""

from datetime import date
from decimal import Decimal

from trueup.model.catalogue import Entity, Field, PickValue, Type
from trueup.model.change import Action, Change, UnitRow
from trueup.model.finding import Place, Severity
from trueup.model.mapping import (
    FieldSpec,
    Find,
    Linked,
    MappingSpec,
    Reference,
    SourceSpec,
    TargetSpec,
    Value,
)
from trueup.model.project import Rule
from trueup.model.rule_scopes import RuleOn

HERE = Place("mappings/contract.yaml", 1, 1)
PERIODS = (PickValue(2, "Monthly"), PickValue(3, "Yearly"), PickValue(4, "Weekly", active=False))
ENTITY = Entity(
    "Contracts",
    frozenset({"create", "query", "update"}),
    {
        field.name: field
        for field in (
            Field("contractName", Type.TEXT, required=True, max_length=20),
            Field("contractNumber", Type.TEXT),
            Field(
                "companyID", Type.INTEGER, required=True, create_only=True, reference="Companies"
            ),
            Field("ownerID", Type.INTEGER, reference="Resources"),
            Field("period", Type.INTEGER, picklist=PERIODS),
            Field("startDate", Type.DAY, required=True),
            Field("endDate", Type.DAY),
            Field("setupFee", Type.DECIMAL),
            Field("isActive", Type.BOOLEAN),
            Field("units", Type.INTEGER),
            Field("serial", Type.TEXT, readonly=True, create_only=True),
            Field("id", Type.INTEGER, required=True, readonly=True),
        )
    },
    udf_capable="yes",
)


def value(raw, line=1):
    return Value(raw, Place(HERE.file, line, 1))


def spec(name, what, **more):
    """A field; `what` is a literal, an expression, a Reference or a Find."""
    return FieldSpec(
        name, what if isinstance(what, Reference | Find) else value(what), HERE, **more
    )


def specs(**fields):
    return {name: spec(name, what) for name, what in fields.items()}


def ref(mapping, of):
    return Reference(mapping, value(of), HERE)


def find(entity, **where):
    return Find(entity, {name: value(raw) for name, raw in where.items()}, HERE)


def mapping(name="contract", fields=(), where=None, **more):
    return MappingSpec(
        name,
        name.title(),
        "Agreements",
        SourceSpec(name, HERE, where=value(where) if where is not None else None),
        TargetSpec("Contracts", HERE, {"companyID": Linked("customer", HERE)}),
        {one.name: one for one in fields},
        HERE,
        **more,
    )


def rule(name, check, severity=Severity.ERROR, when=None, message="is wrong", remedy="mend it"):
    return Rule(
        name,
        "contract",
        RuleOn.ROW,
        value(check),
        severity,
        value(message),
        value(remedy),
        HERE,
        value(when) if when else None,
    )


def change(id_, needs=(), action=Action.UPDATE, entity="Contracts", name=None, **more):
    return Change(
        id_,
        action,
        "contract",
        (id_,),
        name or id_.upper(),
        "Agreements",
        entity,
        HERE,
        needs=tuple(needs),
        **more,
    )


def day(text):
    """`1` → 2026-01-01, `11-15` → 2026-11-15."""
    parts = str(text).split("-")
    return date(2026, int(parts[0]) if len(parts) > 1 else 1, int(parts[-1]))


def units(*rows):
    """`(start, end, units)` or `(start, end, units, "posted")` → unit rows with ids from 1."""
    return tuple(
        UnitRow(id_, day(start), day(end), count, bool(posted))
        for id_, (start, end, count, *posted) in enumerate(rows, start=1)
    )


def money(text):
    return Decimal(str(text))
