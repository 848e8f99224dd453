"""Renders the result of a search: each record with its fit, and the rows linked to it."""

from collections.abc import Mapping, Sequence

from trueup.model.catalogue import SystemNames
from trueup.model.change import RowRef
from trueup.model.finding import BRIEF_KEY
from trueup.model.record_search import Fit, FoundRecord, SearchResult
from trueup.render.formatting import count, known_as
from trueup.render.layout import Cell, Line, free, lay_out
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style

FEW = 10
"""Records that are shown without `-v`."""

_VALUE_COLUMNS = 40

_WHY = {
    Fit.SAME: "is the same",
    Fit.NAME: "is the same name",
    Fit.DOMAIN: "has the domain",
    Fit.BEGINS: "begins with it",
    Fit.CONTAINS: "contains it",
    Fit.WORDS: "has its words",
    Fit.ALIKE: "is similar",
    Fit.SOME_WORDS: "has some of its words",
}


def search_text(
    result: SearchResult,
    command: str,
    names: SystemNames,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
) -> str:
    """The page. `command` links a row to a record, with KEY and ID for both."""
    fields = ", ".join(map(sanitize, result.searched)) or "the records that it refers to"
    looked = f"Searched {sanitize(result.entity)} by {fields}, {_when(result, names)}."
    if not result.found:
        return f"No {sanitize(result.entity)} fits. {looked}\n"
    shown = result.found if verbose else result.found[:FEW]
    lines = [line for one in shown for line in _record(one, style)]
    if len(shown) < len(result.found):
        more = len(result.found) - len(shown)
        lines.append(free(f"and {more:,} more, which fit less (-v shows them)", indent=2))
    lines += [free(looked, style.dim), free(f"→ `{command}` links a row to one of them.")]
    return "".join(f"{line}\n" for line in lay_out(lines, style.columns))


def _when(result: SearchResult, names: SystemNames) -> str:
    """When the records were read, and what that cost."""
    if result.read is None:
        return f"with {count(result.calls, 'call')}"
    minutes = int((result.at - result.read).total_seconds()) // 60
    hours, day = minutes // 60, "" if result.read.date() == result.at.date() else " yesterday"
    age = count(hours, "hour") if hours else count(minutes, "minute")
    ago = f"{age} ago" if minutes else "just now"
    plan = f"as read by the plan of {result.read:%H:%M}{day}, {ago}"
    return f"{plan}; `--fresh` asks {names.target}"


def search_json(result: SearchResult) -> Mapping[str, object]:
    """Returns the same as JSON."""
    return {
        "mapping": result.mapping,
        "entity": result.entity,
        "searched": [*result.searched],
        "calls": result.calls,
        "read": result.read.isoformat() if result.read else None,
        "found": [
            {
                "record": one.record,
                "title": one.title,
                "values": dict(one.values),
                "why": [{"field": name, "fit": fit.name.lower()} for name, fit in one.fits.by],
                "active": one.is_active,
                "linked": [row._asdict() for row in one.linked],
                "decided": [row._asdict() for row in one.decided],
            }
            for one in result.found
        ],
    }


def _record(one: FoundRecord, style: Style) -> list[Line]:
    off = "" if one.is_active else " (inactive)"
    cells = (
        Cell(f"  {one.record}", style.link, right=True),
        Cell(f"{known_as(one.title)}{off}"),
        Cell(owners(one), wraps=True),
    )
    return [Line(cells, "record"), free(why_it_fits(one), style.dim, 6)]


def why_it_fits(one: FoundRecord) -> str:
    """Returns the fields that fit, each with its fit and its value."""
    return ", ".join(
        f"{sanitize(name)} {_WHY[fit]}{_shown(one, name)}" for name, fit in one.fits.by
    )


def owners(one: FoundRecord) -> str:
    """Returns the rows that are linked to it, or decided to be."""
    rows = [*_rows("linked to", one.linked), *_rows("decided for", one.decided)]
    return "; ".join(rows) or "linked to no row"


def _shown(one: FoundRecord, name: str) -> str:
    """The value that fits, unless it is the record's title."""
    value = one.values[name]
    return "" if value == one.title else f": {known_as(value, _VALUE_COLUMNS)}"


def _rows(how: str, rows: Sequence[RowRef]) -> list[str]:
    return [
        f"{how} {known_as(row.name or row.key)} ({row.mapping} {sanitize(row.key[:BRIEF_KEY])})"
        for row in rows
    ]
