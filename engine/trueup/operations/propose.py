"""Decisions about many rows: checked and shown with their effect, then written at once."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trueup import wiring
from trueup.config import decisions
from trueup.errors import ConfigError, EngineError, SourceError, StateError, TargetError
from trueup.model.change import RowRef
from trueup.model.decision_effect import Effect
from trueup.model.finding import Finding, Place, Severity
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.verdict import Verdict
from trueup.operations.decide import WrittenDecision
from trueup.operations.decision_effects import effect, labels_of
from trueup.operations.decision_entries import (
    DecisionFacts,
    NotDecidable,
    Prepared,
    RequestedDecision,
    correctable,
    prepare,
)
from trueup.operations.listener import SILENT, Listener
from trueup.operations.plan import plan_in
from trueup.operations.project import check_project
from trueup.operations.record_check import check_record
from trueup.operations.row_filter import RowFilter, choose_rows
from trueup.operations.rows import require_mapping, rows_of
from trueup.planning.shared_reads import shared
from trueup.ports.source import Source
from trueup.ports.state import StateSnapshot
from trueup.ports.world import World


class Proposal(Struct, frozen=True):
    """Checked decisions with their effect, before they are written."""

    root: Path  # the folder with the decisions
    ready: tuple[Prepared, ...]
    written: tuple[decisions.WrittenEntry, ...]  # where each will stand, and what it replaces
    old: bytes  # mappings/decisions.yaml as it is
    new: bytes  # and as it will be
    effect: Effect | None  # None: unknown, or not asked for
    unknown: str = ""  # why it is unknown
    notes: tuple[str, ...] = ()  # about rows that a filter leaves out


def propose(
    project: Project,
    requested: Sequence[RequestedDecision],
    wanted: RowFilter | None = None,
    listener: Listener = SILENT,
    *,
    preview: bool = True,
    faults: Sequence[Finding] = (),
) -> Proposal:
    """Checks decisions and computes their effect; nothing is written.

    With a filter, `requested` is one decision without a key, for each row that the filter selects.
    The effect is unknown if no plan can be made, such as without the target's secrets. With
    `preview` false it is not computed, and the target is read only if a correction or a filter
    needs it. Raises EngineError for an impossible decision, for a filter that selects nothing, and
    if a correction or a filter needs a plan that cannot be made; ConfigError for decisions with
    which the project would be invalid.
    """
    known, unknown_ones = _with_mapping(project, requested)
    wrong = [*faults, *unknown_ones]
    if wrong and not known:
        raise ConfigError(wrong)
    preview = preview and not wrong
    needs_plan = wanted is not None or any(one.verdict is Verdict.CORRECT for one in known)
    # Records are looked up over a connection of their own: it makes a single attempt.
    with wiring.connections(project) as opened, wiring.connections(project) as lookups:
        try:
            readings = _read(project, opened, listener, preview=preview, needs_plan=needs_plan)
            chosen, notes = _decisions_of_rows(project, known, wanted, readings.plan)
            ready = _prepare_all(project, chosen, readings.facts(project, lookups), wrong)
        except (SourceError, TargetError, StateError) as error:
            raise (ConfigError([*wrong, _finding(None, str(error))]) if wrong else error) from error
        old = decisions.read(project.own)
        new, written = decisions.edited_all(old, [one.entry for one in ready])
        places = {at.place: one.requested.place for one, at in zip(ready, written, strict=True)}
        changed = _checked(project, new, places)
        follows, unknown = _effect(changed, ready, readings) if preview else (None, "")
    return Proposal(project.own, tuple(ready), tuple(written), old, new, follows, unknown, notes)


def write_proposal(proposal: Proposal) -> list[WrittenDecision]:
    """Writes the decisions, all or none.

    Raises ConfigError if mappings/decisions.yaml cannot be written, or was changed since.
    """
    decisions.write(proposal.root, proposal.new, proposal.old)
    return [
        WrittenDecision(
            one.requested.mapping, one.key, one.name, at.place, at.replaced, one.line, one.notes
        )
        for one, at in zip(proposal.ready, proposal.written, strict=True)
    ]


def _with_mapping(
    project: Project, requested: Sequence[RequestedDecision]
) -> tuple[Sequence[RequestedDecision], Sequence[Finding]]:
    """Returns the decisions whose mapping exists, and the findings about the others.

    Raises EngineError for a single decision that is in no file.
    """
    known: list[RequestedDecision] = []
    wrong: list[Finding] = []
    for one in requested:
        try:
            require_mapping(project, one.mapping)
            known.append(one)
        except EngineError as error:
            if not one.place:
                raise
            wrong.append(_finding(one, str(error)))
    return known, wrong


class _Readings(Struct, frozen=True):
    """The data that is read once, for the checks and for both plans."""

    source: Source
    snapshot: StateSnapshot
    world: World | None = None  # None: the target cannot be opened
    plan: Plan | None = None  # without the decisions
    unknown: str = ""  # why there is no plan

    @property
    def labels(self) -> Mapping[str, Mapping[str, str]]:
        return labels_of(self.plan) if self.plan else {}

    def facts(self, project: Project, lookups: wiring.Connections) -> DecisionFacts:
        labels = self.labels
        lines = {(one.mapping, one.key): one for one in self.plan.ledger} if self.plan else {}
        return DecisionFacts(
            rows=cache(lambda mapping: rows_of(project, mapping, self.source, self.snapshot)),
            snapshot=self.snapshot,
            difference=lambda mapping, key: correctable(lines.get((mapping, key)), mapping, key),
            record=lambda mapping, record: check_record(
                lookups, project, project.mappings[mapping], record
            ),
            labels=lambda mapping: labels.get(mapping, {}),
        )


def _read(
    project: Project,
    opened: wiring.Connections,
    listener: Listener,
    *,
    preview: bool,
    needs_plan: bool,
) -> _Readings:
    """Returns both sides and the plan without the decisions.

    Raises EngineError if a plan is needed and cannot be made.
    """
    state = opened.state()
    source, snapshot = opened.source(), state.load()
    if not (preview or needs_plan):
        return _Readings(source, snapshot)
    try:
        opened_world = World(source, opened.target(), state, wiring.SystemClock())
        world = shared(opened_world, (project,))
        made = plan_in(world, project, listener=listener)
    except EngineError as error:
        if needs_plan:
            raise
        return _Readings(source, snapshot, unknown=str(error))
    return _Readings(world.source, snapshot, world, made)


def _decisions_of_rows(
    project: Project,
    requested: Sequence[RequestedDecision],
    wanted: RowFilter | None,
    plan: Plan | None,
) -> tuple[Sequence[RequestedDecision], tuple[str, ...]]:
    """Returns one decision for each row that the filter selects, and notes about other rows."""
    if wanted is None or plan is None:
        return requested, ()
    (template,) = requested
    chosen = choose_rows(project, plan, template.mapping, template.verdict, wanted)
    return [replace(template, key=key) for key in chosen.keys], chosen.notes


def _effect(
    changed: Project, ready: Sequence[Prepared], readings: _Readings
) -> tuple[Effect | None, str]:
    """Returns the effect of the decisions, or why it is unknown."""
    if readings.world is None or readings.plan is None:
        return None, readings.unknown
    try:
        after = plan_in(readings.world, changed)
    except EngineError as error:
        return None, str(error)
    labels = readings.labels
    return effect(readings.plan, after, [_row(one, labels) for one in ready]), ""


def _prepare_all(
    project: Project,
    requested: Sequence[RequestedDecision],
    facts: DecisionFacts,
    faults: Sequence[Finding],
) -> list[Prepared]:
    """Returns all decisions. Raises all their faults and the given ones, in their order."""
    ready: list[Prepared] = []
    wrong: list[tuple[RequestedDecision, str]] = []
    decided: dict[tuple[str, str, object], Prepared] = {}
    of_records: dict[tuple[str, int | None], Prepared] = {}
    for one in requested:
        try:
            prepared = prepare(project, one, facts)
        except NotDecidable as error:
            wrong += [(one, reason) for reason in error.reasons]
            continue
        topics = [(one.mapping, prepared.key, topic) for topic in one.verdict.topics]
        if any(topic in decided for topic in topics):
            wrong.append((one, f"{one.mapping} {prepared.key} is decided twice; keep one of them"))
            continue
        decided.update(dict.fromkeys(topics, prepared))
        if one.record is not None:
            other = of_records.setdefault((one.mapping, one.record), prepared)
            if other is not prepared:
                wrong.append((one, _two_rows(project, prepared, other)))
                continue
        ready.append(prepared)
    if wrong and not wrong[0][0].place and (len(requested) == 1 or len(wrong) == 1):
        raise EngineError(wrong[0][1])  # what else is wrong may follow from it
    if wrong or faults:
        found = [*faults, *(_finding(one, text) for one, text in wrong)]
        ordered = sorted(found, key=lambda one: one.place or Place(""))
        raise ConfigError(ordered)
    return ready


def _two_rows(project: Project, one: Prepared, other: Prepared) -> str:
    """Returns why a record cannot be decided for a second row."""
    entity, record = project.mappings[one.requested.mapping].target.entity, one.requested.record
    place = f" ({other.requested.place})" if other.requested.place else ""
    return (
        f"{entity} {record} cannot be the record of two rows: {other.key}{place} and {one.key}; "
        "keep one of them"
    )


def _finding(requested: RequestedDecision | None, text: str) -> Finding:
    place = requested.place if requested else None
    return Finding("decision", Severity.ERROR, text, place=place)


def _checked(project: Project, new: bytes, places: Mapping[Place, Place | None]) -> Project:
    """Returns the project with the new decisions. Raises ConfigError if it would be invalid.

    `places`: of new decisions, with where the user wrote them. A finding about such a decision
    names that place.
    """
    changed, findings = check_project(project.root, decisions=new, overlay=project.overlay)
    if changed is not None:  # with the connections as they were opened, secrets included
        return replace(changed, source=project.source, target=project.target, state=project.state)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    raise ConfigError(
        [
            replace(error, place=places.get(error.place, error.place)) if error.place else error
            for error in errors
        ]
    )


def _row(one: Prepared, labels: Mapping[str, Mapping[str, str]]) -> tuple[RowRef, Verdict]:
    name = labels.get(one.requested.mapping, {}).get(one.key) or one.name
    return RowRef(one.requested.mapping, one.key, name), one.requested.verdict
