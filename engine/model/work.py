"""Where the rows of one mapping stand while a plan is made: the engine's working noun, filled stage by stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.finding import Finding
from engine.model.plan import Change
from engine.model.project import MappingSpec

Row = dict[str, Any]
"""A row of a table, by column."""

Record = dict[str, Any]
"""A record of an entity, by field, user-defined ones as `udf.Name`."""

Chain = tuple[tuple[str, str, str], ...]
"""(mapping, key, name) of each row on the way to the one at fault."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that is there, or may be, and cannot be read."""

    row: Row  # what can be read of it; whoever uses more of it is told that it cannot be read
    findings: tuple[Finding, ...]  # why


@dataclass(frozen=True, slots=True)
class Gaps:
    """What could not be read of a table: its absence from the rows says nothing."""

    rows: Mapping[str, Unread]  # by key
    nameless: tuple[Finding, ...] = ()  # rows of which nobody knows the key: any row may be one of them


@dataclass(slots=True)
class Standing:
    """Every row of the mapping's table is in exactly one of `ready`, `blocked`, `left`, `out`."""

    mapping: MappingSpec
    rows: Mapping[str, dict[str, Any]]  # the whole table, by key, but for what cannot be read of it
    unread: dict[str, Unread] = field(default_factory=dict)  # rows that cannot be read, or may be such: blocked, or out
    ready: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # key → values of its expressions
    blocked: dict[str, list[Finding]] = field(default_factory=dict)
    because: dict[str, tuple[str, str]] = field(default_factory=dict)  # blocked through this (mapping, key)
    left: dict[str, Finding] = field(default_factory=dict)  # left out on purpose, and why
    out: set[str] = field(default_factory=set)  # not in `where`
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)  # every key that is a record, whatever else holds
    shadows: dict[str, int] = field(
        default_factory=dict
    )  # rows kept out that fit a record all the same: for the ledger
    usable: dict[str, object] = field(default_factory=dict)  # what others may refer to: id, or Unknown
    changes: dict[str, list[Change]] = field(default_factory=dict)
    repeats: dict[str, dict[str, Any]] = field(default_factory=dict)  # creates that an adjustment makes: key → values
    findings: list[Finding] = field(default_factory=list)  # warnings and infos

    def has(self, key: str) -> bool:
        """Is there such a row, or may there be? Only where there is none is a row gone."""
        return key in self.rows or key in self.unread

    def block(self, key: str, finding: Finding, because: tuple[str, str] | None = None) -> None:
        """Takes the row out of what may be written."""
        self.left.pop(key, None)
        self.out.discard(key)
        self.ready.pop(key, None)
        self.usable.pop(key, None)
        self.changes.pop(key, None)
        self.repeats.pop(key, None)
        self.blocked.setdefault(key, []).append(finding)
        if because:
            self.because.setdefault(key, because)

    def leave(self, key: str, finding: Finding) -> None:
        """Leaves the row out on purpose."""
        self.ready.pop(key, None)
        self.usable.pop(key, None)
        self.changes.pop(key, None)
        self.repeats.pop(key, None)
        self.left[key] = finding
