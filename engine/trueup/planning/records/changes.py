"""The changes of a mapping's rows: updates of records that differ, creates, and new links."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from trueup.expressions import evaluate, inspect
from trueup.expressions.compiled import Slot
from trueup.expressions.rules import STOPS, RecordRules
from trueup.model.catalogue import Entity, Type
from trueup.model.coerce import fingerprint, same
from trueup.model.finding import Advice, Command, Finding, Severity, join_advice
from trueup.model.money import exact
from trueup.model.plan import Action, Change, Preconditions, Reason, Unknown
from trueup.model.project import Manage, MappingSpec, Repeat
from trueup.model.rule_scopes import RuleOn
from trueup.planning.context import PlanContext
from trueup.planning.fingerprints import seen_row, stable_columns
from trueup.planning.records.alike import AlikeRecords
from trueup.planning.records.matching import change_id
from trueup.planning.records.rules import record_rule_names
from trueup.stages.diff import (
    NOT_KEPT,
    SUCCEEDS,
    UNDONE,
    creation,
    differing,
    field_changes,
    is_known_not_kept,
    owned,
    reason,
    shown,
    updates,
)
from trueup.stages.match import MatchResult
from trueup.stages.resolve import Resolved


def plan_changes(
    context: PlanContext, mapping: MappingSpec, matched: MatchResult, activate: set[str]
) -> None:
    """Adds the changes of rows that differ from their record, are new, or are linked now.

    `activate`: rows whose record is to be switched on again, as decided.
    """
    planner = _ChangePlanner(context, mapping, activate)
    state, new = context.states[mapping.name], set(matched.create)
    for key in planner.rows_to_look_at(matched, new):
        if key in state.ready and key not in new:
            planner.existing(key, matched.how.get(key))
    for key in matched.create:
        planner.create(key)


def change_of(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    action: Action,
    **parts: Any,  # noqa: ANN401 -- parts of a Change
) -> Change:
    """A change of one row to its record, with the parts that follow from the mapping filled in."""
    return Change(
        id=parts.pop("id", change_id(mapping, key)),
        action=action,
        mapping=mapping.name,
        keys=(key,),
        name=context.label(mapping.name, key),
        tab=mapping.tab,
        entity=mapping.target.entity,
        place=mapping.place,
        **parts,
    )


def link_change(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    how: str,
    owned_values: Mapping[str, Any],
) -> Change:
    """The row is this record from now on. Nothing is sent, and the plan shows it."""
    return change_of(
        context,
        mapping,
        key,
        Action.LINK,
        id=f"{change_id(mapping, key)}:link",
        record=context.states[mapping.name].record_ids[key],
        owned=owned_values,
        seen=Preconditions(rows=(seen_row(context, mapping, key),)),
        how=how,
    )


def parent_values(entity: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """The parent's id, where a write goes through the parent."""
    parent = entity.parent
    return {parent.key: record[parent.key]} if parent and entity.writes_via == "parent" else {}


def shown_value(context: PlanContext, slot: Slot, value: object) -> str:
    """A value as people read it: references by the row's name, look-ups by their text."""
    reference = slot.reference
    if reference and value is not None:
        key = context.labels.key_of(reference.mapping, value)
        if key is None:
            return "known after apply" if isinstance(value, Unknown) else str(value)
        name = context.label(reference.mapping, key)
        return f"{name} (new)" if isinstance(value, Unknown) else f"{name} ({value})"
    if slot.find and (name := context.reader.text_of(slot.find, value)):
        return f"{name} ({value})"
    return shown(slot, value)


def not_kept_finding(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    slot: Slot,
    wanted: object,
    kept: object,
) -> Finding:
    """The finding, without a remedy, of a value that the target accepts and does not keep."""
    target = context.systems.target
    text = (
        f"{target} does not keep this value of {slot.name}: it was written as "
        f"{shown_value(context, slot, wanted)}, and {target} holds "
        f"{shown_value(context, slot, kept)}"
    )
    place = slot.spec.place
    return Finding("not-kept", Severity.WARNING, text, "", place, mapping.name, key)


class _ChangePlanner:
    """Plans the changes of one mapping, row by row."""

    def __init__(self, context: PlanContext, mapping: MappingSpec, activate: set[str]) -> None:
        self._context, self._mapping, self._activate = context, mapping, activate
        self._state = context.states[mapping.name]
        self._entity = context.entity(mapping.target.entity)
        self._compiled = context.compiled[mapping.name]
        self._resolver = context.resolvers[mapping.name]
        self._systems = context.systems
        self._links = context.links(mapping.name)
        self._alike = AlikeRecords(context, mapping)
        self._owners: dict[tuple[Any, ...], int | str] | None = None
        """References of records, and of those that this plan creates → record, or row."""

    def rows_to_look_at(self, matched: MatchResult, new: set[str]) -> Iterable[str]:
        """Keys of rows that may differ from their record; nearly all rows do not.

        Owned values are compared as one list a row; only rows that differ are resolved in full.
        """
        state, compared = self._state, self._compiled.compared
        ids, records, quick = state.record_ids, state.records, self._resolver.compared
        pairs = (
            (key, quick(raw), records[ids[key]])
            for key, raw in state.ready.items()
            if key not in new
        )
        names = [slot.name for slot in self._compiled.slots[:compared]]
        has_special = compared < len(self._compiled.slots)
        special = self._with_special_fields() if has_special else ()
        found = [*matched.how, *differing(pairs, names), *special, *sorted(self._activate)]
        return dict.fromkeys(found)

    def _with_special_fields(self) -> Iterable[str]:
        """Rows with fields that are filled or extended, which the quick comparison leaves out."""
        slots = [
            (self._compiled.first + position, slot)
            for position, slot in enumerate(self._compiled.slots)
            if slot.spec.manage in (Manage.FILL, Manage.EXTEND)
        ]
        for key, raw in self._state.ready.items():
            record = self._state.records.get(self._state.record_ids.get(key, -1))
            if record and any(raw[position] != record.get(slot.name) for position, slot in slots):
                yield key

    # Rows that have a record

    def existing(self, key: str, how: str | None) -> None:
        """Adds the link of the row, where `how` says that it is new, and the update it needs."""
        values = self._resolve(key, exists=True)
        if values is None:
            return
        record = self._state.records[self._state.record_ids[key]]
        values |= {name: record.get(name) for name in self._state.left_alone.get(key, ())}
        kept = self._not_kept(key, values, record)
        values |= kept
        writes, stuck = updates(self._compiled.slots, values, record, self._show, self._systems)
        if stuck:
            self._stuck(key, how, values, stuck)
            return
        if key in self._activate:
            writes |= self._switch_on(values, record)
        remembered = self._remembered(key, {**record, **values}, kept)
        changes = []
        if how is not None:
            # The update sets the others. If it is not sent, they must not look edited.
            agreed = {name: value for name, value in remembered.items() if name not in writes}
            changes.append(link_change(self._context, self._mapping, key, how, agreed))
        if writes:
            changes.append(self._update(key, writes, record, remembered))
        if changes:
            self._state.changes[key] = changes

    def _stuck(
        self, key: str, how: str | None, values: Mapping[str, Any], stuck: Sequence[Finding]
    ) -> None:
        """A linked row that moved gets a new record; any other one is blocked."""
        record = self._state.records[self._state.record_ids[key]]
        if how is None and self._has_moved(values, record):
            self._move(key, values)
            return
        for finding in stuck:
            self._block(key, finding)

    def _has_moved(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
        """Whether the record differs in nothing that stays as it is but what it belongs to."""
        if self._mapping.ledger is None:
            return False
        differing = {
            slot.name
            for slot in self._compiled.slots
            if slot.field.create_only
            and not slot.identity
            and slot.spec.manage is not Manage.CREATE
            and not same(values.get(slot.name), record.get(slot.name))
        }
        return differing <= {*self._reference_names}

    def _move(self, key: str, values: Mapping[str, Any]) -> None:
        """The row gets a new record where it belongs now; the ledger moves its units."""
        state = self._state
        old = state.record_ids.pop(key)
        state.left_records[key] = old
        state.referable[key] = Unknown(change_id(self._mapping, key))
        self.create(key)
        for change in state.changes.get(key, []):
            # The old record keeps the identity: what it belongs to identifies the new one.
            references = {name: values[name] for name in self._reference_names}
            absent = {**change.seen.absent, **references}
            note = f"moved: {self._entity.name} {old} stays, without units"
            notes = (*change.notes, note)
            moved = replace(change, seen=replace(change.seen, absent=absent), notes=notes)
            state.changes[key] = [moved]

    def _remembered(
        self, key: str, values: Mapping[str, Any], kept: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The values that the state keeps; a succession stays known, and what is not kept."""
        row = stable_columns(self._context, self._mapping, key)
        remembered = owned(self._compiled.slots, values, row)
        last = self._context.snapshot.applied.get((self._mapping.name, key), {})
        marks = [SUCCEEDS, *(f"{NOT_KEPT}{name}" for name in kept)]
        return {**remembered, **{name: last[name] for name in marks if name in last}}

    def _not_kept(
        self, key: str, values: Mapping[str, Any], record: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Values of the record in the place of those that the target did not keep.

        They were written, the target kept others, and neither has changed since: to write them
        again would change nothing.
        """
        last = self._context.snapshot.applied.get((self._mapping.name, key), {})
        kept: dict[str, Any] = {}
        if not any(name.startswith(NOT_KEPT) for name in last):
            return kept
        for slot in self._compiled.slots:
            if slot.spec.manage is Manage.CREATE:  # it is not written again anyway
                continue
            name, now = slot.name, record.get(slot.name)
            if is_known_not_kept(last, name, values.get(name), now):
                kept[name] = now
                self._note_not_kept(key, slot, last[f"{NOT_KEPT}{name}"], now)
        return kept

    def _note_not_kept(self, key: str, slot: Slot, wanted: object, kept: object) -> None:
        target = self._systems.target
        command = Command("state forget", self._mapping.name, key, "--reason …")
        remedy = (
            f"give {slot.name} the value that {target} keeps, or write `manage: create` there; "
            f"`{command}` has it written again"
        )
        finding = not_kept_finding(self._context, self._mapping, key, slot, wanted, kept)
        self._state.findings.append(replace(finding, remedy=remedy, commands=(command,)))

    def _switch_on(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
        """What switches a record on: the row's own values for the fields of `deactivate`."""
        return {
            slot.name: values[slot.name]
            for slot in self._compiled.slots
            if slot.name in self._mapping.deactivate
            and slot.field.writable_on_update()
            and not same(values.get(slot.name), record.get(slot.name))
        }

    def _update(
        self,
        key: str,
        writes: dict[str, Any],
        record: Mapping[str, Any],
        remembered: Mapping[str, Any],
    ) -> Change:
        last = self._context.snapshot.applied.get((self._mapping.name, key))
        row = fingerprint(stable_columns(self._context, self._mapping, key))

        def why(name: str) -> Reason:
            if key in self._activate and name in self._mapping.deactivate:
                return Reason.DECISION
            return reason(name, writes[name], record.get(name), last, row)

        fields = field_changes(self._compiled.slots, writes, record, why, self._show)
        undone = [one.field for one in fields if one.reason is Reason.UNDONE]
        for run in sorted({str((last or {})[f"{UNDONE}{name}"]) for name in undone}):
            self._note_undone(key, run)
        return change_of(
            self._context,
            self._mapping,
            key,
            Action.UPDATE,
            record=self._state.record_ids[key],
            fields=fields,
            values={**writes, **parent_values(self._entity, record)},
            owned=remembered,
            seen=Preconditions(
                rows=(seen_row(self._context, self._mapping, key),),
                record={name: record.get(name) for name in writes},
            ),
        )

    def _note_undone(self, key: str, run: str) -> None:
        command = Command("decide", self._mapping.name, key, "ignore --reason …")
        self._state.findings.append(
            Finding(
                "undone-before",
                Severity.INFO,
                f"run {run} was undone, and {self._systems.source} still holds what it wrote",
                f"`{command}` keeps it undone",
                self._mapping.place,
                self._mapping.name,
                key,
                commands=(command,),
            )
        )

    # Rows that get a record

    def create(self, key: str) -> None:
        """Adds the create of the row's record, or notes that an adjustment creates it."""
        values = self._resolve(key)
        if values is None:
            return
        sent, missing = creation(self._compiled.slots, values, self._entity, self._systems)
        if missing:
            for finding in missing:
                self._block(key, finding)
            return
        if self._mapping.repeat and self._belongs_to_another(key, values):
            if not self._may_repeat(self._mapping.repeat):
                self._block(key, self._taken(key, values))
                return
            self._state.repeats[key] = sent
            return
        row = stable_columns(self._context, self._mapping, key)
        change = change_of(
            self._context,
            self._mapping,
            key,
            Action.CREATE,
            fields=field_changes(self._compiled.slots, sent, None, _new, self._show),
            values=sent,
            one_off=self._charges(sent),
            owned=owned(self._compiled.slots, values, row),
            seen=Preconditions(
                rows=(seen_row(self._context, self._mapping, key),),
                absent={name: values[name] for name in self._mapping.identity},
                alike=self._alike.of(key),
            ),
        )
        self._state.changes[key] = [change]

    def _charges(self, values: Mapping[str, Any]) -> Decimal | None:
        """What is billed once for the new record; None where nothing is."""
        amounts = [Decimal(values[name]) for name in self._mapping.charges if values.get(name)]
        return exact(sum(amounts, Decimal(0))) if amounts else None

    def _may_repeat(self, repeat: Repeat) -> bool:
        """Whether the project allows a second record with the same references."""
        base = self._context.namespaces[self._mapping.name].base()
        return bool(evaluate(repeat.when.raw, base))

    def _belongs_to_another(self, key: str, values: Mapping[str, Any]) -> bool:
        """Whether a record with the same references exists or will: a plain create is refused."""
        names = self._reference_names
        if not names:
            return False
        if self._owners is None:
            self._owners = {}
            for id_, record in self._state.records.items():
                self._owners.setdefault(tuple(record.get(name) for name in names), id_)
        mine = tuple(values[name] for name in names)
        return self._owners.setdefault(mine, key) != key

    @cached_property
    def _reference_names(self) -> list[str]:
        """The fields by which a record belongs to others, once and for all."""
        return [
            slot.name for slot in self._compiled.slots if slot.reference and slot.field.create_only
        ]

    def _taken(self, key: str, values: Mapping[str, Any]) -> Finding:
        """The finding of a row whose references are those of another record, or of a new one."""
        owner = (self._owners or {})[tuple(values[name] for name in self._reference_names)]
        state, name = self._state, self._mapping.name
        ways = []
        if isinstance(owner, int):
            rows = [row for row, record in state.record_ids.items() if record == owner]
            what = f"{self._entity.name} {owner}"
            if not rows:  # made by hand, perhaps in the place of the row's own record
                ways = [Advice.of(Command("link", name, key, str(owner)), " if it is this row's")]
        else:
            rows, what = [owner], "a new record"
        labels = " and ".join(self._context.label(name, row) for row in rows)
        text = f"its references are those of {what}" + (f", which is {labels}'s" if rows else "")
        ways += [
            Advice.of(
                Command("decide", name, key, f"succeed --of {row} --reason …"),
                f" if it takes the place of {self._context.label(name, row)}",
            )
            for row in rows
        ]
        ways.append(Advice("bring the two together in " + self._systems.source))
        remedy = join_advice(", or ", ways)
        return Finding(
            "service-taken",
            Severity.HOLD,
            text,
            remedy.text,
            self._mapping.repeat.place if self._mapping.repeat else self._mapping.place,
            commands=remedy.commands,
        )

    # Both

    def _resolve(self, key: str, *, exists: bool = False) -> dict[str, Any] | None:
        """All values of the row; None where it had to be blocked or left out."""
        resolved = self._resolver.row(key, self._state.ready[key], exists=exists)
        if resolved.skip:
            skip = resolved.skip
            about = replace(skip, remedy="", mapping=self._mapping.name, key=key)
            self._state.skip(key, about, resolved.because)
            return None
        for finding in self._explained(key, resolved):
            if finding.severity in STOPS:
                self._state.block(key, finding, resolved.because)
            else:
                self._state.findings.append(finding)
        return None if key in self._state.blocked else resolved.values

    def _explained(self, key: str, resolved: Resolved) -> list[Finding]:
        """What stands against the row.

        A look-up that found nothing is explained by the rules about its field, where one fails. Of
        a row that is linked already, fields that only look bad are left as they are.
        """
        linked = key in self._links
        explained = [
            self._as_warning(key, name, finding) if self._is_minor(name) else finding
            for name, finding in resolved.by_field.items()
            if name not in resolved.unfound
        ]
        others = {*resolved.by_field.values()}
        findings = [finding for finding in resolved.findings if finding not in others]
        rules = self._context.rules.of(self._mapping.name, RuleOn.RECORD)
        for name, finding in resolved.unfound.items():
            about = [
                rule for rule in rules if ("after", name) in inspect(str(rule.check.raw)).paths
            ]
            names = record_rule_names(self._context, self._mapping, key, resolved.values)
            failing = [one for _, one in RecordRules(about)(names, key, linked=linked)]
            if failing and not any(one.severity in STOPS for one in failing):
                self._leave_alone(key, name)
            findings += failing or [finding]
        return [*explained, *findings]

    def _is_minor(self, name: str) -> bool:
        """Whether a value that does not fit is the field's fault alone, and not the row's.

        So it is with optional texts: an e-mail address, a postal code. Amounts, dates, references
        and whatever identifies the row are not left out.
        """
        slot = self._compiled.slot(name)
        return (
            slot is not None
            and slot.field.type is Type.TEXT
            and slot.field.picklist is None
            and not (slot.field.required or slot.identity or slot.reference or slot.find)
        )

    def _as_warning(self, key: str, name: str, finding: Finding) -> Finding:
        self._leave_alone(key, name)
        text = f"{finding.text}; {name} is left as it is"
        return replace(finding, severity=Severity.WARNING, text=text)

    def _leave_alone(self, key: str, name: str) -> None:
        left = self._state.left_alone.get(key, frozenset())
        self._state.left_alone[key] = left | {name}

    def _show(self, slot: Slot, value: object) -> str:
        return shown_value(self._context, slot, value)

    def _block(self, key: str, finding: Finding) -> None:
        place = finding.place or self._mapping.place
        about = replace(finding, place=place, mapping=self._mapping.name, key=key)
        self._state.block(key, about)


def _new(_name: str) -> Reason:
    return Reason.NEW
