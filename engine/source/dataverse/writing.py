"""One row changed in place, if it still is what the plan was made from.

PATCH with `If-Match: <tag>`, since a bare PATCH would create. On 412 the row is read again: where the columns
that the plan knew are unchanged, it is tried with the new tag, else it is left and said. A write without an
answer is looked up: as wanted is done, else it may still land and is in doubt (work365.md, 6.4).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from zoneinfo import ZoneInfo

from engine.errors import SourceError
from engine.model.catalogue import Type
from engine.ports import RowOutcome, RowUpdate
from engine.source.dataverse.client import DataverseClient, Garbled
from engine.source.dataverse.columns import Found, Reader, choices_here
from engine.source.dataverse.faults import Refused, Unavailable
from engine.source.dataverse.metadata import Definition, Option
from engine.source.dataverse.pages import TAG
from engine.source.json_rows import BROKEN, DECODER, json_text
from engine.source.profile import IDS, Profile
from engine.source.rows import Raw
from engine.source.updates import to_set
from engine.source.values import Misfit, Moved, convert_for, same_key, shown

_TURNS = 4
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class Silent(SourceError):
    """Nobody answers any more, not even to a look at the row that was written; `outcome` is that row's."""

    def __init__(self, outcome: RowOutcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes rows of one table. `reader` reads the columns in question."""

    client: DataverseClient
    definition: Definition
    reader: Reader
    profile: Profile

    def one(self, update: RowUpdate, kept: Raw | None) -> RowOutcome:
        """What became of one update; `kept` is the row as it was read last, if it was. Raises SourceError, Silent."""
        try:
            return self._one(update, kept)
        except Misfit as fault:
            return RowOutcome(update.key, str(fault), moved=isinstance(fault, Moved))
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise
            return RowOutcome(update.key, str(refused))

    def _one(self, update: RowUpdate, kept: Raw | None) -> RowOutcome:
        raw = self._as_kept(update, kept) or self._fetch(update)
        for _ in range(_TURNS):
            left = self._left(update, raw)
            if not left:
                return RowOutcome(update.key)
            try:
                self.client.patch(self._address(update), self._body(left), self._what(update), tag=self._tag(raw))
            except Refused as refused:
                if refused.status != HTTPStatus.PRECONDITION_FAILED:
                    raise
                raw = self._fetch(update)
            except Unavailable as fault:
                return self._look_up(update, fault)
            else:
                return RowOutcome(update.key)
        raise Misfit("it changes all the time")

    def _as_kept(self, update: RowUpdate, kept: Raw | None) -> Raw | None:
        """The kept row, where it is enough to go on: whole, with a tag, and something left to set."""
        if kept is None or not self.definition.concurrent or TAG not in kept:
            return None
        if any(cell.names[0] not in kept for cell in self.reader.cells):
            return None
        try:
            return kept if self._left(update, kept) else None
        except Misfit:
            return None

    def _left(self, update: RowUpdate, raw: Raw) -> Mapping[str, object]:
        cells = {cell.name: cell for cell in self.reader.cells}
        left = to_set(self.reader.table, cells, update, raw, self.reader.zone)
        for name in left.keys() & IDS:
            if not self.profile.holds(self.reader.table.name, name):
                raise Misfit(f"the profile does not say which Autotask id {name} holds (`holds:`)")
            if (now := cells[name].value(raw)) is not None:
                raise Misfit(f"{name} is {shown(now)} already, and is only written where it is empty")
        return left

    def _look_up(self, update: RowUpdate, fault: Unavailable) -> RowOutcome:
        """After a write without an answer: did it land?"""
        doubt = RowOutcome(update.key, str(fault), in_doubt=True)
        try:
            return doubt if self._left(update, self._fetch(update)) else RowOutcome(update.key)
        except (Refused, Misfit):
            return doubt
        except SourceError:
            raise Silent(doubt) from None

    def _fetch(self, update: RowUpdate) -> Raw:
        select = ",".join(sorted({cell.names[0] for cell in self.reader.cells}))
        try:
            return self.client.get(f"{self._address(update)}?$select={select}", self._what(update), _row)
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                raise Misfit("it is not there any more, and nothing is created") from None
            raise

    def _address(self, update: RowUpdate) -> str:
        key = same_key(update.key)
        if not _GUID.fullmatch(key):
            raise Misfit("its key is no GUID")
        return f"{self.definition.entity_set}({key})"

    def _what(self, update: RowUpdate) -> str:
        return f"writing {self.reader.table.name} {update.key}"

    def _tag(self, raw: Raw) -> str:
        tag = raw.get(TAG)
        return tag if self.definition.concurrent and isinstance(tag, str) else "*"

    def _body(self, left: Mapping[str, object]) -> str:
        values: dict[str, object] = {}
        for name, value in sorted(left.items()):
            values |= self._values(self.reader.found[name], value)
        return (
            "{"
            + ", ".join(f"{json.dumps(name)}: {json_text(each, ascii_only=True)}" for name, each in values.items())
            + "}"
        )

    def _values(self, found: Found, value: object) -> Mapping[str, object]:
        """One column as Dataverse takes it; a status reason together with its state."""
        attribute = found.attribute
        if attribute.is_lookup or not attribute.writable:
            raise Misfit(f"{found.column.name} cannot be written")
        if not attribute.options or value is None:
            return {attribute.logical: _plain(found, value, self.reader.zone)}
        option = _option(found, value, self.reader.zone)
        states = [each.logical for each in self.definition.attributes.values() if each.kind == "State"]
        together = {} if option.state is None or attribute.kind != "Status" else dict.fromkeys(states, option.state)
        return {**together, attribute.logical: option.value}


def _option(found: Found, value: object, zone: ZoneInfo) -> Option:
    """The one option that means this value."""
    column = found.column
    if column.type is Type.CHOICE:
        numbers = {number for number, label in choices_here(found).items() if label == value}
    else:
        numbers = {option.value for option in found.attribute.options if _means(found, option, value, zone)}
    if len(numbers) != 1:
        many = "is not known" if not numbers else "is not certain"
        raise Misfit(f"the number of {column.name} {shown(value)} {many}; name it in the profile")
    return next(option for option in found.attribute.options if option.value in numbers)


def _means(found: Found, option: Option, value: object, zone: ZoneInfo) -> bool:
    try:
        return convert_for(found.column, zone, [])(option.label, option.label) == value
    except Misfit:
        return False


def _plain(found: Found, value: object, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return _day(value, found.attribute.behaviour, zone)
    if found.column.type is Type.CHOICE and isinstance(value, str):
        return next((number for number, label in found.column.choices.items() if label == value), value)
    return value


def _day(day: date, behaviour: str, zone: ZoneInfo) -> str:
    """As the column's behaviour wants it; UserLocal as the instant at which the day begins."""
    if behaviour == "DateOnly":
        return day.isoformat()
    return _instant(datetime.combine(day, time(0), zone if behaviour == "UserLocal" else UTC))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _row(body: bytes) -> Raw:
    try:
        row, _ = DECODER.raw_decode(body.decode().lstrip())
    except BROKEN:
        raise Garbled("the answer is not JSON") from None
    if not isinstance(row, dict):
        raise Garbled("the answer is not a row")
    return row
