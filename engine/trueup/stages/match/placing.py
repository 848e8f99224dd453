"""Places rows without a link: by decision, by identity, then by the mapping's match keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.expressions.value_filters import fold_all
from trueup.model.change import Unknown
from trueup.model.coerce import empty
from trueup.model.decision import Decision
from trueup.model.finding import Advice, Place, Severity
from trueup.model.mapping import Reference
from trueup.model.verdict import Verdict
from trueup.stages.match.advice import MOST
from trueup.stages.match.claims import Claims
from trueup.stages.match.evidence import MatchEvidence
from trueup.stages.match.result import BY_DECISION, BY_IDENTITY, BY_KEYS, BY_SUCCESSION
from trueup.stages.match.workspace import Placement, Workspace

IGNORED = "ignored"
"""Code of the finding of a row that a person decided to ignore."""


def ignored_text(decision: Decision) -> str:
    """Returns until when a row is ignored, and why."""
    until = f" until {decision.until}" if decision.until else ""
    return f"ignored{until}: {decision.reason}"


class Placing:
    """Places rows step by step, so that certain evidence comes before likely evidence."""

    def __init__(self, work: Workspace, claims: Claims) -> None:
        self._work, self._claims = work, claims
        self._state, self._inputs = work.state, work.inputs
        self._mapping, self._advice = work.mapping, work.advice
        placeholders = work.inputs.placeholders
        self._evidence = MatchEvidence(work.state, work.inputs.values, work.index, placeholders)
        self.identities: dict[str, str] = {}  # of rows; those to be created need one each
        self.doubtful: dict[str, tuple[int, str]] = {}  # a record that fits, and why it may not be

    def run(self, keys: Sequence[str]) -> None:
        """Places every key that can be placed; `doubtful` has records that may fit."""
        work = self._work
        if self._mapping.ledger:
            self._place_decided_links_of_rows_kept_out()
        for step in (self._by_decision_or_identity, self._by_match_keys):
            placed = {key: place for key in keys if key not in work.placed and (place := step(key))}
            work.placed.update(placed)
            work.claimed.update(record for record, _ in placed.values())
            work.forget_indexes()  # the next step looks by other fields

    # Decisions, links, identity

    def _place_decided_links_of_rows_kept_out(self) -> None:
        """Places blocked and left-out rows with a decided link, whose units are compared."""
        for key, decision in self._inputs.decisions.items():
            is_kept_out = key in self._state.rows and not self._work.is_open(key)
            if not is_kept_out or key in self._inputs.in_doubt or not self._advice.decision(key):
                continue
            if decision.verdict is Verdict.LINK and decision.record is not None:
                place = self._decided(key, decision.record, decision.place)
                if place:
                    self._work.placed[key] = place
                    self._work.claimed.add(place[0])

    def _by_decision_or_identity(self, key: str) -> Placement | None:
        decision = self._advice.decision(key)
        if decision and decision.verdict is Verdict.IGNORE:
            self._work.skip(key, IGNORED, ignored_text(decision), decision.place)
            return None
        if decision and decision.verdict is Verdict.LINK and decision.record is not None:
            return self._decided(key, decision.record, decision.place)
        if key in self._inputs.links:
            self._check_link(key)
            return None
        if key in self._inputs.handed_over:
            return self._inputs.handed_over[key], BY_SUCCESSION
        found = self._by_identity(key)
        if found and decision and decision.verdict is Verdict.CREATE:
            self._warn_of_identity(key, found[0], decision.place)
        return found

    def _warn_of_identity(self, key: str, record: int, place: Place) -> None:
        """Warns that `create` has no effect: no second record with one identity is made."""
        fields = ", ".join(self._mapping.identity)
        text = (
            f"create is decided, and {self._work.shown(record)} has its identity ({fields}): "
            "the row is linked to it, and nothing is created"
        )
        remedy = Advice(f"clear {fields} there, in {self._inputs.systems.target}, or ")
        remedy += Advice.of(self._advice.link(key)) + " if it is another record"
        finding = self._work.finding(
            "create-without-effect", Severity.WARNING, text, remedy, place, key
        )
        self._work.warnings.append(finding)

    def _decided(self, key: str, record: int, place: Place) -> Placement | None:
        if record in self._state.records:
            return record, BY_DECISION
        text = f"decided to be {self._mapping.target.entity} {record}, which cannot be read"
        remedy = (
            "check the id, and that the API user may see the record; "
            "target.where does not matter here"
        )
        self._work.block(key, "linked-record-missing", text, Advice(remedy), place)
        return None

    def _check_link(self, key: str) -> None:
        record = self._inputs.links[key]
        if record in self._work.links.shared:
            rivals = [other for other in self._work.links.shared[record] if other != key]
            self._claims.block(key, record, rivals)
        if record in self._state.records:
            return
        text = (
            f"is linked to {self._mapping.target.entity} {record}, which does not come back: "
            "it was deleted or merged, or the API user's permissions hide it"
        )
        remedy = Advice.of(
            "restore the permission; or, if another record took its place, ",
            self._advice.link(key),
            "; or have it matched anew: ",
            self._advice.forget(key),
        )
        self._work.block(key, "linked-record-missing", text, remedy, self._mapping.target.place)

    def _by_identity(self, key: str) -> Placement | None:
        specs = self._mapping.identity
        if not specs or not self._work.is_open(key):
            return None
        values = self._inputs.values(key, specs)
        if values is None:
            return None
        place = next(iter(specs.values())).place
        if missing := [name for name, value in values.items() if empty(value)]:
            text = f"its identity ({', '.join(missing)}) is empty"
            self._work.block(key, "identity-empty", text, Advice("give the row one"), place)
            return None
        self.identities[key] = fold_all(values.values())
        return self._single_record(key, values, BY_IDENTITY, place)

    # The mapping's own keys

    def _by_match_keys(self, key: str) -> Placement | None:
        """Tries the match keys in their order.

        The first record that no evidence contradicts is the row's. One that evidence contradicts is
        kept for the question to a person, and the next keys are tried.
        """
        decision = self._advice.decision(key)
        if key in self._inputs.links or (decision and decision.verdict is Verdict.CREATE):
            return None
        for match_key in self._mapping.match:
            if not self._work.is_open(key):
                return None
            values = self._inputs.values(key, match_key.fields)
            if values is None or any(empty(value) for value in values.values()):
                continue
            place = next(iter(match_key.fields.values())).place
            found = self._single_record(key, values, BY_KEYS, place)
            if found is None:
                continue
            why = self._evidence.doubt(key, match_key, values, found[0])
            if not why:
                return found
            self.doubtful.setdefault(key, (found[0], f"fits by {', '.join(values)}, but {why}"))
        return None

    def _single_record(
        self, key: str, values: Mapping[str, Any], how: str, place: Place
    ) -> Placement | None:
        """The one record with these values; asks if there are several; None if there is none."""
        if any(isinstance(value, Unknown) for value in values.values()):
            return None  # it refers to a record that is yet to be created: nothing can match
        records = self._work.index(tuple(values)).having(values.values())
        if how == BY_KEYS:
            records = [record for record in records if self._work.is_free(record)]
        if len(records) > 1 and how == BY_IDENTITY:
            records = self._of_its_references(key, records)
        if len(records) > 1:
            shown = ", ".join(str(record) for record in records[:MOST])
            entity = self._mapping.target.entity
            text = f"{len(records)} records fit by {how} ({', '.join(values)}): {entity} {shown}"
            remedy = Advice.of("choose one: ", self._advice.links(key, records))
            self._work.block(key, "ambiguous", text, remedy, place)
            return None
        return (records[0], how) if records else None

    def _of_its_references(self, key: str, records: list[int]) -> list[int]:
        """Returns, of several records with the row's identity, those with its references.

        A row that moved has left one behind on its old contract.
        """
        fields = self._mapping.fields
        specs = {name: spec for name, spec in fields.items() if isinstance(spec.value, Reference)}
        values = self._inputs.values(key, specs) if specs else None
        if not values:
            return records
        return [
            record
            for record in records
            if all(self._state.records[record].get(name) == values[name] for name in values)
        ] or records
