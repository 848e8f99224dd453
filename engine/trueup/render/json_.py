"""What programs read: findings, outcomes, links and history as JSON. A plan's own document is the model's."""

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from engine.model.document import encode
from engine.model.finding import Finding
from engine.model.outcome import Outcome
from engine.model.run import Link, Run
from engine.render.by_hand import by_hand_json
from engine.render.history import EMPTY, moment
from engine.render.told import Told, Undone, data, status
from engine.state.journal import AuditLine

Names = Mapping[tuple[str, str], str]
"""What people call rows, by mapping and key."""


def as_json(value: object) -> str:
    """One document, ending in a line break; ASCII, so that nothing in it moves a cursor."""
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def findings_json(findings: Sequence[Finding]) -> str:
    """`{"findings": […]}`."""
    return as_json({"findings": [finding.as_json() for finding in findings]})


def outcome_json(outcome: Outcome) -> str:
    """The run's id, how it ended, and each change."""
    return as_json({**encode(outcome), "complete": outcome.complete})


def links_json(links: Sequence[Link], names: Names) -> str:
    """`{"links": […]}`, each with what people call its row."""
    return as_json({"links": [link_json(link, names) for link in links]})


def link_json(link: Link, names: Names) -> Mapping[str, object]:
    """One link."""
    return {**encode(link), "name": names.get((link.mapping, link.key), "")}


def runs_json(
    runs: Sequence[Run],
    zone: tzinfo,
    by_hand: Sequence[AuditLine] = (),
    undone: Mapping[str, Sequence[Undone]] = EMPTY,
) -> str:
    """`{"runs": […], "by_hand": […]}`, without the plans."""
    told = [_run(run, zone, undone.get(run.id, ())) for run in runs]
    return as_json({"runs": told, "by_hand": by_hand_json(by_hand, zone)})


def run_json(told: Sequence[Told], zone: tzinfo) -> str:
    """Whole runs: each change with before and after, its journal lines, answer and proof."""
    return as_json({"runs": [_whole(one, zone) for one in told]})


def _whole(told: Told, zone: tzinfo) -> Mapping[str, object]:
    by_hand = by_hand_json(told.by_hand, zone)
    return {**_run(told.run, zone, told.undone), "by_hand": by_hand, "changes": _changes(told, zone)}


def _run(run: Run, zone: tzinfo, undone: Sequence[Undone]) -> Mapping[str, object]:
    return {
        "run": run.id,
        "status": str(run.status),
        "who": run.who,
        "host": run.host,
        "started": moment(run.started, zone),
        "ended": moment(run.ended, zone) if run.ended else None,
        "plan_digest": run.plan_digest,
        "undo_of": run.undo_of,
        "undone_by": [{"run": one.run.id, "changes": one.changes, "undone_by": [*one.by]} for one in undone],
    }


def _changes(told: Told, zone: tzinfo) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    for change, entries in told.by_change():
        lines = [
            {"at": moment(entry.at, zone), "step": str(entry.step), "data": encode(entry.data)} for entry in entries
        ]
        known = {"status": status(entries), "known": encode(data(entries)), "journal": lines}
        found.append({**encode(change), **known})
    return found
