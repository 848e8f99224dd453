"""Write-backs to an environment: only what is as planned, never a new row, and no doubt where it can be settled."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.applying.send import write_back
from engine.model.finding import Place
from engine.model.plan import Action, Change, Seen
from engine.model.run import Step
from engine.ports import RowOutcome, RowUpdate
from engine.sandbox.dataverse.schema import Habits
from engine.sandbox.dataverse.server import DataverseSandbox
from engine.source.profile import Here, Profile
from tests.source.bench_dataverse import Clock
from tests.source.dataverse_worlds import COLUMNS, LOG, SECRET, TABLES, World, environment, key, log

SUBSCRIPTION = {
    **dict.fromkeys(TABLES["subscription"].columns),
    "id": key(0xA1),
    "name": "one",
    "quantity": Decimal(3),
    "state": "Active",
    "status": "Active",
}
ROWS = {"license_change": [log(number) for number in range(1, 4)], "subscription": [SUBSCRIPTION]}
HOLDS = Profile(TABLES, {("subscription", "psa_system_id"): Here(holds="ContractServices")})
ARCHIVED = {"statecode": "1", "statuscode": "126340100"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield World(sandbox, tmp_path, HOLDS)


def archive(number: int, **expected: object) -> RowUpdate:
    return RowUpdate(key(number), {"status": "Archived"}, {"status": "Active", "quantity": Decimal(number), **expected})


def write(world: World, *updates: RowUpdate, table: str = "license_change", read: bool = True) -> list[RowOutcome]:
    """As apply does it; `read`: in a run that has read the table."""
    with world.source() as source:
        if read:
            source.read(table, [*TABLES[table].columns])
        world.asked()
        return list(source.write(table, updates))


def stored(world: World, number: int, table: str = LOG) -> dict[str, str]:
    return world.sandbox.store.get(table, key(number)).values()


def test_archiving_sets_the_status_reason_and_the_state_that_it_belongs_to_and_nothing_else(world: World):
    before = stored(world, 1)

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert stored(world, 1) == {**before, **ARCHIVED}


def test_a_row_that_was_read_costs_one_request_and_another_one_two(world: World):
    write(world, archive(1))
    assert world.asked() == {"PATCH work365_licensechangelogs": 1}

    write(replace(world, folder=world.folder / "elsewhere"), archive(2), read=False)
    asked = world.asked()
    assert (asked["GET work365_licensechangelogs"], asked["PATCH work365_licensechangelogs"]) == (1, 1)


def test_every_write_says_which_version_it_is_about(world: World):
    tag = world.sandbox.store.get(LOG, key(1)).version
    write(world, archive(1))

    patches = [request for request in world.sandbox.requests if request.verb == "PATCH"]
    assert [request.headers["if-match"] for request in patches] == [f'W/"{tag}"']


def test_a_change_that_the_plan_does_not_know_of_is_no_matter(world: World):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.change(LOG, key(1), work365_lcl_name="renamed meanwhile")

        assert source.write("license_change", [archive(1)]) == [RowOutcome(key(1))]
    assert stored(world, 1).items() >= {**ARCHIVED, "work365_lcl_name": '"renamed meanwhile"'}.items()


def test_a_change_of_what_the_plan_was_made_from_leaves_the_row_alone(world: World):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.change(LOG, key(1), work365_lcl_quantity=Decimal(7))
        before = stored(world, 1)

        assert source.write("license_change", [archive(1)]) == [
            RowOutcome(key(1), "quantity is 7 now and was 1 when the plan was made", moved=True)
        ]
    assert stored(world, 1) == before


def test_a_mark_is_held_where_the_change_was_edited_since_it_was_pushed(world: World):
    said = {key(1): {"quantity": Decimal(1), "effective_date": date(2026, 11, 20)}}
    mark = Change("log:mark", Action.WRITE_BACK, "license_change", (key(1),), "Log", "Changes", "license_change",
                  Place("m.yaml"), seen=Seen(record={"status": "Active"}, made_of=said))  # fmt: skip
    with world.source() as source:
        source.read("license_change", COLUMNS)
        day = source.read("license_change", ["effective_date"]).rows[0]["effective_date"]
        said[key(1)]["effective_date"] = day
        world.sandbox.change(LOG, key(1), work365_lcl_quantity=Decimal(7))
        before = stored(world, 1)
        sent = write_back(source, "license_change", [mark], {mark.id: {"status": "Archived"}}, lambda: None)[mark.id]
        assert (sent.step, stored(world, 1)) == (Step.HELD, before)
        assert "quantity is 7 now and was 1 when the plan was made" in sent.data["text"]
        world.sandbox.change(LOG, key(1), work365_lcl_quantity=Decimal(1))
        sent = write_back(source, "license_change", [mark], {mark.id: {"status": "Archived"}}, lambda: None)[mark.id]
        assert sent.step is Step.DONE


def test_what_is_already_as_wanted_counts_as_done(world: World):
    write(world, archive(1))

    assert write(world, archive(1)) == [RowOutcome(key(1))]


def test_a_row_that_is_gone_is_not_made_again(world: World):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.remove(LOG, key(1))

        outcomes = source.write("license_change", [archive(1), archive(99), archive(2)])

    gone = "it is not there any more, and nothing is created"
    assert outcomes[1:] == [
        RowOutcome(key(99), f"{gone}"),
        RowOutcome(key(2)),
    ]
    assert "Does Not Exist" in outcomes[0].error
    assert world.sandbox.store.get(LOG, key(1)) is None
    assert world.sandbox.store.get(LOG, key(99)) is None


def test_a_row_that_changes_each_time_is_left_in_the_end(world: World):
    world.fault("lost", verb="PATCH", times=0)

    assert write(world, archive(1)) == [RowOutcome(key(1), "it changes all the time")]


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
def test_an_answer_that_is_lost_after_the_write_is_looked_up_and_done(world: World, fault: dict[str, object]):
    world.fault(verb="PATCH", when="after", **fault)

    assert write(world, archive(1), archive(2)) == [RowOutcome(key(1)), RowOutcome(key(2))]
    assert stored(world, 1).items() >= ARCHIVED.items()
    assert world.asked() == {"PATCH work365_licensechangelogs": 2, "GET work365_licensechangelogs": 1}


@unanswered
def test_a_write_that_may_still_land_is_in_doubt_and_settled_by_the_next_one(world: World, fault: dict[str, object]):
    world.fault(verb="PATCH", **fault)

    outcomes = write(world, archive(1), archive(2))

    assert [(bool(outcome.error), outcome.in_doubt) for outcome in outcomes] == [(True, True), (False, False)]
    assert world.asked()["PATCH work365_licensechangelogs"] == 2
    assert stored(world, 1)["statuscode"] == "1"
    assert write(world, archive(1)) == [RowOutcome(key(1))]


def test_a_write_that_lands_late_is_in_doubt_until_then_and_done_after(world: World):
    world.fault("late", verb="PATCH", seconds=0.3)

    outcomes = write(world, archive(1), archive(2))
    wait_for(lambda: stored(world, 1)["statuscode"] != "1")

    assert [outcome.in_doubt for outcome in outcomes] == [True, False]
    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert world.asked()["PATCH work365_licensechangelogs"] == 0
    landed = [seen for seen in world.sandbox.traffic.latest() if seen["fault"] == "late, landed"]
    assert [seen["took_effect"] for seen in landed] == [True]


@pytest.mark.parametrize(("when", "doubt"), [("before", True), ("after", False)])
def test_a_write_whose_answer_takes_too_long_is_looked_up(world: World, when: str, doubt: bool):  # noqa: FBT001 -- a case
    world.fault("latency", verb="PATCH", seconds=30, when=when)

    outcome = write(replace(world, access={"timeout": 0.2}), archive(1))[0]

    assert (outcome.in_doubt, "(ReadTimeout)" in outcome.error) == (doubt, doubt)


@pytest.mark.parametrize(("when", "doubt"), [("before", True), ("after", False)])
def test_an_environment_that_goes_down_with_a_write_is_asked_when_it_is_back(
    world: World,
    when: str,
    doubt: bool,  # noqa: FBT001 -- a case
):
    world.fault("restart", verb="PATCH", seconds=0.1, when=when)

    outcomes = write(replace(world, clock=Clock()), archive(1), archive(2))

    assert [(outcome.in_doubt, bool(outcome.error)) for outcome in outcomes] == [(doubt, doubt), (False, False)]


def test_where_nobody_answers_any_more_the_rest_is_not_tried(world: World):
    world.fault("drop", path="changelogs.", times=0)

    outcomes = write(world, archive(1), archive(2), archive(3))

    assert [(outcome.untried, outcome.error.partition(":")[0]) for outcome in outcomes[1:]] == [(True, "not tried")] * 2
    assert outcomes[0].in_doubt
    assert world.asked()["PATCH work365_licensechangelogs"] == 1


def test_a_tag_that_is_out_of_date_is_renewed_where_nothing_else_has_changed(world: World):
    world.fault("lost", verb="PATCH")

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert world.asked() == {"PATCH work365_licensechangelogs": 2, "GET work365_licensechangelogs": 1}


def test_a_write_that_took_effect_over_a_limit_is_not_done_twice(world: World):
    world.fault("busy", verb="PATCH", when="after", seconds=3)

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert [seen["took_effect"] for seen in world.sandbox.traffic.latest() if seen["verb"] == "PATCH"] == [True, False]


def wait_for(what: Callable[[], bool]) -> None:
    """Asks up to ten seconds long."""
    for _ in range(500):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


def test_a_write_without_an_answer_is_never_sent_twice(world: World):
    world.fault("drop", verb="PATCH")

    write(world, archive(1))

    assert world.asked()["PATCH work365_licensechangelogs"] == 1


def test_over_a_limit_a_write_waits_and_is_sent_again(world: World):
    world.fault("busy", verb="PATCH", times=2, seconds=30)
    before = world.clock.now()

    assert write(world, archive(1)) == [RowOutcome(key(1))]
    assert (world.clock.now() - before).total_seconds() == 60


def test_a_token_that_is_withdrawn_between_two_writes_is_renewed(world: World):
    world.fault("unauthorized", verb="PATCH", nth=2)

    assert write(world, archive(1), archive(2)) == [RowOutcome(key(1)), RowOutcome(key(2))]


def test_where_the_service_ends_the_rest_is_not_tried(world: World):
    world.fault("busy", verb="PATCH", nth=2, times=0, seconds=9999)

    outcomes = write(world, archive(1), archive(2), archive(3))

    assert [(outcome.error[:9], outcome.in_doubt) for outcome in outcomes[:1]] == [("", False)]
    assert outcomes[2].error.startswith("not tried: ")
    assert stored(world, 3)["statuscode"] == "1"


def test_a_veto_and_a_missing_right_are_said_in_dataverses_words(world: World):
    world.sandbox.vetoes[LOG] = "Archive the invoice first.\x1b[31m"
    vetoed = write(world, archive(1))[0]
    world.sandbox.vetoes.clear()
    world.sandbox.denied.add(f"prvWrite{LOG}")
    denied = write(world, archive(1))[0]

    assert (
        vetoed.error
        == f"{world.host}, writing license_change {key(1)}: Archive the invoice first. (HTTP 400 0x80040265)"
    )
    assert "is missing prvWritework365_licensechangelog privilege. (HTTP 403 0x80040220)" in denied.error
    assert not vetoed.in_doubt
    assert SECRET not in vetoed.error + denied.error


def psa(value: object, expected: object = None) -> RowUpdate:
    return RowUpdate(key(0xA1), {"psa_system_id": value}, {"psa_system_id": expected})


def test_a_psa_id_is_written_where_it_is_empty_and_nowhere_else(world: World):
    assert write(world, psa(29683), table="subscription") == [RowOutcome(key(0xA1))]
    assert write(world, psa("29683", "29683"), table="subscription") == [RowOutcome(key(0xA1))]
    assert write(world, psa(5, "29683"), table="subscription")[0].error == (
        'psa_system_id is "29683" already, and is only written where it is empty'
    )


def test_a_psa_id_is_not_written_where_the_profile_does_not_say_whose_it_is(world: World):
    outcome = write(replace(world, profile=Profile(TABLES)), psa(1), table="subscription")[0]

    assert outcome.error == ("the profile does not say which Autotask id psa_system_id holds (`holds:`)")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"subscription": key(5)}, "subscription cannot be written"),
        ({"created_on": "2026-01-01T00:00:00Z"}, "created_on cannot be written"),
        ({"status": "Shut"}, 'status: "Shut" is not one of Active, Archived'),
        ({"effective_date": "soon"}, 'effective_date: "soon" is not a day (YYYY-MM-DD)'),
    ],
)
def test_what_cannot_be_written_is_not(world: World, values: dict[str, object], said: str):
    outcome = write(world, RowUpdate(key(1), values, {}))[0]

    assert outcome.error == f"{said}"
    assert not world.asked()["PATCH work365_licensechangelogs"]


def test_a_label_without_a_number_here_is_not_guessed(world: World):
    attributes = world.sandbox.kinds[LOG].attributes
    status = attributes["statuscode"]
    attributes["statuscode"] = replace(status, choices=status.choices[:1])

    assert write(world, archive(1))[0].error == ('the number of status "Archived" is not known; name it in the profile')


def test_a_key_that_is_no_guid_goes_into_no_address(world: World):
    outcome = write(world, RowUpdate("x)/../accounts(1", {"status": "Archived"}, {}))[0]

    assert outcome.error == "its key is no GUID"


@pytest.mark.parametrize(
    ("behaviour", "sent"),
    [
        ("UserLocal", '"2026-06-30T22:00:00Z"'),
        ("DateOnly", '"2026-07-01"'),
        ("TimeZoneIndependent", '"2026-07-01T00:00:00Z"'),
    ],
)
def test_a_day_is_written_by_the_behaviour_of_its_column(tmp_path: Path, behaviour: str, sent: str):
    habits = Habits(behaviours={"work365_lcl_effectivedate": behaviour})
    with DataverseSandbox(TABLES, ROWS, environment(habits=habits)) as sandbox:
        world = World(sandbox, tmp_path)
        values = {"effective_date": date(2026, 7, 1), "quantity": Decimal("2.50"), "is_audit": True, "name": None}

        assert write(world, RowUpdate(key(1), values, {})) == [RowOutcome(key(1))]
        after = stored(world, 1)

    assert after["work365_lcl_effectivedate"] == sent
    assert [after[f"work365_lcl_{name}"] for name in ("quantity", "isaudit", "name")] == ["2.5", "true", "null"]


def test_a_table_without_optimistic_concurrency_is_read_first_and_never_added_to(tmp_path: Path):
    habits = Habits(unguarded=frozenset({LOG}))
    with DataverseSandbox(TABLES, ROWS, environment(habits=habits)) as sandbox:
        world = World(sandbox, tmp_path)

        assert write(world, archive(1)) == [RowOutcome(key(1))]
        patches = [request for request in sandbox.requests if request.verb == "PATCH"]

    assert [request.headers["if-match"] for request in patches] == ["*"]
