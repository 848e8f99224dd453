"""Compares desired and actual values; returns for each differing row the change and reason.

Equal rows cost one comparison.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, assert_never

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.compiled import Slot
from trueup.model.catalogue import UNNAMED, Entity, Field, SystemNames
from trueup.model.change import FieldChange, Reason, Unknown
from trueup.model.coerce import coerce, empty, fingerprint, label, same
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Manage, MappingSpec
from trueup.model.requirements import is_required

ROW = "~row"
"""Among the values last applied: the fingerprint of the row that they came from."""

UNDONE = "~undone:"
"""Prefix of a field's name among the applied values: the run whose undo restored this value."""

SUCCEEDS = "~succeeds"
"""Among the values last applied: the rows whose record was handed over, the last of them first."""

FOLLOWS = "~follows"
"""Among the values last applied: rows of this record, each with the row of another record whose
units it replaces."""

NOT_KEPT = "~not kept:"
"""Among the values last applied, before a field's name: the value that was written there, while the
target keeps the one under the field's own name."""


def is_known_not_kept(last: Mapping[str, Any], name: str, wanted: object, actual: object) -> bool:
    """Returns whether this value was written, and the target kept the one that it has now.

    `last` are the values last applied.
    """
    mark = f"{NOT_KEPT}{name}"
    if mark not in last or not same(wanted, last[mark]):
        return False
    return same(actual, last.get(name)) and not same(actual, last[mark])


Show = Callable[[Slot, object], str]
"""A value as people read it: labels of picklists, names of records."""


def getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """Returns a function that reads the named values of a record as a list, in C."""
    if len(names) == 1:
        only = names[0]
        return lambda record: [record[only]]
    get = itemgetter(*names)
    return lambda record: [*get(record)]


def differing(
    pairs: Iterable[tuple[str, list[Any] | None, Mapping[str, Any]]], names: Sequence[str]
) -> list[str]:
    """Keys whose desired values are not those of their record, or are not known yet (None)."""
    if not names:
        return [key for key, desired, _ in pairs if desired is None]
    actual = getter(names)
    different: list[str] = []
    for key, desired, record in pairs:
        try:
            if desired != actual(record):
                different.append(key)
        except EVALUATION_ERRORS:  # an undefined value among them: traced later
            different.append(key)
    return different


def updates(
    slots: Sequence[Slot],
    desired: Mapping[str, Any],
    record: Mapping[str, Any],
    show: Show,
    systems: SystemNames = UNNAMED,
) -> tuple[dict[str, Any], list[Finding]]:
    """Returns fields to write, and findings about fields that differ and cannot be written.

    An identity that cannot be written leads to neither, so it is not compared.
    """
    compared = [slot for slot in slots if slot.field.writable_on_update() or not slot.identity]
    before = {slot.name: record.get(slot.name) for slot in compared}
    after = {
        slot.name: wanted_value(slot, desired.get(slot.name), before[slot.name])
        for slot in compared
    }
    changed = {name: value for name, value in after.items() if not same(value, before[name])}
    if not changed:
        return {}, []
    kept = _explained({name: before[name] for name in changed}, changed)
    writes: dict[str, Any] = {}
    stuck: list[Finding] = []
    for slot in compared:
        if slot.name not in kept:
            continue
        if slot.field.required and empty(changed[slot.name]):
            stuck.append(_cannot_be_cleared(slot, show(slot, before[slot.name]), systems))
        elif slot.field.writable_on_update():
            writes[slot.name] = changed[slot.name]
        else:
            shown = show(slot, before[slot.name]), show(slot, changed[slot.name])
            stuck.append(_stuck(slot, *shown, systems))
    return writes, stuck


def _explained(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The fields in which two records differ, by deepdiff."""
    from deepdiff import DeepDiff  # noqa: PLC0415 -- takes time to load, and most rows are alike

    delta = DeepDiff(before, after, custom_operators=[_EqualFields()], view="tree")
    return {str(item.path(output_format="list")[0]) for items in delta.values() for item in items}


class _EqualFields:
    """Has deepdiff compare fields with `same`: its own comparison takes integers as floats."""

    def match(self, level: Any) -> bool:  # noqa: ANN401 -- deepdiff's
        return level.up is not None  # a field, not the record as a whole

    def give_up_diffing(self, level: Any, diff_instance: Any) -> bool:  # noqa: ANN401 -- deepdiff's
        if not same(level.t2, level.t1):
            diff_instance.custom_report_result("values_changed", level)
        return True


def wanted_value(slot: Slot, desired: Any, actual: Any) -> Any:  # noqa: ANN401 -- any value of a record
    """Returns what the field should hold, by how it is managed."""
    without_value = None if slot.spec.clear else actual
    wanted = without_value if empty(desired) else desired
    match slot.spec.manage:
        case Manage.CREATE:
            return actual
        case Manage.FILL:
            return wanted if empty(actual) else actual
        case Manage.EXTEND:
            return actual if not empty(desired) and _is_later(actual, desired) else wanted
        case Manage.ALWAYS:
            return wanted
        case _:
            assert_never(slot.spec.manage)


def kept_later(
    slots: Sequence[Slot],
    desired: Mapping[str, Any],
    record: Mapping[str, Any],
    show: Show,
    systems: SystemNames = UNNAMED,
) -> list[Finding]:
    """Returns findings about days that are only moved to a later one, and should be earlier."""
    return [
        Finding(
            "later-day-stays",
            Severity.WARNING,
            f"{slot.name} is {show(slot, record[slot.name])} in {systems.target} and should be "
            f"{show(slot, desired[slot.name])}: the later day stays",
            f"set the earlier day in {systems.target}, which deletes the periods after it for "
            f"good, or correct the day in {systems.source}",
            slot.spec.place,
        )
        for slot in slots
        if slot.spec.manage is Manage.EXTEND
        and not empty(desired.get(slot.name))
        and _is_later(record.get(slot.name), desired[slot.name])
    ]


def _is_later(actual: Any, desired: Any) -> bool:  # noqa: ANN401 -- any value of a record
    return actual is not None and bool(desired < actual)


def _stuck(slot: Slot, before: str, after: str, systems: SystemNames) -> Finding:
    text = (
        f"{slot.name} is {before} in {systems.target} and should be {after}, "
        f"but {systems.target} takes it on create only"
    )
    remedy = (
        "make the row and the record agree in one of the systems, "
        "or write `manage: create` to accept the difference"
    )
    return Finding("create-only-differs", Severity.ERROR, text, remedy, slot.spec.place)


def _cannot_be_cleared(slot: Slot, before: str, systems: SystemNames) -> Finding:
    """The catalogue may not have what a tenant requires, so that `validate` accepts the mapping."""
    text = (
        f"{slot.name} is {before} in {systems.target} and is required there, "
        "and this row has no value for it"
    )
    remedy = f"enter it in {systems.source}, or remove `clear` from the field"
    return Finding("required-empty", Severity.ERROR, text, remedy, slot.spec.place)


def creation(
    slots: Sequence[Slot],
    desired: Mapping[str, Any],
    entity: Entity,
    systems: SystemNames = UNNAMED,
) -> tuple[dict[str, Any], list[Finding]]:
    """All values of a new record, and findings for required fields that nothing fills."""
    values = {
        slot.name: desired[slot.name]
        for slot in slots
        if not empty(desired.get(slot.name)) and slot.field.writable_on_create()
    }
    findings = [
        Finding(
            "required-empty",
            Severity.ERROR,
            f"{entity.name}.{field.name} is required, and this row has no value for it",
            f"enter it in {systems.source}, or give the mapping a value for it",
        )
        for field in entity.fields.values()
        if field.name not in values and is_required(field, entity, values)
    ]
    return values, findings


def reason(
    name: str, desired: object, actual: object, last: Mapping[str, Any] | None, row: str
) -> Reason:
    """Returns why the field differs; only for explanations."""
    if last is None or name not in last:
        return Reason.FIRST
    if same(actual, last[name]) and f"{UNDONE}{name}" in last:
        return Reason.UNDONE
    if same(actual, last[name]):
        return Reason.MAPPING if last.get(ROW) == row else Reason.SOURCE
    written = last.get(f"{NOT_KEPT}{name}", last[name])
    return Reason.DRIFT if same(desired, written) else Reason.BOTH


def field_changes(
    slots: Sequence[Slot],
    writes: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    why: Callable[[str], Reason],
    show: Show,
) -> tuple[FieldChange, ...]:
    """Returns before and after of each field that is written, as display texts."""
    before = record or {}
    return tuple(
        FieldChange(
            field=slot.name,
            before=before.get(slot.name),
            after=writes[slot.name],
            reason=why(slot.name),
            shown_before=show(slot, before.get(slot.name)),
            shown_after=show(slot, writes[slot.name]),
        )
        for slot in slots
        if slot.name in writes
    )


def display_text(slot: Slot, value: object) -> str:
    """Returns the display text of a value, without record names: labels, yes and no, – for none."""
    return display_text_in(slot.field, value)


def display_text_in(field: Field, value: object) -> str:
    """As `display_text`, for any field."""
    if empty(value):
        return "–"
    if isinstance(value, Unknown):
        return "known after apply"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(label(value, field))


def owned(
    slots: Sequence[Slot], values: Mapping[str, Any], row: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the values that the state keeps once the change is done."""
    kept = {
        slot.name: values.get(slot.name)
        for slot in slots
        if slot.spec.manage is not Manage.CREATE
        and (slot.spec.clear or not empty(values.get(slot.name)))
    }
    return {**kept, ROW: fingerprint(row)}


def deactivation(
    mapping: MappingSpec,
    entity: Entity,
    record: Mapping[str, Any],
    names: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the values that deactivate a record: those that it lacks, then all of them.

    `names` are what the expressions among them may use: settings and the plan, for the row is gone.
    Raises CoercionError or one of EVALUATION_ERRORS.
    """
    wanted = {
        name: coerce(evaluate(value.raw, names or {}), field)
        for name, value in mapping.deactivate.items()
        if (field := entity.field(name))
    }
    return {
        name: value for name, value in wanted.items() if not same(value, record.get(name))
    }, wanted
