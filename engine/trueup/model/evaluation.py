"""Values of expressions on one row, with the values that they use; for explanations."""

from dataclasses import dataclass

from trueup.model.finding import Place


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a table by its key, with its place where the source consists of files."""

    table: str
    key: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A name that expressions use, with its value on one row."""

    name: str  # source.quantity, related.product.unit, settings.setup_fee, plan.as_of
    value: object  # a list of rows is their number
    type: str  # of the catalogue, or the kind of the value
    row: SourceRow | None = None  # the row that has the value; None: no single row has it
    unreadable: str = ""  # why the value cannot be read; empty if it can


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of one expression on one row."""

    expression: str  # as it was given
    value: object
    kind: str  # what the value is: text, a number, a day, …
    uses: tuple[NamedValue, ...]  # in the order of their names


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of a mapping with all that its expressions may use."""

    mapping: str
    key: str
    name: str
    row: SourceRow
    columns: tuple[NamedValue, ...]
    joins: tuple[NamedValue, ...]  # each join, followed by the columns of its row if it has one
    others: tuple[NamedValue, ...]  # plan and settings
