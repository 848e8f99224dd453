"""The source port: the system with the rows that should be billed, such as Work 365.

A row is a plain dict by the column names of the catalogue. Values have the Python types of
`model.catalogue.Type`; what cannot be read as its type is a finding, never a guess.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from trueup.model import mapping_state as work
from trueup.model.finding import Finding, Place, Severity

Row = work.Row


class Rows(Struct, frozen=True):
    """Rows in the order of their keys, and findings about rows that were left out.

    A finding of severity error is about a row that exists and was left out. Its key is "" if it is
    unknown. `parts` is what could be read of such a row, by its key; `keyless` that of each row
    whose key is unknown, with the finding about it.
    """

    rows: Sequence[Row]
    findings: Sequence[Finding] = ()
    parts: Mapping[str, Row] = {}
    keyless: Sequence[tuple[Finding, Row]] = ()

    def left_out(self) -> dict[str, list[Finding]]:
        """Why rows were left out, by key; key "" has the rows whose key is unknown."""
        why: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if finding.severity is Severity.ERROR:
                why.setdefault(finding.key, []).append(finding)
        return why

    def only(self, keys: Collection[str], column: str) -> "Rows":
        """Returns the rows with these keys, which are in `column`, and their possible findings.

        A row whose key is unknown may be any of them.
        """
        wanted = {*keys}
        return Rows(
            [row for row in self.rows if str(row[column]) in wanted],
            [finding for finding in self.findings if not finding.key or finding.key in wanted],
            {key: part for key, part in self.parts.items() if key in wanted},
            self.keyless,
        )


class RowUpdate(Struct, frozen=True):
    """A write-back: set `values` on the row if `expected` still holds."""

    key: str
    values: Mapping[str, object]
    expected: Mapping[str, object]


class RowOutcome(Struct, frozen=True):
    """The result of a write-back; `error` is the reason of a failure, "" if it is done.

    `in_doubt`: it may have landed. `untried`: it was not sent, because the one before it got no
    answer. `row_changed`: the row is not as `expected`, and was left as it is.
    """

    key: str
    error: str = ""
    in_doubt: bool = False
    untried: bool = False
    row_changed: bool = False


class Source(Protocol):
    """The system with the rows that should be billed."""

    def describe(self) -> str:
        """Returns the display name, without secrets: `examples/work365`."""
        ...

    def identity(self) -> str:
        """Returns the environment, without secrets; "" if there is none, as with exported files."""
        ...

    def id_entity_of(self, table: str, column: str) -> str | None:
        """The entity whose ids a column keeps: "" if unknown, None if it takes any value."""
        ...

    def decimal_places(self, table: str, column: str) -> int | None:
        """Returns to how many places a column of decimals rounds what is written to it.

        None if it keeps all of them, or if that is unknown. Raises SourceError.
        """
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Returns remarks on reading that no plan depends on: `read whole, its token expired`."""
        ...

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        """Returns the whole table, or its rows with these keys, with the key and these columns.

        Rows are as they are now, perhaps with more columns. With `keys`, findings are only about
        these rows, or about rows whose key is unknown, which may be any of them. Raises
        SourceError.
        """
        ...

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        """Returns the file and line of these rows, by key; none if the source has no files.

        A row that does not exist is left out. Raises SourceError.
        """
        ...

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Sets columns of existing rows, each row whole or not at all; never creates one.

        Raises SourceError.
        """
        ...


class ForwardingSource:
    """The part of a source that forwards to another one. Subclasses read and write."""

    def __init__(self, beneath: Source) -> None:
        self._beneath = beneath

    def describe(self) -> str:
        """Returns the name of the source beneath."""
        return self._beneath.describe()

    def identity(self) -> str:
        """Returns the identity of the source beneath."""
        return self._beneath.identity()

    def id_entity_of(self, table: str, column: str) -> str | None:
        """Answers as the source beneath does."""
        return self._beneath.id_entity_of(table, column)

    def decimal_places(self, table: str, column: str) -> int | None:
        """Answers as the source beneath does. Raises `SourceError`."""
        return self._beneath.decimal_places(table, column)

    @property
    def notices(self) -> Sequence[str]:
        """The notices of the source beneath."""
        return self._beneath.notices

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        """Returns the places in the source beneath. Raises `SourceError`."""
        return self._beneath.places(table, keys)
