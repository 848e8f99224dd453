"""A mapping, compiled: rules first, then slots, those compared at each plan before the others."""

from engine.expressions.compiled import Compiled, mapping_values, rule_values, slot_raw, spec_values
from engine.model.catalogue import Entity, Field, Type
from engine.model.finding import Place, Severity
from engine.model.project import (
    AppendSpec,
    FieldSpec,
    Find,
    Join,
    LedgerSpec,
    Linked,
    Manage,
    MappingSpec,
    ProofSpec,
    Reference,
    Repeat,
    Rule,
    RuleOn,
    SourceSpec,
    TargetSpec,
    UnitsSpec,
    Value,
    WriteBackSpec,
)

HERE = Place("mappings/x.yaml", 1, 1)
ENTITY = Entity(
    "Contracts",
    frozenset({"create", "query", "update"}),
    {name: Field(name, Type.TEXT) for name in ("contractName", "contractNumber", "companyID", "endDate", "status")},
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
        value("mend"),
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
                {"email": value("{{ related.owner.email }}"), "isActive": Value(raw=True, place=HERE)},
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
        {one.name: one for one in fields},
        HERE,
        identity={"contractNumber": spec("contractNumber", "{{ source.number }}")},
    )


ROW = {"state": "Active", "customer": "a1", "end": None, "number": "C-1"}
NAMES = {"source": ROW, "related": {"owner": {"email": "o@x.example"}}}


def test_slots_compared_at_each_plan_come_first_and_identity_is_one_of_them():
    compiled = Compiled(mapping(), ENTITY, [])
    assert [slot.name for slot in compiled.slots] == ["companyID", "owner", "contractNumber", "status", "endDate"]
    assert [slot.position for slot in compiled.slots] == [0, 1, 2, 3, 4]
    assert compiled.compared == 3
    assert [slot.name for slot in compiled.slots if slot.identity] == ["contractNumber"]


def test_a_slot_knows_what_fills_it():
    compiled = Compiled(mapping(), ENTITY, [])
    assert compiled.slot("companyID").reference.mapping == "customer"
    assert compiled.slot("companyID").find is None
    assert compiled.slot("owner").find.entity == "Resources"
    assert compiled.slot("owner").reference is None
    assert compiled.slot("status").reference is compiled.slot("status").find is None
    assert compiled.slot("nobody") is None


def test_a_field_that_the_catalogue_does_not_know_is_text():
    assert Compiled(mapping(), ENTITY, []).slot("owner").field == Field("owner", Type.TEXT)


def test_rules_come_before_slots_and_those_that_skip_before_the_others():
    rules = [
        rule("first", "{{ source.number }}"),
        rule("skips", "{{ source.customer }}", Severity.SKIP),
        rule("later", "{{ source.gone }}", when="{{ not source.state }}"),
    ]
    compiled = Compiled(mapping(), ENTITY, rules)
    assert [one.name for one in compiled.rules] == ["skips", "first", "later"]
    assert compiled.first == 3
    assert compiled.program(dict(NAMES)) == ("a1", "C-1", True, "a1", ("o@x.example", True), "C-1", "Active", None)


def test_a_row_out_of_where_gives_none():
    assert Compiled(mapping(), ENTITY, []).program({"source": {**ROW, "state": "Inactive"}, "related": {}}) is None
    assert Compiled(mapping(None), ENTITY, []).program({**NAMES, "source": {**ROW, "state": "Inactive"}}) is not None


def test_joins_that_rules_fields_and_where_use_are_known():
    compiled = Compiled(
        mapping("{{ related.account }}"),
        ENTITY,
        [rule("r", "{{ related.logs }}", when="{{ related.product }}")],
    )
    assert compiled.joins == ("account", "logs", "owner", "product")


def test_what_is_evaluated_for_a_field_is_its_value_its_key_or_its_look_up_values():
    fields = mapping().fields
    assert slot_raw(fields["status"]) == "Active"
    assert slot_raw(fields["companyID"]) == "{{ source.customer }}"
    assert slot_raw(fields["owner"]) == ("{{ related.owner.email }}", True)
    assert [one.raw for one in spec_values(fields["owner"])] == ["{{ related.owner.email }}", True]


def test_every_value_of_a_mapping_is_found():
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
        match=({"m": spec("m", "match")},),
        create=value("create"),
        deactivate={"d": value("deactivate")},
        repeat=Repeat(value("repeat when"), "By", {"s": value("repeat set")}, HERE),
        ledger=LedgerSpec(value("quantity"), UnitsSpec("U", ("a", "b"), "units", 0, "posted", HERE), "p", HERE),
        append=AppendSpec((), "", "", (), ProofSpec("U", ("a", "b"), (), HERE), HERE),
        write_back=WriteBackSpec({"w": value("write back set")}, HERE, value("write back when")),
    )
    assert sorted(str(one.raw) for one in mapping_values(whole)) == sorted(
        [
            *("where", "join where", "target where", "field", "reference", "label", "find", "match", "create"),
            *("deactivate", "repeat when", "repeat set", "quantity", "write back set", "write back when"),
        ]
    )
    assert sorted(str(one.raw) for one in mapping_values(mapping())) == sorted(
        [
            *("{{ source.state == 'Active' }}", "auto", "Active", "{{ source.customer }}", "{{ source.end }}"),
            *("{{ related.owner.email }}", "True", "{{ source.number }}"),
        ]
    )


def test_a_write_back_without_a_condition_has_only_its_values():
    part = MappingSpec(
        "x", "X", "X", SourceSpec("t", HERE), TargetSpec("E", HERE), {}, HERE,
        write_back=WriteBackSpec({"w": value("set")}, HERE),
    )  # fmt: skip
    assert [one.raw for one in mapping_values(part)] == ["auto", "set"]


def test_every_value_of_a_rule_is_found():
    assert [one.raw for one in rule_values(rule("r", "check", when="when"))] == ["when", "check", "no", "mend"]
    assert [one.raw for one in rule_values(rule("r", "check"))] == ["check", "no", "mend"]
