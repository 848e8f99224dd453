"""What every target must do: one suite for the client over the sandbox.

A target is a function that takes a world in the sandbox's seed format and a folder, and returns a
context manager of the target. The suite runs under every choice of every switch of the sandbox:
where Autotask's behaviour is unknown, the client must be right either way.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import astuple
from trueup.errors import CallsUsedUp, Stopped, TargetError, TargetRejected, TargetUnavailable
from trueup.model.catalogue import PickValue, Type
from trueup.ports.target import Condition, Target
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.autotask.switches import ALL, Switches
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.limits import RunLimits
from trueup.wiring import SystemClock

from tests.support.seeded_databases import ENTITIES, database

World = Mapping[str, Any]
Opener = Callable[[World, Path], AbstractContextManager[Target]]

WORLD: World = {
    "records": {
        "Resources": [
            {
                "id": 4,
                "firstName": "Ann",
                "lastName": "Owner",
                "userName": "ann",
                "email": "a@b.example",
                "isActive": True,
            },
            {
                "id": 5,
                "firstName": "Gone",
                "lastName": "By",
                "userName": "gone",
                "email": "g@b.example",
                "isActive": False,
            },
        ],
        "Companies": [
            {
                "id": 0,
                "companyName": "Our own",
                "companyType": 1,
                "createDate": "2021-01-01T00:00:00Z",
                "ownerResourceID": 4,
                "phone": "1",
                "isActive": True,
            },
            {
                "id": 29683,
                "companyName": "Alpine Dental AG",
                "companyType": 1,
                "companyNumber": "A-1007",
                "ownerResourceID": 4,
                "phone": "+41 44 668 18 00",
                "isActive": True,
                "createDate": "2020-02-23T13:00:00Z",
                "userDefinedFields": [{"name": "Work 365 Id", "value": "7f3"}],
            },
            {
                "id": 29690,
                "companyName": "Cedar \u001b[31m<b>",
                "companyType": 1,
                "createDate": "2021-01-01T00:00:00Z",
                "ownerResourceID": 4,
                "phone": "2",
                "isActive": False,
            },
        ],
        "Contacts": [
            {"id": 61, "companyID": 29683, "firstName": "Eva", "lastName": "Alp", "isActive": 1}
        ],
        "BillingCodes": [{"id": 9, "name": "Cloud", "useType": 5, "isActive": True}],
        "Services": [
            {
                "id": 21,
                "name": "Business Premium",
                "billingCodeID": 9,
                "periodType": 2,
                "unitPrice": 18.7,
                "unitCost": 15.25,
                "isActive": True,
            },
            {
                "id": 22,
                "name": "Exchange Plan 1",
                "billingCodeID": 9,
                "periodType": 2,
                "unitPrice": 3.4,
                "isActive": True,
            },
        ],
        "Contracts": [
            {
                "id": 31,
                "companyID": 29683,
                "contractName": "Alpine monthly",
                "contractNumber": "BC-1",
                "contractType": 7,
                "contractPeriodType": 2,
                "startDate": "2026-01-01T00:00:00",
                "endDate": "2026-12-31T00:00:00",
                "setupFee": 10.5,
                "status": 1,
                "timeReportingRequiresStartAndStopTimes": 0,
            }
        ],
        "ContractServices": [
            {"id": 51, "contractID": 31, "serviceID": 21, "internalCurrencyAdjustedPrice": 16.8}
        ],
    },
    "adjustments": [{"contractServiceID": 51, "effectiveDate": "2026-01-01", "unitChange": 12}],
    "picklists": {
        "Contracts": {
            "status": [{"value": 0, "label": "Inactive"}, {"value": 1, "label": "Active"}],
            "contractType": [{"value": 7, "label": "Recurring Service"}],
        },
        "BillingCodes": {"useType": [{"value": 5, "label": "Recurring Contract Service"}]},
    },
    "user_defined_fields": {
        "Companies": [{"name": "Work 365 Id"}],
        "Contracts": [{"name": "Work 365 Id"}],
    },
    "users": [
        {
            "username": "api@demo.example",
            "secret": "demo",
            "integration_code": "DEMO",
            "level": "full",
        }
    ],
}


@contextmanager
def over_the_sandbox(
    world: World, folder: Path, switches: Mapping[str, str], max_calls: int | None = None
) -> Iterator[Target]:
    file = folder / "autotask.sqlite"
    file.write_bytes(database(json.dumps(world)))
    with Sandbox(file, ENTITIES, switches=Switches(switches)) as sandbox:
        credentials = Credentials("api@demo.example", "demo", "DEMO")
        client = AutotaskClient(
            sandbox.url,
            credentials,
            SystemClock(),
            RunLimits(workers=6, timeout=20, max_calls=max_calls),
        )
        with closing(HttpTarget(client, ENTITIES, "sandbox")) as target:
            yield target


def _opener(switches: Mapping[str, str]) -> Opener:
    return lambda world, folder: over_the_sandbox(world, folder, switches)


DECIDES_RESULTS = {"unit_rows_ahead"}
"""Switches whose choices are other tenants, not other ways to say the same."""


def _choices(number: int) -> Mapping[str, str]:
    """Every switch at its choice of that number, or at its last one."""
    return {
        switch.name: switch.choices[min(number, len(switch.choices) - 1)]
        for switch in ALL
        if switch.name not in DECIDES_RESULTS
    }


ROUNDS = range(max(len(switch.choices) for switch in ALL))
OPENERS: dict[str, Opener] = {
    f"sandbox, choices {number + 1}": _opener(_choices(number)) for number in ROUNDS
}
ALONE = [
    (switch.name, choice)
    for switch in ALL
    if switch.name not in DECIDES_RESULTS
    for choice in switch.choices[1:]
]


@pytest.fixture(params=[*OPENERS.values()], ids=[*OPENERS])
def opener(request) -> Opener:
    return request.param


@pytest.fixture
def target(opener: Opener, tmp_path: Path) -> Iterator[Target]:
    with opener(WORLD, tmp_path) as opened:
        yield opened


def record_of(target: Target, entity: str, number: int, *fields: str) -> Mapping[str, Any]:
    (record,) = target.read(entity, [Condition("id", "eq", number)], fields)
    return record


def units(target: Target) -> list[tuple[date, date, int]]:
    rows = target.read(
        "ContractServiceUnits",
        [Condition("contractServiceID", "in", [51])],
        ["startDate", "endDate", "units"],
    )
    return sorted((row["startDate"], row["endDate"], row["units"]) for row in rows)


def test_a_whole_entity_is_read_in_order_with_ids_and_the_requested_fields(target):
    assert target.read("Companies", [], ["companyName", "isActive"]) == [
        {"id": 0, "companyName": "Our own", "isActive": True},
        {"id": 29683, "companyName": "Alpine Dental AG", "isActive": True},
        {"id": 29690, "companyName": "Cedar \u001b[31m<b>", "isActive": False},
    ]


def test_values_have_the_types_of_the_catalogue(target):
    assert record_of(target, "Contracts", 31, "startDate", "setupFee", "status", "description") == {
        "id": 31,
        "startDate": date(2026, 1, 1),
        "setupFee": Decimal("10.5"),
        "status": 1,
        "description": None,
    }
    created = record_of(target, "Companies", 29683, "createDate")["createDate"]
    assert created == datetime(2020, 2, 23, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([Condition("companyNumber", "eq", "A-1007")], [29683]),
        ([Condition("companyNumber", "in", ["A-1007", "nobody", "A-1007"])], [29683]),
        ([Condition("companyNumber", "beginsWith", "A-")], [29683]),
        ([Condition("companyName", "contains", "Dental")], [29683]),
        ([Condition("companyName", "contains", "own"), Condition("id", "in", [0, 7])], [0]),
        ([Condition("companyName", "contains", "o%n")], []),
        ([Condition("companyNumber", "exist")], [29683]),
        (
            [Condition("ownerResourceID", "eq", "4"), Condition("isActive", "eq", value=True)],
            [0, 29683],
        ),
        ([Condition("isActive", "eq", value=False)], [29690]),
        ([Condition("id", "in", [29683, 0, 7])], [0, 29683]),
        ([Condition("id", "gt", 0)], [29683, 29690]),
        ([Condition("createDate", "lte", datetime(2020, 2, 23, 13, tzinfo=UTC))], [29683]),
        ([Condition("createDate", "lt", datetime(2020, 2, 23, 13, tzinfo=UTC))], []),
        ([Condition("udf.Work 365 Id", "eq", "7f3")], [29683]),
        ([Condition("companyNumber", "eq", "nobody")], []),
        ([Condition("id", "in", [])], []),
    ],
    ids=str,
)
def test_conditions_find_only_the_records_that_meet_them(target, conditions, found):
    assert [record["id"] for record in target.read("Companies", conditions, [])] == found


def test_days_are_compared_as_days(target):
    def contracts(op, day):
        return [
            record["id"] for record in target.read("Contracts", [Condition("endDate", op, day)], [])
        ]

    assert contracts("eq", date(2026, 12, 31)) == [31]
    assert contracts("gte", date(2026, 12, 31)) == [31]
    assert contracts("gt", date(2026, 12, 31)) == []
    assert contracts("in", [date(2026, 12, 31)]) == [31]


def test_user_defined_fields_have_their_prefix_and_may_be_empty(target):
    records = target.read("Companies", [], ["udf.Work 365 Id"])

    assert [record["udf.Work 365 Id"] for record in records] == [None, "7f3", None]


@pytest.mark.parametrize(
    ("entity", "where", "fields"),
    [
        ("Company", [], ["id"]),
        ("Companies", [], ["companyNmae"]),
        ("Companies", [Condition("companyNmae", "eq", "x")], ["id"]),
        ("Companies", [Condition("ownerResourceID", "eq", "Ann")], ["id"]),
        ("Companies", [Condition("assetValue", "eq", 1)], ["id"]),
        ("Companies", [], ["udf.Nobody made this"]),
        ("ContractServiceAdjustments", [], ["unitChange"]),
    ],
    ids=str,
)
def test_an_impossible_read_is_an_error_and_not_an_empty_result(target, entity, where, fields):
    with pytest.raises(TargetError):
        target.read(entity, where, fields)


def test_an_entity_is_as_the_tenant_has_it_and_is_read_once(target):
    contracts = target.entity("Contracts")
    before = target.calls

    assert contracts.fields["status"].picklist == (PickValue(0, "Inactive"), PickValue(1, "Active"))
    assert contracts.fields["endDate"].type is Type.DAY
    assert not contracts.fields["companyID"].writable_on_update()
    assert target.entity("Contracts") == contracts
    assert target.calls == before


def test_a_new_record_can_be_read_by_its_id(target):
    values = {
        "companyName": "Brightwater Logistics Ltd",
        "companyType": 1,
        "companyNumber": "B-1",
        "ownerResourceID": 4,
        "phone": "+44 20 7946 0000",
        "isActive": True,
        "udf.Work 365 Id": "8a1",
    }

    number = target.create("Companies", values)

    assert record_of(target, "Companies", number, *values) == {"id": number, **values}


def test_a_child_is_created_and_updated_under_its_parent(target):
    values = {
        "companyID": 29683,
        "firstName": "Jo",
        "lastName": "Alp",
        "emailAddress": "jo@alp.example",
        "isActive": 1,
    }
    number = target.create("Contacts", values)
    assert record_of(target, "Contacts", number, *values) == {"id": number, **values}

    target.update("Contacts", number, {"companyID": 29683, "lastName": "Alpine"})
    target.update("Contacts", number, {"firstName": "Joanna"})

    assert record_of(target, "Contacts", number, *values) == {
        "id": number,
        **values,
        "firstName": "Joanna",
        "lastName": "Alpine",
    }


def test_a_contract_and_its_service_are_created_with_days_and_money(target):
    values = {
        "companyID": 29683,
        "contractName": "Alpine yearly",
        "contractNumber": "BC-2",
        "contractType": 7,
        "contractPeriodType": 2,
        "startDate": date(2026, 3, 1),
        "endDate": date(2027, 2, 28),
        "setupFee": Decimal("0.1"),
        "status": 1,
        "timeReportingRequiresStartAndStopTimes": 0,
    }
    contract = target.create("Contracts", values)
    service = target.create(
        "ContractServices",
        {"contractID": contract, "serviceID": 22, "internalDescription": "W365 1"},
    )

    assert record_of(target, "Contracts", contract, *values) == {"id": contract, **values}
    assert record_of(
        target, "ContractServices", service, "contractID", "serviceID", "internalDescription"
    ) == {
        "id": service,
        "contractID": contract,
        "serviceID": 22,
        "internalDescription": "W365 1",
    }


def test_an_adjustment_changes_the_units_from_its_day_on(target):
    before = units(target)
    assert [count for _, _, count in before] == [12] * 12

    target.create(
        "ContractServiceAdjustments",
        {"contractServiceID": 51, "effectiveDate": date(2026, 11, 15), "unitChange": 3},
    )

    assert units(target)[10:] == [
        (date(2026, 11, 1), date(2026, 11, 14), 12),
        (date(2026, 11, 15), date(2026, 11, 30), 15),
        (date(2026, 12, 1), date(2026, 12, 31), 15),
    ]


@pytest.mark.parametrize(("switch", "choice"), ALONE, ids=lambda word: word)
def test_no_single_choice_of_a_switch_changes_the_results(tmp_path, switch, choice):
    with over_the_sandbox(WORLD, tmp_path, {switch: choice}) as target:
        contact = {"companyID": 29683, "firstName": "Jo", "lastName": "Alp", "isActive": 1}
        number = target.create("Contacts", contact)
        target.update("Contacts", number, {"lastName": "Alpine"})
        adjustment = {"contractServiceID": 51, "effectiveDate": date(2026, 12, 1), "unitChange": -2}
        target.create("ContractServiceAdjustments", adjustment)
        with pytest.raises(TargetRejected):
            target.update("Companies", 777, {"phone": "1"})

        assert record_of(target, "Contacts", number, *contact) == {
            "id": number,
            **contact,
            "lastName": "Alpine",
        }
        assert units(target)[-1] == (date(2026, 12, 1), date(2026, 12, 31), 10)
        assert record_of(target, "Companies", 29683, "createDate", "udf.Work 365 Id") == {
            "id": 29683,
            "createDate": datetime(2020, 2, 23, 13, tzinfo=UTC),
            "udf.Work 365 Id": "7f3",
        }


def test_an_update_sets_its_fields_and_leaves_the_others(target):
    target.update(
        "Companies",
        29683,
        {"phone": "+41 44 668 18 01", "udf.Work 365 Id": "7f4", "isActive": False},
    )

    assert record_of(
        target, "Companies", 29683, "phone", "udf.Work 365 Id", "isActive", "companyNumber"
    ) == {
        "id": 29683,
        "phone": "+41 44 668 18 01",
        "udf.Work 365 Id": "7f4",
        "isActive": False,
        "companyNumber": "A-1007",
    }


def test_record_0_is_a_record_like_any_other(target):
    target.update("Companies", 0, {"phone": "0"})
    number = target.create(
        "Contacts", {"companyID": 0, "firstName": "O", "lastName": "Wn", "isActive": 1}
    )

    assert record_of(target, "Companies", 0, "phone")["phone"] == "0"
    assert record_of(target, "Contacts", number, "companyID")["companyID"] == 0


@pytest.mark.parametrize(
    ("entity", "values"),
    [
        ("Companies", {"companyName": "No phone", "companyType": 1, "ownerResourceID": 4}),
        (
            "Companies",
            {"companyName": "Gone", "companyType": 1, "ownerResourceID": 5, "phone": "1"},
        ),
        (
            "Companies",
            {"companyName": "Nobody", "companyType": 1, "ownerResourceID": 777, "phone": "1"},
        ),
        (
            "Companies",
            {"companyName": "x" * 101, "companyType": 1, "ownerResourceID": 4, "phone": "1"},
        ),
        ("Contacts", {"companyID": 777, "firstName": "A", "lastName": "B", "isActive": 1}),
        ("Contacts", {"firstName": "A", "lastName": "B", "isActive": 1}),
        ("ContractServiceUnits", {"units": 3}),
        (
            "ContractServiceAdjustments",
            {"contractServiceID": 51, "effectiveDate": date(2027, 1, 1), "unitChange": 1},
        ),
        (
            "ContractServiceAdjustments",
            {"contractServiceID": 777, "effectiveDate": date(2026, 1, 1), "unitChange": 1},
        ),
    ],
    ids=str,
)
def test_a_refused_create_changes_nothing_and_has_a_message(target, entity, values):
    companies, before = target.read("Companies", [], []), units(target)

    with pytest.raises(TargetRejected) as caught:
        target.create(entity, values)

    assert caught.value.errors
    assert str(caught.value)
    assert (target.read("Companies", [], []), units(target)) == (companies, before)


@pytest.mark.parametrize(
    ("entity", "number", "values"),
    [
        ("Companies", 777, {"phone": "1"}),
        ("Companies", 29683, {"ownerResourceID": 777}),
        ("Contracts", 31, {"companyID": 0}),
        ("Contracts", 31, {"endDate": date(2025, 1, 1)}),
        ("Contacts", 61, {"companyID": 777, "lastName": "x"}),
    ],
    ids=str,
)
def test_a_refused_update_changes_nothing(target, entity, number, values):
    fields = ["phone", "ownerResourceID"] if entity == "Companies" else ["companyID"]
    before = target.read(entity, [], fields)

    with pytest.raises(TargetRejected):
        target.update(entity, number, values)
    assert target.read(entity, [], fields) == before


def test_an_update_without_fields_costs_no_call(target):
    before = target.calls

    target.update("Contacts", 61, {"companyID": 29683})

    assert target.calls == before


def test_calls_are_counted_and_part_of_the_hours_threshold(target):
    target.read("Companies", [], [])

    assert target.calls > 0
    assert target.threshold().limit == 10_000
    assert 0 < target.threshold().used <= target.calls


def test_what_a_target_is_costs_no_call(target):
    assert target.describe()
    assert target.identity()
    assert min(astuple(target.call_costs)) > 0
    assert ([*target.notices], [*target.partial_reads], target.spared) == ([], [], 0)
    assert target.calls == 0


def test_a_user_with_all_rights_is_denied_nothing_and_is_asked_for_once(target):
    assert target.denied("Companies") == frozenset()
    before = target.calls

    assert target.denied("Companies") == frozenset()
    assert target.calls == before


def test_where_nothing_is_in_doubt_nothing_is_asked_again(target):
    entity = target.entity("Companies")

    assert target.renew([]) is False
    assert target.entity("Companies") == entity


def test_what_is_asked_before_each_write_can_stop_it_and_no_reading(target):
    asked = []

    def refuse():
        asked.append("asked")
        raise Stopped("not now")

    target.before_write(refuse)
    for write in (
        lambda: target.update("Companies", 29690, {"phone": "1"}),
        lambda: target.create("Contacts", {"companyID": 29683, "firstName": "A", "lastName": "B"}),
    ):
        with pytest.raises(Stopped, match="not now"):
            write()

    assert asked == ["asked"] * 2
    assert record_of(target, "Companies", 29690, "phone")["phone"] != "1"
    assert target.read("Contacts", [Condition("lastName", "eq", "B")], []) == []


def test_a_write_after_a_stop_says_whether_it_was_made(target):
    target.stop()
    refused: list[TargetUnavailable] = []

    try:
        target.update("Companies", 29690, {"phone": "1"})
    except TargetUnavailable as refusal:
        refused.append(refusal)

    assert not any(one.may_have_landed for one in refused)
    assert (record_of(target, "Companies", 29690, "phone")["phone"] == "1") is not bool(refused)


def test_calls_that_are_reserved_are_left(tmp_path):
    with over_the_sandbox(WORLD, tmp_path, {}, max_calls=30) as target:
        target.reserve_calls(10)
        with pytest.raises(CallsUsedUp):
            [record_of(target, "Companies", 29690) for _ in range(31)]
        assert target.calls <= 20

        target.reserve_calls(0)

        assert record_of(target, "Companies", 29690) == {"id": 29690}


def test_this_suite_uses_each_member_of_the_port():
    suite = Path(__file__).read_text(encoding="utf-8")
    members = [name for name in vars(Target) if not name.startswith("_")]

    assert [name for name in members if f"target.{name}" not in suite] == []


def test_many_threads_share_a_target(target):
    def work(number):
        if number % 3:
            return [
                record["id"]
                for record in target.read("Companies", [Condition("id", "in", [0, 29683])], [])
            ]
        target.update("Companies", 29690, {"phone": str(number)})
        return [0, 29683]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(24))) == [[0, 29683]] * 24


@pytest.fixture(params=[*OPENERS.values()], ids=[*OPENERS])
def wide(request, tmp_path: Path) -> Iterator[Target]:
    """A target with more records than two pages hold."""
    codes = [
        {"id": number, "name": f"Code {number}", "externalNumber": f"X{number}", "isActive": True}
        for number in range(1, 1_204)
    ]
    world = {**WORLD, "records": {**WORLD["records"], "BillingCodes": codes}}
    with request.param(world, tmp_path) as opened:
        yield opened


def test_an_entity_of_any_size_is_read_whole_and_in_order(wide):
    records = wide.read("BillingCodes", [], ["name"])

    assert [record["id"] for record in records] == list(range(1, 1_204))
    assert records[-1] == {"id": 1_203, "name": "Code 1203"}


def test_conditions_may_find_more_than_a_page(wide):
    assert len(wide.read("BillingCodes", [Condition("id", "gt", 200)], ["name"])) == 1_003


def test_a_list_of_any_length_can_be_read(wide):
    names = [f"X{number}" for number in range(900, 2_500)]

    records = wide.read(
        "BillingCodes", [Condition("externalNumber", "in", names)], ["externalNumber"]
    )

    assert [record["id"] for record in records] == list(range(900, 1_204))


def test_a_list_of_ids_costs_a_call_for_each_500(wide):
    wide.read("BillingCodes", [Condition("id", "in", [1])], ["name"])
    before = wide.calls

    records = wide.read("BillingCodes", [Condition("id", "in", range(1_100))], ["name"])

    assert len(records) == 1_099
    assert wide.calls - before == 3
