"""Which rows a list shows, in which order: all of it stands in the address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from trueup.render.view import Sort

PAGE = 50
"""Rows on one page."""


class Listed(Protocol):
    """What a filter looks at."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def customer(self) -> str:
        """The customer's name; empty where there is none."""
        ...

    @property
    def states(self) -> Sequence[str]:
        """What is done with it, or what stops it."""
        ...

    @property
    def weight(self) -> Decimal:
        """How much money it is about, without a sign."""
        ...

    @property
    def words(self) -> str:
        """All text in which a search looks, casefolded."""
        ...


Row = TypeVar("Row", bound=Listed)


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """One page of a list."""

    rows: Sequence[Row]
    number: int  # from 1 on
    pages: int
    total: int  # rows on all pages

    @property
    def first(self) -> int:
        """The number of the first row of the page; 0 where there is none."""
        return (self.number - 1) * PAGE + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of the last row of the page."""
        return (self.number - 1) * PAGE + len(self.rows)


@dataclass(frozen=True, slots=True)
class Filter:
    """What was asked for. Empty parts select everything."""

    state: str = ""
    customer: str = ""  # a part of the name
    text: str = ""  # words, all of which must be there
    sort: Sort = Sort.MONEY
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filter":
        """Reads an address. What is no page and no order is the first page and the usual order."""
        page = query.get("page", "")
        return cls(
            query.get("state", ""),
            query.get("customer", "").strip(),
            query.get("text", "").strip(),
            Sort.NAME if query.get("sort") == Sort.NAME else Sort.MONEY,
            int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,  # noqa: PLR2004 -- digits of a page that nobody has
        )

    def query(self, **changes: object) -> Mapping[str, str]:
        """The parts of an address for this, with some otherwise; `page` begins anew."""
        new = replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]  # own fields
        values = {
            "state": new.state,
            "customer": new.customer,
            "text": new.text,
            "sort": "" if new.sort is Sort.MONEY else str(new.sort),
            "page": "" if new.page == 1 else str(new.page),
        }
        return {name: value for name, value in values.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether it leaves rows out."""
        return bool(self.state or self.customer or self.text)

    def choose(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that fit, in order."""
        customer, words = self.customer.casefold(), self.text.casefold().split()
        found = [
            row
            for row in rows
            if (not self.state or self.state in row.states)
            and customer in row.customer.casefold()
            and all(word in row.words for word in words)
        ]
        if self.sort is Sort.NAME:
            return sorted(found, key=lambda row: row.name.casefold())
        return sorted(found, key=lambda row: (-row.weight, row.name.casefold()))

    def part(self, rows: Iterable[Row]) -> Part[Row]:
        """The page that was asked for; the last one where there are not so many."""
        found = self.choose(rows)
        pages = max(1, -(-len(found) // PAGE))
        number = min(max(1, self.page), pages)
        shown = found[(number - 1) * PAGE : number * PAGE]
        return Part(shown, number, pages, len(found))


def states_of(rows: Iterable[Listed]) -> dict[str, int]:
    """Each state with the number of rows that have it."""
    found: dict[str, int] = {}
    for row in rows:
        for state in row.states:
            found[state] = found.get(state, 0) + 1
    return found
