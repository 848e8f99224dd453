"""One mapping's turn: its rows become values, find their records, and give the changes that are needed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate, inspect
from engine.expressions.compiled import Compiled, Slot, slot_raw
from engine.expressions.context import Context
from engine.model.catalogue import Entity, Field, Type
from engine.model.finding import Finding, Severity
from engine.model.fit import Misfit, fingerprint, same
from engine.model.plan import Action, Change, Reason, Seen, Unknown
from engine.model.project import About, FieldSpec, MappingSpec, Rule, RuleOn, WhenMissing
from engine.model.work import Standing
from engine.planning.doubt import held
from engine.planning.draft import Draft, labelled
from engine.planning.outside import block_taken
from engine.planning.switched import hold_switched_off
from engine.planning.unread import explain, place_unread
from engine.stages.diff import (
    UNDONE,
    creation,
    deactivation,
    differing,
    field_changes,
    owned,
    reason,
    shown,
    updates,
)
from engine.stages.match import DECIDED, Known, Matched, match
from engine.stages.resolve import Resolved, Resolver
from engine.stages.transform import transform
from engine.stages.validate import STOPS, RecordRules, broken, validate


def scope(draft: Draft, mapping: MappingSpec) -> Standing:
    """Rows of the mapping, judged and evaluated; the first half of its turn."""
    entity = draft.entity(mapping.target.entity)
    compiled = Compiled(mapping, entity, draft.rules(mapping.name, RuleOn.ROW))
    context = Context(mapping, draft.tables, draft.project.settings, draft.plan_names(), draft.gaps)
    rows = draft.tables[mapping.source.table]
    standing, suspects = transform(compiled, rows, context, draft.key_column(mapping))
    draft.compiled[mapping.name], draft.contexts[mapping.name] = compiled, context
    draft.standings[mapping.name] = standing
    place_unread(draft, standing)
    validate(compiled, suspects, context, standing)
    explain(draft, standing, suspects)
    return standing


def align(draft: Draft, mapping: MappingSpec) -> None:
    """The whole turn of a mapping whose records can be read."""
    standing = scope(draft, mapping)
    turn = _Turn(draft, mapping, standing)
    turn.read()
    matched = turn.match()
    turn.activate = hold_switched_off(draft, mapping)
    turn.diff(matched)
    block_taken(draft, mapping)
    turn.review()
    turn.keep_decided(matched)
    turn.missing()
    turn.settle_needs()


class _Turn:
    """The second half of a mapping's turn, step by step."""

    def __init__(self, draft: Draft, mapping: MappingSpec, standing: Standing) -> None:
        self.draft, self.mapping, self.standing = draft, mapping, standing
        self.entity: Entity = draft.entity(mapping.target.entity)
        self.compiled = draft.compiled[mapping.name]
        self.links = draft.links(mapping.name)
        self.decisions = draft.decisions(mapping.name, About.RECORD)
        self.resolver = Resolver(self.compiled, draft.standings, draft.reader.find)
        draft.resolvers[mapping.name] = self.resolver
        self.references: set[tuple[Any, ...]] | None = None
        self.activate: set[str] = set()  # rows whose record is to be switched on again, as decided

    def read(self) -> None:
        """Records that are ours, those that rows are linked to, and those that a decision names."""
        wanted = [*self.links.values()]
        wanted += [one.record for one in self.decisions.values() if one.record is not None]
        self.standing.records = self.draft.reader.of(self.mapping, self.draft.standings, wanted)

    def match(self) -> Matched:
        """Which row is which record. What is in doubt from an open run is left alone."""
        self._hold_doubtful()
        known = Known(
            links=self.links,
            decisions=self.decisions,
            as_of=self.draft.as_of,
            names=lambda key: self.draft.names(self.mapping.name, key),
            label=lambda key: self.draft.label(self.mapping.name, key),
            values=self._values,
            doubtful=frozenset(key for name, key in self.draft.in_doubt.rows if name == self.mapping.name),
        )
        matched = match(self.standing, known)
        standing = self.standing
        standing.usable.update({key: Unknown(self._id(key)) for key in matched.create})
        return matched

    def _hold_doubtful(self) -> None:
        for name, key in sorted(self.draft.in_doubt.rows):
            if name == self.mapping.name and key in self.standing.ready:
                self.standing.block(key, held(self.mapping.place, name, key))

    def _id(self, key: str) -> str:
        return f"{self.mapping.name}:{key}"

    def _values(self, key: str, specs: Mapping[str, FieldSpec]) -> Mapping[str, Any] | None:
        """Fitted values of some fields for a row; None where one cannot be worked out."""
        names = self.draft.names(self.mapping.name, key)
        resolved = Resolved()
        for name, spec in specs.items():
            field = self.entity.field(name) or Field(name, Type.TEXT)
            try:
                value = _evaluated(slot_raw(spec), names)
            except EVALUATION_ERRORS:  # the row's own fields tell what is wrong; as a key it tells nothing
                return None
            self.resolver.one(key, Slot(spec, field, 0, identity=False), value, resolved)
        return None if resolved.findings or resolved.left else resolved.values

    def diff(self, matched: Matched) -> None:
        """Changes of rows that differ, are new, or are linked for the first time."""
        standing, fast = self.standing, self.resolver.fast
        new = set(matched.create)
        records, ids = standing.records, standing.ids
        pairs = ((key, fast(raw), records[ids[key]]) for key, raw in standing.ready.items() if key not in new)
        always = [slot.name for slot in self.compiled.slots[: self.compiled.compared]]
        special = self.compiled.compared < len(self.compiled.slots)
        special_ones = self._special() if special else ()
        look = dict.fromkeys([*matched.how, *differing(pairs, always), *special_ones, *sorted(self.activate)])
        for key in look:
            if key in standing.ready and key not in new:
                self._existing(key, matched.how.get(key))
        for key in matched.create:
            self._new(key)

    def _special(self) -> Iterable[str]:
        """Rows with fields that are filled or extended: they want a look of their own."""
        slots = [
            (self.compiled.first + position, slot)
            for position, slot in enumerate(self.compiled.slots)
            if slot.spec.manage in ("fill", "extend")
        ]
        for key, raw in self.standing.ready.items():
            record = self.standing.records.get(self.standing.ids.get(key, -1))
            if record and any(raw[position] != record.get(slot.name) for position, slot in slots):
                yield key

    def _resolve(self, key: str, *, there: bool = False) -> dict[str, Any] | None:
        """All values of the row; None where it had to be blocked or left out."""
        resolved = self.resolver.slow(key, self.standing.ready[key], there=there)
        if resolved.left:
            finding = resolved.left
            self.standing.leave(key, Finding(finding.code, finding.severity, finding.text, "", finding.place,
                                             self.mapping.name, key))  # fmt: skip
            return None
        for finding in self._in_words(key, resolved):
            self.standing.block(key, finding, resolved.because)
        return None if resolved.findings else resolved.values

    def _in_words(self, key: str, resolved: Resolved) -> list[Finding]:
        """What stands against the row; of a look-up that found nothing, what rules say of its field, if any do."""
        told = [finding for finding in resolved.findings if finding not in resolved.unfound.values()]
        rules = self.draft.rules(self.mapping.name, RuleOn.RECORD)
        for name, finding in resolved.unfound.items():
            about = [rule for rule in rules if ("after", name) in inspect(str(rule.check.raw)).paths]
            said = RecordRules(about)(self._record_names(key, resolved.values), key)
            told += [one for one in said if one.severity in STOPS] or [finding]
        return told

    def _existing(self, key: str, how: str | None) -> None:
        values = self._resolve(key, there=True)
        if values is None:
            return
        id_ = self.standing.ids[key]
        record = self.standing.records[id_]
        writes, stuck = updates(self.compiled.slots, values, record)
        if stuck:
            for finding in stuck:
                self.standing.block(key, self._about(finding, key))
            return
        on = self._on(values, record) if key in self.activate else {}
        own = owned(self.compiled.slots, {**record, **values}, self.draft.steady(self.mapping, key))
        seen = Seen(row=self.draft.row_seen(self.mapping, key))
        changes = []
        if how is not None:
            changes.append(self._link(key, id_, how, own, seen))
        if writes or on:
            changes.append(self._update(key, id_, {**writes, **on}, record, own))
        if changes:
            self.standing.changes[key] = changes

    def _on(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
        """What switches a record on again: the row's own values for what `deactivate` names, however managed."""
        return {
            slot.name: values[slot.name]
            for slot in self.compiled.slots
            if slot.name in self.mapping.deactivate
            and slot.field.writable_on_update()
            and not same(values.get(slot.name), record.get(slot.name))
        }

    def _link(self, key: str, id_: int, how: str, own: Mapping[str, Any], seen: Seen) -> Change:
        """A row is this record from now on: nothing is sent, and somebody sees it."""
        change = self._change(key, Action.LINK, record=id_, owned=own, seen=seen, how=how)
        return replace(change, id=f"{change.id}:link")

    def _update(
        self, key: str, id_: int, writes: dict[str, Any], record: Mapping[str, Any], own: Mapping[str, Any]
    ) -> Change:
        last = self.draft.memory.applied.get((self.mapping.name, key))
        row = fingerprint(self.draft.steady(self.mapping, key))

        def why(name: str) -> Reason:
            if key in self.activate and name in self.mapping.deactivate:
                return Reason.DECISION
            return reason(name, writes[name], record.get(name), last, row)

        fields = field_changes(self.compiled.slots, writes, record, why, self._show)
        for run in sorted({str((last or {})[f"{UNDONE}{one.field}"]) for one in fields if one.reason is Reason.UNDONE}):
            self._undone(key, run)
        sent = {**writes, **self._parent(record)}
        seen = Seen(row=self.draft.row_seen(self.mapping, key), record=_picked(record, writes))
        return self._change(key, Action.UPDATE, record=id_, fields=fields, values=sent, owned=own, seen=seen)

    def _undone(self, key: str, run: str) -> None:
        text = f"run {run} was undone, and Work 365 still says what it wrote"
        remedy = f"`trueup decide {self.mapping.name} {key} ignore --reason …` where it shall stay undone"
        finding = Finding("undone-before", Severity.INFO, text, remedy, self.mapping.place, self.mapping.name, key)
        self.standing.findings.append(finding)

    def _parent(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The parent's id, where the way to write leads through it."""
        parent = self.entity.parent
        return {parent.key: record[parent.key]} if parent and self.entity.writes_via == "parent" else {}

    def _new(self, key: str) -> None:
        values = self._resolve(key)
        if values is None:
            return
        sent, missing = creation(self.compiled.slots, values, self.entity)
        if missing:
            for finding in missing:
                self.standing.block(key, self._about(finding, key))
            return
        if self._repeats(values):
            self.standing.repeats[key] = sent
            return
        fields = field_changes(self.compiled.slots, sent, None, lambda _name: Reason.NEW, self._show)
        identity = {name: values[name] for name in self.mapping.identity}
        seen = Seen(row=self.draft.row_seen(self.mapping, key), absent=identity)
        own = owned(self.compiled.slots, values, self.draft.steady(self.mapping, key))
        change = self._change(key, Action.CREATE, fields=fields, values=sent, owned=own, seen=seen)
        self.standing.changes[key] = [change]

    def _repeats(self, values: Mapping[str, Any]) -> bool:
        """Is there one with the same references already, or is one about to be, so that a plain create is refused?"""
        repeat = self.mapping.repeat
        names = [slot.name for slot in self.compiled.slots if slot.reference and slot.field.create_only]
        if repeat is None or not names or not evaluate(repeat.when.raw, self.draft.contexts[self.mapping.name].base()):
            return False
        if self.references is None:
            self.references = {tuple(one.get(name) for name in names) for one in self.standing.records.values()}
        mine = tuple(values[name] for name in names)
        known = mine in self.references
        self.references.add(mine)
        return known

    def _change(self, key: str, action: Action, **more: Any) -> Change:  # noqa: ANN401 -- parts of a Change
        return Change(
            id=self._id(key),
            action=action,
            mapping=self.mapping.name,
            keys=(key,),
            name=self.draft.label(self.mapping.name, key),
            tab=self.mapping.tab,
            entity=self.mapping.target.entity,
            place=self.mapping.place,
            **more,
        )

    def _show(self, slot: Slot, value: object) -> str:
        """References by the name of the row that they are, look-ups by what they are looked up by."""
        reference = slot.reference
        if reference and value is not None:
            if isinstance(value, Unknown):
                return f"{self.draft.label(reference.mapping, value.change.split(':', 1)[1])} (new)"
            key = self.draft.key_of(reference.mapping, value)
            return f"{self.draft.label(reference.mapping, key)} ({value})" if key else str(value)
        if slot.find and (name := self.draft.reader.called(slot.find, value)):
            return f"{name} ({value})"
        return shown(slot, value)

    def _about(self, finding: Finding, key: str) -> Finding:
        place = finding.place or self.mapping.place
        return Finding(finding.code, finding.severity, finding.text, finding.remedy, place, self.mapping.name, key)

    def review(self) -> None:
        """Rules that look at records, before and after."""
        rules: list[Rule] = self.draft.rules(self.mapping.name, RuleOn.RECORD)
        if rules:
            check = RecordRules(rules)
            for key in [*self.standing.ready]:
                self._review(key, check)
        self._follow_own_references()

    def _review(self, key: str, check: RecordRules) -> None:
        for finding in check(self._record_names(key, self.draft.record_names(self.mapping.name, key)), key):
            if finding.severity is Severity.SKIP:
                self.standing.leave(key, finding)
            elif finding.severity in STOPS:
                self.standing.block(key, finding)
            else:
                self.standing.findings.append(finding)

    def _record_names(self, key: str, after: Mapping[str, Any] | None) -> dict[str, Any]:
        """Names for rules that look at records."""
        record = self.standing.records.get(self.standing.ids.get(key, -1))
        before = labelled(record, self.entity) if record else None
        refs = self.draft.refs(self.mapping.name, key)
        return {**self.draft.names(self.mapping.name, key), "before": before, "after": after, "refs": refs}

    def _follow_own_references(self) -> None:
        """A row that refers to a blocked row of its own mapping is blocked too, and so on down."""
        own = [
            (self.compiled.first + position, slot)
            for position, slot in enumerate(self.compiled.slots)
            if slot.reference and slot.reference.mapping == self.mapping.name
        ]
        moved = bool(own)
        while moved:
            moved = False
            for key, raw in [*self.standing.ready.items()]:
                for position, slot in own:
                    if raw[position] is not None and raw[position] not in self.standing.usable:
                        resolved = Resolved()
                        self.resolver.one(key, slot, raw[position], resolved)
                        for finding in resolved.findings:
                            self.standing.block(key, finding, resolved.because)
                        moved = moved or bool(resolved.findings)

    def keep_decided(self, matched: Matched) -> None:
        """Links that a person decided of rows that are kept out, for the ledger alone: nothing of theirs is written."""
        standing = self.standing
        for key, how in matched.how.items() if self.mapping.ledger else ():
            if how == DECIDED and key in standing.rows and key not in standing.ready:
                seen = Seen(row=self.draft.row_seen(self.mapping, key))
                link = self._link(key, standing.ids[key], how, {}, seen)
                standing.changes[key] = [replace(link, notes=("it is kept out all the same: only its units count",))]

    def missing(self) -> None:
        """Linked records whose row is gone from the whole table, and those whose row left the scope."""
        rows, out = self.standing.rows, self.standing.out
        for key in [key for key in self.links if key not in rows or key in out]:  # a few of many
            record = self.links[key]
            if not self.standing.has(key):
                self._gone(key, record)
            elif key in out:
                text = f"left the scope of {self.mapping.name}; {self.mapping.target.entity} {record} is left as it is"
                place = self.mapping.source.where.place if self.mapping.source.where else self.mapping.place
                self.standing.findings.append(
                    Finding("left-the-scope", Severity.INFO, text, "", place, self.mapping.name, key)
                )

    def _gone(self, key: str, id_: int) -> None:
        record = self.standing.records.get(id_)
        if self.mapping.when_missing is WhenMissing.IGNORE:
            return
        left = "is still there" if record is not None else "does not come back either"
        said = f"its row is gone from Work 365; {self.mapping.target.entity} {id_} {left}"
        if self.mapping.when_missing is WhenMissing.DEACTIVATE and record is not None:
            try:
                names = self.draft.contexts[self.mapping.name].base()
                writes, wanted = deactivation(self.mapping, self.entity, record, names)
            except (Misfit, *EVALUATION_ERRORS) as fault:
                self.standing.findings.append(broken(self.mapping.name, key, "deactivate", self.mapping.place, fault))
                return
            if writes:
                self._switch_off(key, id_, writes, wanted, record)
            return
        remedy = f"switch it off in Autotask, or `trueup state forget {self.mapping.name} {key} --reason …`"
        finding = Finding("gone", Severity.WARNING, said, remedy, self.mapping.place, self.mapping.name, key)
        self.standing.findings.append(finding)

    def _switch_off(
        self,
        key: str,
        id_: int,
        writes: Mapping[str, Any],
        wanted: Mapping[str, Any],
        record: Mapping[str, Any],
    ) -> None:
        slots = [
            Slot(FieldSpec(name, value, value.place), field, 0, identity=False)
            for name, value in self.mapping.deactivate.items()
            if (field := self.entity.field(name))
        ]
        fields = field_changes(slots, writes, record, lambda _name: Reason.SOURCE, self._show)
        last = self.draft.memory.applied.get((self.mapping.name, key), {})
        change = self._change(
            key, Action.DEACTIVATE, record=id_, fields=fields, values={**writes, **self._parent(record)},
            owned={**last, **wanted}, seen=Seen(self.draft.row_gone(self.mapping, key), _picked(record, writes)),
            notes=("its row is gone from Work 365",),
        )  # fmt: skip
        self.standing.changes[key] = [change]

    def settle_needs(self) -> None:
        """Each change waits for those of the rows that it refers to; a row's update for its own link."""
        for key, changes in self.standing.changes.items():
            needs = dict.fromkeys(
                need
                for other, other_key in self.draft.refers_to(self.mapping.name, key)
                if self._waits_for(other, other_key)
                for need in self.draft.anchors(other, other_key)
            )
            chained: list[Change] = []
            for change in changes:
                chained.append(replace(change, needs=(*needs, *(before.id for before in chained))))
            self.standing.changes[key] = chained

    def _waits_for(self, other: str, key: str) -> bool:
        """Must changes of the row that is referred to come first? Of its own mapping, only where it is created."""
        return other != self.mapping.name or isinstance(self.standing.usable.get(key), Unknown)


def _picked(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record.get(name) for name in names}


def _evaluated(raw: object, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
    if isinstance(raw, tuple):
        return tuple(evaluate(part, names) for part in raw)
    return evaluate(raw, names)
