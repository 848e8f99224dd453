"""Decisions: what a person decides about a row, written into mappings/decisions.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from trueup import wiring
from trueup.config import decisions
from trueup.config.checks.decisions import why_not_applicable
from trueup.errors import EngineError
from trueup.model.finding import Command, Place
from trueup.model.plan import LedgerLine
from trueup.model.project import Project, Verdict
from trueup.model.pushed_keys import first_uncorrected_day
from trueup.operations.plan import plan
from trueup.operations.record_check import check_record
from trueup.operations.rows import known_rows, resolve_key
from trueup.pipeline import PlanOptions
from trueup.planning.ledger.change_decisions import NAMED_AFTER_UNDO


@dataclass(frozen=True, slots=True)
class Written:
    """A decision as it was written."""

    mapping: str
    key: str  # the whole key
    name: str  # of the row; empty where it has none
    place: Place
    replaced: bool  # an older decision
    line: LedgerLine | None = None  # correct: the difference that the decision is about
    notes: Sequence[str] = ()  # link: what a user must know of the record


def decide(
    project: Project,
    mapping: str,
    key: str,
    verdict: Verdict | str,
    reason: str,
    until: date | None = None,
) -> Written:
    """Writes a decision about a row; it replaces older ones on the same topic.

    `key` is the row's key, a unique start of it, or its name. `until` is the last day on which
    the decision holds. Raises EngineError for what cannot be decided, and for an unknown row.
    """
    verdict = Verdict(verdict)
    if until is not None:
        _require_not_past(until, project)
    details: dict[str, object] = {"do": str(verdict), "reason": reason}
    details |= {"until": until} if until else {}
    return _write(project, mapping, key, verdict, details)


def succeed(project: Project, mapping: str, key: str, predecessor: str, reason: str) -> Written:
    """Writes the decision that a row takes the place of another one, `predecessor`.

    Both are given by key, a unique start of it, or name. Raises EngineError for a row that does
    not exist.
    """
    rows = known_rows(project, mapping) if mapping in project.mappings else {}
    of = resolve_key(predecessor, rows, mapping) if rows else predecessor
    details = {"do": str(Verdict.SUCCEED), "of": of, "reason": reason}
    return _write(project, mapping, key, Verdict.SUCCEED, details)


def push(project: Project, mapping: str, key: str, on: date, reason: str) -> Written:
    """Writes the decision that a held change is sent, and billed from that day on.

    `key` as for `decide`. Raises EngineError for a change that does not exist.
    """
    details = {"do": str(Verdict.PUSH), "on": on, "reason": reason}
    return _write(project, mapping, key, Verdict.PUSH, details)


def link(project: Project, mapping: str, key: str, record: int, reason: str = "") -> Written:
    """Writes the decision that a row is this record.

    `key` is the row's key, a unique start of it, or its name. Raises EngineError for a row or a
    record that does not exist. Where the target cannot be asked, a note of the result says so.
    """
    details = {"link": record, **({"reason": reason} if reason else {})}
    return _write(project, mapping, key, Verdict.LINK, details)


def _write(
    project: Project, mapping: str, key: str, verdict: Verdict, details: Mapping[str, object]
) -> Written:
    if mapping not in project.mappings:
        raise EngineError(
            f"there is no mapping {mapping!r}: the project has {', '.join(project.mappings)}"
        )
    if why := why_not_applicable(verdict, project.mappings[mapping]):
        raise EngineError(why)
    rows = known_rows(project, mapping)
    whole = resolve_key(key, rows, mapping)
    if verdict is Verdict.CREATE:
        _require_unlinked(project, mapping, whole)
    after = _after_undo(project, mapping, whole, verdict)
    line = _difference(project, mapping, whole) if verdict is Verdict.CORRECT else None
    record = details.get("link")
    notes = _record_notes(project, mapping, whole, record) if isinstance(record, int) else ()
    entry = {"mapping": mapping, "key": whole, **details, **after, **_seen(project, line)}
    written = decisions.decide(Path(project.root), entry)
    return Written(mapping, whole, rows[whole], written.place, written.replaced, line, notes)


def _record_notes(project: Project, mapping: str, key: str, record: int) -> Sequence[str]:
    """What a user must know of the record. Raises EngineError where it does not exist."""
    with wiring.connections(project) as opened:
        note = check_record(opened, project, project.mappings[mapping], record)
        links = opened.state().load().links.values()
    others = [
        Command("state show", mapping, link.key)
        for link in links
        if link.mapping == mapping and link.record == record and link.key != key
    ]
    taken = tuple(
        f"{project.mappings[mapping].target.entity} {record} is the record of another row already "
        f"(`{other}`): while that row is there, the next plan blocks both"
        for other in others
    )
    return (note, *taken) if note else taken


def _require_unlinked(project: Project, mapping: str, key: str) -> None:
    """Raises EngineError for a linked row: it has a record, so none would be created."""
    with wiring.open_state(project) as state:
        link = state.load().links.get((mapping, key))
    if link is None:
        return
    entity = project.mappings[mapping].target.entity
    other = Command("link", mapping, key, "ID")
    forget = Command("state forget", mapping, key, "--reason …")
    raise EngineError(
        f"{mapping} {key} is linked to {entity} {link.record}: nothing would be created; "
        f"`{other}` gives it another record, `{forget}` has it matched anew"
    )


def _difference(project: Project, mapping: str, key: str) -> LedgerLine:
    """The ledger's line of the row, with the difference that is to be corrected.

    Reads both systems. Raises EngineError where nothing differs, or the difference is not known.
    """
    lines = plan(project, PlanOptions(targets=(f"{mapping}:{key}",))).ledger
    line = next((one for one in lines if (one.mapping, one.key) == (mapping, key)), None)
    if line is None or line.difference == 0:
        raise EngineError(f"{mapping} {key} has no difference to correct")
    if line.difference is None:
        raise EngineError(f"{mapping} {key} cannot be corrected: {line.text}")
    return line


def _seen(project: Project, line: LedgerLine | None) -> Mapping[str, object]:
    """The difference that the decision is about, as it is written.

    A decision about a difference of an earlier day is used up: a run has corrected that one.
    """
    ledger = project.mappings[line.mapping].ledger if line else None
    if line is None or ledger is None or line.units is None or line.quantity is None:
        return {}
    with wiring.open_state(project) as state:
        pushed = state.load().pushed
    day = first_uncorrected_day(pushed, ledger.pending, line.key, line.day)
    units = line.units + line.pending
    return {"seen": {"units": _plain(units), "quantity": _plain(line.quantity), "day": day}}


def _plain(number: Decimal) -> int | float:
    """A number as YAML has it."""
    return int(number) if number == number.to_integral_value() else float(number)


def _after_undo(project: Project, mapping: str, key: str, verdict: Verdict) -> Mapping[str, object]:
    """The run that took the change back, where one did: the decision counts only with it."""
    with wiring.open_state(project) as state:
        pushed = state.load().pushed.get((mapping, key))
    if pushed and pushed.undone and verdict in NAMED_AFTER_UNDO:
        return {"after": pushed.run}
    return {}


def _require_not_past(until: date, project: Project) -> None:
    """Raises EngineError for a last day before the day that plans are made for."""
    today = project.as_of or wiring.SystemClock().now().astimezone(project.zone).date()
    if until < today:
        raise EngineError(
            f"--until {until} is past: plans are made for {today}, so it would never hold"
        )
