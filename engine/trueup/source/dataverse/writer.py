"""Changes one row in place, if it is still as it was when the plan was made.

A write is a PATCH with `If-Match: <tag>`, because a PATCH without it could create a row. After a
412 the row is read again: if the columns that the plan expects are unchanged, the write is tried
with the new tag, else the row is left as it is. After a write without an answer the row is read:
if it has the planned values, the write is done; if not, the write may still take effect and is in
doubt (docs/explanation/work365.md, section 6.4).
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.errors import SourceError
from trueup.model.catalogue import Type
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.column_reader import RawRow
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.columns import BoundColumn, TableReader, labels_by_number
from trueup.source.dataverse.errors import DataverseRefused, DataverseUnavailable, MalformedBody
from trueup.source.dataverse.metadata import ChoiceOption, TableDefinition
from trueup.source.dataverse.page import ETAG
from trueup.source.errors import InvalidValue, RowChanged, UpdateRefused
from trueup.source.json_rows import DECODER, JSON_ERRORS, json_text
from trueup.source.profile import ID_COLUMNS, Profile
from trueup.source.text import canonical_key, shown
from trueup.source.updates import values_to_set
from trueup.source.values import converter_for

_MOST_TRIES = 4
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class ServiceLost(SourceError):
    """The service does not answer any more, not even to a look-up of the row that was written.

    `outcome` is the outcome of that row.
    """

    def __init__(self, outcome: RowOutcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


class DataverseRowWriter(Struct, frozen=True):
    """Writes rows of one table. `reader` reads the columns that the updates set or expect."""

    client: DataverseClient
    definition: TableDefinition
    reader: TableReader
    profile: Profile

    def write(self, update: RowUpdate, cached: RawRow | None) -> RowOutcome:
        """Writes one update; `cached` is the row as it was last read, if it was.

        Raises `SourceError` if the service cannot be used, `ServiceLost` if it stopped answering.
        """
        try:
            return self._write(update, cached)
        except UpdateRefused as refusal:
            return RowOutcome(update.key, str(refusal), row_changed=isinstance(refusal, RowChanged))
        except DataverseRefused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise
            return RowOutcome(update.key, str(refused))

    def _write(self, update: RowUpdate, cached: RawRow | None) -> RowOutcome:
        row = self._usable(update, cached) or self._fetch(update)
        for _ in range(_MOST_TRIES):
            to_set = self._to_set(update, row)
            if not to_set:
                return RowOutcome(update.key)
            try:
                address, body = self._address(update), self._body(to_set)
                self.client.patch(address, body, self._what(update), tag=self._tag(row))
            except DataverseRefused as refused:
                if refused.status != HTTPStatus.PRECONDITION_FAILED:
                    raise
                row = self._fetch(update)
            except DataverseUnavailable as fault:
                return self._look_up(update, fault)
            else:
                return RowOutcome(update.key)
        raise UpdateRefused("the row keeps changing")

    def _usable(self, update: RowUpdate, cached: RawRow | None) -> RawRow | None:
        """The cached row, if it is complete, has a tag, and has something left to set."""
        if cached is None or not self.definition.concurrent or ETAG not in cached:
            return None
        if any(column.names[0] not in cached for column in self.reader.columns):
            return None
        try:
            return cached if self._to_set(update, cached) else None
        except UpdateRefused:
            return None

    def _to_set(self, update: RowUpdate, row: RawRow) -> Mapping[str, object]:
        """The values that are left to set. Raises `UpdateRefused`."""
        table = self.reader.table
        columns = {column.name: column for column in self.reader.columns}
        to_set = values_to_set(table, columns, update, row, self.reader.zone)
        for name in to_set.keys() & ID_COLUMNS:
            if not self.profile.id_entity_of(table.name, name):
                raise UpdateRefused(
                    f"the profile does not state which Autotask id {name} holds (`holds:`)"
                )
            current = columns[name].value(row)
            if current is not None:
                raise UpdateRefused(
                    f"{name} is {shown(current)} already, and is only written where it is empty"
                )
        return to_set

    def _look_up(self, update: RowUpdate, fault: DataverseUnavailable) -> RowOutcome:
        """The outcome of a write without an answer: done if the row has the planned values."""
        in_doubt = RowOutcome(update.key, str(fault), in_doubt=True)
        try:
            is_done = not self._to_set(update, self._fetch(update))
        except (DataverseRefused, UpdateRefused):
            return in_doubt
        except SourceError:
            raise ServiceLost(in_doubt) from None
        return RowOutcome(update.key) if is_done else in_doubt

    def _fetch(self, update: RowUpdate) -> RawRow:
        select = ",".join(sorted({column.names[0] for column in self.reader.columns}))
        address = f"{self._address(update)}?$select={select}"
        try:
            return self.client.get(address, self._what(update), _row)
        except DataverseRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                raise UpdateRefused(
                    "the row does not exist any more, and no row is created"
                ) from None
            raise

    def _address(self, update: RowUpdate) -> str:
        key = canonical_key(update.key)
        if not _GUID.fullmatch(key):
            raise UpdateRefused("its key is not a GUID")
        return f"{self.definition.entity_set}({key})"

    def _what(self, update: RowUpdate) -> str:
        return f"writing {self.reader.table.name} {update.key}"

    def _tag(self, row: RawRow) -> str:
        tag = row.get(ETAG)
        return tag if self.definition.concurrent and isinstance(tag, str) else "*"

    def _body(self, to_set: Mapping[str, object]) -> str:
        """The body of the PATCH. `json.dumps` is not used, because it cannot write decimals."""
        values: dict[str, object] = {}
        for name, value in sorted(to_set.items()):
            values |= _stored_values(
                self.reader.bound[name], value, self.reader.zone, self.definition
            )
        members = (
            f"{json.dumps(name)}: {json_text(value, ascii_only=True)}"
            for name, value in values.items()
        )
        return f"{{{', '.join(members)}}}"


def _stored_values(
    bound: BoundColumn, value: object, zone: ZoneInfo, definition: TableDefinition
) -> Mapping[str, object]:
    """One column as Dataverse stores it; a status reason together with its state.

    Raises `UpdateRefused`.
    """
    attribute = bound.attribute
    if attribute.is_lookup or not attribute.writable:
        raise UpdateRefused(f"{bound.column.name} cannot be written")
    if not attribute.options or value is None:
        return {attribute.logical: _stored_value(bound, value, zone)}

    option = _option_for(bound, value, zone)
    values: dict[str, object] = {}
    if option.state is not None and attribute.kind == "Status":
        for other in definition.attributes.values():
            if other.kind == "State":
                values[other.logical] = option.state
    values[attribute.logical] = option.value
    return values


def _option_for(bound: BoundColumn, value: object, zone: ZoneInfo) -> ChoiceOption:
    """The one option that means this value. Raises `UpdateRefused`."""
    column, options = bound.column, bound.attribute.options
    if column.type is Type.CHOICE:
        labels = labels_by_number(bound)
        numbers = {number for number, label in labels.items() if label == value}
    else:
        numbers = {option.value for option in options if _means(bound, option, value, zone)}
    if len(numbers) != 1:
        fault = "not certain" if numbers else "unknown"
        raise UpdateRefused(
            f"the number of {column.name} {shown(value)} is {fault}; name it in the profile"
        )
    return next(option for option in options if option.value in numbers)


def _means(bound: BoundColumn, option: ChoiceOption, value: object, zone: ZoneInfo) -> bool:
    try:
        return converter_for(bound.column, zone, [])(option.label, option.label) == value
    except InvalidValue:
        return False


def _stored_value(bound: BoundColumn, value: object, zone: ZoneInfo) -> object:
    column = bound.column
    if isinstance(value, datetime):
        return _stored_instant(value)
    if isinstance(value, date):
        return _stored_day(value, bound.attribute.behaviour, zone)
    if column.type is Type.CHOICE and isinstance(value, str):
        numbers = (number for number, label in column.choices.items() if label == value)
        return next(numbers, value)
    return value


def _stored_day(day: date, behaviour: str, zone: ZoneInfo) -> str:
    """A day by its column's behaviour; UserLocal is the instant at which the day begins."""
    if behaviour == "DateOnly":
        return day.isoformat()
    midnight = datetime.combine(day, time(0), zone if behaviour == "UserLocal" else UTC)
    return _stored_instant(midnight)


def _stored_instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _row(body: bytes) -> RawRow:
    try:
        row, _ = DECODER.raw_decode(body.decode().lstrip())
    except JSON_ERRORS:
        raise MalformedBody("the answer is not JSON") from None
    if not isinstance(row, dict):
        raise MalformedBody("the answer is not a row")
    return row
