"""Which rows a list shows, in which order and groups; all of it is in the address."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.change import RowRef
from trueup.model.note import Note
from trueup.render.belonging import name_of
from trueup.render.noted import assignee, tags
from trueup.render.pennies import NOTHING, UNBOUNDED, weight
from trueup.render.view import Sort
from trueup.review.owners import Owner, Owners

PAGE = 50
"""Rows on one page."""

GROUPS = 15
"""Groups on one page: with their rows, a page of the ledger stays below 100 kB."""

IN_GROUP = 4
"""Rows that a group shows; a link leads to all of them."""

NOBODY = "nobody"
"""In place of an assignee: rows that have none."""

_AMOUNT = re.compile(r"([0-9]{1,12}|[0-9]{1,3}(,[0-9]{3}){1,3})(\.[0-9]{1,4})?")


class ListedRow(Protocol):
    """What a filter uses of a row."""

    @property
    def name(self) -> str:
        """The display name."""
        ...

    @property
    def owners(self) -> Owners:
        """The rows that it belongs to, such as its customer."""
        ...

    @property
    def states(self) -> Sequence[str]:
        """What is done with it, or what stops it."""
        ...

    @property
    def classes(self) -> Sequence[str]:
        """The reasons of its changes, and the codes of its findings."""
        ...

    @property
    def notes(self) -> Sequence[Note]:
        """Its note, tags and assignee."""
        ...

    @property
    def weight(self) -> Decimal:
        """Its amount of money, without a sign; `UNBOUNDED` if a price is unknown."""
        ...

    @property
    def sums(self) -> Sequence[Decimal | None]:
        """The amounts that a group adds up."""
        ...

    @property
    def words(self) -> str:
        """All text that a search looks at, casefolded."""
        ...


Row = TypeVar("Row", bound=ListedRow)
Shown = TypeVar("Shown")


class ListPage(Struct, Generic[Shown], frozen=True):
    """One page of a list, of rows or of groups."""

    rows: Sequence[Shown]
    number: int  # from 1 on
    pages: int
    total: int  # rows on all pages
    size: int = PAGE

    @property
    def first(self) -> int:
        """The number of the first row of the page; 0 if it has none."""
        return (self.number - 1) * self.size + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of the last row of the page."""
        return (self.number - 1) * self.size + len(self.rows)


class RowGroup(Struct, Generic[Row], frozen=True):
    """Rows with the same owner. The groups add up to the list, in rows and in each amount."""

    row: RowRef | None  # the owner; None for rows without one
    name: str
    rows: Sequence[Row]  # the first ones
    total: int
    sums: Sequence[Decimal]
    price_unknown: bool  # of one of its rows, at least

    @property
    def weight(self) -> Decimal:
        """The largest of its amounts, without its sign; unbounded if a price is unknown."""
        return weight(self.sums, price_unknown=self.price_unknown)


class Filter(Struct, frozen=True):
    """The conditions, order and page of a list. Empty conditions select everything."""

    state: str = ""
    class_: str = ""
    customer: str = ""  # a part of the name
    service: str = ""  # the same
    under: str = ""  # MAPPING:KEY of the row that it belongs to
    amount: str = ""  # as text: rows with less money are left out
    no_amount: str = ""  # what was given as an amount, and is none: it leaves nothing out
    owner: str = ""  # the assignee, or NOBODY
    tag: str = ""
    text: str = ""  # words that must all occur
    sort: Sort = Sort.MONEY
    group: Owner | None = None
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Filter":
        """Reads the query of an address; an invalid page or order gives the default."""
        page, group = query.get("page", ""), query.get("group", "")
        amount = query.get("amount", "").strip()
        return cls(
            state=query.get("state", ""),
            class_=query.get("class", ""),
            customer=query.get("customer", "").strip(),
            service=query.get("service", "").strip(),
            under=query.get("under", ""),
            amount=amount if _amount(amount) else "",
            no_amount="" if _AMOUNT.fullmatch(amount) else amount,
            owner=query.get("owner", ""),
            tag=query.get("tag", ""),
            text=query.get("text", "").strip(),
            sort=Sort.NAME if query.get("sort") == Sort.NAME else Sort.MONEY,
            group=Owner(group) if group in {*map(str, Owner)} else None,
            page=page_number(page),
        )

    def query(self, **changes: object) -> Mapping[str, str]:
        """Returns the query of an address for this filter with changes; `page` restarts at 1."""
        new = replace(self, **{"page": 1, **changes})
        values = {
            "state": new.state,
            "class": new.class_,
            "customer": new.customer,
            "service": new.service,
            "under": new.under,
            "amount": new.amount,
            "owner": new.owner,
            "tag": new.tag,
            "text": new.text,
            "sort": "" if new.sort is Sort.MONEY else str(new.sort),
            "group": str(new.group or ""),
            "page": "" if new.page == 1 else str(new.page),
        }
        return {name: value for name, value in values.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether it leaves rows out."""
        return bool(self.state or self.customer or self.text or self.has_more)

    @property
    def has_more(self) -> bool:
        """Whether it leaves rows out by a condition that is rarely used."""
        return bool(
            self.class_ or self.service or self.under or self.amount or self.owner or self.tag
        )

    def choose(self, rows: Iterable[Row]) -> list[Row]:
        """Returns the rows that fit, in order."""
        found = [row for row in rows if self._fits(row)]
        if self.sort is Sort.NAME:
            return sorted(found, key=lambda row: row.name.casefold())
        return sorted(found, key=lambda row: (-row.weight, row.name.casefold()))

    def select(self, rows: Iterable[Row]) -> list[Row]:
        """Returns the rows that an action for all of the filter is about, in order.

        Rows with an unknown amount are shown whatever the minimum amount is, but to select them by
        it would be a guess.
        """
        return [row for row in self.choose(rows) if not (self.amount and row.weight == UNBOUNDED)]

    def _fits(self, row: ListedRow) -> bool:
        owners = row.owners
        return (
            (not self.state or self.state in row.states)
            and (not self.class_ or self.class_ in row.classes)
            and _contains(self.customer, owners.customer)
            and _contains(self.service, owners.service)
            and (not self.under or owners.has(_row_of(self.under)))
            and row.weight >= _amount(self.amount)
            and (not self.owner or self.owner == (assignee(row.notes) or NOBODY))
            and (not self.tag or self.tag in tags(row.notes))
            and all(word in row.words for word in self.text.casefold().split())
        )

    def part(self, rows: Iterable[Row]) -> ListPage[Row]:
        """Returns the page of the filter; the last page if there are not so many."""
        return page_of(self.choose(rows), self.page, PAGE)

    def groups(self, rows: Iterable[Row], owner: Owner) -> ListPage[RowGroup[Row]]:
        """Returns the page of groups, in the order of the rows."""
        gathered: dict[tuple[str, ...], list[Row]] = {}
        for row in self.choose(rows):
            by = row.owners.of(owner)
            gathered.setdefault(by[:2] if by else (), []).append(row)
        found = [_group(many, owner) for many in gathered.values()]
        if self.sort is Sort.NAME:
            found.sort(key=lambda group: group.name.casefold())
        else:
            found.sort(key=lambda group: (-group.weight, group.name.casefold()))
        return page_of(found, self.page, GROUPS)


def total(rows: Iterable[ListedRow]) -> list[Decimal]:
    """Returns the sums of rows; those of a list are the sums of its groups."""
    found: list[Decimal] = []
    for row in rows:
        amounts = [amount or NOTHING for amount in row.sums]
        found = [one + more for one, more in zip(found, amounts, strict=True)] if found else amounts
    return found


def price_unknown(rows: Iterable[ListedRow]) -> bool:
    """Returns whether one of the rows, at least, has no known price: their sums lack it."""
    return any(row.weight == UNBOUNDED for row in rows)


def counted(values: Iterable[Sequence[str]]) -> dict[str, int]:
    """Returns each value with the number of rows that have it."""
    found: dict[str, int] = {}
    for every in values:
        for value in every:
            found[value] = found.get(value, 0) + 1
    return found


def page_number(text: str) -> int:
    """Returns the number of a page in an address; 1 for what is none.

    No list has a million pages, and Python refuses to read numbers with thousands of digits.
    """
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 1


def page_of(found: Sequence[Shown], page: int, size: int) -> ListPage[Shown]:
    """Returns one page of a sequence; the last page if there are not so many."""
    pages = max(1, -(-len(found) // size))
    number = min(max(1, page), pages)
    shown = found[(number - 1) * size : number * size]
    return ListPage(shown, number, pages, len(found), size)


def _group(rows: Sequence[Row], owner: Owner) -> RowGroup[Row]:
    by = rows[0].owners.of(owner)
    name = name_of(by) if by else f"(no {owner})"
    return RowGroup(by, name, rows[:IN_GROUP], len(rows), total(rows), price_unknown(rows))


def _contains(text: str, of: RowRef | None) -> bool:
    return not text or text.casefold() in name_of(of).casefold()


def _row_of(text: str) -> tuple[str, str]:
    mapping, _, key = text.partition(":")
    return mapping, key


def _amount(text: str) -> Decimal:
    """Returns the amount in a text such as `1,250.40`; zero if it is none.

    A comma stands between thousands only: `12,50` may be meant as twelve and a half.
    """
    return Decimal(text.replace(",", "")) if _AMOUNT.fullmatch(text) else NOTHING
