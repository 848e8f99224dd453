"""schemas/plan.schema.json says what model/plan.py and model/document.py make."""

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Union, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from engine.model.document import dumps
from engine.model.finding import Finding, Place, Severity
from engine.model.plan import (
    FORMAT,
    Action,
    Blocked,
    Change,
    FieldChange,
    GuardExceeded,
    LedgerClass,
    LedgerLine,
    LeftOut,
    Plan,
    Reason,
    Seen,
    Summary,
    UnitRow,
    Unknown,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
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


def described(kind, found):
    """The JSON Schema of an annotation; dataclasses and enums go into `found`."""
    if kind in PLAIN:
        return PLAIN[kind]
    if is_dataclass(kind):
        if kind.__name__ not in found:
            found[kind.__name__] = {}
            hints = get_type_hints(kind)
            parts = {part.name: described(hints[part.name], found) for part in fields(kind)}
            found[kind.__name__] = closed(parts)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        found[kind.__name__] = {"enum": [str(value) for value in kind]}
        return {"$ref": f"#/$defs/{kind.__name__}"}
    return generic(get_origin(kind), get_args(kind), found)


def generic(origin, inside, found):
    if origin in (Union, types.UnionType):
        [some] = [part for part in inside if part is not types.NoneType]
        return {"anyOf": [described(some, found), {"type": "null"}]}
    if origin is tuple and inside[-1] is Ellipsis:
        return {"type": "array", "items": described(inside[0], found)}
    if origin is tuple:
        items = [described(part, found) for part in inside]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    assert origin is Mapping
    return {"type": "object", "additionalProperties": described(inside[1], found)}


def closed(parts):
    return {"type": "object", "required": list(parts), "additionalProperties": False, "properties": parts}


def without_words(schema):
    """A schema without its descriptions."""
    if isinstance(schema, list):
        return [without_words(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_words(value) for key, value in schema.items() if key != "description" or not isinstance(value, str)
    }


def test_the_plan_schema_describes_exactly_the_plan_of_the_model():
    found = {}
    described(Plan, found)
    said = without_words(SCHEMA["$defs"])
    helpers = {"any", "number", "day", "place"}

    assert {name: part for name, part in said.items() if name not in helpers} == {
        name: part for name, part in found.items() if name != "Plan"
    }
    plan = found["Plan"]
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    assert without_words(SCHEMA["properties"]) == {"format": {"const": FORMAT}, "digest": digest, **plan["properties"]}
    assert SCHEMA["required"] == ["format", "digest", *plan["required"]]
    assert SCHEMA["additionalProperties"] is False


def a_plan():
    finding = Finding(
        "phone", Severity.ERROR, "not a phone number", "mend it", Place("rules/a.yaml", 4, 5), "customer", "7f"
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
        values={"phone": "+41", "parentCompanyID": Unknown("c0"), "since": date(2026, 11, 1), "price": Decimal("1.5")},
        seen=Seen(
            {"account:7f": "ab12"}, {"id": 1}, {"externalID": "x"}, (UnitRow(1, date(2026, 1, 1), date(2026, 2, 1), 3),)
        ),
        monthly=Decimal("12.345"),
        units=(3, 5),
    )
    return Plan(
        project="d1",
        as_of=date(2026, 11, 15),
        lineage="",
        serial=0,
        source="examples/work365",
        target="sandbox",
        currency="CHF",
        changes=(create,),
        waves=(("c1",),),
        findings=(finding,),
        blocked=(
            Blocked(
                "customer", "7f", "Alpine", "Customers", (finding,), (("customer", "7f", "Alpine"),), {"contract": 1}
            ),
        ),
        left_out=(LeftOut("contract", "no", ("A",), "rule"),),
        ledger=(
            LedgerLine(
                "subscription",
                "k",
                "n",
                1,
                "Alpine",
                date(2026, 11, 15),
                Decimal(3),
                2,
                0,
                Decimal(1),
                LedgerClass.UNDER_BILLED,
                None,
                None,
            ),
        ),
        exceeded=(GuardExceeded("creates", "too many"),),
        summary=Summary(1, 1, 1, 2, 3, Decimal("0.1"), 0, 0, {"create": 1}, 1, 0),
    )


def test_a_plan_as_it_is_written_fits_the_schema():
    VALID.validate(json.loads(dumps(a_plan())))


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("as_of",), "2026-11-15"),
        (("changes", 0, "action"), "destroy"),
        (("changes", 0, "units"), [1]),
        (("summary", "monthly"), "much"),
        (("format",), FORMAT + 1),
        (("surprise",), 1),
        (("digest",), "none"),
    ],
)
def test_a_plan_that_is_not_one_does_not_fit(steps, value):
    document = json.loads(dumps(a_plan()))
    at = document
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = value

    assert not VALID.is_valid(document)
