"""How a run is taken up and ended, and what follows from it for its tenant."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from trueup.fleet.cleanup import delete_old_runs, end_lost_runs
from trueup.fleet.connection import connect
from trueup.fleet.records import RETRY_AFTER, ClaimResult, claim_run, end_run, leave_run
from trueup.fleet.schedule import enqueue_due, request_runs, sync
from trueup.fleet.status import fleet_status, runs_of
from trueup.fleet.stored_plans import NO, YES, read_approved_plan, read_stored_plan, write_answer
from trueup.model.fleet_run import (
    Again,
    FleetRunStatus,
    PlanFigures,
    RunEnd,
    RunKind,
    TenantDoubt,
    WaitingPlan,
    Waits,
)

from tests.support.fleet import not_soon, opened, rows, tenant

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
FIGURES = PlanFigures(
    3,
    2,
    1,
    Decimal("10.50"),
    Decimal(-2),
    Decimal(5),
    Decimal(40),
    Decimal(7),
    Decimal(2),
    1,
    "GBP",
)


@pytest.fixture
def one(connection, url):
    made = opened(url, [tenant("acme", not_soon()), tenant("birch", not_soon())])
    sync(connection, made.fleet, made.digest)
    return made


def queued(connection, one, kind=RunKind.REQUESTED):
    """The id of a run of acme that waits for a worker."""
    request_runs(connection, one.queue, ["acme"], kind)
    return outstanding(connection)


def outstanding(connection):
    [(run,)] = rows(connection, "SELECT run FROM trueup_fleet.tenants WHERE name = 'acme'")
    return run


def ended(connection, one, end):
    """Ends a run of acme so; returns how acme stands then."""
    assert end_run(connection, queued(connection, one), "", end)
    [status] = fleet_status(connection, ["acme"]).tenants
    return status


def test_two_processes_never_carry_out_runs_of_one_tenant(connection, one, url):
    run = queued(connection, one)

    with claim_run(connection, "acme", run, "first") as first, connect(url) as other:
        with claim_run(other, "acme", run, "second") as second:
            assert (first, second) == (ClaimResult.CLAIMED, ClaimResult.BUSY)
        with claim_run(other, "birch", run, "second") as elsewhere:
            assert elsewhere is not ClaimResult.BUSY

    with connect(url) as other, claim_run(other, "acme", run, "second") as later:
        assert later is ClaimResult.CLAIMED


def test_a_tenant_is_free_when_its_process_is_gone(connection, one, url):
    run = queued(connection, one)
    killed = connect(url)
    claim_run(killed, "acme", run, "killed").__enter__()
    killed.close()

    with claim_run(connection, "acme", run, "next") as taken:
        assert taken is ClaimResult.CLAIMED
    [acme] = runs_of(connection, "acme")
    assert (acme.begins, acme.worker, acme.status) == (2, "next", FleetRunStatus.RUNNING)


def test_a_run_that_has_ended_is_not_taken_up_again(connection, one):
    run = queued(connection, one)
    assert end_run(connection, run, "", RunEnd(FleetRunStatus.DONE))

    with claim_run(connection, "acme", run, "late") as taken:
        assert taken is ClaimResult.ENDED


def test_a_worker_that_lost_a_run_does_not_end_it(connection, one):
    run = queued(connection, one)
    with claim_run(connection, "acme", run, "dead"):
        pass
    with claim_run(connection, "acme", run, "next"):
        assert not end_run(connection, run, "dead", RunEnd(FleetRunStatus.FAILED))
        assert end_run(connection, run, "next", RunEnd(FleetRunStatus.DONE))

    [acme] = runs_of(connection, "acme")
    assert acme.status is FleetRunStatus.DONE


def test_the_attempts_say_who_held_the_tenant_until_when(connection, one):
    run = queued(connection, one)
    with claim_run(connection, "acme", run, "first"):
        leave_run(connection, run, "first")
    with claim_run(connection, "acme", run, "second"):
        end_run(connection, run, "second", RunEnd(FleetRunStatus.DONE))

    query = "SELECT worker, how, left_at >= began FROM trueup_fleet.attempts ORDER BY id"
    assert rows(connection, query) == [("first", "left", True), ("second", "done", True)]


def test_how_a_run_ended_is_read_as_it_was_written(connection, one):
    end = RunEnd(
        FleetRunStatus.PARTIAL, "text", FIGURES, {"applied": 2, "failed": 1}, state_run="ab12"
    )

    last = ended(connection, one, end).last

    assert (last.status, last.text, last.figures) == (FleetRunStatus.PARTIAL, "text", FIGURES)
    assert (last.outcomes, last.state_run) == ({"applied": 2, "failed": 1}, "ab12")


def test_a_run_ends_also_where_its_text_cannot_be_kept_as_it_is(connection, one):
    ended(connection, one, RunEnd(FleetRunStatus.FAILED, "no column a\0b\udcff"))

    [run] = runs_of(connection, "acme")
    assert run.text == "no column a\N{REPLACEMENT CHARACTER}b?"


def test_what_failed_is_tried_again_later_and_later_and_then_by_the_schedule(connection, one):
    failed = RunEnd(FleetRunStatus.FAILED, again=Again(NOW, "it failed"))
    status = ended(connection, one, failed)
    waited = []

    while status.next_why == "it failed":
        waited.append(round((status.next - status.last.ended).total_seconds()))
        connection.execute("UPDATE trueup_fleet.tenants SET again_at = now() WHERE name = 'acme'")
        assert enqueue_due(connection, one.queue, one.fleet) == 1
        assert end_run(connection, outstanding(connection), "", failed)
        [status] = fleet_status(connection, ["acme"]).tenants

    assert waited == [*RETRY_AFTER]
    assert (status.last.kind, status.next_why) == (RunKind.AGAIN, "schedule")


def test_waiting_for_a_known_time_uses_no_retry(connection, one):
    until = datetime.now(UTC) + timedelta(minutes=5)
    doubt = TenantDoubt(2, NOW, until)
    settles = Again(until, "it can be settled", is_retry=False)

    for _ in range(len(RETRY_AFTER) + 2):
        status = ended(connection, one, RunEnd(FleetRunStatus.IN_DOUBT, doubt=doubt, again=settles))
        assert (status.next, status.next_why) == (until, "it can be settled")
        assert status.doubt == TenantDoubt(2, NOW, until)

    assert rows(connection, "SELECT retries FROM trueup_fleet.tenants WHERE name = 'acme'") == [
        (0,)
    ]
    assert ended(connection, one, RunEnd(FleetRunStatus.DONE)).doubt is None


@pytest.mark.parametrize(
    "end",
    [
        RunEnd(FleetRunStatus.PLANNED),
        RunEnd(FleetRunStatus.FAILED, "away", again=Again(NOW, "it failed")),
        RunEnd(
            FleetRunStatus.INTERRUPTED, again=Again(NOW, "its process was lost", is_retry=False)
        ),
    ],
    ids=lambda end: end.status,
)
def test_a_plan_only_changes_neither_the_next_run_nor_its_tries(connection, one, end):
    """It is not tried again either: that run would follow the policy, and might write."""
    failed = RunEnd(FleetRunStatus.FAILED, "no network", again=Again(NOW, "it failed"))
    before = ended(connection, one, failed)

    run = queued(connection, one, RunKind.PLAN)
    assert end_run(connection, run, "", end)

    [after] = fleet_status(connection, ["acme"]).tenants
    assert (after.last.id, after.last.kind) == (run, RunKind.PLAN)
    assert (after.next, after.next_why) == (before.next, "it failed")
    assert rows(connection, "SELECT retries FROM trueup_fleet.tenants WHERE name = 'acme'") == [
        (1,)
    ]


def test_a_plan_that_comes_out_the_same_keeps_its_answer_and_another_does_not(connection, one):
    waiting = RunEnd(
        FleetRunStatus.WAITING,
        waits=Waits.APPROVAL,
        plan=WaitingPlan("document", "d1", ("creates:X",)),
    )
    since = ended(connection, one, waiting).waits_since
    kept = read_stored_plan(connection, "acme")
    assert (kept.document, kept.limits, kept.answer) == ("document", ("creates:X",), "")
    write_answer(connection, kept, YES, "ada", "fine", ["creates:X"])

    assert ended(connection, one, waiting).waits_since == since
    approved = read_approved_plan(connection, "acme")
    assert (approved.document, approved.who, approved.over) == ("document", "ada", {"creates:X"})

    other = RunEnd(FleetRunStatus.WAITING, waits=Waits.APPROVAL, plan=WaitingPlan("other", "d2"))
    ended(connection, one, other)
    assert read_approved_plan(connection, "acme") is None


@pytest.mark.parametrize(
    ("waits", "digest", "expected", "is_same_since"),
    [
        (Waits.APPROVAL, "d1", Waits.REFUSED, True),
        (Waits.LIMITS, "d1", Waits.REFUSED, True),
        (Waits.APPROVAL, "d2", Waits.APPROVAL, False),
    ],
)
def test_a_refused_plan_that_comes_out_the_same_waits_since_the_refusal(
    connection, one, waits, digest, expected, is_same_since
):
    def planned(digest):
        plan = WaitingPlan("document", digest)
        return ended(connection, one, RunEnd(FleetRunStatus.WAITING, waits=waits, plan=plan))

    planned("d1")
    write_answer(connection, read_stored_plan(connection, "acme"), NO, "ada", "too much", ())
    refused = planned("d1")
    assert refused.waits is Waits.REFUSED

    again = planned(digest)

    assert (again.waits, again.waits_since == refused.waits_since) == (expected, is_same_since)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (RunKind.PLAN, FleetRunStatus.PLANNED),
        (RunKind.REQUESTED, FleetRunStatus.FAILED),
        (RunKind.REQUESTED, FleetRunStatus.INTERRUPTED),
    ],
)
def test_a_run_without_a_decisive_end_leaves_what_waits_as_it_was(connection, one, kind, status):
    plan = WaitingPlan("document", "d1")
    doubt = TenantDoubt(1, NOW, None)
    before = ended(
        connection, one, RunEnd(FleetRunStatus.WAITING, waits=Waits.LIMITS, plan=plan, doubt=doubt)
    )

    assert end_run(connection, queued(connection, one, kind), "", RunEnd(status))

    [after] = fleet_status(connection, ["acme"]).tenants
    assert (after.waits, after.waits_since, after.doubt) == (
        before.waits,
        before.waits_since,
        before.doubt,
    )
    assert read_stored_plan(connection, "acme").document == "document"


def test_a_plan_that_was_applied_waits_no_more(connection, one):
    waiting = RunEnd(
        FleetRunStatus.WAITING, waits=Waits.APPROVAL, plan=WaitingPlan("document", "d1")
    )
    ended(connection, one, waiting)

    status = ended(connection, one, RunEnd(FleetRunStatus.DONE))

    assert (status.waits, read_stored_plan(connection, "acme")) == (Waits.NOTHING, None)


def test_a_run_whose_job_was_lost_goes_on(connection, one, url):
    run = queued(connection, one)
    with claim_run(connection, "acme", run, "lost"):
        pass
    connection.execute("UPDATE trueup_fleet.runs SET queued = now() - interval '2 minutes'")
    assert end_lost_runs(connection, one.queue) == []  # its job is there

    connection.execute("UPDATE trueup_fleet.runs SET job = 0")
    with connect(url) as other, claim_run(other, "acme", run, "lost"):
        assert end_lost_runs(connection, one.queue) == []  # somebody carries it out
    assert end_lost_runs(connection, one.queue) == ["acme"]

    [status] = fleet_status(connection, ["acme"]).tenants
    assert (status.last.status, status.next_why) == (
        FleetRunStatus.INTERRUPTED,
        "its process was lost",
    )


def test_old_runs_are_forgotten_but_the_last_one_of_each_tenant(connection, one):
    for _ in range(3):
        ended(connection, one, RunEnd(FleetRunStatus.DONE))
    connection.execute("UPDATE trueup_fleet.runs SET ended = now() - interval '500 days'")

    delete_old_runs(connection)

    assert len(runs_of(connection, "acme")) == 1
    [status] = fleet_status(connection, ["acme"]).tenants
    assert status.last is not None
