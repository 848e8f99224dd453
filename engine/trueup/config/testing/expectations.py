"""Reads and checks `expect` of a test: an expectation that can never hold is an error."""

import re
from collections.abc import Iterator
from datetime import date
from typing import assert_never

from msgspec import Struct

from trueup.config.node import Node
from trueup.config.testing.possible import impossible
from trueup.config.testing.rows import fault
from trueup.config.testing.target import Names, day_of
from trueup.model.change import Action
from trueup.model.coerce import shown
from trueup.model.finding import Place
from trueup.model.mapping import MappingSpec
from trueup.model.project import Rule
from trueup.model.suggestions import hint, unknown
from trueup.model.testing import (
    AfterApply,
    Expectations,
    ExpectedChange,
    ExpectedFinding,
    ExpectedPart,
    ExpectedPlan,
    ExpectedUnits,
    ExpectedValue,
    GivenTarget,
)

MONEY = ("invoice", "run_rate", "one_off", "lost", "credit")
NOTHING = "nothing"
UNITS = re.compile(r"\s*(-?\d+)\s*(?:→|->)\s*(-?\d+)\s*")
"""`10 → 12`: units before and after."""

_ACTIONS = {str(action).replace(" ", "_"): action for action in Action}
"""Changes by their keys in tests."""

_PARTICIPLES = {
    Action.LINK: "linked",
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.DEACTIVATE: "deactivated",
    Action.ADJUST: "adjusted",
    Action.WRITE_BACK: "written back",
}

NOTE = "note"
"""Text that a note of an adjustment has, such as the policy that moved its day."""

_ADJUST_KEYS = ("units", "on", NOTE)
_LINK_KEYS = ("how", "record", "succeeds")
_FINDING_KEYS = ("code", "severity", "text", "remedy")


class ExpectationParser(Struct, frozen=True):
    """Parses the expectations of one test. What is wrong is added to the findings of `names`."""

    names: Names
    target: GivenTarget | None  # before the plan; None: not known, as at a later step
    before: Names  # the rows as they were, also those that are gone

    def parse(self, node: Node) -> Expectations:
        """Returns what the test expects."""
        findings, money, limits = node.get("findings"), node.get("money"), node.get("limits")
        plan, ledger, after = node.get("plan"), node.get("ledger"), node.get("after_apply")
        held = money.get("held") if money else None
        expect = Expectations(
            plan=self._plan(plan) if plan else None,
            findings=tuple(self._findings(findings)) if findings else None,
            findings_place=findings.key_place if findings else node.place,
            ledger=tuple(self._ledger(ledger)) if ledger else (),
            money=_values(money, MONEY) if money else {},
            held=_values(held) if held else {},
            held_place=held.key_place if held else None,
            limits=limits.texts() if limits else None,
            limits_place=limits.key_place if limits else node.place,
            after_apply=self._after_apply(after) if after else None,
        )
        self.names.findings += impossible(expect, self.names, self.target, limits)
        return expect

    # Changes

    def _plan(self, node: Node) -> ExpectedPlan:
        changes = {}
        for name, part in node.items() if node.data != NOTHING else ():
            action = _ACTIONS[name]
            parsed = (self._change(action, change) for change in part.parts())
            changes[action] = tuple(change for change in parsed if change)
        return ExpectedPlan(changes, node.key_place)

    def _change(self, action: Action, node: Node) -> ExpectedChange | None:
        found = self._row(node, self.before if action is Action.DEACTIVATE else self.names)
        if found is None:
            return None
        mapping, key = found
        self._check_possible(action, mapping, key, node)
        values = {}
        for name, part in node.items():
            if name != mapping.name:
                self._check_value(action, mapping, name, part)
                values[name] = ExpectedValue(part.data, part.place)
        return ExpectedChange(action, mapping.name, key, values, node.place)

    def _row(self, node: Node, names: Names) -> tuple[MappingSpec, str] | None:
        """The row that an entry names as `MAPPING: KEY`."""
        mappings = self.names.project.mappings
        named = [name for name in node.data if name in mappings]
        if len(named) != 1:
            text = "names no row" if not named else f"names {len(named)} rows"
            wrong = next(iter(node.data), "")
            remedy = "write `MAPPING: KEY`"
            if not named:
                remedy += f"; {hint(str(wrong), mappings)}".rstrip("; ")
            self.names.findings.append(fault(f"this entry {text}", remedy, node.place))
            return None
        part = node[named[0]]
        mapping, key = mappings[named[0]], str(part.data)
        return (mapping, key) if names.has_row(mapping, key, part.place) else None

    def _check_possible(self, action: Action, mapping: MappingSpec, key: str, node: Node) -> None:
        """Reports a change that no plan can have for the row."""
        target = self.target or GivenTarget()
        has_record = mapping.name in target.all_of or any(
            (row.mapping, row.key) == (mapping.name, key) for row in target.rows
        )
        has_units = any(unit.key == key for unit in target.units) and bool(mapping.ledger)
        text = remedy = ""
        if action is Action.ADJUST and not mapping.ledger:
            text = f"{mapping.name} has no ledger, so none of its rows is adjusted"
            ledgers = [one.name for one in self.names.project.mappings.values() if one.ledger]
            remedy = f"name the row of {' or '.join(ledgers)}" if ledgers else ""
        elif action is Action.ADJUST:
            pass
        elif mapping.append and action is not Action.WRITE_BACK:
            text = (
                f"{mapping.name} only appends: its rows are adjusted, never {_PARTICIPLES[action]}"
            )
            remedy = "expect it under adjust, with the row whose units it moves"
        elif action is Action.CREATE and (has_units or has_record) and not mapping.ledger:
            text = f"{mapping.name} {key} has its record already, so it is never created"
            remedy = "remove it here, or under target"
        elif action is Action.WRITE_BACK and not mapping.write_back:
            text = f"{mapping.name} has no write_back"
        elif action is Action.DEACTIVATE and not mapping.deactivate:
            text = f"{mapping.name} has no deactivate"
        if text:
            self.names.findings.append(fault(f"this can never hold: {text}", remedy, node.place))

    def _check_value(self, action: Action, mapping: MappingSpec, name: str, part: Node) -> None:
        """Reports a field that a change of this kind does not have."""
        known = _known_fields(action, mapping)
        if name not in known:
            text = f"{mapping.name} has no field {name} here"
            self.names.findings.append(unknown(text, name, known, part.key_place))
        elif action is Action.ADJUST and name == "units":
            units = UNITS.fullmatch(str(part.data))
            if units is None:
                text = f"{shown(part.data)} is no change of units"
                self.names.findings.append(fault(text, "write 10 → 12", part.place))
            elif int(units[1]) == int(units[2]):
                text = f"this can never hold: {part.data} changes nothing"
                self.names.findings.append(fault(text, "remove it", part.place))

    # Findings

    def _findings(self, node: Node) -> Iterator[ExpectedFinding]:
        rules = {rule.name: rule for rule in self.names.project.rules}
        for part in node.parts() if isinstance(node.data, list) else ():
            code = str(part["code"].data)
            texts = {name: str(part[name].data) for name in _FINDING_KEYS[1:] if name in part}
            rest = [name for name in part.data if name not in _FINDING_KEYS]
            mapping = key = ""
            if rest:
                found = self._row(_without(part, _FINDING_KEYS), self.before)
                if found is None:
                    continue
                mapping, key = found[0].name, found[1]
            if code in rules:
                self._check_rule(rules[code], mapping, texts.get("severity", ""), part)
            yield ExpectedFinding(
                code, mapping, key, part.place, code_place=part["code"].place, **texts
            )

    def _check_rule(self, rule: Rule, mapping: str, severity: str, node: Node) -> None:
        """Reports a finding that the rule can never give."""
        possible = {str(rule.severity), *([str(rule.when_linked)] if rule.when_linked else [])}
        if mapping and mapping != rule.for_:
            text = f"this can never hold: rule {rule.name} is about {rule.for_ or 'the plan'}"
            remedy = f"name a row of {rule.for_}" if rule.for_ else "name no row"
            self.names.findings.append(fault(text, remedy, node.place))
        if severity and severity not in possible:
            text = f"this can never hold: rule {rule.name} gives {' or '.join(sorted(possible))}"
            place = node["severity"].place
            self.names.findings.append(fault(text, f"write one of these: {rule.place}", place))

    # Ledger, and what is there after apply

    def _ledger(self, node: Node) -> Iterator[ExpectedPart]:
        for key, part in node.items():
            mapping = self.before.ledger_mapping(key, part.key_place)
            if isinstance(part.data, str):
                values = {"class": ExpectedValue(part.data, part.place)}
            else:
                values = _values(part)
            if mapping:
                yield ExpectedPart(mapping, key, values, part.key_place)

    def _after_apply(self, node: Node) -> AfterApply:
        units, records, rows = node.get("units"), node.get("records"), node.get("rows")
        second = node.get("second_plan")
        return AfterApply(
            units=tuple(self._units(units)) if units else (),
            records=tuple(self._records(records)) if records else (),
            rows=tuple(self._rows(rows)) if rows else (),
            second_plan=self._plan(second) if second else ExpectedPlan({}, node.key_place),
            place=node.key_place,
        )

    def _units(self, node: Node) -> Iterator[ExpectedUnits]:
        for key, part in node.items():
            mapping = self.before.ledger_mapping(key, part.key_place)
            for day_text in part.data:
                units = part[day_text]
                day = day_of(units, self.names)
                if mapping and isinstance(day, date):
                    yield ExpectedUnits(mapping, key, day, units.data, units.key_place)

    def _records(self, node: Node) -> Iterator[ExpectedPart]:
        for name, part in node.items():
            mapping = self.names.mapping(name, part.key_place)
            for key, values in part.items():
                if mapping and self.before.has_row(mapping, key, values.key_place):
                    for field_name, value in values.items():
                        self.names.field(mapping, field_name, value.key_place)
                    yield ExpectedPart(name, key, _values(values), values.key_place)

    def _rows(self, node: Node) -> Iterator[ExpectedPart]:
        tables = self.names.project.catalogue.tables
        for name, part in node.items():
            if name not in tables:
                text = f"there is no table {name}"
                self.names.findings.append(unknown(text, name, tables, part.key_place))
                continue
            for key, values in part.items():
                if not self._has_table_row(name, key, values.key_place):
                    continue
                for column, value in values.items():
                    if column not in tables[name].columns:
                        text, known = f"{name} has no column {column}", tables[name].columns
                        found = unknown(text, column, known, value.key_place)
                        self.names.findings.append(found)
                yield ExpectedPart(name, key, _values(values), values.key_place)

    def _has_table_row(self, table: str, key: str, place: Place) -> bool:
        known = self.names.rows.get(table, frozenset())
        if key not in known:
            text = f"there is no {table} {key} in this test"
            remedy = hint(key, known) or f"add it to source.{table}"
            self.names.findings.append(fault(text, remedy, place))
        return key in known


def _known_fields(action: Action, mapping: MappingSpec) -> tuple[str, ...]:
    """Returns the fields that may be expected of a change of this kind."""
    match action:
        case Action.ADJUST:
            return _ADJUST_KEYS
        case Action.LINK:
            return _LINK_KEYS
        case Action.WRITE_BACK:
            return tuple(mapping.write_back.set) if mapping.write_back else ()
        case Action.DEACTIVATE:
            return tuple(mapping.deactivate)
        case Action.CREATE | Action.UPDATE:
            return (*{**mapping.fields, **mapping.identity},)
        case _:
            assert_never(action)


def _values(node: Node, only: tuple[str, ...] = ()) -> dict[str, ExpectedValue]:
    return {
        name: ExpectedValue(part.data, part.place, part.key_place)
        for name, part in node.items()
        if not only or name in only
    }


def _without(node: Node, names: tuple[str, ...]) -> Node:
    """The node without some of its keys; places stay."""
    left = {name: value for name, value in node.data.items() if name not in names}
    return Node(node.document, left, node.steps)
