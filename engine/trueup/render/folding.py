"""Groups changes that one line can represent.

Alike: equal values, one line for all. Of one kind: the same fields with values of their own; the
first few are shown in full, the others are counted. Joined: they are sent together or not at all.
`verbose` groups these alone.
"""

from collections.abc import Callable, Hashable, Sequence

from msgspec import Struct

from trueup.model.change import Action, Change, Reason
from trueup.render.joined import joined

MANY = 10
"""Changes of one kind that are shown one by one; of more, only the first three."""

MANY_CREATES = 5
"""Creates of one mapping with the same fields that have a line each."""

FEW_LINKS = 3
"""Links of one mapping, found in one way, that have a line each; none if a value differs."""

EXAMPLES = 3


class FoldedChanges(Struct, frozen=True):
    """Changes that are shown together; `alike` if one line represents all."""

    changes: tuple[Change, ...]
    alike: bool = True
    is_joined: bool = False  # the halves of a succession or a move

    @property
    def first(self) -> Change:
        """The change that represents the others."""
        return self.changes[0]


def fold(changes: Sequence[Change], *, verbose: bool = False) -> list[FoldedChanges]:
    """Returns groups in the order of their first change."""
    every = joined(changes)
    halves = [FoldedChanges(group, is_joined=True) for group in every if len(group) > 1]
    others = [group[0] for group in every if len(group) == 1]
    groups = halves + (
        [FoldedChanges((change,)) for change in others] if verbose else _folded(others)
    )
    place = {change.id: position for position, change in enumerate(changes)}
    return sorted(groups, key=lambda group: min(place[change.id] for change in group.changes))


def _folded(changes: Sequence[Change]) -> list[FoldedChanges]:
    groups: list[FoldedChanges] = []
    for of_kind in _by(kind, changes):
        alike = _by(_equal, of_kind)
        several = [FoldedChanges(tuple(same)) for same in alike if len(same) > 1]
        single = [same[0] for same in alike if len(same) == 1]
        groups += several + _few(single)
    return groups


def is_drift(change: Change) -> bool:
    """Returns whether it only restores values that were edited in Autotask."""
    return bool(change.fields) and all(field.reason is Reason.DRIFT for field in change.fields)


def _by(key: Callable[[Change], Hashable], changes: Sequence[Change]) -> list[list[Change]]:
    found: dict[Hashable, list[Change]] = {}
    for change in changes:
        found.setdefault(key(change), []).append(change)
    return list(found.values())


def kind(change: Change) -> Hashable:
    """Returns what changes of one kind have in common: action, fields and reason.

    A write-back with money is of a kind of its own.
    """
    fields = tuple((field.field, field.reason) for field in change.fields)
    own = change.id if change.action is Action.WRITE_BACK and change.lost else ""
    return change.action, change.mapping, change.entity, change.how, fields, own


def _equal(change: Change) -> Hashable:
    match change.action:
        case Action.UPDATE | Action.WRITE_BACK if change.fields:
            values = tuple((f.shown_before, f.shown_after) for f in change.fields)
            return values, change.notes, change.monthly, change.one_off
        case Action.DEACTIVATE if change.fields and all(
            field.reason is Reason.UNDO for field in change.fields
        ):
            return tuple((f.shown_before, f.shown_after) for f in change.fields), change.notes
        case _:
            return change.id


def _replaces(change: Change) -> bool:
    """Returns whether it replaces a value; otherwise it only fills an empty field."""
    return any(field.before is not None for field in change.fields)


def _few(changes: list[Change]) -> list[FoldedChanges]:
    """Returns the part of a long list of one kind that is shown in full."""
    if not changes:
        return []
    each = [FoldedChanges((change,)) for change in changes]
    match changes[0].action:
        case Action.CREATE:
            return each if len(changes) <= MANY_CREATES else [FoldedChanges(tuple(changes))]
        case Action.WRITE_BACK:
            return [FoldedChanges(tuple(changes), alike=len(changes) == 1)]
        case Action.LINK if len(changes) > FEW_LINKS and not any(map(_replaces, changes)):
            return [FoldedChanges(tuple(changes))]
        case Action.UPDATE if len(changes) > MANY:
            return [*each[:EXAMPLES], FoldedChanges(tuple(changes[EXAMPLES:]), alike=False)]
        case _:
            return each
