"""Walks a JSON text row by row: `{"value": [{…}, …]}` or the bare list.

The whole-document parser cannot do two things that are needed here: give the position of each row
in the text, and read one row at a time. Numbers with a point become `Decimal`.
"""

import json
import re
from collections.abc import Generator
from decimal import Decimal, InvalidOperation

PlacedRow = tuple[int, int, object]
"""The offset of the first character, the offset after the last, and the value."""

JSON_ERRORS = (json.JSONDecodeError, RecursionError, InvalidOperation, ValueError)
"""Raised for a text that is not JSON, is nested too deeply, or holds a number that is too long."""


class DuplicateJsonKey(ValueError):
    """An object has one key twice; the text is the key."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Builds an object. Raises `DuplicateJsonKey`: which of two values counts would be a guess."""
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    names = [name for name, _ in pairs]
    raise DuplicateJsonKey(next(name for name in names if names.count(name) > 1))


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
STRICT_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=str, object_pairs_hook=_without_duplicates
)
"""For files, which people edit. It adds less than a tenth to the time of reading a file."""

_BLANK = re.compile(r"[ \t\r\n]*")


class JsonRows:
    """A text to walk; when `rows` has ended, `rest` holds the other members of the envelope."""

    def __init__(self, text: str, decoder: json.JSONDecoder = DECODER) -> None:
        self.text, self._decoder = text, decoder
        self.rest: dict[str, object] = {}

    def rows(self) -> Generator[PlacedRow, None, None]:
        """Yields row by row. Raises one of `JSON_ERRORS`."""
        at = self._skip_blank(0)
        if self.text[at : at + 1] == "[":
            at = yield from self._elements(at)
        elif self.text[at : at + 1] == "{":
            at = yield from self._envelope(at)
        else:
            raise json.JSONDecodeError(
                "a list of rows, or an object with `value`, was expected", self.text, at
            )
        end = self._skip_blank(at)
        if end != len(self.text):
            raise json.JSONDecodeError("the end of the text was expected", self.text, end)

    def _envelope(self, at: int) -> Generator[PlacedRow, None, int]:
        """Walks an object: yields the rows under `value`, keeps its other members in `rest`."""
        at, has_rows = self._skip_blank(at + 1), False
        while self.text[at : at + 1] != "}":
            start = at
            key, at = self._key(at)
            if key in self.rest or (key == "value" and has_rows):
                raise json.JSONDecodeError(
                    f"`{key}` occurs twice; keep one of them", self.text, start
                )
            if key == "value" and self.text[at : at + 1] == "[":
                has_rows = True
                at = yield from self._elements(at)
            else:
                self.rest[key], at = self._value(at)
            at = self._next_item(at, "}")
        if not has_rows:
            raise json.JSONDecodeError(
                "an object with a list under `value` was expected", self.text, at
            )
        return at + 1

    def _elements(self, at: int) -> Generator[PlacedRow, None, int]:
        at = self._skip_blank(at + 1)
        while self.text[at : at + 1] != "]":
            row, end = self._value(at)
            yield at, end, row
            # Most rows follow each other without a blank between them.
            at = end + 1 if self.text.startswith(",{", end) else self._next_item(end, "]")
        return at + 1

    def row_at(self, start: int) -> object:
        """Returns the row at an offset that `rows` has yielded. Raises one of `JSON_ERRORS`."""
        return self._value(start)[0]

    def spans(self, start: int) -> dict[str, tuple[int, int]]:
        """Returns where the values of the object at that offset stand, by key.

        A span is the offset of the first character and the offset after the last one. Of two equal
        keys the last one counts.
        """
        spans, at = {}, self._skip_blank(start + 1)
        while self.text[at] != "}":
            key, first = self._key(at)
            end = self._value(first)[1]
            spans[key] = first, end
            at = self._next_item(end, "}")
        return spans

    def _key(self, at: int) -> tuple[str, int]:
        """The key at that offset, and the offset of its value."""
        key, end = self._value(at)
        colon = self._skip_blank(end)
        if not isinstance(key, str) or self.text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("a name in quotes and a colon were expected", self.text, at)
        return key, self._skip_blank(colon + 1)

    def _value(self, at: int) -> tuple[object, int]:
        try:
            value, end = self._decoder.raw_decode(self.text, at)
        except DuplicateJsonKey as error:
            text = f"`{error}` occurs twice in one row; keep one of them"
            offset = self._second_occurrence(str(error), at)
            raise json.JSONDecodeError(text, self.text, offset) from None
        return value, end

    def _second_occurrence(self, key: str, at: int) -> int:
        """The offset of the key's second occurrence; that of the row if the key has escapes."""
        pattern = rf'"{re.escape(key)}"\s*:'
        offsets = [match.start() for match in re.finditer(pattern, self.text[at:])]
        return at + offsets[1] if len(offsets) > 1 else at

    def _next_item(self, at: int, close: str) -> int:
        """The offset of the next item, or of the closing bracket."""
        at = self._skip_blank(at)
        if self.text[at : at + 1] == ",":
            at = self._skip_blank(at + 1)
            if self.text[at : at + 1] != close:
                return at
        elif self.text[at : at + 1] == close:
            return at
        raise json.JSONDecodeError(f"a comma or `{close}` was expected", self.text, at)

    def _skip_blank(self, at: int) -> int:
        blank = _BLANK.match(self.text, at)
        return blank.end() if blank else at


def json_text(value: object, *, ascii_only: bool) -> str:
    """Returns a scalar as JSON text; decimals are written digit by digit."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=ascii_only)
