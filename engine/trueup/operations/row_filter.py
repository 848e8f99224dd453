"""Selects rows by what is billed for them: class, customer and money."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.errors import EngineError
from trueup.model.plan import LedgerClass, LedgerLine, Plan
from trueup.model.project import Project
from trueup.model.suggestions import closest
from trueup.model.verdict import Verdict
from trueup.operating_system import shell_quoted
from trueup.planning.selection.row_names import matching_keys

MOST = 5
"""Customers that are named where several may be meant."""


class RowFilter(Struct, frozen=True):
    """Conditions on lines of the ledger; all must hold."""

    classes: frozenset[LedgerClass] = frozenset()  # empty: all but those that match
    customer: str = ""  # key or name; empty: all
    min_amount: Decimal = Decimal(0)  # a month, either way

    @property
    def text(self) -> str:
        """The conditions in the notation of the command line."""
        parts = [f"--class {class_}" for class_ in sorted(self.classes)]
        parts += [f"--customer {shell_quoted(self.customer)}"] if self.customer else []
        parts += [f"--min-amount {self.min_amount}"] if self.min_amount else []
        return " ".join(parts)


class ChosenRows(Struct, frozen=True):
    """The rows that a filter selects."""

    keys: tuple[str, ...]
    notes: tuple[str, ...] = ()  # lines that fit and are not among them, with why


def choose_rows(
    project: Project, plan: Plan, mapping: str, verdict: Verdict, wanted: RowFilter
) -> ChosenRows:
    """Returns the rows of the mapping that the filter selects, in the ledger's order.

    A mapping with a ledger has its own lines; its pending changes are those that its lines hold.
    Raises EngineError for any other mapping, and for a filter that selects nothing.
    """
    owner = _ledger_mapping(project, mapping, wanted)
    lines = [line for line in plan.ledger if line.mapping == owner and line.key]
    of_class = [line for line in lines if _has_class(line, wanted)]
    of_customer = _of_customer(of_class, lines, wanted.customer)
    found = [line for line in of_customer if _has_amount(line, wanted)]
    keys, notes = _keys(found, mapping, owner, verdict)
    unpriced = sum(line.monthly is None for line in of_customer) if wanted.min_amount else 0
    if unpriced:
        notes.append(f"of {unpriced:,} with that class and customer the amount is unknown")
    if not keys:
        counted = [f"{len(of_class):,} of {len(lines):,} rows of {owner} have the class"]
        counted += [f"{len(of_customer):,} of these the customer"] if wanted.customer else []
        counted += [f"{len(found):,} of these the amount"] if wanted.min_amount else []
        raise EngineError(
            f"{wanted.text} selects no row of {mapping} for {verdict}: "
            f"{'; '.join([*counted, *notes])}. Nothing is written"
        )
    return ChosenRows(tuple(dict.fromkeys(keys)), tuple(notes))


def _ledger_mapping(project: Project, mapping: str, wanted: RowFilter) -> str:
    """Returns the mapping whose ledger the filter is about. Raises EngineError for none."""
    spec = project.mappings[mapping]
    owner = spec if spec.ledger else project.ledger_of(mapping)
    if owner:
        return owner.name
    usable = [
        name
        for one in project.mappings.values()
        if one.ledger
        for name in (one.name, one.ledger.pending)
    ]
    raise EngineError(
        f"rows of {mapping} are not billed by quantity, so {wanted.text} selects none of them: "
        f"name the rows, or use it with {' or '.join(usable) or 'a mapping with a ledger'}"
    )


def _keys(
    found: Sequence[LedgerLine], mapping: str, owner: str, verdict: Verdict
) -> tuple[list[str], list[str]]:
    """Returns the keys of rows that can have the decision, and a note about the others."""
    if mapping != owner:
        return [key for line in found for one in line.held for key in one.keys], []
    usable = [line for line in found if verdict is not Verdict.CORRECT or line.difference]
    left = len(found) - len(usable)
    notes = [f"{left:,} more have no difference that a correction would settle"] if left else []
    return [line.key for line in usable], notes


def _has_amount(line: LedgerLine, wanted: RowFilter) -> bool:
    if not wanted.min_amount:
        return True
    return line.monthly is not None and abs(line.monthly) >= wanted.min_amount


def _has_class(line: LedgerLine, wanted: RowFilter) -> bool:
    if not wanted.classes:
        return line.class_ is not LedgerClass.MATCH
    return line.class_ in wanted.classes


def _of_customer(
    found: Sequence[LedgerLine], lines: Sequence[LedgerLine], customer: str
) -> list[LedgerLine]:
    """Returns the lines of the customer. Raises EngineError if none fits, or several."""
    if not customer:
        return [*found]
    rows = [line.customer_row for line in lines if line.customer_row]
    names = {row.key: row.name for row in rows}
    keys = matching_keys(customer, names)
    if len(keys) > 1:
        shown = ", ".join(f"{key} ({names[key]})" for key in sorted(keys)[:MOST])
        raise EngineError(f"{customer!r} may be any of {len(keys):,} customers: {shown}")
    if not keys:
        part = customer.strip().casefold()
        near = sorted({name for name in names.values() if part in name.casefold()})
        near = near or [name for name in [closest(customer, names.values())] if name]
        hint = f"; did you mean {' or '.join(map(repr, near[:MOST]))}?" if near else ""
        raise EngineError(f"nothing is billed or to be billed for a customer {customer!r}{hint}")
    return [line for line in found if line.customer_row and line.customer_row.key == keys[0]]
