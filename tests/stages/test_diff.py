"""Desired against actual: what is written, what cannot be, and why it differs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined, UndefinedError
from trueup.expressions.compiled import Compiled, Slot
from trueup.model.catalogue import Field, SystemNames, Type
from trueup.model.change import FieldChange, Reason, Unknown
from trueup.model.coerce import CoercionError, same
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Manage
from trueup.stages.diff import (
    ROW,
    UNDONE,
    creation,
    deactivation,
    differing,
    display_text,
    field_changes,
    getter,
    owned,
    reason,
    updates,
)

from tests.stages.examples import ENTITY, HERE, day, mapping, spec, value

ALWAYS, CREATE, FILL, EXTEND = Manage
SYSTEMS = SystemNames("Work 365", "Autotask")


def compared(slots, desired, record):
    """The fields to write and the findings, with values as people read them."""
    return updates(slots, desired, record, display_text, SYSTEMS)


def slot(name, manage=ALWAYS, *, clear=False, identity=False):
    return Slot(
        spec(name, "{{ x }}", manage=manage, clear=clear), ENTITY.field(name), 0, identity=identity
    )


def written(manage, desired, actual, *, clear=False, name="contractName"):
    writes, stuck = compared([slot(name, manage, clear=clear)], {name: desired}, {name: actual})
    assert stuck == []
    return writes.get(name, "nothing is written")


NOTHING = "nothing is written"


@pytest.mark.parametrize(
    ("manage", "desired", "actual", "after"),
    [
        (ALWAYS, "Alpine", "Alpine", NOTHING),
        (ALWAYS, "Alpine", "Brightwater", "Alpine"),
        (ALWAYS, "Alpine", None, "Alpine"),
        (ALWAYS, " Alpine\n", "Alpine", NOTHING),
        (ALWAYS, "Alpine", "Alpine \r\n", NOTHING),
        (ALWAYS, "alpine", "Alpine", "alpine"),
        (ALWAYS, None, "Alpine", NOTHING),
        (ALWAYS, "", "Alpine", NOTHING),
        (ALWAYS, Unknown("c"), 5, Unknown("c")),
        (CREATE, "Alpine", "Brightwater", NOTHING),
        (CREATE, "Alpine", None, NOTHING),
        (FILL, "Alpine", "Brightwater", NOTHING),
        (FILL, "Alpine", None, "Alpine"),
        (FILL, "Alpine", "", "Alpine"),
        (FILL, None, None, NOTHING),
        (EXTEND, day("2-1"), day("1-1"), day("2-1")),
        (EXTEND, day("1-1"), day("2-1"), NOTHING),
        (EXTEND, day("1-1"), day("1-1"), NOTHING),
        (EXTEND, day("1-1"), None, day("1-1")),
        (EXTEND, None, day("1-1"), NOTHING),
    ],
)
def test_a_field_is_written_as_it_is_managed(manage, desired, actual, after):
    assert written(manage, desired, actual) == after


@pytest.mark.parametrize(
    ("desired", "actual", "after"),
    [
        (None, "Alpine", None),
        ("", "Alpine", None),
        (None, None, NOTHING),
        ("", "", NOTHING),
        (None, "", NOTHING),
        ("Alpine", "x", "Alpine"),
    ],
)
def test_a_field_that_may_be_cleared_is_emptied_by_none(desired, actual, after):
    assert written(ALWAYS, desired, actual, clear=True, name="contractNumber") == after


@pytest.mark.parametrize(("manage", "after"), [(CREATE, NOTHING), (FILL, NOTHING), (EXTEND, None)])
def test_clearing_goes_no_further_than_managing(manage, after):
    assert written(manage, None, day(1), clear=True, name="endDate") == after


def test_a_field_that_the_target_requires_is_not_cleared():
    found = compared(
        [slot("contractName", clear=True)], {"contractName": ""}, {"contractName": "Alpine"}
    )

    assert found == (
        {},
        [
            Finding(
                "required-empty",
                Severity.ERROR,
                "contractName is Alpine in Autotask and is required there, "
                "and this row has no value for it",
                "enter it in Work 365, or remove `clear` from the field",
                HERE,
            )
        ],
    )


def test_only_fields_that_differ_are_written_whatever_the_others():
    slots = [slot("contractName"), slot("units"), slot("setupFee"), slot("endDate", EXTEND)]
    desired = {"contractName": "New", "units": 5, "setupFee": Decimal("1.5000"), "endDate": day(1)}
    record = {"contractName": "Old", "units": 5, "setupFee": Decimal("1.5"), "endDate": day(9)}
    assert compared(slots, desired, record) == ({"contractName": "New"}, [])


@pytest.mark.parametrize(
    ("name", "after", "before"),
    [
        ("units", 9007199254740993, 9007199254740992),  # one number as floats
        ("setupFee", Decimal("1234567890123456789.0001"), Decimal("1234567890123456789.0002")),
    ],
)
def test_a_difference_in_the_last_figure_is_written(name, after, before):
    assert written(ALWAYS, after, before, name=name) == after


def test_a_field_that_autotask_takes_on_create_only_and_that_differs_is_reported():
    writes, stuck = compared(
        [slot("companyID"), slot("units")],
        {"companyID": 5, "units": 2},
        {"companyID": 6, "units": 1},
    )
    assert writes == {"units": 2}
    assert [(one.code, one.severity, one.place) for one in stuck] == [
        ("create-only-differs", Severity.ERROR, HERE)
    ]
    assert (
        stuck[0].text
        == "companyID is 6 in Autotask and should be 5, but Autotask takes it on create only"
    )
    assert stuck[0].remedy.startswith("make the row and the record agree in one of the systems")
    assert compared([slot("companyID")], {"companyID": 6}, {"companyID": 6}) == ({}, [])
    assert compared([slot("companyID", CREATE)], {"companyID": 5}, {"companyID": 6}) == ({}, [])


def test_values_of_such_a_field_are_shown_as_the_caller_shows_them():
    _, stuck = updates(
        [slot("companyID")],
        {"companyID": 5},
        {"companyID": 6},
        lambda slot, value: f"{slot.name} {value}",
        SYSTEMS,
    )
    assert "is companyID 6 in Autotask and should be companyID 5" in stuck[0].text


def test_an_identity_that_autotask_fixes_at_create_is_never_compared_or_stamped_later():
    assert compared([slot("companyID", identity=True)], {"companyID": 5}, {"companyID": None}) == (
        {},
        [],
    )
    assert compared(
        [slot("contractNumber", identity=True)], {"contractNumber": "C"}, {"contractNumber": None}
    ) == (
        {"contractNumber": "C"},
        [],
    )


# The naive comparison that all the clever ones must agree with

FIELDS = {
    "text": (Field("text", Type.TEXT), st.none() | st.text("a \r\né", max_size=4)),
    "whole": (
        Field("whole", Type.INTEGER),
        st.none() | st.integers(-3, 3) | st.integers(-(2**60), 2**60),
    ),
    "ref": (
        Field("ref", Type.INTEGER),
        st.none() | st.integers(0, 2) | st.builds(Unknown, st.sampled_from("ab")),
    ),
    "money": (
        Field("money", Type.DECIMAL),
        st.none() | st.decimals("-9", "9", places=4) | st.decimals(-(10**15), 10**15, places=4),
    ),
    "yes": (Field("yes", Type.BOOLEAN), st.none() | st.booleans()),
    "day": (Field("day", Type.DAY), st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 4))),
    "at": (
        Field("at", Type.INSTANT),
        st.none()
        | st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 2), timezones=st.just(UTC)),  # noqa: DTZ001 -- bounds
    ),
    "udf.Work 365 Id": (Field("udf.Work 365 Id", Type.TEXT), st.none() | st.text(max_size=3)),
    "a'b\"c[0]": (Field("a'b\"c[0]", Type.TEXT), st.none() | st.sampled_from(["x", "y"])),
}
SLOTS = [
    Slot(spec(name, "{{ x }}"), field, position, identity=False)
    for position, (name, (field, _)) in enumerate(FIELDS.items())
]
RECORDS = st.fixed_dictionaries({name: values for name, (_, values) in FIELDS.items()})
PAIRS = RECORDS.flatmap(
    lambda record: st.tuples(
        st.just(record),
        st.tuples(RECORDS, st.sets(st.sampled_from([*FIELDS]))).map(
            lambda two: {**record, **{n: two[0][n] for n in two[1]}}
        ),
    )
)


@given(PAIRS)
def test_what_is_written_is_what_differs_field_by_field(pair):
    record, desired = pair
    naive = {
        name: desired[name]
        for name in FIELDS
        if desired[name] not in (None, "") and not same(desired[name], record[name])
    }
    writes, stuck = compared(SLOTS, desired, record)
    assert (writes, stuck) == (naive, [])
    assert all(type(writes[name]) is type(naive[name]) for name in naive)


@given(PAIRS)
def test_once_written_nothing_is_left_to_write(pair):
    record, desired = pair
    writes, _ = compared(SLOTS, desired, record)
    assert compared(SLOTS, desired, {**record, **writes}) == ({}, [])


@given(st.lists(PAIRS, max_size=6), st.sets(st.sampled_from([*FIELDS])))
def test_rows_that_differ_are_those_that_a_naive_comparison_finds(pairs, names):
    names = sorted(names)
    rows = [
        (str(number), [desired[name] for name in names], record)
        for number, (record, desired) in enumerate(pairs)
    ]
    naive = [
        key
        for key, desired, record in rows
        if any(desired[i] != record[name] for i, name in enumerate(names))
    ]
    assert differing(rows, names) == naive
    wanted = [
        key
        for (record, desired), (key, _, _) in zip(pairs, rows, strict=True)
        if compared(by_name(names), desired, record)[0]
    ]
    assert set(wanted) <= set(naive)


def by_name(names):
    return [one for one in SLOTS if one.name in names]


def test_rows_whose_values_are_not_known_yet_differ():
    assert differing([("a", None, {"x": 1}), ("b", [1], {"x": 1})], ["x"]) == ["a"]
    assert differing([("a", None, {}), ("b", [], {})], []) == ["a"]


def test_rows_with_values_that_cannot_be_compared_differ():
    undefined = StrictUndefined("there is none")
    rows: list[Any] = [
        ("a", [undefined], {"x": 1}),
        ("b", [1], {}),
        ("c", [Decimal("sNaN")], {"x": Decimal(1)}),
        ("d", [1], {"x": 1}),
    ]
    assert differing(rows, ["x"]) == ["a", "b", "c"]


def test_a_getter_gives_a_list_whatever_the_number_of_names():
    assert getter(["a"])({"a": 1, "b": 2}) == [1]
    assert getter(["b", "a"])({"a": 1, "b": 2}) == [2, 1]


def test_a_new_record_has_every_value_that_is_there():
    slots = [
        slot("contractName"),
        slot("units"),
        slot("isActive", CREATE),
        slot("setupFee", FILL),
        slot("endDate", EXTEND),
    ]
    slots += [slot("companyID"), slot("startDate"), slot("serial"), slot("contractNumber")]
    desired = {
        "contractName": "Alpine", "units": 0, "isActive": False, "setupFee": Decimal(0),
        "companyID": Unknown("customer:a"), "startDate": day(1), "serial": "S",
        "endDate": None, "contractNumber": "",
    }  # fmt: skip
    values, findings = creation(slots, desired, ENTITY)
    assert values == {
        "contractName": "Alpine", "units": 0, "isActive": False, "setupFee": Decimal(0),
        "companyID": Unknown("customer:a"), "startDate": day(1), "serial": "S",
    }  # fmt: skip
    assert findings == []


def test_a_new_record_without_what_is_required_is_reported_field_by_field():
    values, findings = creation(
        [slot("contractName"), slot("startDate")], {"contractName": "", "startDate": day(1)}, ENTITY
    )
    assert values == {"startDate": day(1)}
    assert [(one.code, one.severity, one.text) for one in findings] == [
        (
            "required-empty",
            Severity.ERROR,
            "Contracts.contractName is required, and this row has no value for it",
        ),
        (
            "required-empty",
            Severity.ERROR,
            "Contracts.companyID is required, and this row has no value for it",
        ),
    ]


def test_a_field_that_can_only_be_read_is_not_sent():
    read_only = Slot(spec("id", 5), ENTITY.field("id"), 0, identity=False)
    assert creation([read_only], {"id": 5}, ENTITY)[0] == {}


@pytest.mark.parametrize(
    ("desired", "actual", "last", "row", "why"),
    [
        ("new", "old", None, "r1", Reason.FIRST),
        ("new", "old", {"other": "x", ROW: "r1"}, "r1", Reason.FIRST),
        ("new", "old", {"name": "old", ROW: "r1"}, "r2", Reason.SOURCE),
        ("new", "old", {"name": "old ", ROW: "r1"}, "r1", Reason.MAPPING),
        ("new", "edited", {"name": "new", ROW: "r1"}, "r1", Reason.DRIFT),
        ("new", "edited", {"name": "old", ROW: "r1"}, "r2", Reason.BOTH),
        (None, "edited", {"name": None, ROW: "r1"}, "r1", Reason.DRIFT),
        ("new", "old", {"name": "old", f"{UNDONE}name": "run", ROW: "r1"}, "r1", Reason.UNDONE),
        ("new", "old", {"name": "old", f"{UNDONE}other": "run", ROW: "r1"}, "r1", Reason.MAPPING),
        ("new", "edited", {"name": "old", f"{UNDONE}name": "run", ROW: "r1"}, "r1", Reason.BOTH),
    ],
)
def test_a_difference_has_its_reason(desired, actual, last, row, why):
    assert reason("name", desired, actual, last, row) is why


def test_changes_of_fields_are_in_the_order_of_the_mapping_as_people_read_them():
    slots = [slot("contractName"), slot("period"), slot("units")]
    made = field_changes(
        slots,
        {"period": 3, "contractName": "New"},
        {"contractName": "Old", "period": 2},
        lambda name: Reason.SOURCE if name == "period" else Reason.DRIFT,
        display_text,
    )
    assert made == (
        FieldChange("contractName", "Old", "New", Reason.DRIFT, "Old", "New"),
        FieldChange("period", 2, 3, Reason.SOURCE, "Monthly", "Yearly"),
    )
    assert field_changes(slots, {"units": 1}, None, lambda _name: Reason.NEW, display_text) == (
        FieldChange("units", None, 1, Reason.NEW, "–", "1"),
    )


@pytest.mark.parametrize(
    ("name", "what", "text"),
    [
        ("contractName", None, "–"),
        ("contractName", "", "–"),
        ("contractName", "Alpine", "Alpine"),
        ("period", 2, "Monthly"),
        ("period", 99, "99"),
        ("isActive", True, "yes"),
        ("isActive", False, "no"),
        ("units", 0, "0"),
        ("companyID", Unknown("customer:a"), "known after apply"),
        ("endDate", day(1), "2026-01-01"),
    ],
)
def test_a_value_is_shown_as_people_read_it(name, what, text):
    assert display_text(slot(name), what) == text


def test_state_remembers_what_the_mapping_wrote_and_the_row_that_it_came_from():
    slots = [
        slot("contractName"),
        slot("units", CREATE),
        slot("setupFee", FILL),
        slot("endDate", EXTEND),
    ]
    slots += [slot("ownerID"), slot("period", clear=True)]
    values = {
        "contractName": "Alpine",
        "units": 1,
        "setupFee": Decimal(2),
        "endDate": day(1),
        "ownerID": None,
        "period": None,
    }
    kept = owned(slots, values, {"id": "k"})
    print_ = kept.pop(ROW)
    assert kept == {
        "contractName": "Alpine",
        "setupFee": Decimal(2),
        "endDate": day(1),
        "period": None,
    }
    assert owned(slots, values, {"id": "l"})[ROW] != print_


def test_what_was_extended_counts_as_changed_in_the_source_the_next_time():
    ends = slot("endDate", EXTEND)
    last = owned([ends], {"endDate": day("1-31")}, {"end": day("1-31")})
    assert reason("endDate", day("2-28"), day("1-31"), last, "another row") is Reason.SOURCE


def test_a_field_that_was_none_before_and_is_not_now_is_no_drift():
    name = slot("contractName")
    last = owned([name], {"contractName": None}, {"name": None})
    assert reason("contractName", "Alpine", "by hand", last, "another row") is Reason.FIRST


def test_a_record_is_switched_off_by_what_it_does_not_have_yet():
    one = mapping(
        deactivate={"isActive": value("no"), "period": value("Monthly"), "nobody": value(1)}
    )
    assert deactivation(one, ENTITY, {"isActive": True, "period": 2}) == (
        {"isActive": False},
        {"isActive": False, "period": 2},
    )
    assert deactivation(one, ENTITY, {"isActive": False, "period": 2}) == (
        {},
        {"isActive": False, "period": 2},
    )


def test_how_a_record_is_switched_off_may_be_a_setting():
    one = mapping(deactivate={"period": value("{{ settings.off }}")})
    assert deactivation(one, ENTITY, {"period": 2}, {"settings": {"off": "Yearly"}}) == (
        {"period": 3},
        {"period": 3},
    )
    with pytest.raises(CoercionError):
        deactivation(one, ENTITY, {"period": 2}, {"settings": {"off": "Never"}})
    with pytest.raises(UndefinedError):
        deactivation(one, ENTITY, {"period": 2})


def test_a_mapping_s_own_slots_are_compared_like_any_other():
    compiled = Compiled(
        mapping(fields=[spec("contractName", "x"), spec("units", 1, manage=CREATE)]), ENTITY, []
    )
    assert compared(
        compiled.slots, {"contractName": "a", "units": 5}, {"contractName": "b", "units": 6}
    )[0] == {"contractName": "a"}


def test_days_and_instants_are_compared_as_what_they_are():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    at = Slot(spec("at", "x"), Field("at", Type.INSTANT), 0, identity=False)
    assert compared([at], {"at": noon}, {"at": noon + timedelta(microseconds=1)})[0] == {"at": noon}
    assert compared([at], {"at": noon}, {"at": noon})[0] == {}
