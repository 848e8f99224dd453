"""Values of expressions on one row, with the values that they use; for explanations."""

from msgspec import Struct

from trueup.model.finding import Place


class SourceRow(Struct, frozen=True):
    """A row of a table by its key, with its place where the source consists of files."""

    table: str
    key: str
    place: Place | None = None


class NamedValue(Struct, frozen=True):
    """A name that expressions use, with its value on one row."""

    name: str  # source.quantity, related.product.unit, settings.setup_fee, plan.as_of
    value: object  # a list of rows is their number
    type: str  # of the catalogue, or the kind of the value
    row: SourceRow | None = None  # the row that has the value; None: no single row has it
    unreadable: str = ""  # why the value cannot be read; empty if it can


class Evaluation(Struct, frozen=True):
    """The result of one expression on one row."""

    expression: str  # as it was given
    value: object
    kind: str  # what the value is: text, a number, a day, …
    uses: tuple[NamedValue, ...]  # in the order of their names


class RowView(Struct, frozen=True):
    """One row of a mapping with all that its expressions may use."""

    mapping: str
    key: str
    name: str
    row: SourceRow
    columns: tuple[NamedValue, ...]
    joins: tuple[NamedValue, ...]  # each join, followed by the columns of its row if it has one
    others: tuple[NamedValue, ...]  # plan and settings
