"""What `--target`, `--exclude` and `--customer` mean: a mapping or one row of it, by key or by name, never a guess."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from engine.errors import EngineError
from engine.model.near import closest
from engine.model.plan import Change
from engine.planning.draft import Draft
from engine.planning.kin import Key, Kin
from engine.planning.naming import fits

MOST = 5
"""Rows that are named where several fit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One `MAPPING` or `MAPPING:KEY`."""

    mapping: str
    key: str = ""  # empty: the whole mapping

    def names(self, row: Key) -> bool:
        """Is the row one of these?"""
        return row[0] == self.mapping and self.key in ("", row[1])

    def hits(self, change: Change, rows: Sequence[Key]) -> bool:
        """Is the change, which is about these rows, one of theirs?"""
        if self.key:
            return (self.mapping, self.key) in rows
        return self.mapping in (change.mapping, change.makes[0] if change.makes else "")


def asked(draft: Draft, said: str) -> Asked:
    """What `MAPPING[:KEY]` means. Raises EngineError where there is no such thing, or more than one."""
    mapping, colon, key = said.partition(":")
    if mapping not in draft.standings:
        text = f"there is no mapping {mapping!r}: the project has {', '.join(draft.standings)}"
        raise EngineError(text + _meant(mapping, draft.standings))
    return Asked(*_only(draft, key, _fitting(draft, key, mapping), [mapping])) if colon else Asked(mapping)


def customer(draft: Draft, said: str) -> Key:
    """The row of any mapping by its key or name; of rows that fit alike, the one that the others are under.

    Raises EngineError where none fits, or more than one.
    """
    every = [*draft.standings]
    found = [(name, said) for name in every if said in draft.standings[name].rows]
    found = found or [row for name in every for row in _fitting(draft, said, name)]
    mapping, colon, key = said.partition(":")
    if not found and colon and mapping in draft.standings:
        return _only(draft, key, _fitting(draft, key, mapping), [mapping])
    kin = Kin(draft)
    tops = [row for row in found if not kin.every([row]).intersection(found) - {row}]
    return _only(draft, said, tops or found, every)


def _fitting(draft: Draft, said: str, mapping: str) -> list[Key]:
    """The rows of a mapping that may be meant, those in its scope first."""
    standing = draft.standings[mapping]
    if said in standing.rows or said in standing.ids:
        return [(mapping, said)]
    inside = dict.fromkeys(chain(standing.ready, standing.blocked, standing.left, standing.ids))
    found = fits(said, _labels(draft, mapping, inside))
    found = found or fits(said, _labels(draft, mapping, standing.rows.keys() - inside.keys()))
    return [(mapping, key) for key in found]


def _labels(draft: Draft, mapping: str, keys: Iterable[str]) -> dict[str, str]:
    return {key: draft.label(mapping, key) for key in keys}


def _only(draft: Draft, said: str, found: Sequence[Key], mappings: Sequence[str]) -> Key:
    if len(found) == 1:
        return found[0]
    of = f" of {mappings[0]}" if len(mappings) == 1 else ""
    if found:
        shown = "; ".join(f"{name}:{key} ({draft.label(name, key)})" for name, key in sorted(found)[:MOST])
        more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
        raise EngineError(f"{said!r} may be any of {len(found):,} rows{of}: {shown}{more}; give the key")
    names = {
        text for name in mappings for row in _labels(draft, name, draft.standings[name].rows).items() for text in row
    }
    text = f"there is no row {said!r}{of}: give its key, or its name as the plan shows it"
    raise EngineError(text + _meant(said, names))


def _meant(said: str, names: Iterable[str]) -> str:
    near = closest(said, names)
    return f"; did you mean {near!r}?" if near else ""
