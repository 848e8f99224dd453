"""Finds the customer, tab and service of the changes and rows of a plan.

Everything is read from references, and the plan names the mappings; no name is parsed.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import assert_never

from trueup.model.change import Action, Change, RowRef
from trueup.model.plan import Blocked, Plan
from trueup.render.view import GroupBy

NO_CUSTOMER = RowRef("", "", "(no customer)")
NO_SERVICE = RowRef("", "", "(no service)")


class Belonging:
    """Finds customers and services for the changes and rows of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._customers, self._services = frozenset({plan.owners.customer}), plan.owners.services
        self._known = _customers_by_row(plan, self._customers)

    def customer(self, change: Change) -> RowRef | None:
        """Returns the change's customer; None if it has none."""
        return _first(change.under, self._customers) or _any(
            self._known.get((change.mapping, key)) for key in change.keys
        )

    def customer_of(self, row: Blocked | RowRef) -> RowRef | None:
        """Returns a row's customer, if the plan names one."""
        if row.mapping in self._customers:
            return RowRef(row.mapping, row.key, row.name)
        because = row.because if isinstance(row, Blocked) else ()
        return self._known.get((row.mapping, row.key)) or _first(because, self._customers)

    def service(self, change: Change) -> RowRef | None:
        """Returns the service that is billed; None if the change is about none."""
        if change.mapping in self._services:
            return RowRef(change.mapping, change.keys[0] if change.keys else "", change.name)
        return _first(change.under, self._services)

    def group_of(self, change: Change, by: GroupBy) -> RowRef:
        """Returns the group in which the change is shown."""
        match by:
            case GroupBy.CUSTOMER:
                return self.customer(change) or NO_CUSTOMER
            case GroupBy.SERVICE:
                return self.service(change) or NO_SERVICE
            case GroupBy.TAB:
                return RowRef("", change.tab, change.tab)
            case _:
                assert_never(by)


def name_of(row: RowRef | None) -> str:
    """The row's name; empty if there is no row."""
    return "" if row is None else row.name or row.key


def _first(rows: Iterable[RowRef], mappings: Collection[str]) -> RowRef | None:
    return next((row for row in rows if row.mapping in mappings), None)


def _any(rows: Iterable[RowRef | None]) -> RowRef | None:
    return next((row for row in rows if row is not None), None)


def _customers_by_row(plan: Plan, customers: Collection[str]) -> Mapping[tuple[str, str], RowRef]:
    """Returns rows whose customer a change or the ledger names, if it is only one."""
    found: dict[tuple[str, str], set[RowRef]] = {}
    for change in plan.changes:
        customer = _first(change.under, customers)
        if customer is not None:
            for key in change.keys:
                found.setdefault((change.mapping, key), set()).add(customer)
    pending = _pending_mapping(plan)
    for line in plan.ledger:
        if line.customer_row is None:
            continue
        held = [(one.row.mapping, one.row.key) for one in line.held]
        changes = [(pending, key) for one in line.held for key in one.keys]
        for row in ((line.mapping, line.key), *held, *changes):
            found.setdefault(row, set()).add(line.customer_row)
    return {row: next(iter(owners)) for row, owners in found.items() if len(owners) == 1}


def _pending_mapping(plan: Plan) -> str:
    """Returns the mapping of the changes that the ledger waits for."""
    adjusting = (change.mapping for change in plan.changes if change.action is Action.ADJUST)
    held = (one.row for line in plan.ledger for one in line.held if one.row.key in one.keys)
    return next(adjusting, "") or next((row.mapping for row in held), "")
