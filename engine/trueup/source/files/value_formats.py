"""How the people or the spreadsheet that made an export write numbers, days and times.

Nothing is guessed: without `format:` in trueup.yaml only `1234.5`, `2026-11-15` and instants with a
zone are read. `FileFormat` holds what `source.format` sets; `ValueFormat.read` turns a text into
the one that `source.values` reads, `write` does the reverse for a write-back.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.catalogue import Column, Table, Type
from trueup.source.column_reader import Adapt
from trueup.source.errors import InvalidValue
from trueup.source.text import shown
from trueup.source.values import Convert

_NUMBERS = (Type.DECIMAL, Type.INTEGER)
_FORMATTED = (*_NUMBERS, Type.DAY, Type.INSTANT)
_GROUPS = {",": "[.\u0020\u00a0\u202f'’]", ".": "[,\u0020\u00a0\u202f'’]"}
"""By decimal sign: what may stand between groups of three digits."""

_TIME = re.compile(
    r"(?P<day>.*?)[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(:(?P<second>\d\d)(\.\d+)?)?"
    r"( ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?")
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 -- as a cell of a workbook holds it
_LONGEST_DAY = len("2026-11-15")
_TOKENS = {"DD": r"(?P<day>\d{1,2})", "MM": r"(?P<month>\d{1,2})", "YYYY": r"(?P<year>\d{4})"}


class ValueFormat(Struct, frozen=True):
    """How one column, or a whole folder, writes its values."""

    decimal: str = ""  # the decimal sign, `.` or `,`; empty: `.` without groups of digits
    day: str = ""  # such as DD/MM/YYYY; empty: ISO 8601 only
    local_times: bool = False  # times without a zone are in the business time zone

    def read(self, column: Column, value: object, zone: ZoneInfo) -> object:
        """Returns the value as `source.values` reads it. Raises `InvalidValue`.

        `zone` is the business time zone. Of two equal times when the clocks go back, the first is
        meant.
        """
        if isinstance(value, str) and self.decimal and column.type in _NUMBERS:
            return self._number(value)
        if column.type not in (Type.DAY, Type.INSTANT):
            return value
        if isinstance(value, datetime) and column.type is Type.DAY:  # of a cell with a type
            return self._day_of_time(value)
        if isinstance(value, str) and self.day:
            value = self._day(value)
        if column.type is Type.INSTANT:
            return self._instant(value, zone)
        is_long = isinstance(value, str) and len(value) > _LONGEST_DAY
        return self._day_of_time(value) if is_long else value

    def write(self, value: object, zone: ZoneInfo) -> object:
        """Returns a number, day or instant as the file writes it; any other value as it is.

        An instant that `read` would not find in a local time keeps its offset: the second of two
        equal times when the clocks go back, or one with a part of a second.
        """
        if isinstance(value, Decimal) and self.decimal == ",":
            return format(value, "f").replace(".", ",")
        if isinstance(value, datetime) and self.local_times:
            local = value.astimezone(zone)
            if local.fold or local.microsecond:
                return local.isoformat()
            return f"{self._written_day(local.date())} {local:%H:%M:%S}"
        if isinstance(value, date) and not isinstance(value, datetime) and self.day:
            return self._written_day(value)
        return value

    def write_typed(self, value: object, zone: ZoneInfo) -> object:
        """Returns a value for a cell with a type; as `write`, but only times have a spelling.

        A cell has no zone: where `read` would not find an instant in a local time, it stays.
        """
        if isinstance(value, datetime) and self.local_times:
            local = value.astimezone(zone)
            return value if local.fold or local.microsecond else local.replace(tzinfo=None)
        return value

    def _number(self, text: str) -> object:
        sign, group = re.escape(self.decimal), _GROUPS[self.decimal]
        digits = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d+"
        if not re.fullmatch(rf"[+-]?(?:{digits})(?:{sign}\d+)?", text.strip()):
            raise InvalidValue(
                f"{shown(text)} is not a number with the decimal sign {self.decimal}"
            )
        return re.sub(group, "", text.strip()).replace(self.decimal, ".")

    def _day(self, text: str) -> object:
        """The day, with its time if it has one, as ISO 8601; ISO 8601 itself stays as it is."""
        with_time = _TIME.fullmatch(text.strip())
        pattern = re.escape(self.day)
        for token, part in _TOKENS.items():
            pattern = pattern.replace(token, part)
        match = re.fullmatch(pattern, (with_time["day"] if with_time else text).strip())
        if match is None:
            return text
        try:
            day = date(int(match["year"]), int(match["month"]), int(match["day"]))
            at = _time_of(with_time) if with_time else None
        except ValueError:
            raise InvalidValue(f"{shown(text)} is not a day ({self.day})") from None
        return datetime.combine(day, at) if at else day.isoformat()

    def _instant(self, value: object, zone: ZoneInfo) -> object:
        if isinstance(value, str) and _NAIVE.fullmatch(value.strip()):
            value = datetime.fromisoformat(value.strip())
        if not isinstance(value, datetime) or value.tzinfo:
            return value
        if not self.local_times:
            raise InvalidValue(
                f"{value:%Y-%m-%d %H:%M} is a time without a zone: where these are in the "
                "project's time_zone, set source.format.local_times"
            )
        return value.replace(tzinfo=zone)

    def _day_of_time(self, value: object) -> object:
        """The day of a time without a zone.

        Midnight and the last moment of the calendar are that day in any zone.
        """
        if isinstance(value, str) and _NAIVE.fullmatch(value.strip()):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                return value
        if not isinstance(value, datetime):
            return value
        is_day = value.time() == time() or value.replace(microsecond=0) == _LAST_MOMENT
        if not is_day and not self.local_times:
            raise InvalidValue(
                f"{value:%Y-%m-%d %H:%M} is a time without a zone, and no day: where these are in "
                "the project's time_zone, set source.format.local_times"
            )
        return value.date()

    def _written_day(self, day: date) -> str:
        if not self.day:
            return day.isoformat()
        parts = {"DD": f"{day:%d}", "MM": f"{day:%m}", "YYYY": f"{day.year:04}"}
        return re.sub("DD|MM|YYYY", lambda match: parts[match[0]], self.day)


PLAIN = ValueFormat()


class FileFormat(Struct, frozen=True):
    """How the files of a folder write values, with exceptions for single columns."""

    default: ValueFormat = PLAIN
    columns: Mapping[str, ValueFormat] = {}  # by `table.column`

    def of(self, table: Table, column: Column) -> ValueFormat:
        """Returns the format of a column."""
        return self.columns.get(f"{table.name}.{column.name}", self.default)

    def adapt(self, table: Table, zone: ZoneInfo) -> Adapt:
        """Returns what makes converters of a table's columns read values of these files."""

        def adapted(column: Column, convert: Convert) -> Convert:
            own = self.of(table, column)
            if column.type not in _FORMATTED:
                return convert

            is_plain = own == PLAIN and column.type in _NUMBERS

            def as_written(value: object, display: object) -> object:
                try:
                    known = value if is_plain else own.read(column, value, zone)
                    return convert(known, display)
                except InvalidValue as error:
                    raise _with_hint(error, value) from None

            return as_written

        return adapted


def parse_format(data: Mapping[str, Any]) -> FileFormat:
    """Returns the format that `source.format` of a trueup.yaml states, valid for its schema."""
    own = {name: value for name, value in data.items() if name != "columns"}
    default = ValueFormat(**own)
    columns = {name: replace(default, **given) for name, given in data.get("columns", {}).items()}
    return FileFormat(default, columns)


def _time_of(match: re.Match[str]) -> time:
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half and not 1 <= hour <= 12:  # noqa: PLR2004 -- of a clock
        raise ValueError
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, int(match["minute"]), int(match["second"] or 0))


_LOCAL_DAY = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{4}( .*)?")
_LOCAL_NUMBER = re.compile(r"[+-]?[\d.,'’\u0020\u00a0\u202f]*\d[.,]\d+")


def _with_hint(error: InvalidValue, value: object) -> InvalidValue:
    """The error, with the setting that says how such values are to be read."""
    text = value.strip() if isinstance(value, str) else ""
    if _LOCAL_DAY.fullmatch(text):
        return InvalidValue(f"{error}: how the file writes days is set by source.format.day")
    if _LOCAL_NUMBER.fullmatch(text):
        return InvalidValue(f"{error}: how the file writes numbers: source.format.decimal")
    return error
