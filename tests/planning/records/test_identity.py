"""Records by identity: case and idle spaces do not matter.

They are asked once for all identities of the same fields.
"""

from typing import Any

from trueup.model.catalogue import Entity, Field, Type
from trueup.planning.records.identity import carriers

THINGS = Entity(
    "Things",
    frozenset({"query"}),
    {"number": Field("number", Type.TEXT), "of": Field("of", Type.INTEGER)},
)
RECORDS: list[dict[str, Any]] = [
    {"id": 1, "number": "A-1 ", "of": 5},
    {"id": 2, "number": "a-1", "of": 6},
    {"id": 3, "number": None, "of": 6},
]


def found(wanted):
    asked = []

    def read(_entity, where, fields):
        asked.append((where[0].field, where[0].value, fields))
        return [record for record in RECORDS if record[where[0].field] is not None]

    ids = {
        key: [record["id"] for record in records]
        for key, records in carriers(THINGS, wanted, read).items()
    }
    return ids, asked


def test_text_is_queried_before_references_and_all_fields_must_fit():
    wanted = {"a": {"of": 5, "number": "a-1"}, "b": {"of": 7, "number": "A-1"}}
    assert found(wanted) == ({"a": [1], "b": []}, [("number", ["A-1", "a-1"], ["number", "of"])])


def test_identities_of_other_fields_are_queried_by_themselves():
    wanted = {"a": {"number": "A-1"}, "b": {"of": 6}}
    assert found(wanted)[0] == {"a": [1, 2], "b": [2, 3]}
    assert [field for field, *_ in found(wanted)[1]] == ["number", "of"]


def test_an_empty_identity_is_of_no_row_and_is_not_queried():
    assert found({"a": {"number": None}}) == ({"a": []}, [])
    assert found({}) == ({}, [])
