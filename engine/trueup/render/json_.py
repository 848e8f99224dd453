"""Output for programs: findings, outcomes, links, rows of the state and history as JSON.

`model.document` makes a plan's document.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from trueup.model.finding import Finding
from trueup.model.history import (
    RunHistory,
    RunsOverview,
    UndoneBy,
    Verification,
    change_data,
    change_status,
)
from trueup.model.outcome import Outcome
from trueup.model.plan_json import encode
from trueup.model.run import Link, Run
from trueup.model.state_overview import RowState
from trueup.render.audit import NO_AMOUNTS, audit_json
from trueup.render.moments import in_zone

Names = Mapping[tuple[str, str], str]
"""Names of rows, by mapping and key."""


def as_json(value: object) -> str:
    """Returns one document, ending in a line break; ASCII, without control characters."""
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def findings_json(findings: Sequence[Finding]) -> str:
    """`{"findings": […]}`."""
    return as_json({"findings": [finding.as_json() for finding in findings]})


def verification_json(found: Verification) -> str:
    """`{"findings": […], "lines": …, "head": …}`: lines of the journal, hash of the last one."""
    return as_json(
        {
            "findings": [finding.as_json() for finding in found.findings],
            "lines": found.lines,
            "head": found.head,
        }
    )


def outcome_json(outcome: Outcome) -> str:
    """The run's id, how it ended, and each change."""
    return as_json({**encode(outcome), "complete": outcome.complete})


def links_json(links: Sequence[Link], names: Names) -> str:
    """`{"links": […]}`, each with the name of its row."""
    return as_json(
        {"links": [_link(link, names.get((link.mapping, link.key), "")) for link in links]}
    )


def row_json(row: RowState, zone: tzinfo) -> str:
    """`{"link": …, "applied": …, "pushed": …, "by_hand": […]}` of one row of the state."""
    return as_json(
        {
            "link": _link(row.link, row.name) if row.link else None,
            "applied": encode(row.applied),
            "pushed": encode(row.pushed),
            "by_hand": audit_json(row.audit, zone, NO_AMOUNTS),
        }
    )


def _link(link: Link, name: str) -> Mapping[str, object]:
    return {**encode(link), "name": name}


def runs_json(overview: RunsOverview, zone: tzinfo, currency: str) -> str:
    """`{"runs": […], "by_hand": […]}`, without the plans."""
    runs = [_run(run, zone, overview.undone.get(run.id, ())) for run in overview.runs]
    return as_json({"runs": runs, "by_hand": audit_json(overview.audit, zone, currency)})


def run_json(runs: Sequence[RunHistory], zone: tzinfo) -> str:
    """Runs in full: each change with before and after, its journal entries, answer and proof."""
    return as_json({"runs": [_run_in_full(run, zone) for run in runs]})


def _run_in_full(history: RunHistory, zone: tzinfo) -> Mapping[str, object]:
    return {
        **_run(history.run, zone, history.undone),
        "by_hand": audit_json(history.audit, zone, history.plan.currency),
        "changes": _changes(history, zone),
    }


def _run(run: Run, zone: tzinfo, undone: Sequence[UndoneBy]) -> Mapping[str, object]:
    return {
        "run": run.id,
        "status": str(run.status),
        "who": run.who,
        "host": run.host,
        "started": in_zone(run.started, zone),
        "ended": in_zone(run.ended, zone) if run.ended else None,
        "plan_digest": run.plan_digest,
        "undo_of": run.undo_of,
        "undone_by": [
            {"run": by.run.id, "changes": by.changes, "undone_by": [*by.undone_by]} for by in undone
        ],
    }


def _changes(history: RunHistory, zone: tzinfo) -> list[Mapping[str, object]]:
    changes: list[Mapping[str, object]] = []
    for change, entries in history.by_change():
        journal = [
            {"at": in_zone(entry.at, zone), "step": str(entry.step), "data": encode(entry.data)}
            for entry in entries
        ]
        changes.append(
            {
                **encode(change),
                "status": change_status(entries),
                "known": encode(change_data(entries)),
                "journal": journal,
            }
        )
    return changes
