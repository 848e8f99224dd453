"""Values of expressions in; values of the target's fields out: references, look-ups, picklists, types."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Undefined, UndefinedError

from engine.expressions.compiled import Compiled, Slot
from engine.expressions.unread import NEEDS_UNREAD, Unread
from engine.model.finding import Finding, Severity
from engine.model.fit import Misfit, fit, pick_table
from engine.model.project import Find, Manage, Reference
from engine.model.work import Standing

_REMEDIES = {"depends-on-blocked": "", NEEDS_UNREAD: "correct that row in Work 365"}

Finder = Callable[[Find, tuple[Any, ...]], "int | None"]
"""The id of the one record of reference data that fits; None where a value is none. Raises Misfit."""


@dataclass(slots=True)
class Resolved:
    """One row's fields by name, and what stands against them."""

    values: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unfound: dict[str, Finding] = field(default_factory=dict)  # of these findings: look-ups that found nothing
    because: tuple[str, str] | None = None
    left: Finding | None = None


class Resolver:
    """Resolves the slots of one mapping. `fast` is for rows that most likely equal their record."""

    def __init__(self, compiled: Compiled, standings: Mapping[str, Standing], find: Finder) -> None:
        self.compiled, self._standings, self._find = compiled, standings, find
        start = compiled.first
        self._window = slice(start, start + compiled.compared)
        self._tables: list[tuple[int, Mapping[Any, Any]]] = []
        self._finds: list[tuple[int, Find]] = []
        for position, slot in enumerate(compiled.slots[: compiled.compared]):
            if slot.reference:
                self._tables.append((position, _usable(standings, slot.reference)))
            elif slot.find:
                self._finds.append((position, slot.find))
            elif slot.field.picklist:
                self._tables.append((position, pick_table(slot.field.picklist)))
        self._found: dict[tuple[Any, ...], Any] = {}

    def fast(self, raw: tuple[Any, ...]) -> list[Any] | None:
        """The compared slots' values as a list, or None where only `slow` can tell."""
        values = [*raw[self._window]]
        try:
            for position, table in self._tables:
                value = values[position]
                if value is not None:
                    values[position] = table[value]
            for position, spec in self._finds:
                values[position] = self._found_once(spec, values[position])
        except (KeyError, TypeError, Misfit, UndefinedError):
            return None
        return values

    def _found_once(self, spec: Find, wanted: tuple[Any, ...]) -> int | None:
        key = (id(spec), *wanted)
        try:
            known = key in self._found
        except TypeError:
            raise Misfit(f"nothing can be looked up by {wanted!r:.60}") from None
        if not known:
            self._found[key] = self._find(spec, wanted)
        found: int | None = self._found[key]
        return found

    def slow(self, key: str, raw: tuple[Any, ...], *, there: bool = False) -> Resolved:
        """Every slot's value fitted to its field, with all that is wrong.

        `there`: the row has a record, so a field that is set on create only is not written and stands against nothing.
        """
        resolved = Resolved()
        for position, slot in enumerate(self.compiled.slots):
            fixed = there and slot.spec.manage is Manage.CREATE
            into = Resolved() if fixed else resolved
            self.one(key, slot, raw[self.compiled.first + position], into)
            if fixed:
                resolved.values[slot.name] = into.values.get(slot.name)
        return resolved

    def one(self, key: str, slot: Slot, value: Any, resolved: Resolved) -> None:  # noqa: ANN401 -- any value of a row
        """One slot into `resolved`."""
        try:
            if isinstance(value, Unread):
                self._unread(key, slot, value, resolved)
                return
            if isinstance(value, Undefined):
                bool(value)  # raises in its own words
            if slot.reference:
                self._reference(key, slot, slot.reference, value, resolved)
            elif slot.find:
                resolved.values[slot.name] = self._found_once(slot.find, value)
            else:
                resolved.values[slot.name] = fit(value, slot.field)
        except Misfit as fault:
            resolved.findings.append(self._finding(key, slot, "value-does-not-fit", str(fault)))
            if slot.find:
                resolved.values[slot.name], resolved.unfound[slot.name] = None, resolved.findings[-1]
        except UndefinedError as fault:
            resolved.findings.append(self._finding(key, slot, "expression-failed", f"{slot.name}: {fault}"))

    def _unread(self, key: str, slot: Slot, value: Unread, resolved: Resolved) -> None:
        """A value that stands in a row that cannot be read: blocked because of that row, if a mapping is about it."""
        because = blocked_unread(self._standings, value.row) if value.row else None
        if because is None:
            finding = self._finding(key, slot, NEEDS_UNREAD, value.text)
        else:
            resolved.because, finding = because, self._depends(key, slot, because)
        resolved.findings.append(finding)

    def _depends(self, key: str, slot: Slot, row: tuple[str, str]) -> Finding:
        return self._finding(key, slot, "depends-on-blocked", f"depends on {row[0]} {row[1]}, which is blocked")

    def _reference(self, key: str, slot: Slot, reference: Reference, value: object, resolved: Resolved) -> None:
        if value is None:
            resolved.values[slot.name] = None
            return
        standing = self._standings[reference.mapping]
        other = str(value)
        if other in standing.usable:
            resolved.values[slot.name] = standing.usable[other]
            return
        title = standing.mapping.name
        if other in standing.blocked:
            resolved.because = (title, other)
            resolved.findings.append(self._depends(key, slot, (title, other)))
        elif other in standing.left:
            why = standing.left[other]
            text = f"its {title} is left out: {why.text}"
            resolved.left = Finding("refers-to-left-out", Severity.SKIP, text, "", slot.spec.place, key=key)
        elif standing.has(other):
            text = f"its {title} is not in the scope of {title}"
            resolved.left = Finding("refers-out-of-scope", Severity.SKIP, text, "", slot.spec.place, key=key)
        else:
            text = f"{slot.name} refers to {title} {other}, and there is no such row"
            resolved.findings.append(self._finding(key, slot, "reference-missing", text))

    def _finding(self, key: str, slot: Slot, code: str, text: str) -> Finding:
        remedy = _REMEDIES.get(code, "mend the row in Work 365, or the mapping at this place")
        mapping = self.compiled.mapping.name
        return Finding(code, Severity.ERROR, text, remedy, slot.spec.place, mapping, key)


def blocked_unread(standings: Mapping[str, Standing], row: tuple[str, str]) -> tuple[str, str] | None:
    """Mapping and key of a row that cannot be read, given by table and key; of a mapping that had its turn."""
    table, key = row
    for name, standing in standings.items():
        if standing.mapping.source.table == table and key in standing.unread and key in standing.blocked:
            return name, key
    return None


def _usable(standings: Mapping[str, Standing], reference: Reference) -> Mapping[str, object]:
    return standings[reference.mapping].usable


def find_index(
    records: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[tuple[str, ...], list[Mapping[str, Any]]]:
    """Reference data by the fields that it is looked up by, case and idle spaces aside."""
    index: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        index.setdefault(folded(record.get(name) for name in names), []).append(record)
    return index


def folded(values: Any) -> tuple[str, ...]:  # noqa: ANN401 -- any iterable of values
    """Values for looking up: text without case and idle spaces."""
    return tuple(str(value).strip().casefold() for value in values)
