"""Joins the halves of a succession or a move: they are sent together or not at all."""

from collections.abc import Sequence

from trueup.model.change import Change


def joined(changes: Sequence[Change]) -> list[tuple[Change, ...]]:
    """Returns changes that are sent together as groups, increases first; others by themselves.

    In the order of the first of each.
    """
    here = {change.id: change for change in changes}
    placed: set[str] = set()
    found = []
    for change in changes:
        if change.id in placed:
            continue
        ids = [change.id]
        for id_ in ids:  # grows
            ids += [other for other in here[id_].together if other in here and other not in ids]
        placed.update(ids)
        found.append(tuple(sorted((here[id_] for id_ in ids), key=lambda one: -one.unit_change)))
    return found


def joined_name(changes: Sequence[Change]) -> str:
    """Returns the display name: the row that gains units, then the rows that lose them."""
    gaining = sorted(changes, key=lambda change: -change.unit_change)
    return ", in place of ".join(dict.fromkeys(change.name for change in gaining))
