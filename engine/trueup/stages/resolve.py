"""Turns the values of expressions into values of the target's fields.

References become record ids, look-ups the id of reference data, labels the number of their picklist
entry, and everything else is coerced to the field's type.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined, UndefinedError
from msgspec import Struct
from msgspec.structs import replace

from trueup.expressions.compiled import Compiled, Slot
from trueup.expressions.unreadable import NEEDS_UNREADABLE, UnreadableValue
from trueup.expressions.value_filters import fold_all
from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.coerce import CoercionError, pick_table, shown
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS, REFERS_TO_LEFT_OUT
from trueup.model.mapping import Find, Manage, Reference
from trueup.model.mapping_state import MappingState, Record, RowKey

Finder = Callable[[Find, tuple[Any, ...]], "int | None"]
"""The id of the one record of reference data that fits; None if a value is none.

Raises CoercionError if none fits, or more than one.
"""


class Resolved(Struct):
    """One row's fields by name, and the findings about the row."""

    values: dict[str, Any] = {}
    findings: list[Finding] = []
    by_field: dict[str, Finding] = {}
    """Those of the findings that are about a value of one field that does not fit it."""

    unfound: dict[str, Finding] = {}
    """Those about look-ups that found nothing, by field."""

    because: RowKey | None = None  # the row at fault, or left out, where that is another one
    skip: Finding | None = None  # the row is left out: it refers to one that is left out


class Resolver:
    """Resolves the slots of one mapping.

    `compared` is quick, for rows that probably equal their record; `row` resolves in full.
    """

    def __init__(
        self,
        compiled: Compiled,
        states: Mapping[str, MappingState],
        find: Finder,
        systems: SystemNames = UNNAMED,
    ) -> None:
        self.compiled, self._states, self._find, self._systems = compiled, states, find, systems
        self._window = slice(compiled.first, compiled.first + compiled.compared)
        self._tables: list[tuple[int, Mapping[Any, Any]]] = []  # position → value in, value out
        self._finds: list[tuple[int, Find]] = []
        for position, slot in enumerate(compiled.slots[: compiled.compared]):
            if slot.reference:
                self._tables.append((position, states[slot.reference.mapping].referable))
            elif slot.find:
                self._finds.append((position, slot.find))
            elif slot.field.picklist:
                self._tables.append((position, pick_table(slot.field.picklist)))
        self._found: dict[tuple[Any, ...], Any] = {}  # look-ups that were made before

    def compared(self, raw: tuple[Any, ...]) -> list[Any] | None:
        """The compared slots' values in order; None if they need the full resolution of `row`."""
        values = [*raw[self._window]]
        try:
            for position, table in self._tables:
                value = values[position]
                if value.__class__ is bool:
                    return None  # a table has 1 for yes, too, and a picklist has neither
                if value is not None:
                    values[position] = table[value]
            for position, spec in self._finds:
                values[position] = self._find_once(spec, values[position])
        except (KeyError, TypeError, CoercionError, UndefinedError):
            return None
        return values

    def row(self, key: str, raw: tuple[Any, ...], *, exists: bool = False) -> Resolved:
        """Returns every slot's value coerced to its field, with all findings.

        `exists`: the row has a record, so a field that is set on create only is not written, and
        its findings do not matter.
        """
        resolved = Resolved()
        for position, slot in enumerate(self.compiled.slots):
            ignored = exists and slot.spec.manage is Manage.CREATE
            into = Resolved() if ignored else resolved
            self.slot(key, slot, raw[self.compiled.first + position], into)
            if ignored:
                resolved.values[slot.name] = into.values.get(slot.name)
        return resolved

    def slot(self, key: str, slot: Slot, value: Any, resolved: Resolved) -> None:  # noqa: ANN401 -- any value of a row
        """Resolves one slot into `resolved`."""
        try:
            if isinstance(value, UnreadableValue):
                self._unreadable(key, slot, value, resolved)
                return
            if isinstance(value, Undefined):
                bool(value)  # raises UndefinedError with its own message
            if slot.reference:
                self._reference(key, slot, slot.reference, value, resolved)
            elif slot.find:
                resolved.values[slot.name] = self._find_once(slot.find, value)
            else:
                resolved.values[slot.name] = slot.coerced(value)
        except CoercionError as fault:
            finding = self._misfit(key, slot, str(fault))
            resolved.findings.append(finding)
            resolved.by_field[slot.name] = finding
            if slot.find:
                resolved.values[slot.name], resolved.unfound[slot.name] = None, finding
        except UndefinedError as fault:
            text = f"{slot.name}: {fault}"
            resolved.findings.append(self._finding(key, slot, "expression-failed", text))

    def _find_once(self, spec: Find, wanted: tuple[Any, ...] | None) -> int | None:
        """Returns the id that these values look up; None for a field that is left alone."""
        if wanted is None:
            return None
        key = (id(spec), *wanted)
        try:
            is_known = key in self._found
        except TypeError:
            raise CoercionError(
                f"nothing can be looked up by {', '.join(map(shown, wanted))}"
            ) from None
        if not is_known:
            self._found[key] = self._find(spec, wanted)
        found: int | None = self._found[key]
        return found

    def _unreadable(self, key: str, slot: Slot, value: UnreadableValue, resolved: Resolved) -> None:
        """Blocks a row that uses an unreadable row, because of that row if a mapping has it."""
        because = blocked_unreadable(self._states, value.row) if value.row else None
        if because is None:
            finding = self._finding(key, slot, NEEDS_UNREADABLE, value.text)
        else:
            resolved.because = because
            finding = self._depends(key, slot, because)
        resolved.findings.append(finding)

    def _reference(
        self, key: str, slot: Slot, reference: Reference, value: object, resolved: Resolved
    ) -> None:
        if value is None:
            resolved.values[slot.name] = None
            return
        state = self._states[reference.mapping]
        name = state.mapping.name
        other = state.succeeded_by.get(str(value), str(value))
        if other in state.referable:
            resolved.values[slot.name] = state.referable[other]
        elif other in state.blocked:
            resolved.because = (name, other)
            resolved.findings.append(self._depends(key, slot, (name, other)))
        elif other in state.skipped:
            resolved.because = (name, other)
            text = f"its {name} is left out: {state.skipped[other].text}"
            resolved.skip = Finding(
                REFERS_TO_LEFT_OUT, Severity.SKIP, text, "", slot.spec.place, key=key
            )
        elif state.has(other):
            resolved.because = (name, other)
            text = f"its {name} is not in the scope of {name}"
            resolved.skip = Finding(
                "refers-out-of-scope", Severity.SKIP, text, "", slot.spec.place, key=key
            )
        else:
            text = f"{slot.name} refers to {name} {other}, and there is no such row"
            resolved.findings.append(self._finding(key, slot, "reference-missing", text))

    def _misfit(self, key: str, slot: Slot, text: str) -> Finding:
        """Into a picklist without entries no value fits: neither row nor mapping is wrong."""
        finding = self._finding(key, slot, "value-does-not-fit", text)
        if slot.field.picklist != () or slot.find:
            return finding
        entity = self.compiled.mapping.target.entity
        remedy = (
            f"`trueup catalogue pull {entity}` reads the entries from the tenant; without one, "
            "state them in the catalogue"
        )
        return replace(finding, remedy=remedy)

    def _depends(self, key: str, slot: Slot, row: RowKey) -> Finding:
        return self._finding(key, slot, DEPENDS, f"depends on {row[0]} {row[1]}, which is blocked")

    def _finding(self, key: str, slot: Slot, code: str, text: str) -> Finding:
        remedies = {DEPENDS: "", NEEDS_UNREADABLE: f"correct that row in {self._systems.source}"}
        usual = f"correct the row in {self._systems.source}, or the mapping at this place"
        remedy = remedies.get(code, usual)
        mapping = self.compiled.mapping.name
        return Finding(code, Severity.ERROR, text, remedy, slot.spec.place, mapping, key)


def blocked_unreadable(states: Mapping[str, MappingState], row: RowKey) -> RowKey | None:
    """Returns mapping and key of an unreadable row that is blocked; `row` is its table and key."""
    table, key = row
    for name, state in states.items():
        if state.mapping.source.table == table and key in state.unreadable and key in state.blocked:
            return name, key
    return None


def find_index(records: Iterable[Record], names: Sequence[str]) -> dict[str, list[Record]]:
    """Returns reference data by `fold_all` of the fields of its look-up.

    A record without a value for one of them is not found by any.
    """
    index: dict[str, list[Record]] = {}
    for record in records:
        values = [record.get(name) for name in names]
        if all(value is not None for value in values):
            index.setdefault(fold_all(values), []).append(record)
    return index
