"""The rows of one mapping while a plan is made; each stage adds to it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from trueup.model.change import Change
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec

Row = dict[str, Any]
"""A row of a table, by column."""

Record = dict[str, Any]
"""A record of an entity, by field, user-defined ones as `udf.Name`."""

RowKey = tuple[str, str]
"""Mapping and key of a row."""


class UnreadableRow(Struct, frozen=True):
    """A row that exists, or may exist, and cannot be read."""

    row: Row
    """The part that can be read. Other columns give an `UnreadableValue`, which raises if used."""

    findings: tuple[Finding, ...]  # why


class UnreadableRows(Struct, frozen=True):
    """The rows of a table that could not be read.

    A missing row may be one of these, so it does not count as gone.
    """

    rows: Mapping[str, UnreadableRow]  # by key, in the order of the keys
    without_key: tuple[Finding, ...] = ()  # rows whose key is unknown: any row may be one of them
    key_column: str = ""  # of the table; needed only if there are rows
    keyless: tuple[UnreadableRow, ...] = ()  # those of `without_key`, one for each finding


class MappingState(Struct):
    """The rows of a mapping: each is in one of `ready`, `blocked`, `skipped`, `out_of_scope`."""

    mapping: MappingSpec
    rows: Mapping[str, Row]  # the whole table, by key, without rows that cannot be read
    unreadable: dict[str, UnreadableRow] = {}  # blocked, or out of scope
    ready: dict[str, tuple[Any, ...]] = {}  # key → values of expressions
    blocked: dict[str, list[Finding]] = {}
    because: dict[str, RowKey] = {}  # blocked because of this row
    skipped: dict[str, Finding] = {}  # left out on purpose, and why
    skipped_because: dict[str, RowKey] = {}  # it refers to this row
    out_of_scope: set[str] = set()  # not in `where`

    left_alone: dict[str, frozenset[str]] = {}
    """Rows with fields that are not written: a rule about them fails, or they close a circle."""

    records: dict[int, Record] = {}  # by id
    record_ids: dict[str, int] = {}  # every key that is a record
    inferred_links: dict[str, int] = {}
    """Rows that are kept out and fit one record anyway: for the ledger, never written."""

    predecessors: dict[str, str] = {}
    """Rows that take the place of another one, with that row."""

    succeeded_by: dict[str, str] = {}
    """Rows whose record another row took over, with that row: their changes are its changes."""

    moved_from: dict[str, str] = {}
    """Rows that succeed a row with another service, with that row: their changes go together."""

    wanted_by: dict[str, str] = {}
    """Rows whose record another row may take over, with that row: a person decides."""

    left_records: dict[str, int] = {}
    """Rows whose record refers to other rows, with that record: the row gets a new one."""

    former_records: dict[str, tuple[int, ...]] = {}
    """Rows with the records that they have left, and that no row has since: they may have units."""

    contested_records: set[int] = set()
    """Records that several of these rows fit: none of them is known to be its row."""

    unknown_records: dict[str, str] = {}
    """Rows without a known record that may have one anyway, and why: for the ledger."""

    referable: dict[str, object] = {}
    """What other rows may refer to: the record's id, or Unknown where it is yet to be created."""

    changes: dict[str, list[Change]] = {}
    repeats: dict[str, dict[str, Any]] = {}
    """Creates that an adjustment carries out: key → values."""

    findings: list[Finding] = []  # warnings and infos

    def has(self, key: str) -> bool:
        """Returns whether the row exists, or may exist: only a row that does not exist is gone."""
        return key in self.rows or key in self.unreadable

    def holder(self, key: str) -> str:
        """Returns the row that has the record of this row: itself, unless it was handed over."""
        return self.succeeded_by.get(key, key)

    def block(self, key: str, finding: Finding, because: RowKey | None = None) -> None:
        """Excludes the row from all writes; `because` is the row at fault."""
        self.skipped.pop(key, None)
        self.out_of_scope.discard(key)
        self._withdraw(key)
        self.blocked.setdefault(key, []).append(finding)
        if because:
            self.because.setdefault(key, because)

    def skip(self, key: str, finding: Finding, because: RowKey | None = None) -> None:
        """Leaves the row out on purpose; `because` is a row that is left out, too."""
        self._withdraw(key)
        self.skipped[key] = finding
        if because:
            self.skipped_because.setdefault(key, because)

    def leave_out(self, key: str, finding: Finding) -> None:
        """Leaves a row out by a person's decision, even if it is blocked."""
        self.blocked.pop(key, None)
        self.because.pop(key, None)
        self.skip(key, finding)

    def _withdraw(self, key: str) -> None:
        self.ready.pop(key, None)
        self.referable.pop(key, None)
        self.changes.pop(key, None)
        self.repeats.pop(key, None)
        if key in self.left_records:
            self.record_ids[key] = self.left_records.pop(key)
