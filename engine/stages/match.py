"""Rows and records in; which row is which record, out: decision, link, identity, the mapping's own keys.

Never a guess: two candidates are a finding that shows both, a record that two rows claim is a finding on both.
A record that one of the first three gives to a row is no candidate for the mapping's own keys of another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.expressions.filters import domain, normalise
from engine.expressions.values import fold
from engine.model.finding import Finding, Place, Severity
from engine.model.fit import empty
from engine.model.plan import Unknown
from engine.model.project import Decision, FieldSpec, MappingSpec, Verdict
from engine.model.work import Standing

MOST = 5
"""Records that are named where several fit."""

DECIDED = "decision"
"""How a row is linked by what a person said."""

Values = Callable[[str, Mapping[str, FieldSpec]], "Mapping[str, Any] | None"]
"""The values of some fields for a row; None where one of them cannot be worked out."""


@dataclass(slots=True)
class Matched:
    """What matching found besides `standing.ids`."""

    how: dict[str, str] = field(default_factory=dict)  # keys newly linked → decision, identity, match
    create: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """What matching may lean on."""

    links: Mapping[str, int]  # of this mapping: key → record
    decisions: Mapping[str, Decision]  # of this mapping, by key
    as_of: date
    names: Callable[[str], dict[str, Any]]  # names for expressions, by key
    label: Callable[[str], str]  # what people call a row
    values: Values
    doubtful: frozenset[str] = frozenset()  # rows of which nobody knows what an open run did: they stay as they are


def match(standing: Standing, known: Known) -> Matched:
    """Fills `standing.ids` and `usable`; blocks rows that cannot be told, leaves out those that are kept out."""
    matched = Matched()
    search = _Search(standing, known, matched)
    records, links, usable = standing.records, known.links, standing.usable
    standing.ids.update(links)
    loose: list[str] = []
    for key in standing.ready:
        record = links.get(key)
        if record is None or record not in records or key in known.decisions or record in search.shared:
            loose.append(key)
        else:
            usable[key] = record
    search.run(loose)
    usable.update({key: standing.ids[key] for key in loose if key in standing.ready and key in standing.ids})
    if standing.mapping.ledger:
        search.shadow()
    return matched


class _Search:
    """Rows that no link places, one by one."""

    def __init__(self, standing: Standing, known: Known, matched: Matched) -> None:
        self.standing, self.known, self.matched = standing, known, matched
        self.mapping: MappingSpec = standing.mapping
        self.shared: dict[int, list[str]] = {}  # records that more than one row is linked to
        if len({*known.links.values()}) < len(known.links):
            self._note_shared()
        self.found: dict[str, tuple[int, str]] = {}
        self.claims: set[int] = set()
        self.identities: dict[str, str] = {}
        self.told: list[Finding] = []  # to rows that have a record that others claim, unless they are blocked too
        self.indexes: dict[tuple[str, ...], _Index] = {}
        self.look_alikes: dict[tuple[str, str], list[int]] | None = None

    @cached_property
    def owners(self) -> dict[int, str]:
        """Record → the row that is linked to it; asked for only where some row is not linked yet."""
        return {record: key for key, record in self.known.links.items()}

    def _note_shared(self) -> None:
        links: dict[int, list[str]] = {}
        for key, record in self.known.links.items():
            links.setdefault(record, []).append(key)
        self.shared = {record: keys for record, keys in links.items() if len(keys) > 1}

    def run(self, keys: Sequence[str]) -> None:
        """Places every key, then settles claims of more than one row on one record, then asks for what is left."""
        if self.mapping.ledger:
            self._place_kept_out()
        for step in (self._place, self._by_match):
            placed = {key: place for key in keys if key not in self.found and (place := step(key))}
            self.found.update(placed)
            self.claims.update(record for record, _ in placed.values())
        self._settle()
        for key, (record, how) in self.found.items():
            self.standing.ids[key] = record
            if self.known.links.get(key) != record:
                self.matched.how[key] = how
        for key in keys:
            if key not in self.standing.ids and key in self.standing.ready:
                self._gate(key)
        self._tell_apart()
        self.standing.findings += [finding for finding in self.told if finding.key not in self.standing.blocked]

    def _place_kept_out(self) -> None:
        """Rows that are kept out, and of which a person decided which record they are: their units are weighed."""
        for key, decision in self.known.decisions.items():
            kept_out = key in self.standing.rows and key not in self.standing.ready and key not in self.known.doubtful
            if kept_out and decision.verdict is Verdict.LINK and decision.record is not None and self._decision(key):
                place = self._decided(key, decision.record, decision.place)
                if place:
                    self.found[key] = place
                    self.claims.add(place[0])

    def _settle(self) -> None:
        """Blocks each row whose record another one has or claims. One that may not move stays where it is linked."""
        while True:
            claims: dict[int, list[str]] = {}
            for key, (record, _) in self.found.items():
                claims.setdefault(record, []).append(key)
            contested = {
                key: (record, rivals)
                for record, keys in claims.items()
                for key in keys
                if (rivals := self._rivals(key, record, keys))
            }
            if not contested:
                return
            for key, (record, rivals) in contested.items():
                del self.found[key]
                self._contested(key, record, rivals)

    def _rivals(self, key: str, record: int, claims: Sequence[str]) -> list[str]:
        """Other rows that claim the record, or are linked to it and do not move away.

        What a person decided stands against what only fits: the row that fits is the one that is told.
        """
        decided = self.found[key][1] == DECIDED
        rivals = [other for other in claims if other != key and not (decided and self.found[other][1] != DECIDED)]
        return rivals + [other for other in self._linked_to(record) if other != key and other not in self.found]

    def _linked_to(self, record: int) -> list[str]:
        return self.shared.get(record) or ([self.owners[record]] if record in self.owners else [])

    def _tell_apart(self) -> None:
        """Rows to be created need an identity each: by it a create is found again."""
        groups: dict[str, list[str]] = {}
        for key in self.matched.create:
            if key in self.identities:
                groups.setdefault(self.identities[key], []).append(key)
        for keys in groups.values():
            for key in keys if len(keys) > 1 else ():
                others = " and ".join(sorted(self.known.label(other) for other in keys if other != key))
                text = f"has the same identity ({', '.join(self.mapping.identity)}) as {others}"
                place = next(iter(self.mapping.identity.values())).place
                self.matched.create.remove(key)
                self._block(key, "identity-shared", text, "give each of them its own in Work 365", place)

    def shadow(self) -> None:
        """Rows that are kept out and fit one record all the same: their units are billed, whoever keeps them out."""
        standing = self.standing
        fits: dict[int, list[str]] = {}
        for key in (*standing.blocked, *standing.left, *sorted(standing.out)):
            if key not in standing.ids:
                for record in self._fitting(key):
                    fits.setdefault(record, []).append(key)
        taken = {*standing.ids.values(), *self.owners} if fits else set()
        for record, keys in fits.items():
            if len(keys) == 1 and record not in taken:
                standing.shadows[keys[0]] = record

    def _fitting(self, key: str) -> list[int]:
        """The records that the first of identity and match keys to find any finds; one, or nothing is said."""
        for specs in (self.mapping.identity, *self.mapping.match):
            values = self.known.values(key, specs) if specs else None
            if not values or any(empty(value) or isinstance(value, Unknown) for value in values.values()):
                continue
            found = self._index(tuple(values)).having(values.values())
            if found:
                return found if len(found) == 1 else []
        return []

    def _place(self, key: str) -> tuple[int, str] | None:
        decision = self._decision(key)
        if decision and decision.verdict is Verdict.IGNORE:
            until = f" until {decision.until}" if decision.until else ""
            self._leave(key, "ignored", f"ignored{until}: {decision.reason}", decision.place)
            return None
        if decision and decision.verdict is Verdict.LINK and decision.record is not None:
            return self._decided(key, decision.record, decision.place)
        if key in self.known.links:
            self._linked(key)
            return None
        return self._by_identity(key)

    def _decision(self, key: str) -> Decision | None:
        decision = self.known.decisions.get(key)
        if decision and decision.until and decision.until < self.known.as_of:
            return None
        return decision

    def _decided(self, key: str, record: int, place: Place) -> tuple[int, str] | None:
        if record in self.standing.records:
            return record, DECIDED
        text = f"decided to be {self.mapping.target.entity} {record}, which cannot be read"
        remedy = "check the id, and that the API user may see the record; target.where does not matter here"
        self._block(key, "linked-record-missing", text, remedy, place)
        return None

    def _linked(self, key: str) -> None:
        record = self.known.links[key]
        if record in self.shared:
            self._contested(key, record, [other for other in self.shared[record] if other != key])
        if record in self.standing.records:
            return
        text = (
            f"is linked to {self.mapping.target.entity} {record}, which does not come back: it was deleted, or the "
            "API user's permissions hide it"
        )
        remedy = f"restore the permission, or `trueup state forget {self.mapping.name} {key} --reason …`"
        self._block(key, "linked-record-missing", text, remedy, self.mapping.target.place)

    def _by_identity(self, key: str) -> tuple[int, str] | None:
        specs = self.mapping.identity
        if not specs or key not in self.standing.ready:
            return None
        values = self.known.values(key, specs)
        if values is None:
            return None
        if any(empty(value) for value in values.values()):
            names = ", ".join(name for name, value in values.items() if empty(value))
            place = next(iter(specs.values())).place
            self._block(key, "identity-empty", f"its identity ({names}) is empty", "give the row one", place)
            return None
        self.identities[key] = _folded(values.values())
        return self._exactly_one(key, values, "identity", next(iter(specs.values())).place)

    def _by_match(self, key: str) -> tuple[int, str] | None:
        decision = self._decision(key)
        if key in self.known.links or (decision and decision.verdict is Verdict.CREATE):
            return None
        for specs in self.mapping.match:
            if key not in self.standing.ready:
                return None
            values = self.known.values(key, specs)
            if values is None or any(empty(value) for value in values.values()):
                continue
            found = self._exactly_one(key, values, "match", next(iter(specs.values())).place)
            if found:
                return found
        return None

    def _exactly_one(self, key: str, values: Mapping[str, Any], how: str, place: Place) -> tuple[int, str] | None:
        if any(isinstance(value, Unknown) for value in values.values()):
            return None  # refers to what is yet to be created: nothing can be there
        found = self._index(tuple(values)).having(values.values())
        if how == "match":
            found = [record for record in found if self._is_free(record)]
        if len(found) > 1:
            shown = ", ".join(str(record) for record in found[:MOST])
            text = f"{len(found)} records fit by {how} ({', '.join(values)}): {self.mapping.target.entity} {shown}"
            remedy = f"say which it is: {self._link_to(key, found)}"
            self._block(key, "ambiguous", text, remedy, place)
            return None
        return (found[0], how) if found else None

    def _index(self, names: tuple[str, ...]) -> "_Index":
        if names not in self.indexes:
            self.indexes[names] = _Index(self.standing.records, names)
        return self.indexes[names]

    def _is_free(self, record: int) -> bool:
        """No row has it, or only one that is gone from its table: whoever claims that one has to be told."""
        return record not in self.claims and not any(self.standing.has(key) for key in self._linked_to(record))

    def _contested(self, key: str, record: int, rivals: Sequence[str]) -> None:
        entity = self.mapping.target.entity
        names = " and ".join(sorted(self.known.label(other) for other in rivals))
        text = f"claims {entity} {record}, and so does {names}"
        remedy = self._ways_out(record, sorted({key, *rivals}, key=lambda one: (self.known.label(one), one)))
        self._block(key, "claimed-twice", text, remedy, self.mapping.target.place)
        said = f"{self.known.label(key)} claims its {entity} {record} as well"
        finding = Finding("claimed-twice", Severity.WARNING, said, remedy, self.mapping.target.place)
        told = [other for other in rivals if other in self.known.links or self._is_decided(other, record)]
        self.told += [self._about(finding, owner) for owner in told]

    def _ways_out(self, record: int, rows: Sequence[str]) -> str:
        """For each row that may have the record: what gives it to this row and to no other."""
        ways = []
        for key in rows:
            commands = self._give(record, key, [other for other in rows if other != key])
            if commands and self.standing.has(key):  # one that is gone can only be forgotten
                ways.append(f"{' and '.join(commands)} if it is {self.known.label(key)}'s")
        if any(self._is_decided(key, record) for key in rows) and self.mapping.identity:
            ways.append(f"give the other its own {', '.join(self.mapping.identity)} in Work 365")
        return ", or ".join(ways)

    def _give(self, record: int, key: str, others: Sequence[str]) -> list[str]:
        """The commands, and what else is to be done; nothing where the record is the row's as decided."""
        name = self.mapping.name
        linked = [other for other in others if self._is_linked(other, record)]
        undo = [f"`trueup state forget {name} {other} --reason …`" for other in linked]
        undo += [
            f"take the decision at {self.known.decisions[other].place} away"
            for other in others
            if self._is_decided(other, record)
        ]
        settled = self._is_linked(key, record) and linked == [*others]
        link = [] if settled or self._is_decided(key, record) else [f"`trueup link {name} {key} {record}`"]
        return link + undo

    def _is_linked(self, key: str, record: int) -> bool:
        return self.known.links.get(key) == record

    def _is_decided(self, key: str, record: int) -> bool:
        decision = self._decision(key)
        return decision is not None and decision.verdict is Verdict.LINK and decision.record == record

    def _gate(self, key: str) -> None:
        """Nothing fits: may it be created?"""
        decision = self._decision(key)
        if decision and decision.verdict is Verdict.CREATE:
            self.matched.create.append(key)
            return
        wish = self._wish(key)
        if wish == "never":
            text = "not in Autotask, and not to be created"
            self._leave(key, "never-created", text, self.mapping.create.place)
        elif wish == "ask":
            self._wait(key, "waits for a decision: `create: ask`", [])
        elif wish == "auto":
            self._resembles(key)

    def _wish(self, key: str) -> str:
        """auto, ask or never; nothing where it gives none of them, and then the row is blocked."""
        try:
            wish = evaluate(self.mapping.create.raw, self.known.names(key))
        except EVALUATION_ERRORS as fault:
            text = f"create cannot be worked out: {fault}"
            self._block(key, "expression-failed", text, "mend the mapping", self.mapping.create.place)
            return ""
        if wish in ("auto", "ask", "never"):
            return str(wish)
        text = f"create gives {wish!r}: it must be auto, ask or never"
        self._block(key, "create-unclear", text, "mend the mapping", self.mapping.create.place)
        return ""

    def _resembles(self, key: str) -> None:
        candidates = self._candidates(key)
        if not candidates:
            self.matched.create.append(key)
            return
        shown = "; ".join(self._shown(record) for record in candidates[:MOST])
        self._wait(key, f"looks like {shown}, which no row is linked to", candidates)

    def _candidates(self, key: str) -> list[int]:
        specs = {name: self.mapping.fields[name] for name in self.mapping.similar if name in self.mapping.fields}
        values = self.known.values(key, specs) if specs else None
        if not values:
            return []
        if self.look_alikes is None:
            self.look_alikes = self._index_look_alikes(tuple(specs))
        found: dict[int, None] = {}
        for name, value in values.items():
            for form in _forms(value):
                found.update(dict.fromkeys(self.look_alikes.get((name, form), ())))
        return sorted(record for record in found if self._is_free(record))

    def _index_look_alikes(self, names: tuple[str, ...]) -> dict[tuple[str, str], list[int]]:
        index: dict[tuple[str, str], list[int]] = {}
        for id_, record in self.standing.records.items():
            for name in names:
                for form in _forms(record.get(name)):
                    index.setdefault((name, form), []).append(id_)
        return index

    def _shown(self, record: int) -> str:
        values = self.standing.records[record]
        said = [f"{values[name]}" for name in self.mapping.similar if not empty(values.get(name))]
        return f"{self.mapping.target.entity} {record} ({', '.join(said)})"

    def _wait(self, key: str, text: str, records: Sequence[int]) -> None:
        name = self.mapping.name
        link = self._link_to(key, records) if records else f"`trueup link {name} {key} ID`"
        remedy = f"{link}, or `trueup decide {name} {key} create --reason …`"
        finding = Finding("needs-decision", Severity.HOLD, text, remedy, self.mapping.create.place)
        self.standing.block(key, self._about(finding, key))

    def _link_to(self, key: str, records: Sequence[int]) -> str:
        """The commands that say which of these records a row is."""
        return ", or ".join(f"`trueup link {self.mapping.name} {key} {record}`" for record in records[:MOST])

    def _block(self, key: str, code: str, text: str, remedy: str, place: Place) -> None:
        self.standing.block(key, self._about(Finding(code, Severity.ERROR, text, remedy, place), key))

    def _leave(self, key: str, code: str, text: str, place: Place) -> None:
        self.standing.leave(key, self._about(Finding(code, Severity.SKIP, text, "", place), key))

    def _about(self, finding: Finding, key: str) -> Finding:
        return Finding(
            finding.code,
            finding.severity,
            finding.text,
            finding.remedy,
            finding.place,
            self.mapping.name,
            key,
        )


class _Index:
    """Records by some of their fields. Nearly all have values of their own: no list is made for these."""

    def __init__(self, records: Mapping[int, Mapping[str, Any]], names: Sequence[str]) -> None:
        self.first: dict[str, int] = {}
        self.more: dict[str, list[int]] = {}
        for id_, record in records.items():
            value = _folded(map(record.get, names))
            if self.first.setdefault(value, id_) != id_:
                self.more.setdefault(value, []).append(id_)

    def having(self, values: Iterable[Any]) -> list[int]:
        """The records with these values, in the order of the index."""
        value = _folded(values)
        return [self.first[value], *self.more.get(value, ())] if value in self.first else []


def _folded(values: Iterable[Any]) -> str:
    return "\0".join(map(fold, values))


def _forms(value: object) -> set[str]:
    """By what a value may resemble another: its normalised text, and its domain if it has one."""
    if not isinstance(value, str) or not value.strip():
        return set()
    return {form for form in (normalise(value), domain(value)) if form}
