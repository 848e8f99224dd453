"""Finds the records that carry an identity, wherever they are."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trueup.expressions.value_filters import as_text, fold_all
from trueup.model.catalogue import UDF, Entity, Type
from trueup.model.coerce import empty
from trueup.ports.target import Condition, Record

Read = Callable[[str, Sequence[Condition], Sequence[str]], Sequence[Record]]
"""Reads records, as `Target.read` does."""


def carriers(
    entity: Entity,
    wanted: Mapping[str, Mapping[str, Any]],
    read: Read,
    more: Iterable[str] = (),
) -> dict[str, list[Record]]:
    """Returns key → records that carry the identity of that key, with `more` fields.

    Identities with the same fields are looked for in one read.
    """
    found: dict[str, list[Record]] = {}
    for names in sorted({tuple(sorted(identity)) for identity in wanted.values()}):
        alike = {
            key: identity for key, identity in wanted.items() if tuple(sorted(identity)) == names
        }
        found |= _carriers(entity, names, alike, read, more)
    return found


def _carriers(
    entity: Entity,
    names: Sequence[str],
    wanted: Mapping[str, Mapping[str, Any]],
    read: Read,
    more: Iterable[str],
) -> dict[str, list[Record]]:
    # One field goes into the query; the others are compared here.
    queried = most_selective(entity, names)
    values = {one[queried] for one in wanted.values() if not empty(one[queried])}
    condition = Condition(queried, "in", sorted(values, key=as_text))
    records = read(entity.name, [condition], sorted({*names, *more})) if values else []

    by_identity: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_identity[fold_all(map(record.get, names))].append(record)
    return {
        key: by_identity.get(fold_all(map(identity.get, names)), [])
        for key, identity in wanted.items()
    }


def most_selective(entity: Entity, names: Sequence[str]) -> str:
    """The field to query by, which fewest records share: text before references and UDFs."""
    texts = [name for name in names if (field := entity.field(name)) and field.type is Type.TEXT]
    built_in = [name for name in texts if not name.startswith(UDF)]
    return next(iter([*built_in, *texts, *names]))
