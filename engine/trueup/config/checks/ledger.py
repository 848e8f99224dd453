"""The check of the parts of a mapping about quantities, besides `append`: `ledger`, `policy`."""

from collections.abc import Collection, Iterator
from decimal import Decimal, InvalidOperation
from typing import assert_never

from trueup.config.checks.coercion import KNOWN_IN_PART
from trueup.config.checks.context import CheckContext, references
from trueup.config.checks.expressions import Names, check_expression
from trueup.config.checks.fields import (
    check_field_name,
    check_key,
    check_mapping_name,
    error,
)
from trueup.config.checks.read_entities import NUMBERS, TIMES, check_read, check_type
from trueup.config.checks.shapes import (
    Constant,
    Scalar,
    is_never_number,
    named,
    never_has_words,
)
from trueup.config.documents import Steps
from trueup.config.schema_errors import shown
from trueup.model.catalogue import Entity, Field, Type
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import (
    EffectiveDay,
    FieldPath,
    LedgerSpec,
    MappingSpec,
    PeriodsSpec,
    PolicyOverride,
    PolicyPart,
    PolicySpec,
    PriceSpec,
    ProofSpec,
    Rounding,
    UnitsSpec,
    Value,
)
from trueup.model.suggestions import hint, nearest, unknown

NUMBER_REMEDY = "name a column with a number, or make one of the text: … | decimal"


def check_ledger(mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with `ledger`, `policy` and `successor_of` of a mapping."""
    entity = context.entity(mapping.target.entity)
    if mapping.ledger:
        yield from _check_comparison(mapping.ledger, mapping, entity, context)
    if mapping.policy:
        yield from check_policy(mapping.policy, mapping, context)
    if mapping.successor_of:
        checked = check_expression(mapping.successor_of, context.of_row(mapping), single=True)
        yield from checked.findings
        if table := context.table(mapping.source.table):
            yield from check_key(checked, table, mapping.name, mapping.successor_of.place)
        if not context.keeps_ledger(mapping):
            text = f"successor_of is for a mapping with a ledger; mapping {mapping.name} has none"
            yield error("ledger", text, mapping.successor_of.place, "remove `successor_of`")


def _check_comparison(
    ledger: LedgerSpec, mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    names = context.of_row(mapping)
    yield from _check_quantity(ledger.quantity, names)
    yield from _check_units(ledger.units, mapping, entity, context)

    place = context.place(mapping, "ledger", "pending")
    yield from check_mapping_name(ledger.pending, context, place)
    pending = context.mappings.get(ledger.pending)
    if pending and not context.appends(pending):
        text = f"ledger: mapping {pending.name} does not append, so it has no pending changes"
        yield error("ledger", text, place)
    elif pending and not _refers_to(pending, {mapping.name, *context.meant_mappings}):
        text = f"ledger: mapping {pending.name} does not refer to {mapping.name}"
        remedy = f"give one of its fields {{ref: {mapping.name}, of: …}}"
        yield error("ledger", text, place, remedy)
    elif pending and pending.append:
        yield from _check_same_units(ledger.units, pending.append.proof, mapping, context)

    if ledger.price:
        yield from _check_price(ledger.price, mapping, entity, context)
    if ledger.periods:
        yield from _check_periods(ledger.periods, mapping, entity, context)


def _refers_to(mapping: MappingSpec, names: Collection[str]) -> bool:
    return any(reference.mapping in names for reference in references(mapping))


def _check_quantity(quantity: Value, names: Names) -> Iterator[Finding]:
    """Reports a quantity that is no number for any row; yes and no count as 1 and 0."""
    checked = check_expression(quantity, names, single=True)
    yield from checked.findings
    for shape in checked.shapes:
        what = ""
        if isinstance(shape, Scalar) and shape.type is not Type.BOOLEAN and is_never_number(shape):
            what = named(shape)
        elif isinstance(shape, Constant) and not isinstance(shape.value, bool | None):
            what = shown(shape.value) if _number(shape.value) is None else ""
        if what:
            text = f"ledger: quantity is {what}, which is no number of units"
            yield error("does-not-fit", text, quantity.place, NUMBER_REMEDY)


def _check_units(
    units: UnitsSpec, mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    unit_field, own_field = units.on
    steps = ("ledger", "units")

    fields: dict[Steps, str] = {("value",): units.value}
    if units.posted:
        fields["posted",] = units.posted
    yield from check_read(units.entity, unit_field, fields, steps, mapping, context)

    if entity:
        place = context.place(mapping, *steps, "on", unit_field)
        if own_field != "id":
            text = f"ledger: unit rows name their service by its id, not by {own_field}"
            yield error("ledger", text, place, f"write on: {{{unit_field}: id}}")
    unit_entity = context.entity(units.entity)
    if unit_entity:
        place = context.place(mapping, *steps, "value")
        yield from check_type(units.value, unit_entity, NUMBERS, "a number", place)
        place = context.place(mapping, *steps, "posted")
        posted_types = TIMES | {Type.BOOLEAN}
        yield from check_type(units.posted, unit_entity, posted_types, "a date", place)


def _check_same_units(
    units: UnitsSpec, proof: ProofSpec, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    """Reports where the units that are compared are not those that prove an adjustment."""
    entity, steps = context.entity(units.entity), ("ledger", "units")
    pairs = (
        (units.entity, proof.entity, ("entity",), "entity"),
        (units.on.row, proof.on.row, ("on", units.on.row), "on"),
        (units.value, proof.rows.units, ("value",), "rows"),
    )
    for own, proven, own_steps, name in pairs:
        is_known = context.entity if name == "entity" else entity.field if entity else None
        if own != proven and is_known and is_known(own) and is_known(proven):
            text = (
                f"ledger: adjustments are proven by {proven} (`append: proof: {name}`), not {own}"
            )
            place = context.place(mapping, *steps, *own_steps)
            yield error("ledger", text, place, "name the same in both places")


def _check_price(
    price: PriceSpec, mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    steps = ("ledger", "price")
    for index, path in enumerate(price.values):
        place = context.place(mapping, *steps, "value", index)
        field, findings = _resolve(path, mapping, entity, context, place)
        yield from findings
        if field and field.type not in NUMBERS:
            yield error("does-not-fit", f"price: {path} is not a number", place)

    place = context.place(mapping, *steps, "per")
    period, findings = _resolve(price.per, mapping, entity, context, place)
    yield from findings
    if period and period.picklist is None:
        yield error("does-not-fit", f"price: {price.per} is not a picklist", place)
    if period and period.picklist:
        yield from _check_months(price, period, mapping, context)


def check_policy(
    policy: PolicySpec, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    """Yields what is wrong with the policy of a mapping."""
    if not context.keeps_ledger(mapping):
        text = f"policy is for a mapping with a ledger; mapping {mapping.name} has none"
        yield error("ledger", text, policy.place, "remove `policy`")
    names = context.of_row(mapping)
    for parts in (policy.parts, *(override.parts for override in policy.overrides)):
        for part, value in parts.items():
            yield from _check_policy_part(part, value, names)
    for override in policy.overrides:
        yield from _check_override(override, mapping, context)


def _check_policy_part(part: PolicyPart, value: Value, names: Names) -> Iterator[Finding]:
    """Reports a value that the part cannot have, also as the result of an expression."""
    checked = check_expression(value, names, single=True)
    yield from checked.findings
    for shape in checked.shapes:
        if isinstance(shape, Constant) and shape.value is not None:
            yield from _check_policy_value(part, shape.value, value.place)
        elif isinstance(shape, Scalar):
            yield from _check_policy_column(part, shape, value.place)


def _words_of(part: PolicyPart) -> list[str] | None:
    """Returns the words that a part may have; None for a number of units, empty for any text."""
    match part:
        case PolicyPart.INCREASE | PolicyPart.DECREASE:
            return [str(one) for one in EffectiveDay]
        case PolicyPart.ROUNDING:
            return [str(one) for one in Rounding]
        case PolicyPart.INCLUDED | PolicyPart.MINIMUM | PolicyPart.CEILING:
            return None
        case PolicyPart.REFUND:
            return []
        case _:
            assert_never(part)


def _check_policy_value(part: PolicyPart, value: object, place: Place) -> Iterator[Finding]:
    words = _words_of(part)
    if words is None and not _is_units(value):
        text = f"policy: {part} is {shown(value)}, which is no number of units"
        yield error("does-not-fit", text, place, "write a number that is 0 or more")
    elif words and value not in words:
        text = f"policy: {part} is {shown(value)}, which is not one of {', '.join(words)}"
        yield error("does-not-fit", text, place, hint(str(value), words))


def _check_policy_column(part: PolicyPart, shape: Scalar, place: Place) -> Iterator[Finding]:
    words = _words_of(part)
    if words is None and is_never_number(shape):
        text = f"policy: {part} is {named(shape)}, which is no number of units"
        yield error("does-not-fit", text, place, NUMBER_REMEDY)
    elif words and never_has_words(shape, words):
        text = f"policy: {part} is {named(shape)}, which is not one of {', '.join(words)}"
        remedy = f"write a condition: {{{{ '{words[0]}' if … else '{words[-1]}' }}}}"
        yield error("does-not-fit", text, place, remedy)


def _is_units(value: object) -> bool:
    number = None if isinstance(value, bool) else _number(value)
    return number is not None and number >= 0


def _number(value: object) -> Decimal | None:
    if not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _check_override(
    override: PolicyOverride, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    """Reports an override that is about no row or unknown ones, or that changes nothing."""
    reached = context.reached(mapping) | {mapping.name}
    if not override.rows:
        text = "policy: this override names no row, so it is no exception"
        remedy = "name one, such as `customer: …`, or set the value in `policy` itself"
        yield error("policy", text, override.place, remedy)
    if not override.parts:
        parts = ", ".join(map(str, PolicyPart))
        text = "policy: this override changes nothing"
        yield error("policy", text, override.place, f"add one of {parts}")
    for name in override.rows:
        if name not in reached:
            text = f"policy: {name!r} is no part of a policy, and no mapping that it refers to"
            yield unknown(text, name, [*map(str, PolicyPart), *reached], override.place)


def _check_periods(
    periods: PeriodsSpec, mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    for key, path in (("start", periods.start), ("end", periods.end)):
        place = context.place(mapping, "ledger", "periods", key)
        field, findings = _resolve(path, mapping, entity, context, place)
        yield from findings
        if field and field.type not in TIMES:
            yield error("does-not-fit", f"periods: {path} is not a date", place)


def _check_months(
    price: PriceSpec, period: Field, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    """Reports labels in `months` that the picklist does not have.

    If only a part of the picklist is known, a label that is not misspelt is only a warning.
    """
    labels = [pick.label for pick in period.picklist or ()]
    unused = [label for label in labels if label not in price.months]
    for label in price.months:
        if label in labels:
            continue
        place = context.key_place(mapping, "ledger", "price", "months", label)
        text = f"price: {label!r} is not in the picklist of {price.per}"
        meant = nearest(label, unused)
        if meant or not period.picklist_partial:
            yield unknown(text, label, [meant] if meant else labels, place)
        else:
            yield Finding("does-not-fit", Severity.WARNING, text, KNOWN_IN_PART, place)


def _resolve(
    path: FieldPath,
    mapping: MappingSpec,
    entity: Entity | None,
    context: CheckContext,
    place: Place,
) -> tuple[Field | None, list[Finding]]:
    """Returns the field that a path names, if it is known, and what is wrong with the path."""
    through, name = path
    if through:
        reachable = {reference.mapping for reference in references(mapping)}
        if through not in reachable and reachable <= context.mappings.keys():
            text = f"ledger: mapping {mapping.name} does not refer to {through!r}"
            return None, [unknown(text, through, reachable, place)]
        other = context.mappings.get(through) if through in reachable else None
        entity = context.entity(other.target.entity) if other else None

    if entity is None:
        return None, []
    return entity.field(name), list(check_field_name(name, entity, place))
