"""Metrics of a worker and of its fleet, in the text format of Prometheus.

Tenants are no labels: their names may be those of customers, and thousands of them would be too
many series. `trueup fleet status --json` lists each tenant. Amounts are floating-point numbers
here, for alarms and charts, not for accounting.
"""

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from trueup.model.fleet_run import FleetRun, FleetRunStatus, FleetStatus, Waits

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

KEPT = 15.0
"""Seconds for which the figures of the fleet are cached, because each reading is a query."""

_SECONDS = (1, 5, 15, 60, 300, 900, 3600)  # upper bounds of the buckets of a run's time


class WorkerMetrics:
    """Counters of this worker since its start, and the figures of the fleet."""

    def __init__(self, read: Callable[[], FleetStatus | None]) -> None:
        """`read` returns the status of the fleet, or None while its database is away."""
        registry = self._registry = CollectorRegistry()
        self._at_work = Gauge(
            "trueup_worker_runs_at_work",
            "Runs that this worker carries out.",
            registry=registry,
        )
        self._runs = Counter(
            "trueup_worker_runs",
            "Runs that ended on this worker, by why they were queued and how they ended.",
            ["kind", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "trueup_worker_run_seconds",
            "Seconds from the start of a run to its end.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._calls = Counter(
            "trueup_worker_calls",
            "Requests to target systems of runs that wrote, on this worker.",
            registry=registry,
        )
        self._changes = Counter(
            "trueup_worker_changes",
            "Changes that runs on this worker tried, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        registry.register(_FleetFigures(read))

    def began(self) -> None:
        """Counts a run that this worker starts."""
        self._at_work.inc()

    def left(self) -> None:
        """Counts a run that this worker no longer executes, whatever its result."""
        self._at_work.dec()

    def ended(self, run: FleetRun) -> None:
        """Counts a run that has ended, with its result."""
        kind, status = str(run.kind), _label(run.status)
        self._runs.labels(kind, status).inc()
        if run.started and run.ended:
            self._seconds.labels(kind).observe((run.ended - run.started).total_seconds())
        self._calls.inc(run.calls)
        for outcome, count in run.outcomes.items():
            self._changes.labels(outcome).inc(count)

    def text(self) -> bytes:
        """Returns all metrics in the text format."""
        return generate_latest(self._registry)


class _FleetFigures(Collector):
    """Figures of the whole fleet; every worker reports the same ones."""

    def __init__(self, read: Callable[[], FleetStatus | None]) -> None:
        self._read = read
        self._status: FleetStatus | None = None
        self._until = 0.0

    def describe(self) -> Iterator[Metric]:
        """Returns nothing: otherwise the registry would read the database at registration."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yields the figures; only `trueup_fleet_up 0` while the database is away."""
        now = monotonic()
        if self._status is None or now >= self._until:
            self._status, self._until = self._read(), now + KEPT
        status = self._status
        up = "Whether the database of the fleet answers."
        yield GaugeMetricFamily("trueup_fleet_up", up, value=0 if status is None else 1)
        if status is not None:
            yield from _figures(status)


def _figures(status: FleetStatus) -> Iterator[Metric]:
    yield _by_label(
        "trueup_fleet_tenants",
        "Tenants, by how their last run ended.",
        "status",
        Counts(_label(tenant.last.status) if tenant.last else "never" for tenant in status.tenants),
    )
    yield _by_label(
        "trueup_fleet_waiting_tenants",
        "Tenants that wait, by what for.",
        "waits",
        {
            str(waits): sum(tenant.waits is waits for tenant in status.tenants)
            for waits in Waits
            if waits is not Waits.NOTHING
        },
    )
    yield _by_label(
        "trueup_fleet_runs",
        "Runs that have not ended, by how they stand.",
        "status",
        Counts(str(tenant.current.status) for tenant in status.tenants if tenant.current),
    )
    doubts = [tenant.doubt for tenant in status.tenants if tenant.doubt]
    help_ = "Changes whose outcome is unknown."
    yield GaugeMetricFamily(
        "trueup_fleet_doubts", help_, value=sum(doubt.changes for doubt in doubts)
    )
    help_ = "Seconds since the oldest change was sent whose outcome is unknown; 0 without one."
    oldest = _since(status.at, [doubt.since for doubt in doubts])
    yield GaugeMetricFamily("trueup_fleet_oldest_doubt_seconds", help_, value=oldest)
    help_ = "Seconds that the run which is due longest has not been queued; 0 without one."
    late = _since(status.at, [tenant.next for tenant in status.tenants if tenant.current is None])
    yield GaugeMetricFamily("trueup_fleet_late_seconds", help_, value=late)
    help_ = "Workers that reported lately."
    yield GaugeMetricFamily("trueup_fleet_workers", help_, value=len(status.workers))
    yield _by_label(
        "trueup_fleet_at_stake",
        "What is billed wrongly each month as of the last runs, in each currency.",
        "currency",
        _at_stake(status),
    )


def _at_stake(status: FleetStatus) -> dict[str, float]:
    amounts: dict[str, Decimal] = {}
    for run in (tenant.last for tenant in status.tenants):
        if run and run.figures:
            currency = run.figures.currency
            amounts[currency] = amounts.get(currency, Decimal(0)) + run.at_stake
    return {currency: float(amount) for currency, amount in amounts.items()}


def _since(now: datetime, moments: list[datetime | None]) -> float:
    """Returns the seconds since the earliest of these moments; 0 if none has passed."""
    passed = [(now - moment).total_seconds() for moment in moments if moment is not None]
    return max([0.0, *passed])


def _by_label(name: str, help_: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=[label])
    for value, amount in sorted(values.items()):
        family.add_metric([value], amount)
    return family


def _label(status: FleetRunStatus) -> str:
    return str(status).replace(" ", "_")
