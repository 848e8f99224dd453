"""What is due is queued once, however many workers look, and whatever was missed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from trueup.fleet.connection import connect
from trueup.fleet.records import end_run
from trueup.fleet.schedule import enqueue_due, latest_tick, request_runs, sync
from trueup.fleet.status import runs_of
from trueup.model.fleet import Schedule
from trueup.model.fleet_run import FleetRunStatus, RunEnd, RunKind
from trueup.render.fleet import runs_text

from tests.support.fleet import EACH_MINUTE, HERE, NIGHTLY, opened, rows, set_back, tenant
from tests.support.fleet import UTC as ZONE

QUEUED = "SELECT tenant, kind, missed FROM trueup_fleet.runs ORDER BY id"
JOBS = "SELECT args->>'tenant' FROM trueup_queue.procrastinate_jobs ORDER BY id"


def look(one):
    with connect(one.url) as connection:
        return enqueue_due(connection, one.queue, one.fleet)


def begin(connection, url, tenants):
    one = opened(url, tenants)
    sync(connection, one.fleet, one.digest)
    return one


def finish(connection, name, status=FleetRunStatus.PLANNED):
    [(run,)] = rows(connection, "SELECT run FROM trueup_fleet.tenants WHERE name = %s", name)
    assert end_run(connection, run, "", RunEnd(status))


def test_each_tick_gives_one_run_however_many_workers_look(connection, url):
    one = begin(connection, url, [tenant(f"t{number}") for number in range(700)])
    set_back(connection, "1 day")

    with ThreadPoolExecutor(6) as workers:
        counts = [*workers.map(look, [one] * 6)]

    assert sum(counts) == 700
    assert sorted(name for name, *_ in rows(connection, QUEUED)) == sorted(one.fleet.tenants)
    assert sorted(name for (name,) in rows(connection, JOBS)) == sorted(one.fleet.tenants)
    assert look(one) == 0


def test_nothing_is_queued_before_its_time(connection, url):
    one = begin(connection, url, [tenant("acme"), tenant("birch", schedule=None)])

    assert look(one) == 0


def test_ticks_that_no_worker_saw_are_run_once_and_counted(connection, url):
    one = begin(connection, url, [tenant("acme")])
    set_back(connection, "4 days")

    assert look(one) == 1
    assert rows(connection, QUEUED) == [("acme", "scheduled", 3)]
    [(tick, now)] = rows(connection, "SELECT next_tick, now() FROM trueup_fleet.tenants")
    assert now < tick <= now + timedelta(days=1)


def test_a_run_that_is_late_shows_it(connection, url):
    one = begin(connection, url, [tenant("acme", EACH_MINUTE), tenant("birch", EACH_MINUTE)])
    set_back(connection, "1 hour", "birch")
    set_back(connection, "1 min", "acme")
    assert look(one) == 2
    connection.execute(
        "UPDATE trueup_fleet.runs SET due = due - interval '5 min' WHERE tenant = 'birch'"
    )

    [acme], [birch] = (runs_of(connection, name) for name in ("acme", "birch"))

    assert (acme.is_late, birch.is_late) == (False, True)
    text = runs_text([birch])
    assert f"{birch.due.astimezone(UTC):%H:%M}, run late, {birch.missed} missed before" in text


def test_a_tenant_at_work_is_run_once_more_afterwards_for_all_ticks_meanwhile(connection, url):
    one = begin(connection, url, [tenant("acme")])
    set_back(connection, "1 day")
    assert look(one) == 1
    set_back(connection, "3 days")
    connection.execute("UPDATE trueup_fleet.runs SET due = due - interval '3 days'")
    assert look(one) == 0

    finish(connection, "acme")

    assert look(one) == 1
    assert rows(connection, QUEUED) == [("acme", "scheduled", 0), ("acme", "scheduled", 2)]


def test_a_missed_tick_survives_a_restart_and_a_new_schedule_forgets_it(connection, url):
    one = begin(connection, url, [tenant("acme"), tenant("birch")])
    set_back(connection, "1 day")

    changed = tenant("birch", replace(NIGHTLY, cron="30 5 * * *"))
    one = begin(connection, url, [tenant("acme"), changed])

    assert look(one) == 1
    assert rows(connection, QUEUED) == [("acme", "scheduled", 0)]


def test_a_worker_with_an_older_fleet_yaml_keeps_to_the_new_schedule(connection, url):
    yearly = Schedule("0 5 1 1 *", ZONE, HERE)
    older = opened(url, [tenant("acme", yearly)])
    begin(connection, url, [tenant("acme", EACH_MINUTE)])
    set_back(connection, "1 minute")

    assert look(older) == 1

    [(soon,)] = rows(
        connection, "SELECT next_tick < now() + interval '1 minute' FROM trueup_fleet.tenants"
    )
    assert soon


def test_a_tenant_that_fleet_yaml_does_not_have_any_more_is_not_run(connection, url):
    begin(connection, url, [tenant("acme"), tenant("birch")])
    one = begin(connection, url, [tenant("birch")])
    set_back(connection, "1 day")

    assert look(one) == 1
    assert rows(connection, QUEUED) == [("birch", "scheduled", 0)]

    one = begin(connection, url, [tenant("birch"), tenant("acme")])
    assert look(one) == 1
    assert rows(connection, QUEUED)[-1][0] == "acme"


def test_a_tick_that_was_run_is_not_run_again_when_the_clock_goes_back(connection, url):
    one = begin(connection, url, [tenant("acme")])
    set_back(connection, "1 day")
    assert look(one) == 1
    finish(connection, "acme")
    set_back(connection, "1 day")

    assert look(one) == 0
    assert look(one) == 0


def test_a_requested_run_is_queued_at_once_or_after_the_active_one(connection, url):
    one = begin(connection, url, [tenant(name) for name in ("acme", "birch", "cedar")])
    request_runs(connection, one.queue, ["birch", "cedar"], RunKind.REQUESTED)
    connection.execute("UPDATE trueup_fleet.runs SET started = now() WHERE tenant = 'cedar'")

    found = request_runs(connection, one.queue, ["acme", "birch", "cedar"], RunKind.REQUESTED)

    assert (found.queued, found.already, found.after) == (("acme",), ("birch",), ("cedar",))
    finish(connection, "cedar")
    assert look(one) == 1
    assert rows(connection, QUEUED)[-1] == ("cedar", "again", 0)


@pytest.mark.parametrize("kind", [RunKind.REQUESTED, RunKind.APPROVED])
def test_a_plan_that_is_queued_does_not_serve_a_request_to_apply(connection, url, kind):
    one = begin(connection, url, [tenant("acme")])
    request_runs(connection, one.queue, ["acme"], RunKind.PLAN)

    assert request_runs(connection, one.queue, ["acme"], kind).after == ("acme",)

    finish(connection, "acme")
    assert look(one) == 1


def test_requested_runs_come_before_scheduled_ones(connection, url):
    one = begin(connection, url, [tenant("acme"), tenant("birch")])
    set_back(connection, "1 day", "acme")
    assert look(one) == 1
    request_runs(connection, one.queue, ["birch"], RunKind.REQUESTED)

    given = f"{JOBS.replace('ORDER BY id', 'ORDER BY priority DESC, id')}"
    assert rows(connection, given) == [("birch",), ("acme",)]


def test_a_plan_is_not_queued_behind_a_run_at_work(connection, url):
    one = begin(connection, url, [tenant("acme")])
    request_runs(connection, one.queue, ["acme"], RunKind.REQUESTED)
    connection.execute("UPDATE trueup_fleet.runs SET started = now()")

    assert request_runs(connection, one.queue, ["acme"], RunKind.PLAN).already == ("acme",)
    finish(connection, "acme")
    assert look(one) == 0


@pytest.mark.parametrize(
    ("schedule", "since", "late", "missed"),
    [
        (NIGHTLY, "2026-11-01T05:00", "2026-11-30T05:00", 29),
        (EACH_MINUTE, "2026-11-30T07:00", "2026-11-30T07:08", 8),
        (EACH_MINUTE, "2025-01-01T00:00", "2026-11-30T07:08", 101),
    ],
)
def test_the_last_tick_that_has_come_is_found_after_any_time(schedule, since, late, missed):
    tick = datetime.fromisoformat(since).replace(tzinfo=UTC)
    now = datetime(2026, 11, 30, 7, 8, 30, tzinfo=UTC)

    found = latest_tick(schedule, tick, now)

    assert found == (datetime.fromisoformat(late).replace(tzinfo=UTC), missed)
