"""The records of rows that are kept out: found for the ledger, never written."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.expressions.compiled import Compiled
from trueup.model.catalogue import UNNAMED, Catalogue, Entity, Field, Type
from trueup.model.mapping import MatchKey, Strength
from trueup.model.mapping_state import MappingState
from trueup.planning.records.presence import find_presence
from trueup.stages.resolve import Resolver

from tests.stages.examples import mapping, ref, spec, specs

ENTITY = Entity(
    "Contracts",
    frozenset({"create", "query", "update"}),
    {
        name: Field(name, Type.TEXT)
        for name in ("externalID", "contractNumber", "contractName", "companyID")
    },
)
BY_ID = specs(externalID="{{ source.id }}")
BY_NAME = specs(contractName="{{ source.name }}")
BY_NUMBER = specs(contractNumber="{{ source.number }}")


class Reader:
    """Reads records that are not the mapping's own; one read for all rows."""

    def __init__(self, records):
        self.records, self.reads = records, 0

    def read(self, _entity, conditions, _fields):
        self.reads += 1
        assert self.reads == 1
        (condition,) = conditions
        return [one for one in self.records if one.get(condition.field) in condition.value]


@dataclass(frozen=True)
class Setup:
    """What a test may say about the mapping and its surroundings."""

    links: dict[str, int] = field(default_factory=dict)
    keys: tuple[dict[str, Any], ...] = (BY_NUMBER, BY_NAME)
    identity: dict[str, Any] = field(default_factory=lambda: BY_ID)
    strength: Strength = Strength.NORMAL
    evidence: tuple[str, ...] = ()
    elsewhere: list[dict[str, Any]] | None = None  # records that target.where leaves out
    parents: MappingState | None = None
    has_ledger: bool = True


def presence(rows, records=None, **setup):
    """The state of a mapping whose rows are all out of scope, with their records looked for."""
    has = Setup(**setup)
    one = mapping(
        fields=[spec("contractName", "{{ source.name }}")],
        identity=has.identity,
        match=tuple(MatchKey(key, has.strength) for key in has.keys),
        evidence=has.evidence,
    )
    if has.elsewhere is None:
        one = replace(one, target=replace(one.target, where={}))
    empty = dict.fromkeys(("name", "number", "parent"))
    state = MappingState(one, {key: {**empty, "id": key, **row} for key, row in rows.items()})
    state.out_of_scope.update(rows)
    state.records.update({id_: {"id": id_, **part} for id_, part in (records or {}).items()})
    state.record_ids.update(has.links)
    states = {"contract": state, "customer": has.parents or MappingState(mapping("customer"), {})}
    context: Any = SimpleNamespace(
        ledger_mappings=frozenset({"contract"} if has.has_ledger else ()),
        states=states,
        resolvers={"contract": Resolver(Compiled(one, ENTITY, []), states, None)},
        project=SimpleNamespace(
            placeholders=(),
            mappings={"contract": one},
            rules=(),
            catalogue=Catalogue({}, {"Contracts": ENTITY}),
        ),
        reader=Reader(has.elsewhere or []),
        systems=UNNAMED,
        entity=lambda _name: ENTITY,
        names=lambda _mapping, key: {"source": state.rows[key]},
        label=lambda _mapping, key: key.upper(),
    )
    find_presence(context, one)
    return state


def test_a_row_that_is_kept_out_is_known_by_the_record_that_it_fits():
    records = {5: {"externalID": "a"}, 6: {"contractName": "Brightwater"}}
    rows = {"a": {}, "b": {"name": "Brightwater"}}
    state = presence(rows, records)
    assert (state.inferred_links, state.unknown_records) == ({"a": 5, "b": 6}, {})
    assert (state.record_ids, state.referable) == ({}, {})  # nothing is written of it


def test_without_a_ledger_no_record_is_looked_for():
    assert presence({"a": {}}, {5: {"externalID": "a"}}, has_ledger=False).inferred_links == {}


def test_a_row_that_has_a_record_keeps_it():
    records = {5: {}, 6: {"externalID": "a"}}
    assert presence({"a": {}}, records, links={"a": 5}).inferred_links == {}


def test_a_record_that_two_rows_fit_is_neither_s_and_is_known_as_contested():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    state = presence(rows, {5: {"contractName": "Alpine"}}, strength=Strength.STRONG)
    assert (state.inferred_links, state.contested_records) == ({}, {5})
    assert state.unknown_records == {"a": "2 rows fit Contracts 5", "b": "2 rows fit Contracts 5"}


def test_a_record_that_another_row_has_is_not_this_row_s():
    state = presence({"a": {}}, {5: {"externalID": "a"}}, links={"old": 5})
    assert state.inferred_links == {}
    assert state.unknown_records == {"a": "it fits Contracts 5, which is another row's"}
    state = presence({"a": {"name": "x1"}}, {5: {"contractName": "x1"}}, links={"old": 5})
    assert "a" not in state.inferred_links


@pytest.mark.parametrize("identity", [BY_NAME, {}])
def test_a_row_that_fits_two_records_is_not_known(identity):
    records = {5: {"contractName": "Alpine"}, 6: {"contractName": "alpine"}}
    state = presence({"a": {"name": "Alpine"}}, records, identity=identity, keys=(BY_NAME,))
    assert state.inferred_links == {}
    assert state.unknown_records == {"a": "2 Contracts fit it: 5, 6"}


def test_a_row_that_fits_no_record_is_absent():
    rows = {"a": {"name": "Alpine", "number": "4711"}}
    state = presence(rows, {5: {"contractName": "Brightwater"}})
    assert (state.inferred_links, state.unknown_records) == ({}, {})


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"number": "TBC"}, "it may be Contracts 5: contractNumber 'TBC' is a placeholder"),
        (
            {"number": "4711", "name": "Alpine"},
            "it may be Contracts 5: contractName is Alpine here and Brightwater there",
        ),
    ],
)
def test_a_match_that_is_in_doubt_is_not_known_rather_than_absent(row, why):
    records = {5: {"contractNumber": row["number"], "contractName": "Brightwater"}}
    keys, evidence = (BY_NUMBER,), ("contractName",)
    state = presence({"a": row}, records, keys=keys, evidence=evidence)
    assert (state.inferred_links, state.unknown_records) == ({}, {"a": why})


def test_a_row_whose_keys_are_empty_or_fail_is_not_known():
    state = presence({"a": {"name": "Alpine"}}, {5: {}})
    assert state.unknown_records == {"a": "its contractNumber is empty"}
    fails = specs(contractNumber="{{ source.gone }}")
    state = presence({"a": {}}, {5: {}}, keys=(fails,))
    why = "its contractNumber cannot be evaluated: there is no 'gone'"
    assert state.unknown_records == {"a": why}


def test_a_record_outside_of_the_mapping_s_own_is_found_by_identity_in_one_read():
    rows = {"a": {"name": "x1"}, "b": {"name": "x2"}}
    elsewhere = [{"id": 9, "externalID": "a"}]
    state = presence(rows, {}, keys=(), elsewhere=elsewhere)
    assert state.inferred_links == {"a": 9}
    assert state.records[9] == elsewhere[0]


# References: a contract is found through its customer, whatever keeps that one out

PARENT = {"companyID": spec("companyID", ref("customer", "{{ source.parent }}"))}


def customers(**more):
    parents = MappingState(mapping("customer"), {"c": {}, "d": {}})
    for name, values in more.items():
        getattr(parents, name).update(values)
    return parents


@pytest.mark.parametrize(
    ("parents", "link", "unknown"),
    [
        (customers(record_ids={"c": 77}), 5, None),
        (customers(inferred_links={"c": 77}), 5, None),
        (customers(), None, None),  # its customer has no record: neither has the contract
        (
            customers(unknown_records={"c": "2 rows fit Companies 77"}),
            None,
            "the record of its customer C is not known: 2 rows fit Companies 77",
        ),
    ],
)
def test_the_record_of_the_row_that_it_refers_to_counts(parents, link, unknown):
    state = presence(
        {"a": {"parent": "c"}}, {5: {"companyID": 77}}, identity={}, keys=(PARENT,), parents=parents
    )
    assert state.inferred_links == ({"a": link} if link else {})
    assert state.unknown_records == ({"a": unknown} if unknown else {})


@pytest.mark.parametrize("parent", [None, "nobody"])
def test_a_row_that_refers_to_no_row_is_not_known(parent):
    state = presence({"a": {"parent": parent}}, {5: {"companyID": 77}}, identity={}, keys=(PARENT,))
    assert state.unknown_records == {"a": "it refers to no customer that exists"}
