"""The check that no two mappings create a record of the same rows."""

from collections.abc import Hashable, Iterable, Iterator, Mapping

from trueup.config.checks.required_fields import creates
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Linked, MappingSpec, Value, value_key
from trueup.model.project import Rule


def check_same_rows(
    mappings: Mapping[str, MappingSpec], rules: Iterable[Rule]
) -> Iterator[Finding]:
    """Reports mappings that give the same rows records of one entity, with the same identity.

    Where one of `where` and `create` differs, the rows may be others; where rules skip rows of one,
    too, which is a warning. What a plan then finds to be the same is blocked there.
    """
    skipping = {rule.for_ for rule in rules if rule.severity is Severity.SKIP}
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
        may_differ = bool({mapping.name, other.name} & skipping)
        severity = Severity.WARNING if may_differ else Severity.ERROR
        text += ", unless rules skip it in one of them" if may_differ else ""
        remedy = "remove one of them, or give each its own rows with `where`"
        yield Finding("identity", severity, text, remedy, mapping.place)


def _written_rows(mapping: MappingSpec) -> Hashable:
    """Returns what two mappings have in common that write the same records from the same rows."""
    source, target = mapping.source, mapping.target
    return (
        source.table,
        repr(source.where.raw) if source.where else "",
        target.entity,
        frozenset((name, _where(value)) for name, value in target.where.items()),
        frozenset((name, value_key(spec)) for name, spec in mapping.identity.items()),
        repr(mapping.create.raw),
    )


def _where(value: Value | Linked) -> Hashable:
    return ("linked", value.mapping) if isinstance(value, Linked) else ("value", repr(value.raw))
