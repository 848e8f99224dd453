"""Plans write-backs to pending changes: the mark that they are completed."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.rules import expression_failed
from trueup.model.change import Action, Change, Preconditions
from trueup.model.coerce import CoercionError
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.planning.change_ids import mark_id
from trueup.planning.context import PlanContext
from trueup.planning.fingerprints import seen_row
from trueup.planning.ledger.lost_days import credit_note, earlier_notes
from trueup.planning.ledger.planned import EarlierDays
from trueup.planning.needs import made_of
from trueup.planning.records.write_backs import column_changes, kept_value, misfit
from trueup.stages.ledger import ServiceLedger


class ArchiveMarks:
    """Adds the marks of one append-only mapping to its changes."""

    def __init__(self, context: PlanContext, mapping: MappingSpec, state: MappingState) -> None:
        self._context, self._mapping, self._state = context, mapping, state
        self._columns = made_of(context.project, mapping)

    def add_alone(
        self, key: str, why: str, monthly: Decimal | None = None, day: date | None = None
    ) -> None:
        """Adds the mark of a change that nothing is sent for.

        `monthly` is the amount that the run rate loses, `day` the one from which it is billed.
        """
        self.add(mark_id(self._mapping.name, key), (key,), (), why, monthly=monthly, day=day)

    def add_earlier_days(self, key: str, ledger: ServiceLedger, earlier: EarlierDays) -> None:
        """Adds the money of days that stay as they are billed to the mark of a change."""
        id_ = mark_id(self._mapping.name, key)
        notes = (*earlier_notes(earlier), *credit_note(ledger, earlier.amount))
        self._state.changes[id_] = [
            replace(one, lost=earlier.amount, notes=(*one.notes, *notes))
            for one in self._state.changes.get(id_, ())
        ]

    def add_note(self, key: str, note: str) -> None:
        """Adds a note to the mark of a change, if it has one."""
        id_ = mark_id(self._mapping.name, key)
        self._state.changes[id_] = [
            replace(one, notes=(*one.notes, note)) for one in self._state.changes.get(id_, ())
        ]

    def add(
        self,
        id_: str,
        keys: tuple[str, ...],
        needs: tuple[str, ...],
        *notes: str,
        lost: Decimal | None = None,
        monthly: Decimal | None = None,
        day: date | None = None,
    ) -> None:
        """The write-back to these rows, if the mapping has one.

        `lost` is the money of days that are not billed although nothing is sent, `monthly` what the
        run rate loses although nothing is sent. `day` is the one from which units that an
        adjustment does not send are billed; None: from the day of their change.
        """
        spec = self._mapping.write_back
        if spec is None or not keys:
            return
        values, findings = self._values(keys[0])
        if findings:
            self._state.findings += findings
            return
        row = self._state.rows[keys[0]]
        # After an adjustment the rows were checked with it, just before it was sent.
        checked = () if needs else keys
        change = Change(
            id=id_,
            action=Action.WRITE_BACK,
            mapping=self._mapping.name,
            keys=keys,
            name=self._context.label(self._mapping.name, keys[0]),
            tab=self._mapping.tab,
            entity=self._mapping.source.table,
            place=spec.place,
            values=values,
            fields=column_changes(row, values),
            owned={} if day is None else dict.fromkeys(keys, day),
            needs=needs,
            seen=Preconditions(
                rows=tuple(seen_row(self._context, self._mapping, key) for key in checked),
                record={name: row.get(name) for name in values},
                made_of=self._made_of(keys),
            ),
            notes=notes,
            monthly=monthly,
            lost=lost,
            marks_changes=True,
        )
        self._state.changes.setdefault(id_, []).append(change)

    def faults(self, key: str) -> list[Finding]:
        """Returns why the mark of a change can never be written.

        Such a change is not sent: it would stay pending in the source after it took effect.
        """
        return self._values(key)[1]

    def _values(self, key: str) -> tuple[dict[str, object], list[Finding]]:
        """Returns what marks the change, in the types of the columns, and what does not fit."""
        spec, values = self._mapping.write_back, dict[str, object]()
        findings: list[Finding] = []
        if spec is None:
            return values, findings
        names = self._context.names(self._mapping.name, key)
        table = self._mapping.source.table
        for name, value in spec.set.items():
            try:
                values[name] = kept_value(self._context, table, name, evaluate(value.raw, names))
            except CoercionError as fault:
                findings.append(misfit(self._context, self._mapping, key, name, fault))
            except EVALUATION_ERRORS as fault:
                what = f"write_back: {name}"
                failed = expression_failed(self._mapping.name, key, what, value.place, fault)
                findings.append(failed)
        return values, findings

    def _made_of(self, keys: Iterable[str]) -> dict[str, dict[str, object]]:
        """Returns what the rows held: the source does not mark a row that was changed since."""
        return {
            key: {name: self._state.rows[key].get(name) for name in self._columns} for key in keys
        }
