"""Checks requested decisions and turns them into entries of mappings/decisions.yaml."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from trueup import wiring
from trueup.config.checks.decisions import why_not_applicable
from trueup.errors import EngineError
from trueup.model.arguments import is_visible
from trueup.model.document import LONE_SURROGATE
from trueup.model.finding import Command, Finding, Place
from trueup.model.plan import LedgerLine
from trueup.model.project import Project
from trueup.model.pushed_keys import first_uncorrected_day
from trueup.model.verdict import Verdict, wrong_parts
from trueup.operations.rows import require_mapping, resolve_key
from trueup.planning.ledger.change_decisions import NAMED_AFTER_UNDO
from trueup.ports.state import StateSnapshot

_Found = TypeVar("_Found")


LARGEST_ID = 2**53 - 1
"""The largest id that JSON keeps exactly; decisions.schema.json has the same limit."""


def record_id(text: str) -> int | None:
    """Returns the id of a record in a text; None if there is none.

    Record 0 is the tenant's own company in Autotask (docs/explanation/autotask.md): no row of a
    customer is that one, and linking one to it would rename it.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return int(text) if is_number and _is_record_id(int(text)) else None


def _is_record_id(value: object) -> bool:
    return type(value) is int and 1 <= value <= LARGEST_ID


class RequestedDecision(Struct, frozen=True):
    """A decision that a user requests, before any check."""

    mapping: str
    key: str  # the row's key, a unique start of it, or its name
    verdict: Verdict
    reason: str = ""  # only a link may go without
    record: int | None = None  # link: the record's id
    until: date | None = None  # the last day on which the decision holds
    on: date | None = None  # push: the day from which the change is billed
    of: str = ""  # succeed: the row whose place it takes, as `key`
    by: str = ""  # who decides
    place: Place | None = None  # where it was read, if it was read from a file


class DecisionRequest(Struct, frozen=True):
    """All decisions that a user requests; none is written while there is a fault."""

    decisions: Sequence[RequestedDecision]  # without a fault in their form
    faults: Sequence[Finding] = ()  # in the form of others, with their places in a file


class NotDecidable(EngineError):
    """All reasons why a decision cannot be written."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Prepared(Struct, frozen=True):
    """A checked decision: its row exists, and its mapping allows it."""

    requested: RequestedDecision
    key: str  # the whole key
    name: str  # of the row; empty if it has none
    entry: Mapping[str, object]  # as mappings/decisions.yaml has it
    line: LedgerLine | None = None  # correct: the difference that the decision is about
    notes: Sequence[str] = ()  # what a user must know: of a link's record, of an archived change


class DecisionFacts(Struct, frozen=True):
    """The facts that decisions are checked against."""

    rows: Callable[[str], Mapping[str, str]]  # mapping → keys with names
    snapshot: StateSnapshot
    difference: Callable[[str, str], LedgerLine]  # mapping and key → the line to correct
    record: Callable[[str, int], str]  # mapping and id → a note; raises where there is no record
    labels: Callable[[str], Mapping[str, str]] = lambda _mapping: {}  # as the plan names the rows


def prepare(project: Project, requested: RequestedDecision, facts: DecisionFacts) -> Prepared:
    """Returns the decision with the whole key of its row.

    Raises NotDecidable for an impossible decision, and for a row or a record that does not exist.
    """
    mapping, verdict = requested.mapping, requested.verdict
    if unwritable := [*_unwritable_values(requested)]:
        raise NotDecidable(unwritable)
    require_mapping(project, mapping)
    reasons = [*_why_not(project, requested)]

    def tried(find: Callable[[], _Found], otherwise: _Found) -> _Found:
        try:
            return find()
        except EngineError as error:
            reasons.append(str(error))
            return otherwise

    rows, labels = facts.rows(mapping), facts.labels(mapping)
    key = tried(lambda: resolve_key(requested.key, rows, mapping, labels), "")
    of = tried(lambda: resolve_key(requested.of, rows, mapping, labels), "") if requested.of else ""
    line: LedgerLine | None = None
    if key:
        tried(lambda: _require_effect(project, verdict, mapping, key, facts.snapshot), None)
    if key and verdict is Verdict.CORRECT:
        line = tried(lambda: facts.difference(mapping, key), None)
    notes: Sequence[str] = tried(lambda: _notes(project, requested, key, facts), ())
    if reasons:
        raise NotDecidable(reasons)

    entry = _entry(requested, key, of)
    entry |= _after_undo(mapping, key, verdict, facts.snapshot)
    entry |= _seen(project, line, facts.snapshot)
    entry |= {"by": requested.by} if requested.by else {}
    return Prepared(requested, key, rows[key], entry, line, notes)


def _entry(requested: RequestedDecision, key: str, of: str) -> dict[str, object]:
    """Returns what the user gave, with whole keys."""
    verdict = requested.verdict
    entry: dict[str, object] = {"mapping": requested.mapping, "key": key}
    entry |= {"link": requested.record} if verdict is Verdict.LINK else {"do": str(verdict)}
    entry |= {"of": of} if of else {}
    entry |= {"on": requested.on} if requested.on else {}
    entry |= {"reason": requested.reason} if is_visible(requested.reason) else {}
    entry |= {"until": requested.until} if requested.until else {}
    return entry


def _unwritable_values(requested: RequestedDecision) -> Iterator[str]:
    """Yields which values mappings/decisions.yaml cannot have.

    Callers of the Python API need no types, and a `datetime` is a `date` for a type checker.
    """
    record = requested.record
    if record is not None and not _is_record_id(record):
        yield f"record is {record!r}: give the id of a record, a whole number from 1 on"
    days: dict[str, object] = {"until": requested.until, "on": requested.on}
    texts: dict[str, object] = {"mapping": requested.mapping, "key": requested.key}
    for name, day in days.items():
        if day is not None and type(day) is not date:
            yield f"{name} is {day!r}: give a date without a time"
    texts |= {"reason": requested.reason, "of": requested.of, "by": requested.by}
    for name, text in texts.items():
        if not isinstance(text, str):
            yield f"{name} is {text!r}: give a text"
        elif LONE_SURROGATE.search(text):
            yield f"{name} has half of a character, which no file can have: {text!r}"


def _why_not(project: Project, requested: RequestedDecision) -> Iterator[str]:
    """Yields why the decision is impossible, whatever its row."""
    if why := why_not_applicable(requested.verdict, project.mappings[requested.mapping]):
        yield why
    for part in wrong_parts(
        requested.verdict, record=requested.record, of=requested.of, on=requested.on
    ):
        yield f"`{part.name}` is {part.text}"
    if requested.verdict is not Verdict.LINK and not is_visible(requested.reason):
        yield f"{requested.verdict} needs a reason, for those who read it later"
    if requested.until is not None:
        try:
            require_not_past(requested.until, project)
        except EngineError as error:
            yield str(error)


def correctable(line: LedgerLine | None, mapping: str, key: str) -> LedgerLine:
    """Returns the line. Raises EngineError if nothing differs, or the difference is unknown."""
    if line is None or line.difference == 0:
        raise EngineError(f"{mapping} {key} has no difference to correct")
    if line.difference is None:
        raise EngineError(f"{mapping} {key} cannot be corrected: {line.text}")
    return line


def _notes(
    project: Project, requested: RequestedDecision, key: str, facts: DecisionFacts
) -> Sequence[str]:
    """Returns notes about a link's record, or about a change that is archived already.

    Raises EngineError if the record does not exist.
    """
    if requested.record is not None:
        return _record_notes(project, requested.mapping, requested.record, key, facts)
    if requested.verdict is Verdict.ARCHIVE:
        return _archive_notes(requested.mapping, key, facts.snapshot)
    return ()


def _record_notes(
    project: Project, mapping: str, record: int, key: str, facts: DecisionFacts
) -> Sequence[str]:
    """Returns notes about a link's record. Raises EngineError if it does not exist."""
    note = facts.record(mapping, record)
    others = [
        Command("state show", mapping, link.key)
        for link in facts.snapshot.links.values()
        if link.mapping == mapping and link.record == record and link.key != key
    ]
    taken = tuple(
        f"{project.mappings[mapping].target.entity} {record} is the record of another row already "
        f"(`{other}`): while that row is there, the next plan blocks both"
        for other in others
    )
    decided = tuple(
        f"{project.mappings[mapping].target.entity} {record} is decided for another row already, "
        f"{mapping} {decision.key} ({decision.place}): while both are decided so, the next plan "
        "blocks both"
        for decision in project.decisions
        if decision.mapping == mapping and decision.record == record and decision.key != key
    )
    return (*((note,) if note else ()), *taken, *decided)


def require_not_past(until: date, project: Project) -> None:
    """Raises EngineError for a last day before the day that plans are made for."""
    today = project.as_of or wiring.SystemClock().now().astimezone(project.zone).date()
    if until < today:
        raise EngineError(
            f"the last day {until} is past: plans are made for {today}, so it would never hold"
        )


def _require_effect(
    project: Project, verdict: Verdict, mapping: str, key: str, snapshot: StateSnapshot
) -> None:
    """Raises EngineError for a decision that has no effect, because a run did that already."""
    if verdict is Verdict.CREATE:
        _require_unlinked(project, mapping, key, snapshot)
    elif verdict is Verdict.PUSH:
        _require_unpushed(project, mapping, key, snapshot)


def _require_unlinked(project: Project, mapping: str, key: str, snapshot: StateSnapshot) -> None:
    """Raises EngineError for a linked row: its record exists, so none would be created."""
    link = snapshot.links.get((mapping, key))
    if link is None:
        return
    entity = project.mappings[mapping].target.entity
    other = Command.link(mapping, key)
    forget = Command.forget(mapping, key)
    raise EngineError(
        f"{mapping} {key} is linked to {entity} {link.record}: nothing would be created; "
        f"`{other}` gives it another record, `{forget}` has it matched anew"
    )


def _require_unpushed(project: Project, mapping: str, key: str, snapshot: StateSnapshot) -> None:
    """Raises EngineError for a change that a run pushed or archived: it is never sent again."""
    pushed = snapshot.pushed.get((mapping, key))
    if pushed is None or pushed.undone:
        return
    did = "pushed" if pushed.units else "pushed or archived"
    ways = f"`trueup plan --undo {pushed.run}` plans the reverse of that run"
    if owner := project.ledger_of(mapping):
        correct = Command.decide(owner.name, "KEY", Verdict.CORRECT)
        ways = f"`{correct}` adjusts what is billed wrongly, {ways}"
    raise EngineError(
        f"{mapping} {key} was {did} by run {pushed.run}, and is never sent again: the decision "
        f"would have no effect; {ways}"
    )


def _archive_notes(mapping: str, key: str, snapshot: StateSnapshot) -> Sequence[str]:
    """Returns a note about a change that is archived already: only one edited since is not done."""
    pushed = snapshot.pushed.get((mapping, key))
    if pushed is None or pushed.undone or not pushed.marked:
        return ()
    text = f"{mapping} {key} was marked by run {pushed.run} already"
    return (f"{text}: the decision has an effect only if the row was edited since",)


def _seen(
    project: Project, line: LedgerLine | None, snapshot: StateSnapshot
) -> Mapping[str, object]:
    """Returns the difference that the decision is about, as it is written.

    A decision about a difference of an earlier day is used up, because a run has corrected it.
    """
    ledger = project.mappings[line.mapping].ledger if line else None
    if line is None or ledger is None or line.units is None or line.quantity is None:
        return {}
    day = first_uncorrected_day(snapshot.pushed, ledger.pending, line.key, line.day)
    units = line.units + line.pending
    return {"seen": {"units": _plain(units), "quantity": _plain(line.quantity), "day": day}}


def _plain(number: Decimal) -> int | float:
    """Returns a number as YAML writes it."""
    return int(number) if number == number.to_integral_value() else float(number)


def _after_undo(
    mapping: str, key: str, verdict: Verdict, snapshot: StateSnapshot
) -> Mapping[str, object]:
    """Returns the run that undid the change, if any: only a decision that names it counts."""
    pushed = snapshot.pushed.get((mapping, key))
    if pushed and pushed.undone and verdict in NAMED_AFTER_UNDO:
        return {"after": pushed.run}
    return {}
