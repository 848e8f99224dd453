"""Writes a decision about a row into mappings/decisions.yaml."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from trueup import wiring
from trueup.config import decisions
from trueup.config.checks.decisions import why_not_applicable
from trueup.errors import EngineError
from trueup.model.finding import Place
from trueup.model.plan import LedgerLine
from trueup.model.project import Project
from trueup.model.verdict import DECIDE_WORDS, Verdict
from trueup.operations.arguments import require_common
from trueup.operations.decision_entries import (
    DecisionFacts,
    RequestedDecision,
    correctable,
    prepare,
)
from trueup.operations.plan import plan
from trueup.operations.record_check import check_record
from trueup.operations.rows import known_rows
from trueup.pipeline import PlanOptions


class WrittenDecision(Struct, frozen=True):
    """A decision as it was written."""

    mapping: str
    key: str  # the whole key
    name: str  # of the row; empty if it has none
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
) -> WrittenDecision:
    """Writes a decision about a row; it replaces older ones on the same topic.

    `key` is the row's key, a unique start of it, or its name. `until` is the last day on which the
    decision holds. `link` and `succeed` have functions of their own, because they name a record or
    another row. Raises EngineError for an impossible decision, and for an unknown row.
    """
    try:
        verdict = Verdict(verdict)
    except ValueError:
        words = ", ".join(DECIDE_WORDS)
        raise EngineError(f"{verdict!r} is no decision: use one of {words}") from None
    return _write(project, RequestedDecision(mapping, key, verdict, reason, until=until))


def succeed(
    project: Project, mapping: str, key: str, predecessor: str, reason: str
) -> WrittenDecision:
    """Writes the decision that a row takes the place of another one, `predecessor`.

    Both are given by key, a unique start of it, or name. Raises EngineError for an unknown row.
    """
    return _write(project, RequestedDecision(mapping, key, Verdict.SUCCEED, reason, of=predecessor))


def push(project: Project, mapping: str, key: str, on: date, reason: str) -> WrittenDecision:
    """Writes the decision that a held change is sent, and billed from `on` on.

    `key` as for `decide`. Raises EngineError for an unknown change.
    """
    return _write(project, RequestedDecision(mapping, key, Verdict.PUSH, reason, on=on))


def link(
    project: Project, mapping: str, key: str, record: int, reason: str = ""
) -> WrittenDecision:
    """Writes the decision that a row is this record.

    `key` is the row's key, a unique start of it, or its name. Raises EngineError for an unknown row
    or record. If the target cannot be reached, the result has a note about it.
    """
    return _write(project, RequestedDecision(mapping, key, Verdict.LINK, reason, record))


def possible(project: Project, mapping: str) -> tuple[Verdict, ...]:
    """Returns the decisions that rows of a mapping can have."""
    spec = project.mappings[mapping]
    return tuple(verdict for verdict in Verdict if not why_not_applicable(verdict, spec))


def _write(project: Project, requested: RequestedDecision) -> WrittenDecision:
    require_common(project)
    with wiring.open_state(project) as state:
        snapshot = state.load()
    facts = DecisionFacts(
        lambda mapping: known_rows(project, mapping),
        snapshot,
        lambda mapping, key: _difference(project, mapping, key),
        lambda mapping, record: _record_note(project, mapping, record),
    )
    ready = prepare(project, requested, facts)
    written = decisions.decide(project.own, ready.entry)
    return WrittenDecision(
        requested.mapping,
        ready.key,
        ready.name,
        written.place,
        written.replaced,
        ready.line,
        ready.notes,
    )


def _record_note(project: Project, mapping: str, record: int) -> str:
    """Returns a note about the record, mostly "". Raises EngineError if it does not exist."""
    with wiring.connections(project) as opened:
        return check_record(opened, project, project.mappings[mapping], record)


def _difference(project: Project, mapping: str, key: str) -> LedgerLine:
    """Returns the ledger line of the row, with the difference to correct. Reads both systems.

    Raises EngineError if nothing differs, or the difference is unknown.
    """
    lines = plan(project, PlanOptions(targets=(f"{mapping}:{key}",))).ledger
    line = next((one for one in lines if (one.mapping, one.key) == (mapping, key)), None)
    return correctable(line, mapping, key)
