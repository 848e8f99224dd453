"""Compares a plan and its effects with a test; each difference has the line of its cause."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from trueup.config.testing.expectations import NOTE
from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.change import Action, Change, System
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS
from trueup.model.mapping import MappingSpec
from trueup.model.outcome import Outcome
from trueup.model.plan import LedgerLine, Plan
from trueup.model.project import Project
from trueup.model.testing import (
    AfterApply,
    ExpectedChange,
    ExpectedFinding,
    ExpectedPart,
    ExpectedPlan,
    ExpectedUnits,
    ExpectedValue,
    Mismatch,
    ProjectTest,
)
from trueup.model.units import units_on
from trueup.operations.testing.changes import (
    others_of,
    remove,
    row_of,
    rows_of,
    special_of,
    summary_of,
    take,
)
from trueup.operations.testing.values import RowNames, holds, in_cents, labelled, text_of
from trueup.planning.reading import read_unit_rows
from trueup.ports.target import Condition
from trueup.ports.world import World

_WRITES = [action for action in Action if action.writes is System.TARGET]
_CONSEQUENCES = frozenset({DEPENDS})
"""Findings that only follow from another row's."""

Row = tuple[str, str]


class TestComparison(Struct, frozen=True):
    """Compares one test's plan and its effects. `records` are those of the fixture."""

    project: Project
    test: ProjectTest
    world: World
    records: Mapping[Row, int]

    def plan(self, plan: Plan) -> list[Mismatch]:
        """Returns what differs from the expectations of the plan, in the order of the file."""
        expect, found = self.test.expect, list[Mismatch]()
        if expect.plan:
            found += self._changes(expect.plan, plan)
        if expect.findings is not None:
            found += self._findings(expect.findings, plan)
        for part in expect.ledger:
            found += self._ledger_line(part, plan)
        found += self._money(plan)
        limits = sorted(one.limit for one in plan.exceeded)
        if expect.limits is not None and sorted(expect.limits) != limits:
            expected, place = tuple(sorted(expect.limits)), expect.limits_place
            found.append(Mismatch(place or self.test.place, "limits", expected, tuple(limits)))
        return sorted(found, key=lambda one: one.place)

    # Changes

    def _changes(self, expected: ExpectedPlan, plan: Plan, prefix: str = "") -> Iterator[Mismatch]:
        names = RowNames.of(plan, self.records)
        for action in Action:
            actual = [change for change in plan.changes if change.action is action]
            taken = self._take_all(expected.changes.get(action, ()), actual, names)
            for wanted, change in taken:
                what = f"{prefix}{action} {wanted.mapping} {wanted.key}"
                if change is None:
                    others = others_of(wanted, plan)
                    yield Mismatch(wanted.place, what, ("planned",), others or ("not planned",))
                    continue
                yield from self._fields(wanted, change, what, names)
            if action not in _WRITES and expected.changes:
                continue
            for change in actual:
                mapping, key = row_of(change)
                what = f"{prefix}{action} {mapping} {key}"
                shown = (summary_of(change),)
                yield Mismatch(expected.place, what, ("not planned",), shown)

    def _take_all(
        self, wanted: Sequence[ExpectedChange], actual: list[Change], names: RowNames
    ) -> list[tuple[ExpectedChange, Change | None]]:
        """Removes the change of each expectation from the list, exact ones first.

        So an expectation that is wrong does not use up the change that another one fits.
        """
        exact: dict[int, Change] = {}
        for number, one in enumerate(wanted):
            fitting = (
                change
                for change in actual
                if (one.mapping, one.key) in rows_of(change)
                and not any(self._fields(one, change, "", names))
            )
            if change := next(fitting, None):
                exact[number] = change
                remove(change, actual)
        return [
            (one, exact[number] if number in exact else take(one, actual))
            for number, one in enumerate(wanted)
        ]

    def _fields(
        self, wanted: ExpectedChange, change: Change, what: str, names: RowNames
    ) -> Iterator[Mismatch]:
        fields = {field.field: field for field in change.fields}
        special = special_of(change)
        for name, expected in wanted.values.items():
            if name == NOTE:
                if not any(str(expected.value) in note for note in change.notes):
                    notes = tuple(change.notes) or ("no note",)
                    yield Mismatch(expected.place, f"{what}: {name}", (str(expected.value),), notes)
                continue
            if name in special:
                actual, shown = special[name], text_of(special[name])
            elif name in fields:
                actual, shown = fields[name].after, fields[name].shown_after
            else:
                actual, shown = change.values.get(name), text_of(change.values.get(name))
            if not holds(expected.value, actual, shown, names):
                is_named = name in special or name in fields or name in change.values
                text = names.text(actual, shown) if is_named else "not set"
                wanted_text = (text_of(expected.value),)
                yield Mismatch(expected.place, f"{what}: {name}", wanted_text, (text,))

    # Findings

    def _findings(self, expected: Sequence[ExpectedFinding], plan: Plan) -> Iterator[Mismatch]:
        actual = [*self.findings(plan)]
        inexact = []
        for wanted in expected:  # an exact finding is not used up by a wrong expectation
            exact = next(
                (one for one in actual if _is_about(wanted, one) and _has_texts(wanted, one)), None
            )
            if exact is None:
                inexact.append(wanted)
            else:
                actual.remove(exact)
        for wanted in inexact:
            same_row = next((one for one in actual if _is_about(wanted, one)), None)
            if same_row is not None:
                actual.remove(same_row)
                yield from _text_differences(wanted, same_row)
            else:
                what = f"finding {_title(wanted.code, wanted.mapping, wanted.key)}"
                of_row = [one for one in actual if (one.mapping, one.key) == _row(wanted)]
                others = tuple(f"{one.code}: {one.text}" for one in of_row) or ("none",)
                yield Mismatch(wanted.place, what, ("found",), others)
        place = self.test.expect.findings_place or self.test.place
        for finding in actual:
            what = f"finding {_title(finding.code, finding.mapping, finding.key)}"
            text = f"{finding.severity}: {finding.text}"
            yield Mismatch(place, what, ("none",), (text,))

    def findings(self, plan: Plan) -> Iterator[Finding]:
        """Returns the findings of a plan, also of rows that are blocked or left out."""
        yield from (finding for finding in plan.findings if finding.code not in _CONSEQUENCES)
        for blocked in plan.blocked:
            yield from (
                finding for finding in blocked.findings if finding.code not in _CONSEQUENCES
            )
        for group in plan.left_out:
            for key in group.keys:
                yield Finding(
                    group.code, Severity.SKIP, group.reason, mapping=group.mapping, key=key
                )

    # Ledger and money

    def _ledger_line(self, wanted: ExpectedPart, plan: Plan) -> Iterator[Mismatch]:
        line = next(
            (one for one in plan.ledger if (one.mapping, one.key) == (wanted.owner, wanted.key)),
            None,
        )
        what = f"ledger {wanted.key}"
        if line is None:
            yield Mismatch(wanted.place, what, ("a line",), ("no line",))
            return
        actual = _line_values(line)
        for name, expected in wanted.values.items():
            if not holds(expected.value, actual[name], text_of(actual[name])):
                texts = (text_of(expected.value),), (text_of(actual[name]),)
                yield Mismatch(expected.place, f"{what}: {name}", *texts)

    def _money(self, plan: Plan) -> Iterator[Mismatch]:
        summary, expect = plan.summary, self.test.expect
        sums = {
            "invoice": summary.invoice.net,
            "run_rate": summary.run_rate.net,
            "one_off": summary.one_off.net,
            "lost": summary.lost,
            "credit": summary.credit,
        }
        for name, expected in expect.money.items():
            yield from _amount(f"money: {name}", expected, in_cents(sums[name]))
        if expect.held_place is None:
            return
        held = {one.code: in_cents(one.amount.monthly) for one in summary.ledger.held_by_reason}
        for code, expected in expect.held.items():
            yield from _amount(f"money: held: {code}", expected, held.pop(code, None))
        for code, amount in held.items():
            what = f"money: held: {code}"
            yield Mismatch(expect.held_place, what, ("nothing",), (text_of(amount),))

    # After apply

    def after_apply(self, expected: AfterApply, outcome: Outcome, second: Plan) -> list[Mismatch]:
        """Returns what differs once the plan was applied, in the order of the file."""
        found: list[Mismatch] = []
        if not outcome.complete:
            failed = tuple(
                f"{change.name}: {change.status} {change.text}".strip()
                for change in outcome.changes
                if change.text
            )
            shown = (*failed, *([outcome.stopped] if outcome.stopped else []))
            found.append(Mismatch(expected.place, "apply", ("all changes take effect",), shown))
        links = {row: link.record for row, link in self.world.state.load().links.items()}
        records = {**self.records, **links}
        for units in expected.units:
            found += self._units(units, records)
        for part in expected.records:
            found += self._record(part, records, second)
        for part in expected.rows:
            found += self._source_row(part)
        found += self._changes(expected.second_plan, second, "second plan: ")
        return sorted(found, key=lambda one: one.place)

    def _units(self, wanted: ExpectedUnits, records: Mapping[Row, int]) -> Iterator[Mismatch]:
        what = f"units of {wanted.key} on {wanted.day}"
        record = records.get((wanted.mapping, wanted.key))
        units = None if record is None else self._units_on(wanted, record)
        if units != wanted.units:
            shown = "no record" if record is None else text_of(units)
            yield Mismatch(wanted.place, what, (text_of(wanted.units),), (shown,))

    def _units_on(self, wanted: ExpectedUnits, record: int) -> int | None:
        ledger = self.project.mappings[wanted.mapping].ledger
        append = self.project.mappings[ledger.pending].append if ledger else None
        if ledger is None or append is None:
            return None
        read = read_unit_rows(self.world.target, append, ledger, [record], date.min)
        rows = read.get(record, ())
        covered = any(row.start <= wanted.day <= row.end for row in rows)
        return units_on(rows, wanted.day) if covered else None

    def _record(
        self, wanted: ExpectedPart, records: Mapping[Row, int], second: Plan
    ) -> Iterator[Mismatch]:
        what = f"record of {wanted.owner} {wanted.key}"
        record = records.get((wanted.owner, wanted.key))
        if record is None:
            yield Mismatch(wanted.place, what, ("a record",), ("no record",))
            return
        entity = self.world.target.entity(self.project.mappings[wanted.owner].target.entity)
        conditions = [Condition("id", "eq", record)]
        read = self.world.target.read(entity.name, conditions, sorted(wanted.values))
        names = RowNames.of(second, records)
        for name, expected in wanted.values.items():
            actual = read[0].get(name) if read else None
            shown = labelled(actual, entity.field(name))
            if not holds(expected.value, actual, shown, names):
                texts = (text_of(expected.value),), (names.text(actual, shown),)
                yield Mismatch(expected.place, f"{what}: {name}", *texts)

    def _source_row(self, wanted: ExpectedPart) -> Iterator[Mismatch]:
        read = self.world.source.read(wanted.owner, sorted(wanted.values))
        key = self.project.catalogue.tables[wanted.owner].key
        row = next((one for one in read.rows if str(one[key]) == wanted.key), {})
        for name, expected in wanted.values.items():
            if not holds(expected.value, row.get(name), text_of(row.get(name))):
                texts = (text_of(expected.value),), (text_of(row.get(name)),)
                yield Mismatch(expected.place, f"{wanted.owner} {wanted.key}: {name}", *texts)


def _label(mapping: MappingSpec, names: dict[str, Any]) -> object:
    """Returns the display name of a row; "" if its table's title is used, None outside `where`."""
    try:
        if mapping.source.where and not evaluate(mapping.source.where.raw, names):
            return None
        return evaluate(mapping.label.raw, names) if mapping.label else ""
    except EVALUATION_ERRORS:  # as for a plan: the title serves as well
        return ""


def _line_values(line: LedgerLine) -> dict[str, object]:
    return {
        "class": str(line.class_),
        "customer": line.customer,
        "quantity": line.quantity,
        "units": line.units,
        "pending": line.pending,
        "difference": line.difference,
        "moved": line.moved,
        "held": line.held_units,
        "unexplained": line.unexplained,
        "price": None if line.price is None else in_cents(line.price),
        "monthly": None if line.monthly is None else in_cents(line.monthly),
    }


def _amount(what: str, expected: ExpectedValue, actual: object) -> Iterator[Mismatch]:
    if not holds(expected.value, actual, text_of(actual)):
        texts = (text_of(expected.value),), (text_of(actual),)
        yield Mismatch(expected.place, what, *texts)


def _row(wanted: ExpectedFinding) -> Row:
    return wanted.mapping, wanted.key


def _is_about(wanted: ExpectedFinding, finding: Finding) -> bool:
    is_row = not wanted.mapping or (finding.mapping, finding.key) == _row(wanted)
    return finding.code == wanted.code and is_row


def _has_texts(wanted: ExpectedFinding, finding: Finding) -> bool:
    return not [*_text_differences(wanted, finding)]


def _text_differences(wanted: ExpectedFinding, finding: Finding) -> Iterator[Mismatch]:
    what = f"finding {_title(wanted.code, wanted.mapping, wanted.key)}"
    for name in ("severity", "text", "remedy"):
        expected, actual = getattr(wanted, name), str(getattr(finding, name))
        if expected and expected != actual:
            yield Mismatch(wanted.place, f"{what}: {name}", (expected,), (actual,))


def _title(code: str, mapping: str, key: str) -> str:
    return " ".join(part for part in (code, mapping, key) if part)
