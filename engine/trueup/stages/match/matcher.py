"""Goes through the rows that no link places, one step for all rows after the other."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.coerce import empty
from trueup.model.finding import Advice, Finding, Place, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.plan import Unknown
from trueup.model.project import Reference, Verdict
from trueup.stages.match.advice import MOST, MatchAdvice
from trueup.stages.match.candidates import Forms, RecordIndex, SimilarIndex, folded, forms_of
from trueup.stages.match.evidence import MatchEvidence
from trueup.stages.match.result import (
    BY_DECISION,
    BY_IDENTITY,
    BY_KEYS,
    BY_SUCCESSION,
    MatchInputs,
    MatchResult,
)
from trueup.stages.match.twins import TwinFinder, shown_record

Placement = tuple[int, str]
"""A record, and how the row came to it."""


def match(state: MappingState, inputs: MatchInputs) -> MatchResult:
    """Which of the mapping's ready rows is which record; nothing in `state` is changed."""
    matcher = _Matcher(state, inputs)
    records, links, shared = state.records, inputs.links, matcher.links.shared
    result = matcher.result
    result.record_ids.update(links)

    # Nearly all rows of a running project are linked: they take this short way.
    unplaced: list[str] = []
    for key in state.ready:
        record = links.get(key)
        if record is None or record not in records or key in inputs.decisions or record in shared:
            unplaced.append(key)
        else:
            result.referable[key] = record

    matcher.run(unplaced)
    for key in unplaced:
        if matcher.is_open(key) and key in result.record_ids:
            result.referable[key] = result.record_ids[key]
    return result


IGNORED = "ignored"
"""Code of the finding of a row that a person decided to ignore."""


class _Links:
    """The links of the mapping, from the record's side."""

    def __init__(self, links: Mapping[str, int]) -> None:
        self._links = links
        self.shared = self._shared() if len({*links.values()}) < len(links) else {}

    def _shared(self) -> dict[int, list[str]]:
        """Records that more than one row is linked to."""
        rows: dict[int, list[str]] = {}
        for key, record in self._links.items():
            rows.setdefault(record, []).append(key)
        return {record: keys for record, keys in rows.items() if len(keys) > 1}

    @cached_property
    def owner(self) -> dict[int, str]:
        """Record → the row that is linked to it; built only where some row is not linked yet."""
        return {record: key for key, record in self._links.items()}

    def rows_of(self, record: int) -> list[str]:
        """The rows that are linked to the record."""
        if record in self.shared:
            return self.shared[record]
        return [self.owner[record]] if record in self.owner else []


class _Matcher:
    """Places rows step by step: decisions and identity, match keys, claims, then what is left."""

    def __init__(self, state: MappingState, inputs: MatchInputs) -> None:
        self.state, self.inputs, self.mapping = state, inputs, state.mapping
        self.result = MatchResult()
        self.links = _Links(inputs.links)
        self.advice = MatchAdvice(state, inputs)
        self.placed: dict[str, Placement] = {}
        self.claimed: set[int] = set()  # records that this plan gives to a row
        self.identities: dict[str, str] = {}  # rows to create need one each
        self.warnings: list[Finding] = []  # on rows whose record others claim
        self.indexes: dict[tuple[str, ...], RecordIndex] = {}
        self.evidence = MatchEvidence(state, inputs.values, self._index, inputs.placeholders)
        self.doubtful: dict[str, tuple[int, str]] = {}  # a record that fits, and why it may not be
        self.forms: dict[str, Forms] = {}  # what rows to create resemble

    def run(self, keys: Sequence[str]) -> None:
        """Places every key that can be placed; asks about the others or lets them be created."""
        if self.mapping.ledger:
            self._place_decided_links_of_rows_kept_out()
        for step in (self._by_decision_or_identity, self._by_match_keys):
            placed = {key: place for key in keys if key not in self.placed and (place := step(key))}
            self.placed.update(placed)
            self.claimed.update(record for record, _ in placed.values())

        self._settle_claims()
        for key, (record, how) in self.placed.items():
            self.result.record_ids[key] = record
            if self.inputs.links.get(key) != record:
                self.result.how[key] = how

        for key in keys:
            if key not in self.result.record_ids and self.is_open(key):
                self._create_or_ask(key)
        self._ask_about_twins()
        self._require_own_identity()
        self.result.findings += [one for one in self.warnings if one.key not in self.result.blocked]

    def is_open(self, key: str) -> bool:
        """Whether the row is ready, and matching has found nothing against it."""
        closed = key in self.result.blocked or key in self.result.skipped
        return key in self.state.ready and not closed

    # Step 1: decisions, links, identity

    def _place_decided_links_of_rows_kept_out(self) -> None:
        """Rows that are blocked or left out and linked by a decision: their units are compared."""
        for key, decision in self.inputs.decisions.items():
            is_kept_out = key in self.state.rows and not self.is_open(key)
            if not is_kept_out or key in self.inputs.in_doubt or not self.advice.decision(key):
                continue
            if decision.verdict is Verdict.LINK and decision.record is not None:
                place = self._decided(key, decision.record, decision.place)
                if place:
                    self.placed[key] = place
                    self.claimed.add(place[0])

    def _by_decision_or_identity(self, key: str) -> Placement | None:
        decision = self.advice.decision(key)
        if decision and decision.verdict is Verdict.IGNORE:
            until = f" until {decision.until}" if decision.until else ""
            self._skip(key, IGNORED, f"ignored{until}: {decision.reason}", decision.place)
            return None
        if decision and decision.verdict is Verdict.LINK and decision.record is not None:
            return self._decided(key, decision.record, decision.place)
        if key in self.inputs.links:
            self._check_link(key)
            return None
        if key in self.inputs.handed_over:
            return self.inputs.handed_over[key], BY_SUCCESSION
        found = self._by_identity(key)
        if found and decision and decision.verdict is Verdict.CREATE:
            self._warn_of_identity(key, found[0], decision.place)
        return found

    def _warn_of_identity(self, key: str, record: int, place: Place) -> None:
        """Says that `create` has no effect: a second record with one identity is never made."""
        fields = ", ".join(self.mapping.identity)
        text = (
            f"create is decided, and {self._shown(record)} has its identity ({fields}): "
            "the row is linked to it, and nothing is created"
        )
        remedy = Advice(f"clear {fields} there, in {self.inputs.systems.target}, or ")
        remedy += Advice.of(self.advice.link(key, "ID")) + " if it is another record"
        finding = self._finding("create-without-effect", Severity.WARNING, text, remedy, place, key)
        self.warnings.append(finding)

    def _decided(self, key: str, record: int, place: Place) -> Placement | None:
        if record in self.state.records:
            return record, BY_DECISION
        text = f"decided to be {self.mapping.target.entity} {record}, which cannot be read"
        remedy = (
            "check the id, and that the API user may see the record; "
            "target.where does not matter here"
        )
        self._block(key, "linked-record-missing", text, Advice(remedy), place)
        return None

    def _check_link(self, key: str) -> None:
        record = self.inputs.links[key]
        if record in self.links.shared:
            rivals = [other for other in self.links.shared[record] if other != key]
            self._block_contested(key, record, rivals)
        if record in self.state.records:
            return
        text = (
            f"is linked to {self.mapping.target.entity} {record}, which does not come back: "
            "it was deleted or merged, or the API user's permissions hide it"
        )
        remedy = Advice.of(
            "restore the permission; or, if another record took its place, ",
            self.advice.link(key, "ID"),
            "; or have it matched anew: ",
            self.advice.forget(key),
        )
        self._block(key, "linked-record-missing", text, remedy, self.mapping.target.place)

    def _by_identity(self, key: str) -> Placement | None:
        specs = self.mapping.identity
        if not specs or not self.is_open(key):
            return None
        values = self.inputs.values(key, specs)
        if values is None:
            return None
        place = next(iter(specs.values())).place
        if missing := [name for name, value in values.items() if empty(value)]:
            text = f"its identity ({', '.join(missing)}) is empty"
            self._block(key, "identity-empty", text, Advice("give the row one"), place)
            return None
        self.identities[key] = folded(values.values())
        return self._single_record(key, values, BY_IDENTITY, place)

    # Step 2: the mapping's own keys

    def _by_match_keys(self, key: str) -> Placement | None:
        decision = self.advice.decision(key)
        if key in self.inputs.links or (decision and decision.verdict is Verdict.CREATE):
            return None
        for match_key in self.mapping.match:
            if not self.is_open(key):
                return None
            values = self.inputs.values(key, match_key.fields)
            if values is None or any(empty(value) for value in values.values()):
                continue
            place = next(iter(match_key.fields.values())).place
            found = self._single_record(key, values, BY_KEYS, place)
            if found is None:
                continue
            why = self.evidence.doubt(key, match_key, values, found[0])
            if not why:
                return found
            self.doubtful.setdefault(key, (found[0], f"fits by {', '.join(values)}, but {why}"))
        return None

    def _single_record(
        self, key: str, values: Mapping[str, Any], how: str, place: Place
    ) -> Placement | None:
        """The one record with these values; several are a question, none is none."""
        if any(isinstance(value, Unknown) for value in values.values()):
            return None  # it refers to a record that is yet to be created: nothing can match
        records = self._index(tuple(values)).having(values.values())
        if how == BY_KEYS:
            records = [record for record in records if self._is_free(record)]
        if len(records) > 1 and how == BY_IDENTITY:
            records = self._of_its_references(key, records)
        if len(records) > 1:
            shown = ", ".join(str(record) for record in records[:MOST])
            entity = self.mapping.target.entity
            text = f"{len(records)} records fit by {how} ({', '.join(values)}): {entity} {shown}"
            remedy = Advice.of("choose one: ", self.advice.links(key, records))
            self._block(key, "ambiguous", text, remedy, place)
            return None
        return (records[0], how) if records else None

    def _of_its_references(self, key: str, records: list[int]) -> list[int]:
        """Of several records with the row's identity, those that belong where the row does.

        A row that moved has left one behind on its old contract.
        """
        fields = self.mapping.fields
        specs = {name: spec for name, spec in fields.items() if isinstance(spec.value, Reference)}
        values = self.inputs.values(key, specs) if specs else None
        if not values:
            return records
        return [
            record
            for record in records
            if all(self.state.records[record].get(name) == values[name] for name in values)
        ] or records

    def _index(self, names: tuple[str, ...]) -> RecordIndex:
        if names not in self.indexes:
            self.indexes[names] = RecordIndex(self.state.records, names)
        return self.indexes[names]

    def _is_free(self, record: int) -> bool:
        """Whether no row has the record, or only one that is gone from its table.

        The row that is gone is no rival, but rows that claim its record need the warning.
        """
        taken = any(self.state.has(key) for key in self.links.rows_of(record))
        return record not in self.claimed and not taken

    # Step 3: claims of more than one row on one record

    def _settle_claims(self) -> None:
        """Blocks each row whose record another row has or claims.

        A row that loses its claim stays where it is linked, which may contest another claim: so
        this repeats until nothing is contested any more.
        """
        while True:
            claims: dict[int, list[str]] = {}
            for key, (record, _) in self.placed.items():
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
                del self.placed[key]
                self._block_contested(key, record, rivals)

    def _rivals(self, key: str, record: int, claims: Sequence[str]) -> list[str]:
        """Other rows that claim the record, or are linked to it and do not move away.

        A decision wins over a row that only fits: the row that fits is the one that is blocked.
        """
        is_decided = self.placed[key][1] == BY_DECISION
        claiming = [
            other
            for other in claims
            if other != key and not (is_decided and self.placed[other][1] != BY_DECISION)
        ]
        staying = [
            other
            for other in self.links.rows_of(record)
            if other != key and other not in self.placed
        ]
        return claiming + staying

    def _block_contested(self, key: str, record: int, rivals: Sequence[str]) -> None:
        label, entity = self.inputs.label, self.mapping.target.entity
        names = " and ".join(sorted(label(other) for other in rivals))
        rows = sorted({key, *rivals}, key=lambda one: (label(one), one))
        remedy = self.advice.settle_claims(record, rows)
        place = self.mapping.target.place
        text = f"claims {entity} {record}, and so does {names}"
        self._block(key, "claimed-twice", text, remedy, place)

        text = f"{label(key)} claims its {entity} {record} as well"
        for other in rivals:
            if other in self.inputs.links or self.advice.is_decided(other, record):
                finding = self._finding(
                    "claimed-twice", Severity.WARNING, text, remedy, place, other
                )
                self.warnings.append(finding)

    # Step 4: rows without a record

    def _create_or_ask(self, key: str) -> None:
        decision = self.advice.decision(key)
        if decision and decision.verdict is Verdict.CREATE:
            self._note_forms(key)  # another new row may look like this one
            self.result.create.append(key)
            return
        record, why = self.doubtful.get(key, (0, ""))
        if why and self._is_free(record):
            shown = self._shown(record)
            self.result.unknown[key] = f"it may be {shown}"
            self._ask(key, f"may be {shown}: it {why}", [record])
            return
        match self._create_setting(key):
            case "auto":
                self._create_unless_similar(key)
            case "ask":
                self._ask(key, "waits for a decision: `create: ask`", [])
            case "never":
                text = f"not in {self.inputs.systems.target}, and not to be created"
                self._skip(key, "never-created", text, self.mapping.create.place)
            case _:
                pass  # it is blocked already

    def _create_setting(self, key: str) -> str:
        """auto, ask or never; empty where the expression gives none of them: then it is blocked."""
        place = self.mapping.create.place
        try:
            setting = evaluate(self.mapping.create.raw, self.inputs.names(key))
        except EVALUATION_ERRORS as fault:
            text = f"create cannot be evaluated: {fault}"
            self._block(key, "expression-failed", text, Advice("correct the mapping"), place)
            return ""
        if setting in ("auto", "ask", "never"):
            return str(setting)
        text = f"create gives {setting!r}: it must be auto, ask or never"
        self._block(key, "create-unclear", text, Advice("correct the mapping"), place)
        return ""

    def _create_unless_similar(self, key: str) -> None:
        similar = self._similar(key)
        if not similar:
            self.result.create.append(key)
            return
        shown = "; ".join(self._shown(record) for record in similar[:MOST])
        self.result.unknown[key] = f"it may be {shown}"
        self._ask(key, f"looks like {shown}, which no row is linked to", similar)

    def _similar(self, key: str) -> list[int]:
        """Records without a row that resemble the row in one of the mapping's `similar` fields."""
        forms = self._note_forms(key)
        return [record for record in self._similar_index.like(forms) if self._is_free(record)]

    def _note_forms(self, key: str) -> Forms:
        """Keeps what the row to be created resembles, for finding twins; empty where unknown."""
        fields = self.mapping.fields
        specs = {name: fields[name] for name in self.mapping.similar if name in fields}
        values = self.inputs.values(key, specs) if specs else None
        if not values:
            return {}
        self.forms[key] = forms_of(values)
        return self.forms[key]

    @cached_property
    def _similar_index(self) -> SimilarIndex:
        names = [name for name in self.mapping.similar if name in self.mapping.fields]
        return SimilarIndex(self.state.records, names)

    def _shown(self, record: int) -> str:
        return shown_record(self.state, record)

    def _ask(
        self, key: str, text: str, records: Sequence[int], remedy: Advice | None = None
    ) -> None:
        remedy = remedy or self.advice.link_or_create(key, records)
        place = self.mapping.create.place
        finding = self._finding("needs-decision", Severity.HOLD, text, remedy, place, key)
        self.result.blocked.setdefault(key, []).append(finding)

    def _ask_about_twins(self) -> None:
        """Asks about rows to be created that look like each other, or like another row's record."""
        finder = TwinFinder(self.state, self.inputs, self.result, self._similar_index, self.forms)
        for key, text in finder.find(self.result.create).items():
            decision = self.advice.decision(key)
            if not (decision and decision.verdict is Verdict.CREATE):
                self.result.create.remove(key)
                self._ask(key, text, [], self.advice.create_or_ignore(key))

    def _require_own_identity(self) -> None:
        """Blocks rows to be created that share an identity: a create is found again by it."""
        groups: dict[str, list[str]] = {}
        for key in self.result.create:
            if key in self.identities:
                groups.setdefault(self.identities[key], []).append(key)
        for keys in groups.values():
            for key in keys if len(keys) > 1 else ():
                others = sorted(self.inputs.label(other) for other in keys if other != key)
                fields = ", ".join(self.mapping.identity)
                text = f"has the same identity ({fields}) as {' and '.join(others)}"
                remedy = Advice(f"give each of them its own in {self.inputs.systems.source}")
                place = next(iter(self.mapping.identity.values())).place
                self.result.create.remove(key)
                self._block(key, "identity-shared", text, remedy, place)

    # Findings

    def _block(self, key: str, code: str, text: str, remedy: Advice, place: Place) -> None:
        finding = self._finding(code, Severity.ERROR, text, remedy, place, key)
        self.result.blocked.setdefault(key, []).append(finding)

    def _skip(self, key: str, code: str, text: str, place: Place) -> None:
        finding = self._finding(code, Severity.SKIP, text, Advice(), place, key)
        self.result.skipped[key] = finding

    def _finding(
        self, code: str, severity: Severity, text: str, remedy: Advice, place: Place, key: str
    ) -> Finding:
        return Finding(
            code,
            severity,
            text,
            remedy.text,
            place,
            self.mapping.name,
            key,
            commands=remedy.commands,
        )
