"""Collects what is known of each row with a quantity, and of the service that bills it."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property

from msgspec.structs import replace

from trueup.model.change import Action, RowRef
from trueup.model.finding import NO_ADVICE, Advice
from trueup.model.mapping import AppendSpec, LedgerSpec, MappingSpec
from trueup.model.units import total
from trueup.planning.context import PlanContext
from trueup.planning.ledger.contract_ends import after_its_contract
from trueup.planning.ledger.extensions import add_extension
from trueup.planning.ledger.invoice_runs import InvoiceRuns
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.ledger.pending import PendingChanges, Queue
from trueup.planning.ledger.policies import Handover, Policies
from trueup.planning.ledger.policy_steps import without_uneven
from trueup.planning.ledger.quantities import Quantities
from trueup.planning.ledger.service_unit_rows import ServiceUnitRows
from trueup.planning.ledger.terms import ServiceTermsReader
from trueup.planning.references import Ancestry
from trueup.stages.ledger import PendingUnits, ServiceLedger, comparison_day


class ServiceLedgers:
    """Makes the ledger of each service of one mapping."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        ledger: LedgerSpec,
        pending: PendingChanges,
        other_steps: OtherSteps,
    ) -> None:
        self._context, self._mapping, self._spec = context, mapping, ledger
        self._state = context.states[mapping.name]
        self._pending, self._other_steps = pending, other_steps
        self._terms = ServiceTermsReader(context, mapping, ledger)
        self.policies = Policies(context, mapping)
        self.quantities = Quantities(context, mapping, ledger, pending)
        self._ancestry = Ancestry(context)
        self._adjusted = {one.record for one in context.snapshot.pushed.values() if one.units}
        self.units = ServiceUnitRows(context, mapping, ledger, pending, self._terms)
        self._unassigned = NO_ADVICE
        self.counted: set[int] = set()
        """Records whose units are in the ledger of a row, also of one that cannot move to them."""

    def read_units(self, append: AppendSpec, queues: Mapping[str, Queue]) -> None:
        """Reads the unit rows of all services.

        Call it once the changes are sorted: it also notes which of them belong to no known row.
        """
        self._unassigned = self.quantities.unassigned_changes()
        self.units.read(append, queues)

    @cached_property
    def _beginning(self) -> frozenset[str]:
        """Rows whose service gets units from another one's."""
        return frozenset(map(self._state.holder, self._state.moved_from))

    @cached_property
    def _ending(self) -> frozenset[str]:
        """Rows whose units go to another row's own service."""
        return frozenset(map(self._state.holder, self._state.moved_from.values()))

    def extended(self) -> Iterable[ServiceLedger]:
        """The services with units whose contract this plan extends."""
        ledgers = (self.of_record(record) for record in self.units.extended_terms)
        return [ledger for ledger in ledgers if ledger.rows]

    def add_extensions(self, runs: InvoiceRuns) -> None:
        """Adds the effect of extended contracts on invoices."""
        if self._spec.periods:
            for ledger in self.extended():
                add_extension(self._context, self._spec.periods, runs.on_its_run(ledger))

    def of_row(self, key: str, queue: Queue) -> ServiceLedger:
        """The ledger of one row."""
        record = self._state.record_ids.get(key, self._state.inferred_links.get(key))
        left = self.units.left_by(key)  # its units are on the record that it leaves
        known = self._state.records.get(record) if record is not None else None
        quantity, unknown = self.quantities.of(key, queue, record)
        terms = self._terms.terms(known, key)
        billed = [one for one in (left, record) if one is not None]
        self.counted.update(billed)
        rows = [self.units.of(one) for one in billed]
        under = self._ancestry.of_row(self._mapping.name, key)
        policy = self.policies.of(key, under)
        if policy.failed and not unknown[0]:
            remedy = f"correct the policy of mapping {self._mapping.name}, or the row"
            unknown = policy.failed, Advice(remedy)
        changes, ended, has_ended = [*self._changes(queue)], list[PendingUnits](), False
        if quantity is not None:
            decisions = self._pending.decisions
            translated = policy.billed(
                changes, quantity, terms, decisions.named, decisions.taken_back, self._handover(key)
            )
            done = () if policy.keeps_quantities else self._settled(queue)
            changes = without_uneven(
                policy, translated, changes, done, quantity, [*decisions.named]
            )
            quantity = policy.units(quantity)
            ended = after_its_contract(changes, terms, self._context.as_of)
            changes = [change for change in changes if change not in ended]
            runs = terms.end is None or self._context.as_of <= terms.end
            has_ended = not runs and not quantity and bool(changes)
            if runs or has_ended:
                quantity -= sum((one.units for one in ended), Decimal(0))
        ledger = ServiceLedger(
            row=self._context.labels.ref(self._mapping.name, key),
            record=record,
            coming=self._is_coming(key),
            quantity=quantity,
            rows=total([self.units.projected(row, terms, queue) for row in rows]),
            rows_read=rows[0] if rows else (),
            none_is_zero=left is None and self._bills_nothing_without_rows(key, record),
            changes=tuple(changes),
            after_end=tuple(ended),
            has_ended=has_ended,
            last_day=self._last_day(queue, billed),
            terms=terms,
            pending_mapping=self._pending.mapping.name,
            unknown=unknown[0],
            remedy=unknown[1],
            unassigned=self._unassigned,
            is_inferred=record is not None and key not in self._state.record_ids,
            kept_out=self.quantities.kept_out(key),
            under=under,
            customer=self._ancestry.customer(under),
            ceiling=policy.ceiling,
            refund=policy.refund,
            systems=self._context.systems,
        )
        day = comparison_day(ledger, self._context.as_of)
        return self._other_steps.added_to(ledger, day)

    def records_of(self, key: str) -> frozenset[int]:
        """Returns all records that have, or had, units of the row."""
        found = (
            self._state.record_ids.get(key, self._state.inferred_links.get(key)),
            self._state.left_records.get(key),
            *self._state.former_records.get(key, ()),
        )
        return frozenset(one for one in found if one is not None)

    def settled(self, key: str, queue: Queue) -> list[PendingUnits] | None:
        """Returns the changes of a row that are not pending any more, with billed days and units.

        A change that trueup pushed counts from the day on which it did, one that it marked without
        a push from the day that its policy named then, and one that a decision archives now from
        the day of its policy. Any other counts from its own day: a person entered it, perhaps
        before there was a policy. None if one of these days is unknown.
        """
        keys = {*queue.settled, *queue.archive}
        values, pushed = self._pending.values, self._pending.pushed_before
        quantity = self.quantities.of(key, queue, None)[0]
        changes = [*self._changes(queue), *self._settled(queue)]
        if quantity is None or any(values.day_or_none(change.key) is None for change in changes):
            return None
        under = self._ancestry.of_row(self._mapping.name, key)
        terms = self._terms.terms(None, key)
        policy, decisions = self.policies.of(key, under), self._pending.decisions
        changes.sort(key=lambda one: one.day)
        billed = policy.billed(
            changes, quantity, terms, decisions.named, decisions.taken_back, self._handover(key)
        )
        days = {one.key: one.day for one in changes if one.key in queue.settled}
        days = {key: day for key, day in days.items() if key not in decisions.named}
        marked = {one: pushed.billed_from(one) for one in queue.settled}
        days |= {one: day for one, day in marked.items() if day is not None}
        sent = {one: found for one in queue.settled if (found := pushed.of(one)) and found.units}
        days |= {one: found.day for one, found in sent.items()}
        settled = [one for one in billed if one.key in keys]
        if any(one.needs_day for one in settled if one.key not in days):
            return None
        return [replace(one, day=days.get(one.key, one.day)) for one in settled]

    def _settled(self, queue: Queue) -> list[PendingUnits]:
        """The changes that are not pending any more, in units of the source."""
        done = Queue(sendable=[*queue.settled, *queue.archive])
        return [*self._changes(done)]

    def left_behind(self, key: str) -> ServiceLedger | None:
        """The service of a row that moved to another one when its contract had ended."""
        record = self._state.left_records.get(key)
        is_left = record is not None and self.units.left_by(key) is None
        return self.of_record(record) if record is not None and is_left else None

    def of_record(self, record: int) -> ServiceLedger:
        """The ledger of a service that no row is linked to."""
        under = self._ancestry.of_record(self._mapping.name, record)
        terms = self._terms.terms(self._state.records[record], "")
        name = self._context.labels.record(self._mapping.name, record)
        return ServiceLedger(
            row=RowRef(self._mapping.name, "", name or f"{self._mapping.target.entity} {record}"),
            record=record,
            rows=self.units.of(record),
            rows_read=self.units.of(record),
            last_day=self._pending.pushed_before.last_adjusted(record),
            terms=terms,
            under=under,
            customer=self._ancestry.customer(under),
            systems=self._context.systems,
        )

    def _handover(self, key: str) -> Handover:
        return Handover(
            begins=key in self._beginning,
            ends=key in self._ending,
            between=key in self._pending.values.successors,
        )

    def _last_day(self, queue: Queue, services: Iterable[int]) -> date | None:
        """Returns the last day of any change, or adjustment by trueup to one of the services.

        A correction counts as well: on an earlier day its units are not there yet, and it would be
        made once more.
        """
        last_adjusted = self._pending.pushed_before.last_adjusted
        days = (queue.last_day, *(last_adjusted(service) for service in services))
        return max((day for day in days if day is not None), default=None)

    def _is_coming(self, key: str) -> bool:
        """Whether this plan creates the service."""
        changes = self._state.changes.get(key, ())
        creates = any(change.action is Action.CREATE for change in changes)
        return creates or key in self._state.repeats

    def _bills_nothing_without_rows(self, key: str, record: int | None) -> bool:
        """Whether a service without unit rows is known to have no units.

        That holds for one that does not exist, and for one that trueup created and never adjusted.
        With any other one the target may not have written the rows yet, and a day without a row is
        unknown.
        """
        if record is None:
            return key not in self._state.unknown_records
        link = self._context.snapshot.links.get((self._mapping.name, key))
        created = link is not None and link.how == "created" and link.record == record
        return created and record not in self._adjusted

    def _changes(self, queue: Queue) -> Iterable[PendingUnits]:
        for key in (*queue.sendable, *queue.stopped):
            day = self._pending.values.day_or_none(key) or self._context.as_of
            units = self._pending.values.units_or_zero(key)
            yield PendingUnits(key, day, units, stopped=key in queue.stopped)
