"""Renders the status of a fleet, for a terminal and for programs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from trueup.model.fleet_run import (
    FleetRun,
    FleetRunStatus,
    FleetStatus,
    TenantDoubt,
    TenantStatus,
    Waits,
)
from trueup.render.formatting import count, money
from trueup.render.layout import Cell, Line, free
from trueup.render.moments import in_utc
from trueup.render.sanitize import clip, sanitize
from trueup.render.style import PLAIN, Paint, Style
from trueup.render.text import page

_HEADING = ("Tenant", "Last run", "", "Next run", "At stake a month", "Waits for")
FAULTY = frozenset({FleetRunStatus.FAILED, FleetRunStatus.TOO_LONG, FleetRunStatus.PARTIAL})
_TEXT = 200  # characters of the reason of a run's end

WAITS: Mapping[Waits, str] = {
    Waits.NOTHING: "",
    Waits.APPROVAL: "an approval",
    Waits.LIMITS: "an approval of a plan over limits",
    Waits.WINDOW: "its window",
    Waits.REFUSED: "another plan: this one is refused",
    Waits.PERSON: "a person, to settle a change in doubt",
}
"""What a tenant waits for, in words."""


def status_text(status: FleetStatus, style: Style = PLAIN, *, verbose: bool = False) -> str:
    """Returns a line for each tenant; below it, why its last run was not complete."""
    if not status.tenants:
        return "No tenants.\n"
    heading = Line(tuple(Cell(text, style.heading) for text in _HEADING), "tenant")
    lines = [heading]
    for tenant in status.tenants:
        lines.append(_line(tenant, style))
        if text := _why(tenant, verbose=verbose):
            lines.append(free(text, style.dim, indent=4))
    return page([lines, [free(summary_text(status))]], style.columns)


def runs_text(runs: Sequence[FleetRun], style: Style = PLAIN) -> str:
    """The runs of one tenant, in the order given."""
    heading = ("Run", "Why", "Due", "Began", "Ended", "Status", "Changes")
    lines = [Line(tuple(Cell(text, style.heading) for text in heading), "run")]
    for run in runs:
        cells = (
            Cell(str(run.id)),
            Cell(str(run.kind)),
            Cell(_due(run)),
            Cell(in_utc(run.started) + (f", {run.begins} times" if run.begins > 1 else "")),
            Cell(in_utc(run.ended)),
            Cell(str(run.status), style.error if run.status in FAULTY else style.dim),
            Cell(_changes(run)),
        )
        lines.append(Line(cells, "run"))
    return page([lines], style.columns)


def _due(run: FleetRun) -> str:
    late = ", run late" if run.is_late else ""
    return f"{in_utc(run.due)}{late}" + (f", {run.missed:,} missed before" if run.missed else "")


def _changes(run: FleetRun) -> str:
    done = ", ".join(f"{many:,} {status}" for status, many in run.outcomes.items())
    planned = f"{run.figures.changes:,} planned" if run.figures else ""
    return ", ".join(part for part in (planned, done) if part)


def _line(tenant: TenantStatus, style: Style) -> Line:
    last = tenant.last
    paint: Paint = style.error if last and last.status in FAULTY else style.dim
    cells = (
        Cell(sanitize(tenant.name)),
        Cell(in_utc(last.ended) if last else "never"),
        Cell(state_text(tenant), paint),
        Cell(in_utc(tenant.next) if tenant.next else "–"),
        Cell(stake_text(last), right=True),
        Cell(waits_text(tenant), style.warn),
    )
    return Line(cells, "tenant")


def state_text(tenant: TenantStatus) -> str:
    """Returns the status of the tenant's run, or of its last one; "" before the first."""
    if tenant.current is not None:
        return str(tenant.current.status)
    return str(tenant.last.status) if tenant.last else ""


def stake_text(last: FleetRun | None) -> str:
    """Returns the money that a run shows to be at stake, with `+?` if prices are missing."""
    if last is None or last.figures is None:
        return ""
    shown = money(last.at_stake, last.figures.currency)
    return f"{shown} +?" if last.figures.unpriced else shown


def waits_text(tenant: TenantStatus) -> str:
    """Returns what a tenant waits for and since when, and what of it is in doubt; "" if nothing."""
    parts = [WAITS[tenant.waits]] if tenant.waits is not Waits.NOTHING else []
    if tenant.waits_since and tenant.waits is not Waits.WINDOW:
        parts[0] += f", since {in_utc(tenant.waits_since)}"
    if tenant.doubt:
        parts.append(_doubt(tenant.doubt))
    return "; ".join(parts)


def _doubt(doubt: TenantDoubt) -> str:
    text = f"{count(doubt.changes, 'change')} in doubt"
    if doubt.since:
        text += f" since {in_utc(doubt.since)}"
    return f"{text}, settled from {in_utc(doubt.until)}" if doubt.until else text


def _why(tenant: TenantStatus, *, verbose: bool) -> str:
    if tenant.last is None or not tenant.last.text:
        return ""
    text = sanitize(tenant.last.text.replace("\n", " "))
    return text if verbose else clip(text, _TEXT)


def summary_text(status: FleetStatus) -> str:
    """Returns how many tenants and workers there are, and how many tenants are in which state."""
    busy = sum(1 for tenant in status.tenants if tenant.current)
    waiting = sum(1 for tenant in status.tenants if tenant.waits is not Waits.NOTHING)
    doubtful = sum(1 for tenant in status.tenants if tenant.doubt)
    failed = sum(1 for tenant in status.tenants if tenant.last and tenant.last.status in FAULTY)
    workers = count(len(status.workers), "worker") if status.workers else "no worker"
    tenants = count(len(status.tenants), "tenant")
    return (
        f"{tenants}, {workers}: {busy:,} queued or at work, {waiting:,} waiting, "
        f"{doubtful:,} in doubt, {failed:,} failed. Times are UTC."
    )


Runs = Mapping[str, Sequence[FleetRun]]
"""The latest runs of some tenants, by name."""


def status_data(status: FleetStatus, runs: Runs | None = None) -> Mapping[str, object]:
    """Returns the status for JSON: amounts are texts, times are ISO 8601 in UTC."""
    runs = runs or {}
    return {
        "fleet": status.fleet,
        "at": _iso(status.at),
        "tenants": [_tenant(tenant, runs.get(tenant.name)) for tenant in status.tenants],
        "workers": [
            {
                "name": worker.name,
                "host": worker.host,
                "began": _iso(worker.began),
                "seen": _iso(worker.seen),
                "running": worker.running,
            }
            for worker in status.workers
        ],
    }


def _tenant(tenant: TenantStatus, runs: Sequence[FleetRun] | None) -> Mapping[str, object]:
    doubt = tenant.doubt
    return {
        "tenant": tenant.name,
        "does": tenant.does,
        "last": run_data(tenant.last),
        "current": run_data(tenant.current),
        "next": _iso(tenant.next),
        "next_why": tenant.next_why,
        "waits_for": str(tenant.waits),
        "waits_since": _iso(tenant.waits_since),
        "in_doubt": {
            "changes": doubt.changes,
            "since": _iso(doubt.since),
            "until": _iso(doubt.until),
        }
        if doubt
        else None,
        **({} if runs is None else {"runs": [run_data(run) for run in runs]}),
    }


def run_data(run: FleetRun | None) -> Mapping[str, object] | None:
    """Returns one run for JSON."""
    if run is None:
        return None
    figures = run.figures
    return {
        "run": run.id,
        "kind": str(run.kind),
        "due": _iso(run.due),
        "late": run.is_late,
        "missed": run.missed,
        "queued": _iso(run.queued),
        "started": _iso(run.started),
        "ended": _iso(run.ended),
        "begins": run.begins,
        "worker": run.worker,
        "status": str(run.status),
        "at_stake": str(run.at_stake),
        "text": run.text,
        "outcomes": dict(run.outcomes),
        "state_run": run.state_run,
        "plan": {
            "changes": figures.changes,
            "blocked": figures.blocked,
            "held": figures.held,
            "more": str(figures.more),
            "less": str(figures.less),
            "one_off": str(figures.one_off),
            "under_billed": str(figures.under),
            "over_billed": str(figures.over),
            "left": str(figures.left),
            "unpriced": figures.unpriced,
            "currency": figures.currency,
        }
        if figures
        else None,
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
