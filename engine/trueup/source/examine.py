"""Opens each table that a project reads, and reports its rows, for files and databases.

Dataverse has checks of its own (`source.dataverse.doctor`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from trueup.errors import SourceError
from trueup.model.finding import Finding, Severity
from trueup.ports.source import Rows

ColumnsByTable = Mapping[str, Iterable[str]]

_CORRECT = "correct `source:` in trueup.yaml, or what stands there"


class ReadableTables(Protocol):
    """The part of a source that these checks use."""

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """Returns the whole table, with the key and at least these columns. Raises SourceError."""
        ...

    def location(self, table: str) -> str:
        """Returns where a table is, for messages, without secrets. Raises SourceError."""
        ...

    def require_writable(
        self, table: str, columns: Iterable[str], compared: Iterable[str], /
    ) -> None:
        """Raises SourceError if a write-back of these columns cannot succeed.

        `compared` are other columns that must still have the values that the plan has seen.
        """
        ...


class WrittenColumns(NamedTuple):
    """What a mapping writes back to a table."""

    table: str
    columns: Sequence[str]
    compared: Sequence[str]  # other columns that must not have changed since the plan


def examine(
    source: ReadableTables, read: ColumnsByTable, written: Iterable[WrittenColumns]
) -> list[Finding]:
    """Returns the findings of each table: info is good, an error stops a plan or a write-back.

    `read` has the columns that the project uses, `written` those of each mapping that writes back.
    Never raises `SourceError`. What is wrong with all tables, such as the address, is reported
    once.
    """
    marked = [*written]
    findings: list[Finding] = []
    for table, columns in sorted(read.items()):
        try:
            findings += _table(source, table, sorted(columns))
        except SourceError as fault:
            findings.append(Finding("source-read", Severity.ERROR, str(fault), _CORRECT))
            continue
        findings += [_writing(source, one) for one in marked if one.table == table]
    return list(dict.fromkeys(findings))


def _table(source: ReadableTables, table: str, columns: list[str]) -> Iterator[Finding]:
    """Yields what a table has, and how many of its rows cannot be read. Raises `SourceError`."""
    rows = source.read(table, columns)
    left_out = [one for one in rows.findings if one.severity is Severity.ERROR]
    text = (
        f"{table}: {_count(len(rows.rows), 'row')} with all {_count(len(columns), 'column')}"
        f" that the project uses, in {source.location(table)}"
    )
    yield Finding("source-read", Severity.INFO, text)
    if left_out:
        text = f"{table}: {_count(len(left_out), 'fault')} in rows, the first: {left_out[0].text}"
        remedy = "`trueup plan` lists all of them; a row with a fault is left out until then"
        yield Finding("source-rows", Severity.WARNING, text, remedy, left_out[0].place)


def _writing(source: ReadableTables, written: WrittenColumns) -> Finding:
    table = written.table
    try:
        source.require_writable(*written)
    except SourceError as fault:
        remedy = "until then apply cannot mark what it has done"
        return Finding("source-write", Severity.ERROR, f"{table}: {fault}", remedy)
    return Finding("source-write", Severity.INFO, f"{table}: can be written back")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
