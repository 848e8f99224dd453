"""Which records carry which identity: asked by the most telling field, wherever the records are."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.expressions.values import as_text, fold
from engine.model.catalogue import UDF, Entity, Type
from engine.model.fit import empty
from engine.ports import Condition, Record

Read = Callable[[str, Sequence[Condition], Sequence[str]], Sequence[Record]]
"""As `Target.read`."""


def carriers(
    entity: Entity, wanted: Mapping[str, Mapping[str, Any]], read: Read, more: Iterable[str] = ()
) -> dict[str, list[Record]]:
    """Key → records that carry the identity of that key, with `more` fields; one read for all of the same fields."""
    found: dict[str, list[Record]] = {}
    for names in sorted({tuple(sorted(identity)) for identity in wanted.values()}):
        alike = {key: identity for key, identity in wanted.items() if tuple(sorted(identity)) == names}
        found |= _carriers(entity, names, alike, read, more)
    return found


def _carriers(
    entity: Entity, names: Sequence[str], wanted: Mapping[str, Mapping[str, Any]], read: Read, more: Iterable[str]
) -> dict[str, list[Record]]:
    telling = _telling(entity, names)
    asked = {identity[telling] for identity in wanted.values() if not empty(identity[telling])}
    condition = Condition(telling, "in", sorted(asked, key=as_text))
    records = read(entity.name, [condition], sorted({*names, *more})) if asked else []
    found: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        found[_values(record, names)].append(record)
    return {key: found.get(_values(identity, names), []) for key, identity in wanted.items()}


def _values(of: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(fold(of.get(name)) for name in names)


def _telling(entity: Entity, names: Sequence[str]) -> str:
    """Text tells rows apart, references only groups of them; a user-defined field before nothing."""
    texts = [name for name in names if (field := entity.field(name)) and field.type is Type.TEXT]
    return next(iter([*(name for name in texts if not name.startswith(UDF)), *texts, *names]))
