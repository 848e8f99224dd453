"""The customer, contract and service that each row of a plan belongs to."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from trueup.model.change import Change, RowRef
from trueup.model.plan import LedgerLine
from trueup.render.attention import Item
from trueup.render.belonging import name_of
from trueup.render.overview import Overview


class Owner(StrEnum):
    """The kinds of owners by which lists are grouped."""

    CUSTOMER = "customer"
    SERVICE = "service"
    CONTRACT = "contract"


class Owners(Struct, frozen=True):
    """The owners of one row; None if it has none of that kind, or several."""

    customer: RowRef | None = None
    service: RowRef | None = None
    contract: RowRef | None = None

    def of(self, owner: Owner) -> RowRef | None:
        """Returns the owner of that kind."""
        match owner:
            case Owner.CUSTOMER:
                return self.customer
            case Owner.SERVICE:
                return self.service
            case Owner.CONTRACT:
                return self.contract

    def has(self, row: tuple[str, str]) -> bool:
        """Returns whether a row is among the owners."""
        return any(one and one[:2] == row for one in (self.customer, self.service, self.contract))


NO_OWNERS = Owners()


class OwnerFinder:
    """Finds the owners of the rows of one plan, from its changes and its ledger."""

    def __init__(self, seen: Overview) -> None:
        owners = seen.plan.owners
        self._services, self._contracts = owners.services, owners.contracts
        self._belonging, self._lines = seen.belonging, _under(seen.plan.ledger)

    def of_row(
        self, own: Sequence[RowRef], changes: Sequence[Change], items: Sequence[Item]
    ) -> Owners:
        """Returns the owners of a row, from itself, its changes, and its findings."""
        above = [*own, *(row for change in changes for row in change.under)]
        above += [row for item in items for row in item.because]
        above += [row for one in own for row in self._lines.get(one[:2], ())]
        customers = [self._belonging.customer(change) for change in changes]
        customers += [item.customer for item in items]
        customers += [self._belonging.customer_of(row) for row in own]
        return self._owners(next(filter(None, customers), None), above)

    def of_line(self, line: LedgerLine) -> Owners:
        """Returns the owners of a ledger line."""
        return self._owners(line.customer_row, line.under)

    def _owners(self, customer: RowRef | None, above: Iterable[RowRef]) -> Owners:
        rows = [*above]
        return Owners(
            customer,
            next((row for row in rows if row.mapping in self._services), None),
            next((row for row in rows if row.mapping in self._contracts), None),
        )


def _under(ledger: Iterable[LedgerLine]) -> Mapping[tuple[str, str], tuple[RowRef, ...]]:
    """Returns the rows that ledger rows belong to, and the rows that hold their units."""
    found: dict[tuple[str, str], tuple[RowRef, ...]] = {}
    for line in ledger:
        for row in ((line.mapping, line.key), *(one.row[:2] for one in line.held)):
            found.setdefault(row, line.under)
    return found


def customer_name(owners: Owners) -> str:
    """Returns the name of the customer; "" if there is none."""
    return name_of(owners.customer)
