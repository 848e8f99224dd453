"""A compiled mapping has its rules first, then its slots, those compared at each plan first."""

import pytest
from trueup.expressions.compiled import Compiled, mapping_values, rule_values, slot_raw, spec_values
from trueup.model.catalogue import Entity, Field, Type
from trueup.model.finding import Place, Severity
from trueup.model.mapping import (
    AppendSpec,
    FieldPair,
    FieldSpec,
    Find,
    Join,
    LedgerSpec,
    Linked,
    Manage,
    MappingSpec,
    MatchKey,
    PolicyOverride,
    PolicyPart,
    PolicySpec,
    ProofSpec,
    Reference,
    Repeat,
    SourceSpec,
    TargetSpec,
    UnitFields,
    UnitsSpec,
    Value,
    WriteBackSpec,
)
from trueup.model.project import Rule
from trueup.model.rule_scopes import RuleOn

HERE = Place("mappings/x.yaml", 1, 1)
ENTITY = Entity(
    "Contracts",
    frozenset({"create", "query", "update"}),
    {
        name: Field(name, Type.TEXT)
        for name in ("contractName", "contractNumber", "companyID", "endDate", "status")
    },
    udf_capable="yes",
)


def value(raw):
    return Value(raw, HERE)


def spec(name, what, **more):
    return FieldSpec(name, value(what) if isinstance(what, str) else what, HERE, **more)


def rule(name, check, severity=Severity.ERROR, when=None):
    return Rule(
        name,
        "contract",
        RuleOn.ROW,
        value(check),
        severity,
        value("no"),
        value("fix it"),
        HERE,
        value(when) if when else None,
    )


def mapping(where="{{ source.state == 'Active' }}"):
    fields = [
        spec("status", "Active", manage=Manage.CREATE),
        spec("companyID", Reference("customer", value("{{ source.customer }}"), HERE)),
        spec("endDate", "{{ source.end }}", manage=Manage.EXTEND),
        spec(
            "owner",
            Find(
                "Resources",
                {
                    "email": value("{{ related.owner.email }}"),
                    "isActive": Value(raw=True, place=HERE),
                },
                HERE,
            ),
        ),
    ]
    return MappingSpec(
        "contract",
        "Contract",
        "Agreements",
        SourceSpec("contract", HERE, where=value(where) if where else None),
        TargetSpec("Contracts", HERE),
        {field.name: field for field in fields},
        HERE,
        identity={"contractNumber": spec("contractNumber", "{{ source.number }}")},
    )


ROW = {"state": "Active", "customer": "a1", "end": None, "number": "C-1"}
NAMES = {"source": ROW, "related": {"owner": {"email": "o@x.example"}}}


def test_slots_compared_at_each_plan_come_first_and_identity_is_one_of_them():
    compiled = Compiled(mapping(), ENTITY, [])
    assert [slot.name for slot in compiled.slots] == [
        "companyID",
        "owner",
        "contractNumber",
        "status",
        "endDate",
    ]
    assert [slot.position for slot in compiled.slots] == [0, 1, 2, 3, 4]
    assert compiled.compared == 3
    assert [slot.name for slot in compiled.slots if slot.identity] == ["contractNumber"]


def test_a_slot_has_the_reference_or_look_up_that_fills_it():
    compiled = Compiled(mapping(), ENTITY, [])
    assert compiled.slot("companyID").reference.mapping == "customer"
    assert compiled.slot("companyID").find is None
    assert compiled.slot("owner").find.entity == "Resources"
    assert compiled.slot("owner").reference is None
    assert compiled.slot("status").reference is compiled.slot("status").find is None
    assert compiled.slot("unknown") is None


def test_a_field_that_is_not_in_the_catalogue_is_text():
    assert Compiled(mapping(), ENTITY, []).slot("owner").field == Field("owner", Type.TEXT)


def test_rules_come_before_slots_and_skip_rules_come_first():
    rules = [
        rule("first", "{{ source.number }}"),
        rule("skips", "{{ source.customer }}", Severity.SKIP),
        rule("later", "{{ source.gone }}", when="{{ not source.state }}"),
    ]
    compiled = Compiled(mapping(), ENTITY, rules)
    assert [rule.name for rule in compiled.rules] == ["skips", "first", "later"]
    assert compiled.first == 1
    assert compiled.program(dict(NAMES)) == (
        True,
        "a1",
        ("o@x.example", True),
        "C-1",
        "Active",
        None,
    )


@pytest.mark.parametrize("number", ["", None])
def test_the_first_value_is_whether_all_rules_hold(number):
    rules = [rule("first", "{{ source.number }}"), rule("second", "{{ source.customer }}")]
    program = Compiled(mapping(), ENTITY, rules).program

    assert program(dict(NAMES))[0]
    assert not program({**NAMES, "source": {**ROW, "number": number}})[0]


def test_a_row_out_of_where_gives_none():
    assert (
        Compiled(mapping(), ENTITY, []).program(
            {"source": {**ROW, "state": "Inactive"}, "related": {}}
        )
        is None
    )
    assert (
        Compiled(mapping(None), ENTITY, []).program(
            {**NAMES, "source": {**ROW, "state": "Inactive"}}
        )
        is not None
    )


def test_the_joins_used_by_rules_fields_and_where_are_listed():
    compiled = Compiled(
        mapping("{{ related.account }}"),
        ENTITY,
        [rule("r", "{{ related.logs }}", when="{{ related.product }}")],
    )
    assert compiled.joins == ("account", "logs", "owner", "product")


def test_a_field_is_evaluated_as_its_value_its_key_or_its_look_up_values():
    fields = mapping().fields
    assert slot_raw(fields["status"]) == "Active"
    assert slot_raw(fields["companyID"]) == "{{ source.customer }}"
    assert slot_raw(fields["owner"]) == ("{{ related.owner.email }}", True)
    assert [part.raw for part in spec_values(fields["owner"])] == [
        "{{ related.owner.email }}",
        True,
    ]


def test_every_value_of_a_mapping_is_listed():
    whole = MappingSpec(
        "subscription",
        "Subscription",
        "Agreements",
        SourceSpec(
            "subscription",
            HERE,
            value("where"),
            {"j": Join("j", "t", {}, HERE, value("join where")), "k": Join("k", "t", {}, HERE)},
        ),
        TargetSpec("Contracts", HERE, {"a": value("target where"), "b": Linked("customer", HERE)}),
        {"f": spec("f", "field"), "r": spec("r", Reference("m", value("reference"), HERE))},
        HERE,
        label=value("label"),
        identity={"i": spec("i", Find("E", {"x": value("find")}, HERE))},
        match=(MatchKey({"m": spec("m", "match")}),),
        create=value("create"),
        deactivate={"d": value("deactivate")},
        repeat=Repeat(value("repeat when"), "By", {"s": value("repeat set")}, HERE),
        ledger=LedgerSpec(
            value("quantity"),
            UnitsSpec("U", FieldPair("a", "b"), "units", "posted", HERE),
            "p",
            HERE,
        ),
        append=AppendSpec(
            "a",
            "b",
            "c",
            "a",
            (),
            ProofSpec("U", FieldPair("a", "b"), UnitFields("a", "b", "c", "d"), HERE),
            HERE,
        ),
        write_back=WriteBackSpec({"w": value("write back set")}, HERE, value("write back when")),
        successor_of=value("successor"),
        policy=PolicySpec(
            {PolicyPart.CEILING: value("ceiling")},
            (PolicyOverride({"customer": "A"}, {PolicyPart.MINIMUM: value("minimum")}, HERE),),
            HERE,
        ),
    )
    assert sorted(str(part.raw) for part in mapping_values(whole)) == sorted(
        [
            "where",
            "join where",
            "target where",
            "field",
            "reference",
            "label",
            "find",
            "match",
            "create",
            "deactivate",
            "repeat when",
            "repeat set",
            "quantity",
            "write back set",
            "write back when",
            "successor",
            "ceiling",
            "minimum",
        ]
    )
    assert sorted(str(part.raw) for part in mapping_values(mapping())) == sorted(
        [
            "{{ source.state == 'Active' }}",
            "auto",
            "Active",
            "{{ source.customer }}",
            "{{ source.end }}",
            "{{ related.owner.email }}",
            "True",
            "{{ source.number }}",
        ]
    )


def test_a_write_back_without_a_condition_has_only_its_values():
    spec_with_write_back = MappingSpec(
        "x",
        "X",
        "X",
        SourceSpec("t", HERE),
        TargetSpec("E", HERE),
        {},
        HERE,
        write_back=WriteBackSpec({"w": value("set")}, HERE),
    )
    assert [part.raw for part in mapping_values(spec_with_write_back)] == ["auto", "set"]


def test_every_value_of_a_rule_is_listed():
    assert [part.raw for part in rule_values(rule("r", "check", when="when"))] == [
        "when",
        "check",
        "no",
        "fix it",
    ]
    assert [part.raw for part in rule_values(rule("r", "check"))] == ["check", "no", "fix it"]
