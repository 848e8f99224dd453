"""`$filter`: what it finds, and what is refused."""

from datetime import datetime
from decimal import Decimal

import pytest
from trueup.sandbox.dataverse.filters import Field, compile_filter
from trueup.sandbox.dataverse.responses import DataverseError, unknown_property

KEY = "7f3a0000-0000-4000-8000-000000000001"
ROW = {
    "name": "It's Alpha",
    "allowed": True,
    "trueup": Decimal(3),
    "price": Decimal("10.50"),
    "nothing": None,
    "made": datetime.fromisoformat("2026-03-01T08:00:00+00:00"),
    "_owner_value": KEY,
    "owner/name": "Anna",
    "code": "It's Alpha",
}
TYPES = {
    "allowed": "Boolean",
    "trueup": "Number",
    "price": "Number",
    "made": "DateTimeOffset",
    "_owner_value": "Guid",
}


def resolve(name: str) -> Field:
    if name not in ROW:
        raise unknown_property(name, "the row")
    return Field(TYPES.get(name, "String"), lambda row: row[name])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name eq 'IT''S ALPHA'", True),
        ("name ne 'other'", True),
        ("name gt 'beta'", True),
        ("contains(name,'s al')", True),
        ("startswith(name, 'alpha')", False),
        ("endswith(name,'ALPHA')", True),
        ("not contains(name,'alpha')", False),
        ("not(contains(name,'beta'))", True),
        ("not not (name eq 'x')", False),
        ("allowed eq true", True),
        ("allowed eq false or trueup eq 3", True),
        ("trueup eq 3 and trueup gt 3", False),
        ("trueup eq 1 or trueup eq 3 and allowed eq false", False),
        ("(trueup eq 3 or trueup eq 1) and allowed eq true", True),
        ("price eq 10.5", True),
        ("price lt -1", False),
        ("nothing eq null", True),
        ("nothing ne null", False),
        ("name ne null", True),
        ("nothing eq 'x'", False),
        ("nothing ne 'x'", True),
        ("nothing lt 'x'", False),
        ("contains(nothing,'x')", False),
        ("made ge 2026-03-01", True),
        ("made eq 2026-03-01T09:00:00+01:00", True),
        ("made lt 2026-03-01T08:00:00.000Z", False),
        (f"_owner_value eq {KEY.upper()}", True),
        ("owner/name eq 'anna'", True),
        ("name eq code", True),
        ("Microsoft.Dynamics.CRM.In(PropertyName='trueup',PropertyValues=['1','3'])", True),
        ('Microsoft.Dynamics.CRM.In(PropertyName="name",PropertyValues=["x"])', False),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='name',PropertyValues=['x'])", True),
        ("Microsoft.Dynamics.CRM.Between(PropertyName='price',PropertyValues=['1','10.5'])", True),
        ("Microsoft.Dynamics.CRM.NotBetween(PropertyName='price',PropertyValues=['1','9'])", True),
        ("name eq Some.Enum'x'", False),
    ],
)
def test_a_filter_finds_rows(text: str, found: bool):  # noqa: FBT001
    assert compile_filter(text, resolve)(ROW) is found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Syntax error at position 0"),
        ("name", "Syntax error at position 4"),
        ("name eq", "Syntax error at position 7"),
        ("name eq 'x", "Syntax error: character '''"),
        ("name eq 'x' garbage", "Syntax error at position 12"),
        ("(name eq 'x'", "Syntax error at position 12"),
        ("name eq 'x')", "Syntax error at position 11"),
        ("'x' eq name", "Syntax error at position 0"),
        ("name is 'x'", "Syntax error at position 5"),
        ("trueup add 1 eq 4", "Syntax error at position 7"),
        ("trueup in (1, 3)", "Syntax error at position 7"),
        ("color eq 1", "Could not find a property named 'color'"),
        ("trueup eq '3'", "A binary operator with incompatible types was detected."),
        ("_owner_value eq 'x'", "A binary operator with incompatible types was detected."),
        ("name eq price", "A binary operator with incompatible types was detected."),
        ("contains(price,'1')", "No function signature for the function with name 'contains'"),
        ("tolower(name) eq 'x'", "An unknown function with name 'tolower' was found."),
        ("items/any(i:i/x eq 1)", "An unknown function with name 'items/any' was found."),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='made')", "An unknown function with name"),
        ("Microsoft.Dynamics.CRM.In(PropertyName='name')", "The function 'In' needs"),
        (
            "Microsoft.Dynamics.CRM.Between(PropertyName='price',PropertyValues=['1'])",
            "The function 'Between' needs two",
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='price',PropertyValues=['x'])",
            "Cannot convert 'x' to type 'Edm.Number'.",
        ),
        ("made eq 2026-13-01", "Syntax error at position 8"),
        ("(" * 60 + "name eq 'x'" + ")" * 60, "The node count limit"),
    ],
)
def test_what_is_wrong_or_not_supported_is_refused(text: str, message: str):
    with pytest.raises(DataverseError) as refused:
        compile_filter(text, resolve)

    assert refused.value.message.startswith(message)
    assert (refused.value.status, refused.value.code) == (400, "0x80060888")
