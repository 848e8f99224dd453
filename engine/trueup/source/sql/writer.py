"""Writes rows of one table with the UPDATE statement that the profile names.

A row is read, compared with the plan, changed and read again in one transaction. The transaction
is rolled back unless the statement changed that one row into the planned values.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, TextClause
from sqlalchemy.exc import SQLAlchemyError

from trueup.model.catalogue import Column, Table, Type
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.column_reader import ColumnReader, RawRow
from trueup.source.errors import RowChanged, UpdateRefused
from trueup.source.profile import statement_values
from trueup.source.sql.database import database_message
from trueup.source.sql.raw_rows import ColumnTypes, as_text, has_key, raw_row_maker, select
from trueup.source.text import canonical_key, shown
from trueup.source.updates import values_to_set
from trueup.source.values import choice_number


class SqlRowWriter(Struct, frozen=True):
    """Writes rows of one table over one connection, each in a transaction of its own."""

    connection: Connection
    table: Table
    columns: Mapping[str, ColumnReader]
    types: ColumnTypes  # the key first
    statement: TextClause
    zone: ZoneInfo
    keys: Collection[str]  # of all rows to write, as reading spells them
    spellings: dict[str, set[str]] = {}
    """By key, how the database spells it; empty until it is asked for."""

    examples: dict[str, object] = {}
    """By name in the database, a value of a column of choices, as far as it was looked for."""

    @property
    def key_name(self) -> str:
        """The name of the key in the database."""
        return next(iter(self.types))

    def write(self, update: RowUpdate) -> RowOutcome:
        """Writes one row; the outcome is in doubt if the COMMIT fails."""
        try:
            self._change(update)
        except UpdateRefused as refusal:
            self.connection.rollback()
            return RowOutcome(update.key, str(refusal), row_changed=isinstance(refusal, RowChanged))
        except SQLAlchemyError as error:
            self.connection.rollback()
            return RowOutcome(update.key, database_message(error, self.connection.engine.url))

        try:
            self.connection.commit()
        except SQLAlchemyError as error:
            return RowOutcome(
                update.key, database_message(error, self.connection.engine.url), in_doubt=True
            )
        return RowOutcome(update.key)

    def _change(self, update: RowUpdate) -> None:
        """Executes the statement, and checks what it did. Raises `UpdateRefused`."""
        key, raw = self._select_row(update)
        if not self._to_set(update, raw):
            return
        result = self.connection.execute(self.statement, self._parameters(update, key, raw))
        if result.rowcount != 1:
            raise UpdateRefused(
                f"the profile's statement changed {result.rowcount} rows; it was rolled back"
            )
        if self._to_set(update, self._select_row(update)[1]):
            raise UpdateRefused(
                "the profile's statement did not set the planned values; it was rolled back"
            )

    def _to_set(self, update: RowUpdate, raw: RawRow) -> Mapping[str, object]:
        return values_to_set(self.table, self.columns, update, raw, self.zone)

    def _select_row(self, update: RowUpdate) -> tuple[object, RawRow]:
        """The key as the database stores it, and the row as it is now.

        The row stays locked until the end of the transaction, where the database supports that.
        """
        name, key = self.key_name, canonical_key(update.key)
        rows = self._rows_where(has_key(name, [key]), key)
        if not rows:  # the database spells the key in yet another way
            rows = [
                row
                for spelling in self._spellings_of(key)
                for row in self._rows_where(as_text(name) == spelling, key)
            ]
        if not rows:
            raise UpdateRefused("the row does not exist any more, and no row is created")
        if len(rows) > 1:
            raise UpdateRefused("the key occurs more than once")
        return rows[0][0], raw_row_maker(self.table, self.types)(rows[0])

    def _rows_where(
        self, condition: ColumnElement[bool], key: str
    ) -> Sequence[sqlalchemy.Row[Any]]:
        """The rows that fulfil the condition and have this key, as reading spells it."""
        query = select(self.table, self.types).where(condition).with_for_update()
        rows = self.connection.execute(query).all()
        return [row for row in rows if canonical_key(str(row[0])) == key]

    def _spellings_of(self, key: str) -> Collection[str]:
        """How the database spells a key; all keys are read once, and only those written kept."""
        if not self.spellings:
            self.spellings.update({wanted: set() for wanted in (key, *self.keys)})
            for (stored,) in self.connection.execute(select(self.table, [self.key_name])):
                wanted = canonical_key(str(stored))
                if wanted in self.spellings:
                    self.spellings[wanted].add(str(stored))
        return sorted(self.spellings[key])

    def _parameters(self, update: RowUpdate, key: object, raw: RawRow) -> Mapping[str, object]:
        """The values of the statement's parameters. Raises `UpdateRefused` if one is missing."""
        values = {name: self._stored(name, value, raw) for name, value in update.values.items()}
        replaced = {name: self._stored(name, value, raw) for name, value in update.expected.items()}
        available = statement_values(key, values, replaced)
        parameters = self.statement.compile().params.keys()
        lacking = parameters - available.keys()
        if lacking:
            raise UpdateRefused(
                f"the profile's statement needs :{min(lacking)}, which the plan does not have"
            )
        return {name: available[name] for name in parameters}

    def _stored(self, name: str, value: object, raw: RawRow) -> object:
        """A value as the database stores it."""
        column = self.table.columns[name]
        if column.type is Type.CHOICE and isinstance(value, str):
            return self._stored_choice(column, value, raw)
        if column.type is Type.TEXT and value is not None:
            return str(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC)  # SQLite compares instants as texts
        is_sqlite = self.connection.dialect.name == "sqlite"
        return str(value) if is_sqlite and isinstance(value, Decimal) else value

    def _stored_choice(self, column: Column, label: str, raw: RawRow) -> object:
        """The label, or its number where the row has a number, as a number or as text.

        A row without a value has what the column holds elsewhere.
        """
        name = str(self.columns[column.name].name_in(raw))
        current = raw[name]
        example = self._example(name) if current is None or current == "" else current
        if choice_number(example) is None:
            return label
        number = _number_of(column, label)
        return str(number) if isinstance(example, str) else number

    def _example(self, name: str) -> object:
        """A number for a column of numbers, else a value of any row; None if there is none."""
        if isinstance(self.types[name], sqlalchemy.Integer | sqlalchemy.Numeric):
            return 0
        if name not in self.examples:
            filled = sqlalchemy.func.char_length(as_text(name)) > 0
            query = select(self.table, [name]).where(filled).limit(1)
            self.examples[name] = self.connection.execute(query).scalar()
        return self.examples[name]


def _number_of(column: Column, label: str) -> int:
    for number, own in column.choices.items():
        if own == label:
            return number
    raise UpdateRefused(
        f"the number of {column.name} {shown(label)} is unknown; name it in the profile"
    )
