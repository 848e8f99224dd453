"""What quantities need: append and ledger. A mapping in; what is wrong with these out."""

from collections.abc import Iterator, Mapping

from engine.config.checks.expression import read
from engine.config.checks.fields import error, no_entity, no_field, no_mapping, not_queryable
from engine.config.checks.fitting import KNOWN_IN_PART
from engine.config.checks.ground import Ground, references
from engine.config.documents import Steps
from engine.config.near import nearest, unknown
from engine.model.catalogue import Entity, Field, Type
from engine.model.finding import Finding, Place, Severity
from engine.model.project import AppendSpec, LedgerSpec, MappingSpec, PriceSpec, UnitsSpec

_NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL})
_TIMES = frozenset({Type.DAY, Type.INSTANT})


def check_quantities(mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    """Both."""
    entity = ground.entity(mapping.target.entity)
    if entity:
        yield from _append_or_not(mapping, entity, ground)
    if mapping.append:
        yield from _append(mapping.append, mapping, entity, ground)
    if mapping.ledger:
        yield from _ledger(mapping.ledger, mapping, entity, ground)


def _append_or_not(mapping: MappingSpec, entity: Entity, ground: Ground) -> Iterator[Finding]:
    """`append` is for entities that cannot be asked for, and for no others."""
    readable = "query" in entity.operations
    if mapping.append and readable:
        text = f"{entity.name} can be queried, so `append` is not for it"
        yield error("append", text, mapping.append.place, "use identity and match")
    if not readable and not ground.appends(mapping):
        text = f"Autotask cannot be asked for {entity.name}"
        yield error("append", text, mapping.target.place, "use `append` in the place of identity and match")
    if mapping.append and not readable:
        for spec in (*mapping.identity.values(), *(spec for group in mapping.match for spec in group.values())):
            text = f"Autotask cannot be asked for {entity.name}, so nothing can be found by {spec.name}"
            yield error("append", text, spec.place, "`append` stands in the place of identity and match")


def _append(append: AppendSpec, mapping: MappingSpec, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    for name, steps in _own_fields(append):
        if name not in mapping.fields and not ground.missing(mapping.name, "fields", name):
            text = f"append: {name!r} is not among the fields of mapping {mapping.name}"
            yield unknown(text, name, mapping.fields, ground.place(mapping, "append", *steps))
    if entity:
        place = ground.place(mapping, "append", "merge", "sum")
        yield from _kind(append.merge_sum, entity, _NUMBERS, "a number", place)
    proof, at = append.proof, ("append", "proof")
    rows: dict[Steps, str] = {("rows", index): name for index, name in enumerate(proof.rows)}
    yield from _readable(proof.entity, proof.on[0], rows, at, mapping, ground)


def _own_fields(append: AppendSpec) -> Iterator[tuple[str, Steps]]:
    """The mapping's own fields that `append` names, and where below it."""
    for index, name in enumerate(append.merge_on):
        yield name, ("merge", "on", index)
    yield append.merge_sum, ("merge", "sum")
    yield append.in_turn, ("in_turn",)
    for index, name in enumerate(append.once):
        yield name, ("once", index)
    yield append.proof.on[1], ("proof", "on", append.proof.on[0])


def _readable(
    name: str, asked: str, fields: Mapping[Steps, str], at: Steps, mapping: MappingSpec, ground: Ground
) -> Iterator[Finding]:
    """An entity that is only read: the field that it is asked by, and the fields read, by their steps below `at`."""
    entity = ground.entity(name)
    if entity is None:
        yield no_entity(name, ground, ground.place(mapping, *at, "entity"))
        return
    if "query" not in entity.operations:
        yield error("not-queryable", f"{name} cannot be queried", ground.place(mapping, *at, "entity"))
    place = ground.key_place(mapping, *at, "on", asked)
    yield from no_field(asked, entity, place)
    yield from not_queryable(asked, entity, place, "nothing can be asked for by it")
    for steps, field in fields.items():
        yield from no_field(field, entity, ground.place(mapping, *at, *steps))


def _kind(name: str, entity: Entity, types: frozenset[Type], what: str, place: Place) -> Iterator[Finding]:
    field = entity.field(name)
    if field and (field.type not in types or field.picklist is not None):
        yield error("does-not-fit", f"{entity.name}.{name} is not {what}", place)


def _ledger(ledger: LedgerSpec, mapping: MappingSpec, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    yield from read(ledger.quantity, ground.of_row(mapping), alone=True).findings
    yield from _units(ledger.units, mapping, entity, ground)
    place = ground.place(mapping, "ledger", "pending")
    yield from no_mapping(ledger.pending, ground, place)
    pending = ground.mappings.get(ledger.pending)
    if pending and not ground.appends(pending):
        text = f"ledger: mapping {pending.name} does not append, so nothing of it can be pending"
        yield error("ledger", text, place)
    elif pending and mapping.name not in {reference.mapping for reference in references(pending)}:
        text = f"ledger: mapping {pending.name} does not refer to {mapping.name}"
        yield error("ledger", text, place, f"give one of its fields {{ref: {mapping.name}, of: …}}")
    if ledger.price:
        yield from _price(ledger.price, mapping, entity, ground)


def _units(units: UnitsSpec, mapping: MappingSpec, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    theirs, ours = units.on
    at = ("ledger", "units")
    named: dict[Steps, str] = {("value",): units.value, **({("posted",): units.posted} if units.posted else {})}
    yield from _readable(units.entity, theirs, named, at, mapping, ground)
    if entity:
        yield from no_field(ours, entity, ground.place(mapping, *at, "on", theirs))
    rows = ground.entity(units.entity)
    if rows:
        yield from _kind(units.value, rows, _NUMBERS, "a number", ground.place(mapping, *at, "value"))
        posted = ground.place(mapping, *at, "posted")
        yield from _kind(units.posted, rows, _TIMES | {Type.BOOLEAN}, "a date", posted)


def _price(price: PriceSpec, mapping: MappingSpec, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    at = ("ledger", "price")
    for index, path in enumerate(price.values):
        place = ground.place(mapping, *at, "value", index)
        field, wrong = _follow(path, mapping, entity, ground, place)
        yield from wrong
        if field and field.type not in _NUMBERS:
            yield error("does-not-fit", f"price: {path} is not a number", place)
    place = ground.place(mapping, *at, "per")
    per, wrong = _follow(price.per, mapping, entity, ground, place)
    yield from wrong
    if per and per.picklist is None:
        yield error("does-not-fit", f"price: {price.per} is no picklist", place)
    if per and per.picklist:
        yield from _months(price, per, mapping, ground)


def _months(price: PriceSpec, per: Field, mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    """Labels that a picklist does not have; of one that is known in part, those that are likely misspelt."""
    labels = [pick.label for pick in per.picklist or ()]
    for label in price.months:
        if label in labels:
            continue
        place = ground.key_place(mapping, "ledger", "price", "months", label)
        text = f"price: {label!r} is not in the picklist of {price.per}"
        misspelt = nearest(label, [one for one in labels if one not in price.months])
        if misspelt or not per.picklist_partial:
            yield unknown(text, label, [misspelt] if misspelt else labels, place)
        else:
            yield Finding("does-not-fit", Severity.WARNING, text, KNOWN_IN_PART, place)


def _follow(
    path: str, mapping: MappingSpec, entity: Entity | None, ground: Ground, place: Place
) -> tuple[Field | None, list[Finding]]:
    """`field`, or `mapping.field` through a reference."""
    through, dot, name = path.rpartition(".")
    if dot:
        known = {reference.mapping for reference in references(mapping)}
        if through not in known and known <= ground.mappings.keys():
            text = f"price: mapping {mapping.name} does not refer to {through!r}"
            return None, [unknown(text, through, known, place)]
        other = ground.mappings.get(through) if through in known else None
        entity = ground.entity(other.target.entity) if other else None
    if entity is None:
        return None, []
    return entity.field(name), list(no_field(name, entity, place))
