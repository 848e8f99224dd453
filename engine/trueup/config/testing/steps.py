"""Reads `then` of a test: what happens later in both systems, and what each later plan has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from msgspec.structs import replace

from trueup.config.checks.decisions import part_faults, why_not_applicable
from trueup.config.days import parse_day
from trueup.config.node import Node
from trueup.config.rules import parse_decisions
from trueup.config.testing.expectations import ExpectationParser
from trueup.config.testing.rows import RawRow, RowCompleter, fault, read_rows
from trueup.config.testing.target import Names, parse_posted, parse_units
from trueup.model.catalogue import Table
from trueup.model.decision import Decision
from trueup.model.finding import Finding
from trueup.model.project import Project
from trueup.model.suggestions import hint, unknown
from trueup.model.testing import GivenRow, ProjectTest, TestStep

Row = tuple[str, str]
"""Table and key."""


def decisions_of(node: Node, project: Project, findings: list[Finding]) -> tuple[Decision, ...]:
    """Returns the decisions of a test or a step; unknown mappings are added to the findings."""
    decisions = tuple(parse_decisions(node)) if "decisions" in node else ()
    for decision in decisions:
        if decision.mapping not in project.mappings:
            text, known = f"there is no mapping {decision.mapping}", project.mappings
            findings.append(unknown(text, decision.mapping, known, decision.place))
        elif why := why_not_applicable(decision.verdict, project.mappings[decision.mapping]):
            findings.append(fault(why, "", decision.place))
        findings += [fault(*wrong, decision.place) for wrong in part_faults(decision)]
    return decisions


@dataclass(slots=True)
class StepParser:
    """Parses the steps of one test. What is wrong is added to the findings of `completer`.

    `raw` are the rows that the test names at first; `completer` has completed them.
    """

    test: ProjectTest
    project: Project
    raw: Iterable[RawRow]
    completer: RowCompleter
    _as_of: date = field(init=False)
    _named: dict[Row, RawRow] = field(init=False)
    _rows: dict[Row, GivenRow] = field(init=False)  # complete, as they are at this step
    _earlier: dict[Row, GivenRow] = field(init=False)  # also those that are gone
    _decisions: tuple[Decision, ...] = field(init=False)  # that hold at this step

    def __post_init__(self) -> None:
        self._as_of = self.test.as_of
        self._named = {(row.table, row.key): row for row in self.raw}
        self._rows = {(row.table, row.key): row for row in self.test.rows}
        self._earlier = {(row.table, row.key): row for row in self.test.before} | self._rows
        self._decisions = self.test.decisions

    def parse(self, node: Node) -> Iterator[TestStep]:
        """Yields the steps in the order of the file."""
        for part in node.parts():
            yield self._step(part)

    def _step(self, node: Node) -> TestStep:
        self._move_to_day_of(node)
        changed = frozenset(self._change(node.get("source")))
        for row in [*self._gone(node.get("gone"))]:
            self._named.pop(row, None)
            self._rows.pop(row, None)
        decided = decisions_of(node, self.project, self._findings)
        earlier = (
            decision
            for decision in self._decisions
            if not any(_replaces(new, decision) for new in decided)
        )
        self._decisions = (*earlier, *decided)
        names = Names.of(self.project, self._rows.values(), self._findings)
        every = Names.of(self.project, self._earlier.values(), self._findings)
        entered, posted = node.get("entered"), node.get("posted")
        return TestStep(
            place=node.place,
            as_of=self._as_of,
            rows=tuple(self._rows[row] for row in sorted(self._rows)),
            changed=changed,
            entered=tuple(parse_units(entered, every)) if entered else (),
            posted=tuple(parse_posted(posted, every)) if posted else (),
            decisions=self._decisions,
            expect=ExpectationParser(names, None, every).parse(node["expect"]),
        )

    @property
    def _findings(self) -> list[Finding]:
        return self.completer.findings

    @property
    def _tables(self) -> Mapping[str, Table]:
        return self.project.catalogue.tables

    def _move_to_day_of(self, node: Node) -> None:
        given = node.get("as_of")
        day = parse_day(given.data) if given else None
        if given and day and day < self._as_of:
            text = f"{day} is before {self._as_of}, the day of the step before"
            self._findings.append(fault(text, "write the steps by day", given.place))
        self._as_of = day or self._as_of

    def _change(self, node: Node | None) -> Iterator[tuple[str, str, str]]:
        """Changes the rows and adds new ones; yields the columns that it sets.

        A column that is named is set even to its earlier value: it may have been written back.
        """
        for raw in read_rows(node, self._tables, self._findings):
            named = self._named.get((raw.table, raw.key))
            merged = {**named.values, **raw.values} if named else raw.values
            self._named[raw.table, raw.key] = replace(raw, values=merged)
            yield from ((raw.table, raw.key, name) for name in raw.values)
        completer = replace(self.completer, balanced=False, known=frozenset(self._rows))
        for row in completer.complete(self._named.values()):
            before = self._rows.get((row.table, row.key))
            for name, value in row.values.items():
                if before is None or before.values.get(name) != value:
                    yield row.table, row.key, name
            self._rows[row.table, row.key] = row
        self._earlier |= self._rows

    def _gone(self, node: Node | None) -> Iterator[Row]:
        for name, part in node.items() if node else ():
            if name not in self._tables:
                text = f"there is no table {name}"
                self._findings.append(unknown(text, name, self._tables, part.key_place))
                continue
            for item in part.parts():
                key = str(item.data)
                if (name, key) in self._rows:
                    yield name, key
                    continue
                known = [key for table, key in self._rows if table == name]
                text = f"there is no {name} {key} at this step"
                self._findings.append(fault(text, hint(key, known), item.place))


def _replaces(new: Decision, earlier: Decision) -> bool:
    """Whether a decision takes the place of an earlier one: on the same topic of the same row."""
    is_same_row = (new.mapping, new.key) == (earlier.mapping, earlier.key)
    return is_same_row and not {*new.verdict.topics}.isdisjoint(earlier.verdict.topics)
