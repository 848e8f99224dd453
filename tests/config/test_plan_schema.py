"""schemas/plan.schema.json describes what model/plan.py, change.py and document.py write."""

import json
import types
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Union, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from msgspec import Struct
from trueup.model.catalogue import SystemNames
from trueup.model.change import (
    Action,
    Adjustment,
    Alike,
    Change,
    FieldChange,
    InvoiceEffect,
    MadeRecord,
    Preconditions,
    Reason,
    RowRef,
    SeenRow,
    ServiceTerms,
    UnitRow,
    Unknown,
)
from trueup.model.document import PARTIAL_READS, dumps, loads
from trueup.model.finding import Command, Finding, Place, Severity
from trueup.model.plan import (
    FORMAT,
    Amount,
    Blocked,
    GoneRows,
    GuardExceeded,
    HeldTotal,
    HeldUnits,
    LedgerClass,
    LedgerLine,
    LedgerTotals,
    LeftOut,
    Money,
    Outside,
    Plan,
    Summary,
)
from trueup.model.verdict import Verdict

from tests.support.paths import SCHEMAS
from tests.support.scene import Scene, day, log

SCHEMA = json.loads((SCHEMAS / "plan.schema.json").read_text(encoding="utf-8"))
VALID = Draft202012Validator(SCHEMA)

PLAIN = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    object: {"$ref": "#/$defs/any"},
    Decimal: {"$ref": "#/$defs/number"},
    date: {"$ref": "#/$defs/day"},
    Place: {"$ref": "#/$defs/place"},
}


def described(kind, definitions):
    """Returns the JSON Schema of an annotation; adds structs and enums to `definitions`."""
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Struct):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}
            hints = get_type_hints(kind)
            parts = {name: described(hints[name], definitions) for name in kind.__struct_fields__}
            definitions[kind.__name__] = closed(parts)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        definitions[kind.__name__] = {"enum": [str(value) for value in kind]}
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        items = [described(hint, definitions) for hint in get_type_hints(kind).values()]
        definitions[kind.__name__] = array_of(items)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    return generic(get_origin(kind), get_args(kind), definitions)


def generic(origin, inside, definitions):
    if origin in (Union, types.UnionType):
        [some] = [part for part in inside if part is not types.NoneType]
        return {"anyOf": [described(some, definitions), {"type": "null"}]}
    if origin is tuple and inside[-1] is Ellipsis:
        return {"type": "array", "items": described(inside[0], definitions)}
    if origin is tuple:
        return array_of([described(part, definitions) for part in inside])
    assert origin is Mapping
    return {"type": "object", "additionalProperties": described(inside[1], definitions)}


def array_of(items):
    return {
        "type": "array",
        "prefixItems": items,
        "minItems": len(items),
        "maxItems": len(items),
    }


def closed(parts):
    return {
        "type": "object",
        "required": list(parts),
        "additionalProperties": False,
        "properties": parts,
    }


def without_descriptions(schema):
    """Returns a schema without its descriptions."""
    if isinstance(schema, list):
        return [without_descriptions(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_descriptions(value)
        for key, value in schema.items()
        if key != "description" or not isinstance(value, str)
    }


def test_the_plan_schema_describes_exactly_the_plan_of_the_model():
    definitions = {}
    described(Plan, definitions)
    actual = without_descriptions(SCHEMA["$defs"])
    helpers = {"any", "number", "day", "place"}

    assert {name: part for name, part in actual.items() if name not in helpers} == {
        name: part for name, part in definitions.items() if name != "Plan"
    }
    plan = definitions["Plan"]
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    assert without_descriptions(SCHEMA["properties"]) == {
        "format": {"const": FORMAT},
        "digest": digest,
        **plan["properties"],
    }
    always = [name for name in plan["required"] if name != PARTIAL_READS]
    assert SCHEMA["required"] == ["format", "digest", *always]
    assert SCHEMA["additionalProperties"] is False


def a_plan():
    """A plan with a value in every field of every type."""
    row, customer = RowRef("subscription", "s1", "Premium"), RowRef("customer", "7f", "Alpine")
    command = Command.decide("customer", "7f", Verdict.IGNORE)
    finding = Finding(
        code="phone",
        severity=Severity.ERROR,
        text="not a phone number",
        remedy=f"correct it, or `{command}`",
        place=Place("rules/a.yaml", 4, 5),
        mapping="customer",
        key="7f",
        name="Alpine",
        commands=(command,),
    )
    create = Change(
        id="c1",
        action=Action.CREATE,
        mapping="customer",
        keys=("7f",),
        name="Alpine Dental AG",
        tab="Customers",
        entity="Companies",
        place=Place("mappings/customer.yaml", 2, 1),
        fields=(FieldChange("phone", None, Unknown("c0"), Reason.NEW, "", "+41"),),
        values={
            "phone": "+41",
            "parentCompanyID": Unknown("c0"),
            "since": date(2026, 11, 1),
            "price": Decimal("1.5"),
        },
        seen=Preconditions(
            rows=(SeenRow("account", "7f", "ab12"),),
            record={"id": 1},
            absent={"externalID": "x"},
            alike=(Alike("companyName", {"companyName": "Alpine"}, (5,), 7),),
        ),
        one_off=Decimal(500),
    )
    month = (date(2026, 11, 1), date(2026, 11, 30))
    adjust = Change(
        id="c2",
        action=Action.ADJUST,
        mapping="license_change",
        keys=("l1",),
        name="+2",
        tab="Changes",
        entity="ContractServiceAdjustments",
        place=Place("mappings/change.yaml", 2, 1),
        record=7,
        under=(row, customer),
        needs=("c1",),
        together=("c3",),
        seen=Preconditions(
            units=(UnitRow(1, *month, 3, posted=True),),
            made_of={"l1": {"quantity": Decimal("0.1")}},
        ),
        succeeds=row,
        monthly=Decimal("12.345"),
        invoice=InvoiceEffect(*month, Decimal(21), Decimal(1), month),
        lost=Decimal("7.74"),
        notes=("2 changes in one",),
        units=(3, 5),
        adjustment=Adjustment(
            day=date(2026, 11, 10),
            row=row,
            service=7,
            correction=1,
            decided_on=date(2026, 11, 15),
            terms=ServiceTerms(Decimal(10), 1, *month, date(2026, 11, 30)),
        ),
        makes=MadeRecord("subscription", "s1", "ContractServices"),
        undoes="c0",
        undo_depth=1,
    )
    line = LedgerLine(
        mapping="subscription",
        key="s1",
        name="Premium",
        record=7,
        customer="Alpine",
        customer_row=customer,
        under=(customer,),
        day=date(2026, 11, 15),
        quantity=Decimal(6),
        units=3,
        pending=Decimal("2.5"),
        difference=Decimal("0.5"),
        moved=2,
        held=(HeldUnits(Decimal("0.5"), "phone", "is held", ("l2",), customer),),
        unexplained=Decimal("0.5"),
        class_=LedgerClass.UNDER_BILLED,
        price=Decimal(10),
        monthly=Decimal(30),
        text="why",
        remedy=f"`{command}`",
        commands=(command,),
    )
    amount = Amount(1, Decimal(3), Decimal(30), 1)
    held_total = HeldTotal("phone", amount)
    money = Money(Decimal("0.1"), Decimal("-0.2"))
    blocked = Blocked(
        "customer", "7f", "Alpine", "Customers", (finding,), (customer,), {"contract": 1}
    )
    return Plan(
        project="d1",
        as_of=date(2026, 11, 15),
        lineage="",
        serial=0,
        source="examples/work365",
        target="sandbox",
        currency="CHF",
        changes=(create, adjust),
        waves=(("c1",), ("c2",)),
        findings=(finding,),
        blocked=(blocked,),
        left_out=(LeftOut("contract", "no", ("A",), "rule", cause="x"),),
        ledger=(line,),
        exceeded=(GuardExceeded("creates", "creates:Companies", "too many"),),
        summary=Summary(
            source_rows=1,
            source_tables=1,
            records=1,
            read_calls=2,
            apply_calls=3,
            monthly=Decimal("0.1"),
            prices_unknown=0,
            prices_zero=0,
            actions={"create": 1},
            blocked=1,
            held=0,
            run_rate=money,
            invoice=money,
            one_off=money,
            lost=Decimal("7.74"),
            credit=Decimal(1) / 3,
            ledger=LedgerTotals(amount, amount, amount, amount, (held_total,), amount, 2),
            rows_gone=(GoneRows("subscription", 1, 20),),
        ),
        selection="customer Alpine",
        outside=Outside(1, 2, 3, 4),
        undo_of="r1",
        systems={"source": "x", "target": "y"},
        names=SystemNames("Work 365", "Autotask"),
    )


def test_a_written_plan_is_valid_for_the_schema():
    VALID.validate(json.loads(dumps(a_plan())))
    assert loads(dumps(a_plan())) == a_plan()


def test_plans_of_a_real_project_are_valid_for_the_schema():
    """Of the first day, of a day with changes, of a customer, and of an undo."""
    scene = Scene()
    plans = [scene.plan(), scene.plan(customer="acc")]
    scene.sync()
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = 20
    plans += [scene.plan(), scene.plan(undo=scene.state.runs()[-1].id)]
    for made in plans:
        assert made.changes or made.blocked
        VALID.validate(json.loads(dumps(made)))


@pytest.mark.parametrize("name", ["changes", "ledger", "summary", "outside", "names"])
def test_a_plan_without_a_part_is_not_valid(name):
    document = json.loads(dumps(a_plan()))
    del document[name]

    assert not VALID.is_valid(document)


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("as_of",), "2026-11-15"),
        (("changes", 0, "action"), "destroy"),
        (("changes", 1, "units"), [1]),
        (("changes", 1, "adjustment", "row"), ["subscription", "s1"]),
        (("changes", 1, "adjustment", "service"), "7"),
        (("changes", 1, "invoice", "amount"), None),
        (("changes", 0, "seen", "row"), {}),
        (("ledger", 0, "class_"), "held"),
        (("ledger", 0, "held", 0, "units"), "many"),
        (("exceeded", 0, "surprise"), 1),
        (("outside",), "1 row"),
        (("summary", "monthly"), "much"),
        (("format",), FORMAT + 1),
        (("surprise",), 1),
        (("digest",), "none"),
    ],
)
def test_an_invalid_plan_is_not_valid_for_the_schema(steps, value):
    document = json.loads(dumps(a_plan()))
    at = document
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = value

    assert not VALID.is_valid(document)
