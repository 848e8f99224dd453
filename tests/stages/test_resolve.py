"""Values of expressions become values of fields: references, look-ups, picklists, types."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.expressions.compiled import Compiled
from trueup.expressions.value_filters import fold_all
from trueup.model.catalogue import Field, PickValue, SystemNames, Type
from trueup.model.change import Unknown
from trueup.model.coerce import CoercionError
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Manage
from trueup.model.mapping_state import MappingState
from trueup.stages.diff import differing
from trueup.stages.resolve import Resolved, Resolver, find_index

from tests.stages.examples import ENTITY, HERE, day, find, mapping, ref, spec

FIELDS = [
    spec("contractName", "{{ source.name }}"),
    spec("companyID", ref("customer", "{{ source.customer }}")),
    spec("ownerID", find("Resources", email="{{ source.owner }}", team="sales")),
    spec("period", "{{ source.period }}"),
    spec("endDate", "{{ source.end }}"),
    spec("setupFee", "{{ source.fee }}", manage=Manage.CREATE),
]
ROW = {
    "name": "Alpine",
    "customer": "a1",
    "owner": "o@x.example",
    "period": "Monthly",
    "end": day(9),
    "fee": "1.5",
}


class Finder:
    """Reference data of one resource."""

    def __init__(self):
        self.asked = []

    def __call__(self, _spec, wanted):
        self.asked.append(wanted)
        if wanted[0] is None:
            return None
        if wanted[0] != "o@x.example":
            raise CoercionError(f"there is no Resources with email {wanted[0]!r}")
        return 77


def customers():
    state = MappingState(
        mapping("customer"), {key: {} for key in ("a1", "a2", "blocked", "left", "out")}
    )
    state.referable.update(a1=29683, a2=Unknown("customer:a2"))
    state.blocked["blocked"] = [Finding("phone", Severity.ERROR, "has no phone")]
    state.skipped["left"] = Finding("skip", Severity.SKIP, "is a trial")
    state.out_of_scope.add("out")
    state.succeeded_by["old"] = "a1"
    return state


def resolver(finder=None, entity=ENTITY, **more):
    compiled = Compiled(mapping(fields=FIELDS), entity, [])
    return Resolver(compiled, {"customer": customers()}, finder or Finder(), **more)


def raw(made, **more):
    return made.compiled.program({"source": {**ROW, **more}})


def resolved_row(**more):
    made = resolver()
    return made.row("k", raw(made, **more))


def test_every_field_has_its_value_in_its_own_terms():
    assert resolved_row().values == {
        "contractName": "Alpine",
        "companyID": 29683,
        "ownerID": 77,
        "period": 2,
        "endDate": day(9),
        "setupFee": Decimal("1.5000"),
    }


def test_what_is_set_on_create_only_does_not_stop_an_existing_row():
    owner = spec(
        "ownerID", find("Resources", email="{{ source.owner }}", team="sales"), manage=Manage.CREATE
    )
    parent = spec("companyID", ref("customer", "{{ source.customer }}"), manage=Manage.CREATE)
    fee = spec("setupFee", "{{ source.fee }}", manage=Manage.CREATE)
    name = spec("contractName", "{{ source.name }}")
    made = Resolver(
        Compiled(mapping(fields=[owner, parent, fee, name]), ENTITY, []),
        {"customer": customers()},
        Finder(),
    )
    wrong = raw(made, owner="nobody", customer="left", fee="much")
    new, there = made.row("k", wrong), made.row("k", wrong, exists=True)
    assert ([one.code for one in new.findings], new.skip is None) == (
        ["value-does-not-fit"] * 2,
        False,
    )
    assert (there.findings, there.unfound, there.skip, there.because) == ([], {}, None, None)
    assert there.values == {
        "ownerID": None,
        "companyID": None,
        "setupFee": None,
        "contractName": "Alpine",
    }
    assert made.row("k", raw(made), exists=True).values["ownerID"] == 77


def test_what_is_none_stays_none():
    values = resolved_row(
        name=None, customer=None, owner=None, period=None, end=None, fee=None
    ).values
    assert values == dict.fromkeys(
        ["contractName", "companyID", "ownerID", "period", "endDate", "setupFee"]
    )


def test_a_reference_to_what_is_yet_to_be_created_is_known_after_apply():
    assert resolved_row(customer="a2").values["companyID"] == Unknown("customer:a2")


def test_a_reference_to_a_blocked_row_blocks_and_names_it():
    resolved = resolved_row(customer="blocked")
    assert resolved.because == ("customer", "blocked")
    assert [(one.code, one.text, one.remedy) for one in resolved.findings] == [
        ("depends-on-blocked", "depends on customer blocked, which is blocked", "")
    ]


@pytest.mark.parametrize(
    ("customer", "code", "text"),
    [
        ("left", "refers-to-left-out", "its customer is left out: is a trial"),
        ("out", "refers-out-of-scope", "its customer is not in the scope of customer"),
    ],
)
def test_a_reference_to_a_row_left_out_leaves_the_row_out(customer, code, text):
    resolved = resolved_row(customer=customer)
    assert (resolved.skip.code, resolved.skip.severity, resolved.skip.text) == (
        code,
        Severity.SKIP,
        text,
    )
    assert (resolved.skip.key, resolved.skip.place, resolved.findings) == ("k", HERE, [])


def test_a_reference_to_a_row_that_another_took_the_place_of_is_the_other_s_record():
    assert resolved_row(customer="old").values["companyID"] == 29683


def test_the_source_is_named_in_remedies():
    made = resolver(systems=SystemNames("Work 365", "Autotask"))
    (finding,) = made.row("k", raw(made, customer="nobody")).findings
    assert finding.remedy == "correct the row in Work 365, or the mapping at this place"


def test_a_reference_to_no_row_is_reported():
    finding = resolved_row(customer="nobody").findings[0]
    assert (finding.code, finding.text) == (
        "reference-missing",
        "companyID refers to customer nobody, and there is no such row",
    )
    assert (finding.severity, finding.mapping, finding.key, finding.place) == (
        Severity.ERROR,
        "contract",
        "k",
        HERE,
    )
    assert finding.remedy


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (
            {"period": "Fortnightly"},
            "value-does-not-fit",
            "'Fortnightly' is not in the picklist of period (Monthly, Yearly, Weekly)",
        ),
        (
            {"period": "Weekly"},
            "value-does-not-fit",
            "'Weekly' is an inactive entry of the picklist of period",
        ),
        ({"end": "soon"}, "value-does-not-fit", "'soon' is not a day (2026-11-15) for endDate"),
        ({"name": "x" * 21}, "value-does-not-fit", "contractName takes 20 characters, this has 21"),
        (
            {"owner": "p@x.example"},
            "value-does-not-fit",
            "there is no Resources with email 'p@x.example'",
        ),
        ({"owner": ["p"]}, "value-does-not-fit", "nothing can be looked up by a list, 'sales'"),
    ],
)
def test_a_value_that_does_not_fit_is_reported(more, code, text):
    findings = resolved_row(**more).findings
    assert [(one.code, one.text) for one in findings] == [(code, text)]


def test_a_picklist_without_entries_is_reported_with_the_command_that_reads_them():
    fields = {**ENTITY.fields, "period": Field("period", Type.INTEGER, picklist=())}
    made = resolver(entity=replace(ENTITY, fields=fields))

    [finding] = made.row("k", raw(made)).findings

    assert finding.text.startswith("'Monthly' is not in the picklist of period (no entry is known")
    assert finding.remedy == (
        "`trueup catalogue pull Contracts` reads the entries from the tenant; without one, "
        "state them in the catalogue"
    )


def test_a_look_up_that_finds_nothing_is_known_as_such():
    resolved = resolved_row(owner="p@x.example")
    assert resolved.values["ownerID"] is None
    assert resolved.unfound == {"ownerID": resolved.findings[0]}
    assert resolved_row(period="Fortnightly").unfound == {}


def test_everything_that_is_wrong_with_a_row_is_reported_together():
    assert [
        one.text.split()[0]
        for one in resolved_row(name="x" * 21, period="x", customer="nobody").findings
    ] == [
        "contractName",
        "companyID",
        "'x'",
    ]


@pytest.mark.parametrize("column", ["name", "customer", "owner", "period", "fee"])
def test_what_does_not_exist_is_reported_by_the_field_that_wants_it(column):
    made = resolver()
    row = {key: value for key, value in ROW.items() if key != column}
    resolved = made.row("k", made.compiled.program({"source": row}))
    name = {
        "name": "contractName",
        "customer": "companyID",
        "owner": "ownerID",
        "period": "period",
        "fee": "setupFee",
    }[column]
    assert [(one.code, one.text) for one in resolved.findings] == [
        ("expression-failed", f"{name}: there is no '{column}'")
    ]


def test_a_look_up_is_made_once_for_the_same_values():
    finder = Finder()
    made = resolver(finder)
    for _ in range(3):
        made.row("k", raw(made))
        made.compared(raw(made))
    assert finder.asked == [("o@x.example", "sales")]


def test_the_compared_fields_alone_come_in_order():
    made = resolver()
    assert made.compared(raw(made)) == ["Alpine", 29683, 77, 2, day(9)]
    assert made.compared(raw(made, customer=None, owner=None, period=None)) == [
        "Alpine",
        None,
        None,
        None,
        day(9),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"customer": "blocked"},
        {"customer": 5},
        {"period": "monthly"},
        {"period": "x"},
        {"owner": "x"},
        {"owner": ["x"]},
        {"period": []},
    ],
)
def test_what_cannot_be_compared_at_once_is_resolved_in_full(more):
    made = resolver()
    assert made.compared(raw(made, **more)) is None


def test_yes_is_not_taken_for_entry_1_of_a_picklist():
    period = Field("period", Type.INTEGER, picklist=(PickValue(1, "Monthly"),))
    made = resolver(entity=replace(ENTITY, fields={**ENTITY.fields, "period": period}))

    assert made.compared(raw(made, period=True)) is None
    (finding,) = made.row("k", raw(made, period=True)).findings
    assert "true is not in the picklist of period (Monthly)" in finding.text


@pytest.mark.parametrize("column", ["customer", "owner", "period"])
def test_a_missing_column_is_resolved_in_full(column):
    made = resolver()
    row = {key: value for key, value in ROW.items() if key != column}
    assert made.compared(made.compiled.program({"source": row})) is None


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Alpine", " Alpine", None, "", "x" * 21, 5]),
        "customer": st.sampled_from(["a1", "a2", None, "blocked", "left", "nobody"]),
        "owner": st.sampled_from(["o@x.example", None, "p@x.example"]),
        "period": st.sampled_from(["Monthly", "monthly", 2, 3, "Weekly", "x", None]),
        "end": st.sampled_from([day(9), None, "2026-01-09", "soon"]),
    },
)
RECORDS = st.fixed_dictionaries(
    {
        "contractName": st.sampled_from(["Alpine", None]),
        "companyID": st.sampled_from([29683, 5]),
        "ownerID": st.sampled_from([77, None]),
        "period": st.sampled_from([2, 3]),
        "endDate": st.sampled_from([day(9), None]),
    }
)


@given(VALUES, RECORDS)
def test_rows_whose_compared_values_are_equal_need_no_change(values, record):
    made = resolver()
    given_raw = raw(made, **values)
    if not differing([("k", made.compared(given_raw), record)], [*record]):
        resolved = made.row("k", given_raw)
        assert not resolved.findings
        assert {name: resolved.values[name] for name in record} == record


def test_a_slot_alone_goes_into_what_is_resolved_already():
    made = resolver()
    resolved = Resolved(values={"other": 1})
    made.slot("k", made.compiled.slot("period"), "Yearly", resolved)
    assert resolved.values == {"other": 1, "period": 3}


def test_reference_data_is_indexed_without_case_and_idle_spaces():
    records: list[dict[str, Any]] = [
        {"id": 1, "name": " Sales "},
        {"id": 2, "name": "SALES"},
        {"id": 3, "name": None},
    ]
    index = find_index(records, ["name"])
    assert {key: [one["id"] for one in found] for key, found in index.items()} == {"sales": [1, 2]}


def test_reference_data_is_indexed_by_numbers_as_they_are_compared():
    index = find_index([{"id": 1, "rate": Decimal("1.5000"), "active": True}], ["rate", "active"])
    assert [*index] == [fold_all([Decimal("1.5"), True])]
