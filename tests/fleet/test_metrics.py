"""Metrics of a worker and of its fleet, as Prometheus reads them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from prometheus_client.parser import text_string_to_metric_families
from trueup.fleet.metrics import WorkerMetrics
from trueup.model.fleet_run import (
    FleetRun,
    FleetRunStatus,
    FleetStatus,
    PlanFigures,
    RunKind,
    TenantDoubt,
    TenantStatus,
    Waits,
    WorkerStatus,
)

NOW = datetime(2026, 11, 15, 6, tzinfo=UTC)


def figures(under, over, left, currency="GBP"):
    none = Decimal(0)
    amounts = (Decimal(under), Decimal(over), Decimal(left))
    return PlanFigures(3, 0, 0, none, none, none, *amounts, 0, currency)


def run(status=FleetRunStatus.DONE, outcomes=None, money=None, kind=RunKind.SCHEDULED):
    return FleetRun(
        id=1,
        tenant="acme",
        kind=kind,
        due=NOW,
        missed=0,
        queued=NOW,
        started=NOW,
        ended=NOW + timedelta(seconds=7),
        begins=1,
        worker="here:1",
        status=status,
        text="",
        figures=money,
        outcomes=outcomes or {},
        state_run="",
        calls=12,
    )


def tenant(name, last=None, *, due=NOW + timedelta(days=1), **more):
    standing = {"waits": Waits.NOTHING, "waits_since": None, "doubt": None, "current": None}
    return TenantStatus(
        name=name, does="apply", last=last, next=due, next_why="schedule", **(standing | more)
    )


def samples(metrics):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_a_worker_counts_what_it_has_done():
    metrics = WorkerMetrics(lambda: None)
    metrics.began()
    metrics.began()
    metrics.left()
    metrics.ended(run(outcomes={"applied": 5, "failed": 1}))
    metrics.ended(run(FleetRunStatus.IN_DOUBT, {"applied": 2}))

    found = samples(metrics)

    assert found["trueup_worker_runs_at_work",] == 1
    assert found["trueup_worker_runs_total", "scheduled", "done"] == 1
    assert found["trueup_worker_runs_total", "scheduled", "in_doubt"] == 1
    assert found["trueup_worker_run_seconds_sum", "scheduled"] == 14
    assert found["trueup_worker_run_seconds_bucket", "scheduled", "5.0"] == 0
    assert found["trueup_worker_run_seconds_bucket", "scheduled", "15.0"] == 2
    assert found["trueup_worker_calls_total",] == 24
    assert found["trueup_worker_changes_total", "applied"] == 7
    assert found["trueup_worker_changes_total", "failed"] == 1


def test_the_fleet_is_counted_without_the_names_of_tenants():
    status = FleetStatus(
        "Northgate",
        NOW,
        (
            tenant("acme", run(outcomes={"applied": 5}, money=figures("90", "10", "1.25"))),
            tenant(
                "birch",
                run(FleetRunStatus.WAITING, money=figures("20", "5", "3")),
                waits=Waits.APPROVAL,
            ),
            tenant(
                "cedar",
                run(FleetRunStatus.IN_DOUBT),
                doubt=TenantDoubt(2, NOW - timedelta(minutes=4), NOW),
            ),
            tenant(
                "dell",
                run(FleetRunStatus.FAILED, money=figures("7", "0", "7", "EUR")),
                due=NOW - timedelta(seconds=90),
            ),
            tenant("elm", due=NOW - timedelta(days=3), current=run(FleetRunStatus.RUNNING)),
        ),
        (WorkerStatus("here:1", "here", NOW, NOW, 1),),
    )

    found = samples(WorkerMetrics(lambda: status))

    assert found["trueup_fleet_up",] == 1
    assert found["trueup_fleet_tenants", "done"] == 1
    assert found["trueup_fleet_tenants", "never"] == 1
    assert found["trueup_fleet_waiting_tenants", "approval"] == 1
    assert found["trueup_fleet_waiting_tenants", "limits"] == 0
    assert found["trueup_fleet_runs", "running"] == 1
    assert found["trueup_fleet_doubts",] == 2
    assert found["trueup_fleet_oldest_doubt_seconds",] == 240
    assert found["trueup_fleet_late_seconds",] == 90
    assert found["trueup_fleet_workers",] == 1
    assert found["trueup_fleet_at_stake", "GBP"] == 26.25
    assert found["trueup_fleet_at_stake", "EUR"] == 7
    assert not {"acme", "birch", "cedar", "dell", "elm"} & {part for key in found for part in key}


def test_while_the_database_is_away_only_that_is_shown_of_the_fleet():
    found = samples(WorkerMetrics(lambda: None))

    assert found["trueup_fleet_up",] == 0
    assert [name for name, *_ in found if name.startswith("trueup_fleet")] == ["trueup_fleet_up"]


def test_the_fleet_is_read_once_for_many_requests_at_a_time():
    asked = []

    def read():
        asked.append(1)
        return FleetStatus("Northgate", NOW, (), ())

    metrics = WorkerMetrics(read)
    assert metrics.text() == metrics.text()
    assert len(asked) == 1
