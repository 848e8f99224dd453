"""Write-backs to an environment change rows that are as planned, and never create a row."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.applying.send import write_back
from trueup.model.change import Action, Change, Preconditions
from trueup.model.finding import Place
from trueup.model.run import Step
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.sandbox.dataverse.schema import Quirks
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.source.profile import ColumnProfile, Profile
from trueup.wiring import SystemClock

from tests.support.dataverse_world import (
    CHANGE_TABLE,
    COLUMNS,
    SECRET,
    TABLES,
    DataverseWorld,
    environment,
    key,
    license_change,
)

SUBSCRIPTION = {
    **dict.fromkeys(TABLES["subscription"].columns),
    "id": key(0xA1),
    "name": "one",
    "quantity": Decimal(3),
    "state": "Active",
    "status": "Active",
}
ROWS = {
    "license_change": [license_change(number) for number in range(1, 4)],
    "subscription": [SUBSCRIPTION],
}
HOLDS = Profile(
    TABLES, {("subscription", "psa_system_id"): ColumnProfile(id_entity_of="ContractServices")}
)
ARCHIVED = {"statecode": "1", "statuscode": "126340100"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path, HOLDS)


def archive(number: int, **expected: object) -> RowUpdate:
    return RowUpdate(
        key(number),
        {"status": "Archived"},
        {"status": "Active", "quantity": Decimal(number), **expected},
    )


def write(
    world: DataverseWorld, *updates: RowUpdate, table: str = "license_change", read: bool = True
) -> list[RowOutcome]:
    """Writes as apply does; `read`: in a run that has read the table."""
    with world.source() as source:
        if read:
            source.read(table, [*TABLES[table].columns])
        world.request_counts()
        return list(source.write(table, updates))


def stored(world: DataverseWorld, number: int, table: str = CHANGE_TABLE) -> dict[str, str]:
    return world.sandbox.store.get(table, key(number)).values()


def test_archiving_sets_the_status_reason_and_its_state_and_nothing_else(
    world: DataverseWorld,
):
    before = stored(world, 1)

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert stored(world, 1) == {**before, **ARCHIVED}


def test_a_write_costs_one_request_for_a_cached_row_and_two_for_another(world: DataverseWorld):
    write(world, archive(1))
    assert world.request_counts() == {"PATCH work365_licensechangelogs": 1}

    write(replace(world, folder=world.folder / "elsewhere"), archive(2), read=False)
    request_counts = world.request_counts()
    assert (
        request_counts["GET work365_licensechangelogs"],
        request_counts["PATCH work365_licensechangelogs"],
    ) == (
        1,
        1,
    )


def test_every_write_names_the_version_of_its_row(world: DataverseWorld):
    tag = world.sandbox.store.get(CHANGE_TABLE, key(1)).version
    write(world, archive(1))

    patches = [request for request in world.sandbox.requests if request.verb == "PATCH"]
    assert [request.headers["if-match"] for request in patches] == [f'W/"{tag}"']


def test_a_change_of_a_column_that_the_plan_does_not_expect_is_ignored(world: DataverseWorld):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.change(CHANGE_TABLE, key(1), work365_lcl_name="renamed meanwhile")

        assert source.write("license_change", [archive(1)]) == [RowOutcome(key(1))]
    assert (
        stored(world, 1).items() >= {**ARCHIVED, "work365_lcl_name": '"renamed meanwhile"'}.items()
    )


def test_a_row_that_differs_from_the_plan_is_not_written(world: DataverseWorld):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.change(CHANGE_TABLE, key(1), work365_lcl_quantity=Decimal(7))
        before = stored(world, 1)

        assert source.write("license_change", [archive(1)]) == [
            RowOutcome(
                key(1), "quantity is 7 now and was 1 when the plan was made", row_changed=True
            )
        ]
    assert stored(world, 1) == before


def test_a_mark_is_held_if_the_license_change_was_edited_after_it_was_pushed(world: DataverseWorld):
    values_at_push = {key(1): {"quantity": Decimal(1), "effective_date": date(2026, 11, 20)}}
    mark = Change(
        id="log:mark",
        action=Action.WRITE_BACK,
        mapping="license_change",
        keys=(key(1),),
        name="change 1",
        tab="Changes",
        entity="license_change",
        place=Place("m.yaml"),
        seen=Preconditions(record={"status": "Active"}, made_of=values_at_push),
    )
    with world.source() as source:
        source.read("license_change", COLUMNS)
        day = source.read("license_change", ["effective_date"]).rows[0]["effective_date"]
        values_at_push[key(1)]["effective_date"] = day
        world.sandbox.change(CHANGE_TABLE, key(1), work365_lcl_quantity=Decimal(7))
        before = stored(world, 1)
        sent = write_back(
            source, "license_change", [mark], {mark.id: {"status": "Archived"}}, lambda: None
        )[mark.id]
        assert (sent.step, stored(world, 1)) == (Step.HELD, before)
        assert "quantity is 7 now and was 1 when the plan was made" in sent.data["text"]
        world.sandbox.change(CHANGE_TABLE, key(1), work365_lcl_quantity=Decimal(1))
        sent = write_back(
            source, "license_change", [mark], {mark.id: {"status": "Archived"}}, lambda: None
        )[mark.id]
        assert sent.step is Step.DONE


def test_a_row_with_the_planned_values_is_done(world: DataverseWorld):
    write(world, archive(1))

    assert write(world, archive(1)) == [RowOutcome(key(1))]


def test_a_deleted_row_is_not_created_again(world: DataverseWorld):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.remove(CHANGE_TABLE, key(1))

        outcomes = source.write("license_change", [archive(1), archive(99), archive(2)])

    gone = "the row does not exist any more, and no row is created"
    assert outcomes[1:] == [
        RowOutcome(key(99), gone),
        RowOutcome(key(2)),
    ]
    assert "Does Not Exist" in outcomes[0].error
    assert world.sandbox.store.get(CHANGE_TABLE, key(1)) is None
    assert world.sandbox.store.get(CHANGE_TABLE, key(99)) is None


def test_a_row_that_keeps_changing_is_given_up(world: DataverseWorld):
    world.fault("lost", verb="PATCH", times=0)

    assert write(world, archive(1)) == [RowOutcome(key(1), "the row keeps changing")]


UNANSWERED = [
    {"kind": "drop"},
    {"kind": "drop", "reset": True},
    {"kind": "error"},
    {"kind": "empty"},
    {"kind": "html"},
    {"kind": "html", "status": 503},
]
unanswered = pytest.mark.parametrize("fault", UNANSWERED, ids=json.dumps)


@unanswered
def test_a_write_whose_answer_is_lost_is_looked_up_and_done(
    world: DataverseWorld, fault: dict[str, Any]
):
    world.fault(verb="PATCH", when="after", **fault)

    assert write(world, archive(1), archive(2)) == [RowOutcome(key(1)), RowOutcome(key(2))]
    assert stored(world, 1).items() >= ARCHIVED.items()
    assert world.request_counts() == {
        "PATCH work365_licensechangelogs": 2,
        "GET work365_licensechangelogs": 1,
    }


@unanswered
def test_a_write_that_may_still_take_effect_is_in_doubt_and_settled_by_the_next_one(
    world: DataverseWorld, fault: dict[str, Any]
):
    world.fault(verb="PATCH", **fault)

    outcomes = write(world, archive(1), archive(2))

    assert [(bool(outcome.error), outcome.in_doubt) for outcome in outcomes] == [
        (True, True),
        (False, False),
    ]
    assert world.request_counts()["PATCH work365_licensechangelogs"] == 2
    assert stored(world, 1)["statuscode"] == "1"
    assert write(world, archive(1)) == [RowOutcome(key(1))]


def test_a_write_that_takes_effect_late_is_in_doubt_until_then_and_done_afterwards(
    world: DataverseWorld,
):
    world.fault("late", verb="PATCH", seconds=0.3)

    outcomes = write(world, archive(1), archive(2))
    wait_for(lambda: stored(world, 1)["statuscode"] != "1")

    assert [outcome.in_doubt for outcome in outcomes] == [True, False]
    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert world.request_counts()["PATCH work365_licensechangelogs"] == 0
    landed = [seen for seen in world.sandbox.traffic.latest() if seen["fault"] == "late, landed"]
    assert [seen["took_effect"] for seen in landed] == [True]


@pytest.mark.parametrize(("when", "doubt"), [("before", True), ("after", False)])
def test_a_write_that_times_out_is_looked_up(world: DataverseWorld, when: str, doubt: bool):  # noqa: FBT001 -- a case
    world.fault("latency", verb="PATCH", seconds=30, when=when)

    outcome = write(replace(world, access={"timeout": 0.2}), archive(1))[0]

    assert (outcome.in_doubt, "(ReadTimeout)" in outcome.error) == (doubt, doubt)


@pytest.mark.parametrize(("when", "doubt"), [("before", True), ("after", False)])
def test_a_write_during_a_restart_is_looked_up_when_the_environment_is_back(
    world: DataverseWorld,
    when: str,
    doubt: bool,  # noqa: FBT001 -- a case
):
    world.fault("restart", verb="PATCH", seconds=0.1, when=when)

    outcomes = write(replace(world, clock=SystemClock()), archive(1), archive(2))

    assert [(outcome.in_doubt, bool(outcome.error)) for outcome in outcomes] == [
        (doubt, doubt),
        (False, False),
    ]


def test_if_the_service_stops_answering_the_remaining_rows_are_not_tried(world: DataverseWorld):
    world.fault("drop", path="changelogs.", times=0)

    outcomes = write(world, archive(1), archive(2), archive(3))

    assert [(outcome.untried, outcome.error.partition(":")[0]) for outcome in outcomes[1:]] == [
        (True, "not tried")
    ] * 2
    assert outcomes[0].in_doubt
    assert world.request_counts()["PATCH work365_licensechangelogs"] == 1


def test_an_outdated_tag_is_renewed_if_no_expected_column_changed(world: DataverseWorld):
    world.fault("lost", verb="PATCH")

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert world.request_counts() == {
        "PATCH work365_licensechangelogs": 2,
        "GET work365_licensechangelogs": 1,
    }


def test_a_write_that_took_effect_despite_a_limit_is_not_done_twice(world: DataverseWorld):
    world.fault("busy", verb="PATCH", when="after", seconds=3)

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert [
        seen["took_effect"] for seen in world.sandbox.traffic.latest() if seen["verb"] == "PATCH"
    ] == [True, False]


def wait_for(what: Callable[[], bool]) -> None:
    """Waits up to ten seconds until the condition is true."""
    for _ in range(500):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("the condition never became true")


def test_a_write_without_an_answer_is_never_sent_twice(world: DataverseWorld):
    world.fault("drop", verb="PATCH")

    write(world, archive(1))

    assert world.request_counts()["PATCH work365_licensechangelogs"] == 1


def test_over_a_limit_a_write_waits_and_is_sent_again(world: DataverseWorld):
    world.fault("busy", verb="PATCH", times=2, seconds=30)
    before = world.clock.now()

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert (world.clock.now() - before).total_seconds() == 60


def test_a_token_that_is_withdrawn_between_two_writes_is_renewed(world: DataverseWorld):
    world.fault("unauthorized", verb="PATCH", nth=2)

    assert write(world, archive(1), archive(2)) == [RowOutcome(key(1)), RowOutcome(key(2))]


def test_if_a_limit_outlasts_the_deadline_the_remaining_rows_are_not_tried(world: DataverseWorld):
    world.fault("busy", verb="PATCH", nth=2, times=0, seconds=9999)

    outcomes = write(world, archive(1), archive(2), archive(3))

    assert [(outcome.error[:9], outcome.in_doubt) for outcome in outcomes[:1]] == [("", False)]
    assert outcomes[2].error.startswith("not tried: ")
    assert stored(world, 3)["statuscode"] == "1"


def test_a_veto_and_a_missing_right_show_dataverses_message(world: DataverseWorld):
    world.sandbox.api.vetoes[CHANGE_TABLE] = "Archive the invoice first.\x1b[31m"
    vetoed = write(world, archive(1))[0]
    world.sandbox.api.vetoes.clear()
    world.sandbox.api.denied.add(f"prvWrite{CHANGE_TABLE}")
    denied = write(world, archive(1))[0]

    assert vetoed.error == (
        f"{world.host}, writing license_change {key(1)}: Archive the invoice first. (HTTP "
        "400 0x80040265)"
    )
    assert (
        "is missing prvWritework365_licensechangelog privilege. (HTTP 403 0x80040220)"
        in denied.error
    )
    assert not vetoed.in_doubt
    assert SECRET not in vetoed.error + denied.error


def psa(value: object, expected: object = None) -> RowUpdate:
    return RowUpdate(key(0xA1), {"psa_system_id": value}, {"psa_system_id": expected})


def test_a_psa_id_is_written_only_where_it_is_empty(world: DataverseWorld):
    assert write(world, psa(29683), table="subscription") == [RowOutcome(key(0xA1))]
    assert write(world, psa("29683", "29683"), table="subscription") == [RowOutcome(key(0xA1))]
    assert write(world, psa(5, "29683"), table="subscription")[0].error == (
        'psa_system_id is "29683" already, and is only written where it is empty'
    )


def test_a_psa_id_is_not_written_if_the_profile_does_not_state_its_entity(world: DataverseWorld):
    outcome = write(replace(world, profile=Profile(TABLES)), psa(1), table="subscription")[0]

    assert outcome.error == (
        "the profile does not state which Autotask id psa_system_id holds (`holds:`)"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"subscription": key(5)}, "subscription cannot be written"),
        ({"created_on": "2026-01-01T00:00:00Z"}, "created_on cannot be written"),
        ({"status": "Shut"}, 'status: "Shut" is not one of Active, Archived'),
        ({"effective_date": "soon"}, 'effective_date: "soon" is not a day (YYYY-MM-DD)'),
    ],
)
def test_an_update_with_an_unwritable_value_is_refused(
    world: DataverseWorld, values: dict[str, object], message: str
):
    outcome = write(world, RowUpdate(key(1), values, {}))[0]

    assert outcome.error == message
    assert not world.request_counts()["PATCH work365_licensechangelogs"]


def test_the_number_of_a_label_that_the_environment_lacks_is_not_guessed(world: DataverseWorld):
    attributes = world.sandbox.definitions[CHANGE_TABLE].attributes
    status = attributes["statuscode"]
    attributes["statuscode"] = replace(status, choices=status.choices[:1])

    assert write(world, archive(1))[0].error == (
        'the number of status "Archived" is unknown; name it in the profile'
    )


def test_a_key_that_is_not_a_guid_is_never_part_of_an_address(world: DataverseWorld):
    outcome = write(world, RowUpdate("x)/../accounts(1", {"status": "Archived"}, {}))[0]

    assert outcome.error == "its key is not a GUID"


@pytest.mark.parametrize(
    ("behaviour", "sent"),
    [
        ("UserLocal", '"2026-06-30T22:00:00Z"'),
        ("DateOnly", '"2026-07-01"'),
        ("TimeZoneIndependent", '"2026-07-01T00:00:00Z"'),
    ],
)
def test_a_day_is_written_by_the_behaviour_of_its_column(tmp_path: Path, behaviour: str, sent: str):
    habits = Quirks(behaviours={"work365_lcl_effectivedate": behaviour})
    with DataverseSandbox(TABLES, ROWS, environment(quirks=habits)) as sandbox:
        world = DataverseWorld(sandbox, tmp_path)
        values = {
            "effective_date": date(2026, 7, 1),
            "quantity": Decimal("2.50"),
            "is_audit": True,
            "name": None,
        }

        assert write(world, RowUpdate(key(1), values, {})) == [RowOutcome(key(1))]
        after = stored(world, 1)

    assert after["work365_lcl_effectivedate"] == sent
    assert [after[f"work365_lcl_{name}"] for name in ("quantity", "isaudit", "name")] == [
        "2.5",
        "true",
        "null",
    ]


def test_without_optimistic_concurrency_a_row_is_read_first_and_never_created(tmp_path: Path):
    habits = Quirks(unguarded=frozenset({CHANGE_TABLE}))
    with DataverseSandbox(TABLES, ROWS, environment(quirks=habits)) as sandbox:
        world = DataverseWorld(sandbox, tmp_path)

        assert write(world, archive(1)) == [RowOutcome(key(1))]
        patches = [request for request in sandbox.requests if request.verb == "PATCH"]

    assert [request.headers["if-match"] for request in patches] == ["*"]


@pytest.mark.parametrize(
    ("table", "column", "places"),
    [
        ("license_change", "quantity", 2),
        ("subscription", "selling_price", 4),
        ("license_change", "name", None),
        ("license_change", "status", None),
    ],
)
def test_a_column_keeps_as_many_places_as_its_metadata_states_and_is_asked_for_once(
    tmp_path: Path, table: str, column: str, places: int | None
):
    habits = Quirks(precisions={"work365_lcl_quantity": 2})
    with DataverseSandbox(TABLES, ROWS, environment(quirks=habits)) as sandbox:
        world = DataverseWorld(sandbox, tmp_path)
        with world.source() as source:
            source.read(table, [column])
            world.request_counts()
            found = [source.decimal_places(table, column) for _ in range(2)]

    assert found == [places, places]
    assert sum(world.request_counts().values()) == (places is not None)
