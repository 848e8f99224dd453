"""What the times prove in which records state when they were modified.

A tenant that is restored from a backup has no later modification than the backup. So a kept record
that still states its time shows that no modification up to that time is gone. Records that have a
new time show nothing: a user may have edited them after the backup was restored.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import nlargest
from typing import Any

from trueup.target.autotask.paging import Item
from trueup.target.autotask.wire import to_instant

OVERLAP = timedelta(hours=2)
"""More than a transaction takes, and than a clock that keeps local time is set back in autumn."""

_PART_OF_PAGE = 20
"""So many times would the newest records that are always read again fit on a page."""


def starts(
    items: Sequence[Item], clocks: Sequence[str], read: datetime, page: int
) -> Sequence[datetime]:
    """Returns modification times from which records may be queried, the best first.

    Several of the newest kept records state the first one or a later time, so that one of them
    still proves something after others were edited again. The second one is for a tenant of which
    so many records state the same older time, that of an import, that they fill too many pages.
    `read` is this machine's time before they were read: a later time than that proves nothing, and
    no overlap begins there.
    None at all if a record does not state any time, or all of them are later.
    """
    times = [modified(item, clocks) for item in items]
    stated = [time for time in times if time]
    proving = nlargest(max(1, page // _PART_OF_PAGE), (time for time in stated if time <= read))
    if not proving or None in times:
        return []
    newest = proving[0] - OVERLAP
    return [min(newest, proving[-1]), newest]


def sizes_since(
    pieces: Iterable[Mapping[int, Item]], clocks: Sequence[str], since: datetime
) -> Sequence[int]:
    """Returns how many records of each piece state that time or a later one."""
    return [
        sum(
            (time := modified(item, clocks)) is not None and time >= since for item in each.values()
        )
        for each in pieces
    ]


def unmoved(
    before: Mapping[int, Item],
    found: Mapping[int, Item],
    clocks: Sequence[str],
    overlap: tuple[datetime, datetime],
) -> int | None:
    """Returns how many kept records of the overlap state the same time as before.

    `found` are the records that state the beginning of the overlap or a later time.
    None if a modification is gone: a record states an earlier time, or is missing there.
    """
    start, end = overlap
    count = 0
    for id_, item in before.items():
        kept, now = modified(item, clocks), modified(found.get(id_, {}), clocks)
        if kept and (kept > now if now else kept >= start):
            return None
        count += kept is not None and start <= kept <= end and kept == now
    return count


def modified(item: Item, clocks: Sequence[str]) -> datetime | None:
    """The newest modification that a record states; None if it states none."""
    times = [time for name in clocks if (time := _time(item.get(name)))]
    return max(times, default=None)


def _time(value: Any) -> datetime | None:  # noqa: ANN401 -- any JSON
    """The time that a record states; None if it states none, or it cannot be read."""
    try:
        return to_instant(value) if value else None
    except (TypeError, ValueError):
        return None
