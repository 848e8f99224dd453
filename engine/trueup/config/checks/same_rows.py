"""The check that no two mappings create a record of the same rows."""

from collections.abc import Hashable, Iterator, Mapping

from trueup.config.checks.required_fields import creates
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import FieldSpec, Linked, MappingSpec, Reference, Value


def check_same_rows(mappings: Mapping[str, MappingSpec]) -> Iterator[Finding]:
    """Reports mappings that give the same rows records of one entity, with the same identity.

    Where one of `where` and `create` differs, the rows may be others. What a plan then finds to be
    the same is blocked there.
    """
    first: dict[Hashable, MappingSpec] = {}
    for mapping in mappings.values():
        if not mapping.identity or not creates(mapping):
            continue
        other = first.setdefault(_written_rows(mapping), mapping)
        if other is mapping:
            continue
        text = (
            f"mapping {mapping.name} creates {mapping.target.entity} from table "
            f"{mapping.source.table} with the same identity as mapping {other.name} "
            f"({other.place}): each row would get two records"
        )
        remedy = "remove one of them, or give each its own rows with `where`"
        yield Finding("identity", Severity.ERROR, text, remedy, mapping.place)


def _written_rows(mapping: MappingSpec) -> Hashable:
    """Returns what two mappings have in common that write the same records from the same rows."""
    source, target = mapping.source, mapping.target
    return (
        source.table,
        repr(source.where.raw) if source.where else "",
        target.entity,
        frozenset((name, _where(value)) for name, value in target.where.items()),
        frozenset((name, _value(spec)) for name, spec in mapping.identity.items()),
        repr(mapping.create.raw),
    )


def _where(value: Value | Linked) -> Hashable:
    return ("linked", value.mapping) if isinstance(value, Linked) else ("value", repr(value.raw))


def _value(spec: FieldSpec) -> Hashable:
    """Returns how a field gets its value, without the places in the file."""
    match spec.value:
        case Value():
            return "value", repr(spec.value.raw)
        case Reference():
            return "ref", spec.value.mapping, repr(spec.value.of.raw)
        case _:
            where = spec.value.where.items()
            return (
                "find",
                spec.value.entity,
                frozenset((name, repr(one.raw)) for name, one in where),
            )
